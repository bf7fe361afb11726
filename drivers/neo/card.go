package neo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/t0"
)

// noHistory is the answer to reset of a card in a field of which nothing is told:
// T=0 and T=1, and no historical bytes (PC/SC part 3, 3.1.3.2.3.1).
var noHistory = []byte{0x3B, 0x80, 0x80, 0x01, 0x01}

// card is a card that was activated, until it is released or gone. Its fields
// belong to the call that the link serves.
type card struct {
	d    *Dev
	gone bool // taken away
	over bool // without power, or of no further use
}

// ATR is made up, and the same for all cards.
func (c *card) ATR() []byte { return noHistory }

// Exchange sends one APDU.
func (c *card) Exchange(ctx context.Context, apdu []byte) (drivers.Response, error) {
	d := c.d
	if err := d.link.Begin(ctx); err != nil {
		return drivers.Response{}, err
	}
	defer d.link.End()
	if c.over {
		return drivers.Response{}, d.wrap(exchange, fmt.Errorf("%w: this card's session has ended", drivers.ErrCardGone))
	}
	m, send, err := t0.Whole(apdu)
	if err != nil {
		return drivers.Response{}, d.wrap(exchange, err)
	}
	var first time.Time
	for {
		data, err := c.transfer(send)
		if first.IsZero() {
			first = d.sent
		}
		var done []byte
		if err == nil {
			send, done, err = m.Next(data)
		}
		switch {
		case err != nil:
			c.over = true
			return drivers.Response{}, c.why(err)
		case done != nil:
			return drivers.Response{Data: done, Elapsed: d.heard.Sub(first)}, nil
		}
	}
}

// transfer gives the card one command and returns its answer.
func (c *card) transfer(apdu []byte) ([]byte, error) {
	a, err := c.d.once(exchange, apdu, cardTime)
	if err != nil {
		return nil, err
	}
	return a.data, failure(a.status)
}

// why says what a failed exchange means for the card.
func (c *card) why(err error) error {
	d := c.d
	switch {
	case errors.Is(err, errMute):
		d.down()
		err = fmt.Errorf("%w: %w", drivers.ErrTimeout, err)
	case errors.Is(err, drivers.ErrNoDevice):
		d.down()
		err = fmt.Errorf("%w: %w", drivers.ErrCardGone, err)
	case errors.Is(err, errMode):
		d.lose()
		err = fmt.Errorf("%w: %w", drivers.ErrCardGone, err)
	case errors.Is(err, errLate), errors.Is(err, errFailed):
		d.removed()
		err = fmt.Errorf("%w: %w", drivers.ErrCardGone, err)
	case errors.Is(err, drivers.ErrRefused):
		err = fmt.Errorf("%w: %w", drivers.ErrProtocol, err)
	}
	return d.wrap(exchange, err)
}

// Gone waits until the card is taken away. After Release it waits until there
// is none: a card that is taken away and held there again between two looks
// passes for the same one.
func (c *card) Gone(ctx context.Context) error {
	for {
		gone, err := c.look(ctx)
		if gone || err != nil {
			return err
		}
	}
}

// look looks once whether the card is still there.
func (c *card) look(ctx context.Context) (gone bool, err error) {
	if err := c.d.link.Begin(ctx); err != nil {
		return false, err
	}
	defer c.d.link.End()
	if c.gone {
		return true, nil
	}
	there, err := c.d.look()
	return err == nil && !there, err
}

// Release switches the field off, even if ctx has ended.
func (c *card) Release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	d := c.d
	if err := d.link.Begin(ctx); err != nil {
		return err
	}
	defer d.link.End()
	c.over = true
	if d.session != nil && d.session != c {
		return nil // The field is another card's.
	}
	err := d.fieldOff()
	if errors.Is(err, drivers.ErrNoDevice) || errors.Is(err, errMode) {
		d.down()
		return nil // Its reader was lost: the next Await begins with the field off.
	}
	return err
}
