package ccid

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// session is a card's time with power. Its fields belong to the call that the
// link serves.
type session struct {
	s    *slot
	raw  []byte
	gone bool // pulled
	over bool // without power, or of no further use
}

// ATR is the answer to reset.
func (c *session) ATR() []byte { return c.raw }

// span is the time from the first command's last byte out to the first byte in
// of the answer that came last.
type span struct{ from, to time.Time }

func (s *span) add(t timing) {
	if s.from.IsZero() {
		s.from = t.sent
	}
	s.to = t.heard
}

// begin begins a call for the card, which must have power. Without an error
// link.End is due.
func (c *session) begin(ctx context.Context) error {
	if err := c.s.link.Begin(ctx); err != nil {
		return err
	}
	if c.over {
		c.s.link.End()
		return c.s.wrap(fmt.Errorf("%w: this card's session has ended", drivers.ErrCardGone))
	}
	return nil
}

// result is what came of an exchange. An error ends the session, unless nothing
// was sent.
func (c *session) result(data []byte, t span, err error) (drivers.Response, error) {
	switch {
	case err == nil:
		return drivers.Response{Data: data, Elapsed: t.to.Sub(t.from)}, nil
	case errors.Is(err, drivers.ErrRefused) && t.from.IsZero():
		return drivers.Response{}, c.s.wrap(err)
	}
	c.over = true
	return drivers.Response{}, c.why(err)
}

// why says what a failed exchange means for the card.
func (c *session) why(err error) error {
	switch {
	case errors.Is(err, errMute):
		c.s.down()
		return fmt.Errorf("%w: %w", drivers.ErrTimeout, err)
	case errors.Is(err, drivers.ErrNoDevice):
		c.s.down()
		return fmt.Errorf("%w: %w", drivers.ErrCardGone, err)
	case errors.Is(err, drivers.ErrCardGone):
		c.s.removed()
		return c.s.wrap(err)
	case errors.Is(err, drivers.ErrCardMute):
		return c.s.wrap(fmt.Errorf("%w: %w", drivers.ErrTimeout, err))
	default:
		return c.s.wrap(err)
	}
}

// Gone waits until the card is pulled. It works after Release too; only a card
// that is pulled and put back between two looks then passes for the same one.
func (c *session) Gone(ctx context.Context) error {
	return c.s.link.UntilGone(ctx, c.look)
}

// look asks once whether the card is still there, and listens for a while.
func (c *session) look(ctx context.Context) (gone bool, err error) {
	s := c.s
	if err := s.link.Begin(ctx); err != nil {
		return false, err
	}
	defer s.link.End()
	if c.gone {
		return true, nil
	}
	status, err := s.look()
	if err != nil {
		return false, err
	}
	if status == cardAbsent {
		s.removed()
		return true, nil
	}
	if status == cardPresent && s.powered == c {
		s.removed() // Another card, or this one after a quick pull.
		return true, nil
	}
	return false, s.listen(s.poll)
}

// Release takes the power from the card, even if ctx has ended.
func (c *session) Release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	if err := c.s.link.Begin(ctx); err != nil {
		return err
	}
	defer c.s.link.End()
	c.over = true
	if c.s.powered != c {
		return nil // It has no power.
	}
	err := c.s.powerOff()
	if errors.Is(err, drivers.ErrNoDevice) {
		c.s.down()
		return nil // Its reader lost it: the next Await begins with power off.
	}
	return err
}
