package pn532

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudpos/cloudpos/drivers"
)

const (
	dataMax   = 262 // bytes for a card in one command
	piecesMax = 300 // of one response
)

// card is a card that was activated, until it is released or gone. Its fields
// belong to the call that the link serves.
type card struct {
	d      *Dev
	number byte
	atr    []byte
	gone   bool // taken away
	over   bool // without power, or of no further use
}

// ATR is made up from what the card said when it was activated.
func (c *card) ATR() []byte { return c.atr }

// Exchange sends one APDU.
func (c *card) Exchange(ctx context.Context, command []byte) (drivers.Response, error) {
	d := c.d
	if err := d.link.Begin(ctx); err != nil {
		return drivers.Response{}, err
	}
	defer d.link.End()
	if c.over {
		return drivers.Response{}, d.wrap(fmt.Errorf("%w: this card's session has ended", drivers.ErrCardGone))
	}
	apdus, err := newDialogue(command)
	if err != nil {
		return drivers.Response{}, d.wrap(err)
	}
	var whole span
	for {
		answer, t, err := c.transfer(apdus.apdu)
		if whole.sent.IsZero() {
			whole.sent = t.sent
		}
		whole.heard = t.heard
		var response []byte
		if err == nil {
			response, err = apdus.next(answer)
		}
		if err != nil {
			c.over = true
			return drivers.Response{}, c.why(err)
		}
		if response != nil {
			return drivers.Response{Data: response, Elapsed: whole.heard.Sub(whole.sent)}, nil
		}
	}
}

// transfer gives the card one APDU and returns its answer, in pieces both ways
// where they are too long for a frame. The time is that from the last piece of
// the command to the first of the answer.
func (c *card) transfer(apdu []byte) ([]byte, span, error) {
	for len(apdu) > dataMax {
		_, _, more, err := c.piece(c.number|statusMore, apdu[:dataMax])
		if err == nil && more {
			err = fmt.Errorf("%w: a response to half a command", drivers.ErrProtocol)
		}
		if err != nil {
			return nil, span{}, err
		}
		apdu = apdu[dataMax:]
	}
	answer, t, more, err := c.piece(c.number, apdu)
	for pieces := 1; err == nil && more; pieces++ {
		if pieces == piecesMax {
			return nil, t, fmt.Errorf("%w: a response in more than %d pieces", drivers.ErrProtocol, piecesMax)
		}
		var part []byte
		part, _, more, err = c.piece(c.number, nil)
		answer = append(answer, part...)
	}
	return answer, t, err
}

// piece gives the chip something for the card. More tells that it has more of
// the card's answer than it gave.
func (c *card) piece(number byte, data []byte) (answer []byte, t span, more bool, err error) {
	command := append([]byte{inDataExchange, number}, data...)
	defer clear(command)
	answer, t, err = c.d.once(command)
	switch {
	case err != nil:
		return nil, t, false, err
	case len(answer) == 0:
		return nil, t, false, fmt.Errorf("%w: an exchange without a status", drivers.ErrProtocol)
	}
	return answer[1:], t, answer[0]&statusMore != 0, failure(answer[0])
}

// why says what a failed exchange means for the card.
func (c *card) why(err error) error {
	d := c.d
	switch {
	case errors.Is(err, errMute):
		d.down()
		return d.wrap(fmt.Errorf("%w: %w", drivers.ErrTimeout, err))
	case errors.Is(err, drivers.ErrNoDevice):
		d.down()
		return fmt.Errorf("%w: %w", drivers.ErrCardGone, err)
	case errors.Is(err, drivers.ErrCardGone):
		d.removed()
		return d.wrap(err)
	case errors.Is(err, errSyntax):
		return d.wrap(fmt.Errorf("%w: %w", drivers.ErrProtocol, err))
	case d.link.Ended() != nil:
		return err
	default:
		return d.wrap(err)
	}
}

// Gone waits until the card is taken away. After Release it waits until there
// is none: a card that is taken away and held there again between two looks
// passes for the same one.
func (c *card) Gone(ctx context.Context) error {
	return c.d.link.UntilGone(ctx, c.look)
}

// look looks once whether the card is still there, and lets a while go by.
func (c *card) look(ctx context.Context) (gone bool, err error) {
	d := c.d
	if err := d.link.Begin(ctx); err != nil {
		return false, err
	}
	defer d.link.End()
	there := false
	if !c.gone {
		there, err = d.present()
	}
	switch {
	case c.gone || err == nil && !there:
		return true, nil
	case err == nil:
		err = d.link.Pause(d.poll)
	case d.session == nil:
		d.rest()
	}
	return false, err
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
	if errors.Is(err, drivers.ErrNoDevice) {
		d.down()
		return nil // Its chip was lost: the next Await begins with field off.
	}
	return err
}
