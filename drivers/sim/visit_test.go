package sim_test

import (
	"errors"
	"testing"

	"github.com/cloudpos/cloudpos/drivers/sim"
)

// padRequest asks for a PIN: account 4012345678909, 12.50.
const padRequest = "02 37 30 34303132333435363738393039 1C 44 31322E3530 03 48"

// polls lets the terminal look for a card so many times, and returns which one
// is in the reader then.
func polls(t *testing.T, s *sim.Shop, r *host, n int) string {
	t.Helper()
	for range n {
		r.write(askStatus)
		r.read(len(unhex(t, askStatus)) + 13)
	}
	state, err := s.State()
	check(t, err)
	return state.Card
}

// quietReader is a reader's line on which card moves are not told by themselves.
func quietReader(t *testing.T, s *sim.Shop) *host {
	t.Helper()
	r := dial(t, s.Path(sim.ReaderLine))
	const ask = "03 06 6B 03000000 00 01 000000 010101 6D"
	r.write(ask)
	r.expect(ask + "03 06 83 00000000 00 01 020000 85")
	return r
}

// A visitor comes and types by himself, though all others are played by hand,
// and is gone with the connection that called him.
func TestVisit(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	check(t, s.ByHand(true))
	r, p := quietReader(t, s), dial(t, s.Path(sim.PINPadLine))
	c, err := sim.Dial(dir)
	check(t, err)
	check(t, c.Visit("pin"))
	state, err := s.State()
	check(t, err)
	if state.Visitor != "pin" || state.Customer != "" || state.Card != "" {
		t.Errorf("called: %+v", state)
	}
	r.write(askStatus)
	r.read(len(unhex(t, askStatus)) + 2 + 13) // the card's move is told
	if got := polls(t, s, r, 1); got != "pin" {
		t.Fatalf("the visitor did not come: %q is in the reader", got)
	}
	p.write(padRequest)
	p.expect("06")
	p.expect("02 37 31 30") // his PIN
	check(t, c.Close())
	for state.Visitor != "" || state.Card != "" {
		state, err = s.State()
		check(t, err)
	}
	r.write(askStatus)
	r.read(len(unhex(t, askStatus)) + 2 + 13) // that it has left
	if got := polls(t, s, r, 5); got != "" {
		t.Errorf("%q came again", got)
	}
}

// After a visit things are as before: the customer comes again, and who has
// stayed at the pad is typed for by hand.
func TestAfterAVisit(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	check(t, s.SetCustomer(sim.Customer{Card: "approve", Auto: true}))
	check(t, s.Visit("wrongpin"))
	r := dial(t, s.Path(sim.ReaderLine))
	r.write(askStatus)
	r.read(2 + len(unhex(t, askStatus)) + 13)
	check(t, s.ByHand(true))
	check(t, s.Leave())
	state, err := s.State()
	check(t, err)
	if state.Card != "" || state.Customer != "approve" || state.Visitor != "" {
		t.Errorf("after the visit: %+v", state)
	}
	check(t, s.Insert("wrongpin"))
	p := dial(t, s.Path(sim.PINPadLine))
	p.write(padRequest)
	p.expect("06")
	if state, err := s.State(); err != nil || !state.Waiting {
		t.Errorf("the visitor's habit is left at the pad: %+v, %v", state, err)
	}
	check(t, s.Visit("pin"))
	check(t, s.SetCustomer(sim.Customer{}))
	if state, err := s.State(); err != nil || state.Visitor != "" || state.Customer != "" {
		t.Errorf("SetCustomer ends a visit: %+v, %v", state, err)
	}
	for _, card := range []string{"", "gold"} {
		if err := s.Visit(card); !errors.Is(err, sim.ErrCard) {
			t.Errorf("Visit(%q) = %v, want ErrCard", card, err)
		}
	}
}
