package issuer_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

// TestTapDeck: the cards that are tapped have numbers of their own, by kernel,
// and a profile survives being stored.
func TestTapDeck(t *testing.T) {
	made, ca, err := issuer.TapDeck(rand.Reader, issuer.MasterKeys{AC: testIMK}, now)
	if err != nil {
		t.Fatal(err)
	}
	_, others := cards(t)
	for _, k := range ca {
		for _, o := range others {
			if k.Index == o.Index {
				t.Errorf("key index %02X is of both decks", k.Index)
			}
		}
	}
	if len(made) != len(issuer.TapList()) {
		t.Fatalf("%d cards, want %d", len(made), len(issuer.TapList()))
	}
	seen := map[string]bool{}
	for _, p := range made {
		if seen[p.PAN] || !strings.HasPrefix(p.PAN, issuer.BIN+string('0'+p.Tap.Kernel)) {
			t.Errorf("%s: account number %s", p.Name, p.PAN)
		}
		seen[p.PAN] = true
		stored, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back issuer.Profile
		if err := json.Unmarshal(stored, &back); err != nil || !reflect.DeepEqual(back.Tap, p.Tap) {
			t.Errorf("%s: %+v comes back as %+v: %v", p.Name, p.Tap, back.Tap, err)
		}
		for name, spoil := range map[string]func(*issuer.Profile, *issuer.Tap){
			"kernel":     func(_ *issuer.Profile, tap *issuer.Tap) { tap.Kernel = 9 },
			"qualifiers": func(_ *issuer.Profile, tap *issuer.Tap) { tap.Kernel, tap.Qualifiers = issuer.Kernel3, issuer.Hex{1} },
			"track":      func(_ *issuer.Profile, tap *issuer.Tap) { tap.Kernel, tap.Track = issuer.Kernel2, issuer.Hex{1} },
			"no track": func(_ *issuer.Profile, tap *issuer.Tap) {
				tap.Kernel, tap.Track, tap.Qualifiers = issuer.Kernel7, nil, issuer.Hex{0, 0}
			},
			"race":      func(_ *issuer.Profile, tap *issuer.Tap) { tap.Race = &issuer.Race{Min: 2, Max: 1} },
			"recovery":  func(_ *issuer.Profile, tap *issuer.Tap) { tap.Kernel, tap.Recovers = issuer.Kernel3, true },
			"signature": func(p *issuer.Profile, tap *issuer.Tap) { p.AIP, tap.Kernel = issuer.Hex{0x20, 0}, issuer.Kernel2 },
			"balance":   func(_ *issuer.Profile, tap *issuer.Tap) { tap.SpendMinor = -1 },
			"key":       func(p *issuer.Profile, _ *issuer.Tap) { p.AIP = issuer.Hex{0, 0} },
			"list":      func(p *issuer.Profile, _ *issuer.Tap) { p.PDOL, p.CDOL1 = nil, nil },
		} {
			spoiled, tap := p, *p.Tap
			spoiled.Tap = &tap
			spoil(&spoiled, &tap)
			if err := spoiled.Check(); !errors.Is(err, issuer.ErrProfile) {
				t.Errorf("%s with another %s: %v", p.Name, name, err)
			}
		}
	}
}
