package sim

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

// The patience of a customer who holds a stripe.
const (
	triesToSwipe   = 3 // of a chip that was not read, and then of its stripe
	pollsToSwipe   = 5 // after a swipe that came to nothing, for the next thing
	cardholderName = "TEST/CARD"
	discretionary  = "0000000000" // what an issuer's check values would be
)

// stripe is a reader of magnetic stripes of the plainest kind: it sends the
// tracks of a swiped card in one line and hears nothing.
type stripe struct {
	out func([]byte, kind)
}

func (s *stripe) receive([]byte) {}
func (s *stripe) quiet()         {}
func (s *stripe) powerDown()     {}

// swipe sends tracks 1 and 2 of a card. ISO/IEC 7813.
func (s *stripe) swipe(p issuer.Profile) {
	if p.Stripe() == "" {
		return
	}
	end := p.Stripe() + discretionary
	s.out(fmt.Appendf(nil, "%%B%s^%s^%s?;%s=%s?\r", p.PAN, cardholderName, end, p.PAN, end), answer)
}

// habit is what the owner of a card does with its stripe by himself.
type habit struct {
	unread int // how often in a row he got his card back with its chip unread
	swipes int // since he last inserted it
}

// swipesNow tells whether he swipes his card now, rather than insert it: one
// without a chip always, one with a chip first if that is how he is, and once
// the terminal has given up on the chip. A swipe may come before the terminal
// waits for one, so then he tries it again.
func (h *habit) swipesNow(p issuer.Profile) bool {
	switch {
	case p.Stripe() == "":
		return false
	case p.Behaviour == issuer.NoChip, p.Behaviour == issuer.SwipedFirst && h.swipes == 0:
		return true
	}
	return h.unread >= triesToSwipe && h.swipes < triesToSwipe
}

// back counts a card that its owner got back.
func (h *habit) back(read bool) {
	if h.unread++; read {
		h.unread = 0
	}
}

// arrive lets a guest come at the first poll, or at the second if he swipes: a
// reader of stripes has no use for what comes before its terminal waits.
func (r *reader) arrive(guest *Card) {
	r.polls, r.habit = pollsToInsert-1, habit{}
	if guest != nil && r.habit.swipesNow(guest.p) {
		r.polls--
	}
}

// come lets a guest insert his card, or swipe it.
func (r *reader) come(guest *Card) {
	if !r.habit.swipesNow(guest.p) {
		r.insert(guest)
		if r.habit.swipes > 0 {
			r.habit = habit{}
		}
		return
	}
	r.habit.swipes++
	r.polls = pollsToInsert - pollsToSwipe
	r.inserted(guest.p, guest == r.visitor)
	r.swipe(guest.p)
}

// swipeByHand swipes a card that somebody holds, or has left in this reader.
func (r *reader) swipeByHand(c *Card) error {
	if c.p.Stripe() == "" {
		return fmt.Errorf("%w: %q has no magnetic stripe", ErrCard, c.Name())
	}
	if r.card == c {
		r.pull()
	}
	r.inserted(c.p, c == r.visitor)
	r.swipe(c.p)
	return nil
}
