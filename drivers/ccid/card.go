package ccid

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/t0"
)

// card is a card with contacts that has power, until it is gone.
type card struct {
	session

	d   *Dev
	atr atr
	t1  *t1 // nil for T=0
}

var _ drivers.PINCard = (*card)(nil)

// Exchange sends an APDU over T=0 or T=1.
func (c *card) Exchange(ctx context.Context, command []byte) (drivers.Response, error) {
	if err := c.begin(ctx); err != nil {
		return drivers.Response{}, err
	}
	defer c.d.link.End()
	var s span
	var data []byte
	var err error
	if c.t1 != nil {
		data, err = c.overT1(command, &s)
	} else {
		data, err = c.overT0(command, &s)
	}
	return c.result(data, s, err)
}

func (c *card) overT0(command []byte, s *span) ([]byte, error) {
	m, tpdu, err := t0.New(command)
	if err != nil {
		return nil, err
	}
	for {
		answer, err := c.transfer(tpdu, 0, s)
		if err != nil {
			return nil, err
		}
		next, done, err := m.Next(answer)
		if err != nil || done != nil {
			return done, err
		}
		tpdu = next
	}
}

func (c *card) overT1(command []byte, s *span) ([]byte, error) {
	if _, _, err := t0.New(command); err != nil {
		return nil, err // The same shapes are APDUs here.
	}
	data, err := c.runT1(c.t1.start(command), s)
	if err != nil {
		return nil, err
	}
	if len(data) < 2 {
		return nil, fmt.Errorf("%w: a response of %d bytes", drivers.ErrProtocol, len(data))
	}
	return data, nil
}

// runT1 plays the block protocol to its end.
func (c *card) runT1(o out, s *span) ([]byte, error) {
	for !o.done {
		answer, err := c.transfer(o.block, o.wtx, s)
		if o, err = c.heard(answer, err); err != nil {
			return nil, err
		}
	}
	return o.response, nil
}

// heard gives the block protocol what the reader has brought.
func (c *card) heard(answer []byte, err error) (out, error) {
	switch {
	case err == nil:
	case errors.Is(err, drivers.ErrCardMute), errors.Is(err, drivers.ErrProtocol) && !errors.Is(err, errFrames):
		answer = nil // No block, or a broken one: the protocol asks again.
	default:
		return out{}, err
	}
	return c.t1.next(answer)
}

// errFrames marks an ErrProtocol between reader and host, which the card's
// protocol cannot mend.
var errFrames = errors.New("no answer from the reader")

// transfer gives the reader characters for the card, and returns the card's.
func (c *card) transfer(b []byte, wtx byte, s *span) ([]byte, error) {
	m, t, err := c.d.command(typeXfrBlock, [3]byte{wtx}, b, answerTime+c.waiting(wtx))
	if err != nil {
		if errors.Is(err, drivers.ErrProtocol) {
			err = fmt.Errorf("%w: %w", errFrames, err)
		}
		return nil, err
	}
	s.add(t)
	if err := failure(m); err != nil {
		return nil, err
	}
	if m.b[0]&cardMask != cardActive {
		return nil, fmt.Errorf("%w: it has no power any more", drivers.ErrCardGone)
	}
	return m.data, nil
}

// waiting is how long the card may be silent by its own parameters: the work
// waiting time of T=0 or the block waiting time of T=1, at the reader's 4 MHz.
func (c *card) waiting(wtx byte) time.Duration {
	const etu = 372 * time.Second / 4_000_000
	if c.t1 == nil {
		return 960 * time.Duration(c.atr.wi) * etu
	}
	bwt := 960 * etu << (c.atr.bwicwi >> 4)
	return bwt * time.Duration(max(wtx, 1))
}
