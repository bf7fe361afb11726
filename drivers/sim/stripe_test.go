package sim

import (
	"errors"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

// What a swipe sends: tracks 1 and 2 in one line, and nothing of a card without
// a stripe.
func TestStripe(t *testing.T) {
	w := &wire{}
	s := &stripe{out: w.out}
	s.swipe(issuer.Profile{PAN: "9999010000000011", Expiry: "311231", Service: "101"})
	want := "%B9999010000000011^TEST/CARD^31121010000000000?;9999010000000011=31121010000000000?\r"
	if len(w.sent) != 1 || string(w.sent[0].bytes) != want || w.sent[0].kind != answer {
		t.Errorf("sent %q, want %q", w.sent, want)
	}
	w.sent = nil
	s.swipe(issuer.Profile{PAN: "9999010000000011", Expiry: "311231"})
	s.receive([]byte("anything"))
	s.quiet()
	s.powerDown()
	if len(w.sent) != 0 {
		t.Errorf("sent %q for nothing", w.sent)
	}
}

// What customers do with their cards while the terminal waits. It tries each
// chip, and where it is read the sale takes its course.
func TestHabits(t *testing.T) {
	for name, c := range map[string]struct {
		card, want string
	}{
		"a chip":                    {"approve", "insert insert insert insert"},
		"no chip":                   {"stripe", "swipe swipe swipe swipe"},
		"swiped first":              {"swiped", "swipe insert swipe insert"},
		"a chip that does not work": {"mute", "insert insert insert swipe swipe swipe insert insert"},
	} {
		t.Run(name, func(t *testing.T) {
			card, err := NewCard(profile(t, c.card), nil)
			if err != nil {
				t.Fatal(err)
			}
			var did []string
			r := &reader{
				out:      func([]byte, kind) {},
				inserted: func(issuer.Profile, bool) {},
				swipe:    func(issuer.Profile) { did = append(did, "swipe") },
			}
			r.serve(card)
			const pollsMax = 100
			for range pollsMax {
				if got := strings.Join(did, " "); len(got) >= len(c.want) {
					break
				}
				before := r.card
				r.polled()
				if r.card != nil && before == nil {
					did = append(did, "insert")
					r.touched = true
					if r.powered = card.ATR() != nil; r.powered {
						card.at = finished
					}
				}
			}
			if got := strings.Join(did, " "); got != c.want {
				t.Errorf("he did %q, want %q", got, c.want)
			}
		})
	}
}

// A swipe by hand takes the card out of the chip's reader, and puts its owner
// before the PIN pad.
func TestSwipeByHand(t *testing.T) {
	shop, err := Open(t.TempDir(), testDeck(t), PadKeys{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shop.Close() })
	if err := shop.Insert("pin"); err != nil {
		t.Fatal(err)
	}
	if err := shop.Swipe("pin"); err != nil {
		t.Fatal(err)
	}
	if state, err := shop.State(); err != nil || state.Card != "" {
		t.Errorf("%q is in the reader, %v", state.Card, err)
	}
	if shop.hand.owner != "pin" {
		t.Errorf("the owner of %q is at the keys", shop.hand.owner)
	}
	shop.cards["approve"].p.Service = "" // of a deck that was made before
	for _, card := range []string{"gold", "", "approve"} {
		if err := shop.Swipe(card); !errors.Is(err, ErrCard) {
			t.Errorf("Swipe(%q) = %v, want ErrCard", card, err)
		}
	}
}
