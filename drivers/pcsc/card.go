package pcsc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/t0"
)

// card is a card that is ours, until it is gone. Its fields belong to the call
// that the link serves.
type card struct {
	d        *Dev
	handle   uint32
	protocol uint32
	atr      []byte
	gone     bool // pulled
	over     bool // without power, or of no further use
}

// ATR is the answer to reset, as the service tells it.
func (c *card) ATR() []byte { return c.atr }

// Exchange sends an APDU.
func (c *card) Exchange(ctx context.Context, command []byte) (drivers.Response, error) {
	d := c.d
	if err := d.link.Begin(ctx); err != nil {
		return drivers.Response{}, err
	}
	defer d.link.End()
	if c.over {
		return drivers.Response{}, d.wrap(fmt.Errorf("%w: this card's session has ended", drivers.ErrCardGone))
	}
	begin := t0.Either // nobody tells which of the two the reader takes
	if c.protocol == protocolT1 {
		begin = t0.Whole
	}
	m, send, err := begin(command)
	if err != nil {
		return drivers.Response{}, d.wrap(err)
	}
	r, err := c.run(m, send)
	if err != nil {
		c.over = true
		return drivers.Response{}, c.why(err)
	}
	return r, nil
}

// run returns the whole response.
func (c *card) run(m *t0.Command, send []byte) (drivers.Response, error) {
	d := c.d
	var from time.Time
	for {
		answer, t, err := c.transmit(send)
		if err != nil {
			return drivers.Response{}, err
		}
		if from.IsZero() {
			from = t.from
		}
		next, done, err := m.Next(answer)
		if err != nil {
			return drivers.Response{}, d.wrap(err)
		}
		if done != nil {
			return drivers.Response{Data: done, Elapsed: t.to.Sub(from)}, nil
		}
		send = next
	}
}

// transmit gives the card one command and returns its answer.
func (c *card) transmit(command []byte) ([]byte, span, error) {
	d := c.d
	b := append(request(cmdTransmit, transmitBody(c.handle, c.protocol, len(command))), command...)
	answer, t, err := d.send(b, transmitLen, cardTime)
	if err != nil {
		return nil, t, err
	}
	if err := failure(word(answer, 28)); err != nil {
		return nil, t, d.wrap(fmt.Errorf("transmit: %w", err)) // No data follows.
	}
	n := word(answer, 24)
	if n > responseMax {
		d.down()
		return nil, t, d.wrap(fmt.Errorf("%w: a response of %d bytes", drivers.ErrProtocol, n))
	}
	data, err := d.read(nil, int(n), time.Now().Add(answerTime))
	if err != nil {
		d.down()
		return nil, t, err
	}
	return data, t, nil
}

// why says what a failed exchange means for the card, and gives it back.
func (c *card) why(err error) error {
	d := c.d
	switch {
	case errors.Is(err, drivers.ErrCardMute) && !c.leaves():
		err = fmt.Errorf("%w: %w", drivers.ErrTimeout, err)
	case errors.Is(err, drivers.ErrCardMute):
		d.removed()
		err = fmt.Errorf("%w: %w", drivers.ErrCardGone, err)
	case errors.Is(err, drivers.ErrCardGone):
		d.removed()
	case errors.Is(err, drivers.ErrNoDevice):
		err = fmt.Errorf("%w: %w", drivers.ErrCardGone, err)
	}
	d.letGo()
	return err
}

// leaves tells whether the service notices within some time that the card is not
// there any more.
func (c *card) leaves() bool {
	d := c.d
	for end := time.Now().Add(removeTime); time.Now().Before(end); {
		r, err := d.look()
		if err != nil {
			return false
		}
		if away, err := c.away(r); err != nil || away {
			return away
		}
		if err := d.wait(r, time.Until(end)); err != nil {
			return false
		}
	}
	return false
}

// away tells whether the card is not in the reader, or was not since it became
// ours.
func (c *card) away(r reader) (bool, error) {
	if !r.present() || c.d.powered != c {
		return !r.present(), nil
	}
	answer, _, err := c.d.ask(cmdStatus, words(c.handle, 0), 8, answerTime)
	if err != nil {
		return false, err
	}
	return word(answer, 4) == rvRemoved, nil
}

// Gone waits until the card is pulled. It works after Release too; only a card
// that is pulled and put back between two looks then passes for the same one.
func (c *card) Gone(ctx context.Context) error {
	return c.d.link.UntilGone(ctx, c.look)
}

// look asks once whether the card is still there, and waits for a while.
func (c *card) look(ctx context.Context) (gone bool, err error) {
	d := c.d
	if err := d.link.Begin(ctx); err != nil {
		return false, err
	}
	defer d.link.End()
	if c.gone {
		return true, nil
	}
	r, err := d.look()
	if err != nil {
		return false, err
	}
	if gone, err = c.away(r); err != nil {
		return false, err
	}
	if gone {
		d.removed()
		return true, nil
	}
	return false, d.wait(r, goneTime)
}

// Release takes the power from the card, even if ctx has ended.
func (c *card) Release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	if err := c.d.link.Begin(ctx); err != nil {
		return err
	}
	defer c.d.link.End()
	c.over = true
	if c.d.powered == c {
		c.d.letGo()
	}
	return nil
}
