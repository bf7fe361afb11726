package sim_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/issuer"
)

var tapDeckOnce = sync.OnceValues(func() ([]issuer.Profile, error) {
	cards, _, err := issuer.TapDeck(rand.Reader, issuer.MasterKeys{AC: [16]byte{7}}, time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC))
	return cards, err
})

// What is tapped is listed as such, and does not go into a slot. What misbehaves
// is left out where its chip is not.
func TestDeckOfTaps(t *testing.T) {
	taps, err := tapDeckOnce()
	check(t, err)
	contacts, err := deckOnce()
	check(t, err)
	misfits := []sim.Misfit{
		sim.TapVariant{Name: "tap-3-spoilt", Title: "Misbehaves.", Of: "tap-3"},
		sim.TapVariant{Name: "approve-spoilt", Title: "Is of a chip with contacts.", Of: "approve"},
		sim.Variant{Name: "spoilt", Title: "Is of a chip with an antenna.", Of: "tap-3"},
	}
	s, err := sim.Open(t.TempDir(), slices.Concat(contacts, taps), padKeys(t), misfits...)
	check(t, err)
	defer func() { check(t, s.Close()) }()
	listed, err := s.Cards()
	check(t, err)
	if want := len(contacts) + len(taps) + 1; len(listed) != want {
		t.Errorf("%d cards, want %d", len(listed), want)
	}
	for _, c := range listed {
		if c.Tap != slices.ContainsFunc(taps, func(p issuer.Profile) bool { return p.Name == c.Name || p.Name == c.Of }) {
			t.Errorf("%+v: it is said whether it is tapped", c)
		}
		if c.Tap && (c.Stripe || !errors.Is(s.Insert(c.Name), sim.ErrCard) || !errors.Is(s.Swipe(c.Name), sim.ErrCard)) {
			t.Errorf("%+v goes into a slot", c)
		}
	}
	twice := append(misfits[:1:1], sim.TapVariant{Name: "tap-3", Title: "Has a name that is given.", Of: "tap-7"})
	if s, err := sim.Open(t.TempDir(), taps, padKeys(t), twice...); err == nil {
		t.Errorf("two cards of one name: %v", s.Close())
	}
}
