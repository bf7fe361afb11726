package cards_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/drivers/sim/cards"
	"github.com/cloudpos/cloudpos/emv/issuer"
)

// Every row has a name of its own, a sentence and an end, and a chip that there
// is.
func TestRows(t *testing.T) {
	seen, deck := map[string]bool{}, map[string]bool{}
	for _, listed := range slices.Concat(issuer.List(), issuer.TapList()) {
		deck[listed.Name] = true
	}
	for _, c := range cards.All() {
		if seen[c.Name] || c.Name == "" || strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("%q is given twice, or not made of small letters, digits and strokes", c.Name)
		}
		seen[c.Name] = true
		if !strings.HasSuffix(c.Title, ".") || strings.ToUpper(c.Title[:1]) != c.Title[:1] {
			t.Errorf("%s: the title %q is no sentence", c.Name, c.Title)
		}
		if deck[c.Name] != (c.Of == "") || c.Of != "" && !deck[c.Of] {
			t.Errorf("%s: there is no chip of %q", c.Name, c.Of)
		}
		if c.Of != "" && !c.Tap && c.Shim == nil && c.Leaves == nil && c.ATR == nil {
			t.Errorf("%s does not misbehave", c.Name)
		}
		if len(c.Ends) == 0 || c.Tap != (len(c.Large) > 0) {
			t.Errorf("%s: it is not said how a sale ends", c.Name)
		}
		for _, e := range slices.Concat(c.Ends, c.Large) {
			if !slices.Contains([]string{"approved", "declined", "cancelled", "reversed"}, e.State) || (e.State == "approved") != (e.Reason == "") {
				t.Errorf("%s: %+v is no end of a sale", c.Name, e)
			}
		}
	}
	if v := cards.Misfits(); len(v) != len(seen)-len(deck) {
		t.Errorf("%d misfits, want %d", len(v), len(seen)-len(deck))
	}
}

// What stands between a tapped card and the antenna, or pretends to be one, is
// paid by nobody. Only who takes his own card away too early, or holds two, is.
func TestAttacksEndRefused(t *testing.T) {
	attacks := 0
	for _, c := range cards.All() {
		if c.Of == "" || !c.Tap {
			continue
		}
		paid := slices.ContainsFunc(slices.Concat(c.Ends, c.Large), func(e cards.Ending) bool { return e.State == "approved" })
		clumsy := slices.Contains([]string{"early", "cut", "lost", "gone", "wallet"}, c.Name[len("tap-2-"):])
		if paid != clumsy {
			t.Errorf("%s (%s) ends %v and %v", c.Name, c.Title, c.Ends, c.Large)
		}
		if !clumsy {
			attacks++
		}
	}
	if attacks < 30 {
		t.Errorf("only %d attacks are sold with", attacks)
	}
}

func TestFind(t *testing.T) {
	c, ok := cards.Find("nopan")
	if !ok || c.Of != "approve" || fmt.Sprint(c.Ends) != "[declined: card data]" {
		t.Errorf("nopan: %t, %v, %v", ok, c.Of, c.Ends)
	}
	if _, ok := cards.Find("gold"); ok {
		t.Error("there is a gold card")
	}
	for name, want := range map[string]string{"aprove": "[approve]", "slient": "[silent]", "gold": "[]", strings.Repeat("a", 1000): "[]"} {
		if got := fmt.Sprint(cards.Near(name)); got != want {
			t.Errorf("near %.10q: %s, want %s", name, got, want)
		}
	}
	if got := cards.Near("cvmnext"); len(got) != 1 || got[0] != "cvmnext" {
		t.Errorf("near cvmnext: %v", got)
	}
}

// No card of the catalogue may break down, whatever a terminal sends: each
// answers every command by silence or by data and a status word.
func FuzzShim(f *testing.F) {
	deck, _, err := issuer.Deck(rand.Reader, issuer.MasterKeys{AC: [16]byte{1}}, time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC))
	if err != nil {
		f.Fatal(err)
	}
	chips := map[string]*sim.Card{}
	for _, p := range deck {
		if chips[p.Name], err = sim.NewCard(p, rand.Reader); err != nil {
			f.Fatal(err)
		}
	}
	var all []*sim.Card
	for _, v := range cards.Variants() {
		all = append(all, chips[v.Of].Variant(v))
	}
	f.Add([]byte("\x00\xA4\x04\x00\x0E1PAY.SYS.DDF01\x00"))
	f.Add([]byte("\x00\xA4\x04\x02\x07\xF0CPOS\x01\x01\x00"))
	f.Add([]byte("\x00\xA4\x04\x02"))
	f.Add([]byte("\x80\xA8\x00\x00\x06\x83\x04\x01\x56\x01\x56\x00"))
	f.Add([]byte("\x80\xAE\x80\x00"))
	f.Add([]byte("\x00\xB2\x01\x0C\x00"))
	f.Fuzz(func(t *testing.T, command []byte) {
		for _, c := range all {
			c.ATR()
			for range 3 {
				if answer := c.Exchange(command); answer != nil && len(answer) < 2 {
					t.Fatalf("%s answers % X by % X", c.Name(), command, answer)
				}
			}
		}
	})
}
