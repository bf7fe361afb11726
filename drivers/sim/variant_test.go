package sim

import (
	"bytes"
	"testing"
)

// spoilt is a chip whose SELECT warns, whose GET PROCESSING OPTIONS stays
// silent, and whose owner leaves before a record is read.
var spoilt = Variant{
	Name: "spoilt", Title: "Spoils everything.", Of: "approve",
	Shim: func() Shim {
		return func(command []byte, chip func([]byte) []byte) []byte {
			answer := chip(command)
			switch command[1] {
			case 0xA4:
				return append(answer[:len(answer)-2:len(answer)-2], 0x62, 0x83)
			case 0xA8:
				return nil
			}
			return answer
		}
	},
	Leaves: func(command []byte) bool { return command[1] == 0xB2 },
}

// A chip and what is made of it count together; the chip itself is not spoilt.
func TestVariantIsTheSameChip(t *testing.T) {
	c := newCard(t, "approve")
	v := c.Variant(spoilt)
	v.ATR()
	ask(t, v, selectAID, "6283")
	if got := v.Exchange(unhex(t, gpo)); got != nil {
		t.Errorf("a silent card answers % X", got)
	}
	upTo(t, c, selectAID, gpo)
	if c.Counters().ATC != 2 || v.Counters() != c.Counters() || v.Name() != "spoilt" {
		t.Errorf("%s: %+v, the chip %+v", v.Name(), v.Counters(), c.Counters())
	}
}

// What spoils a card begins anew at each power-up.
func TestShimBeginsAnew(t *testing.T) {
	made := 0
	v := newCard(t, "approve").Variant(Variant{Name: "counts", Shim: func() Shim {
		made++
		return func(command []byte, chip func([]byte) []byte) []byte { return chip(command) }
	}})
	v.ATR()
	v.ATR()
	if made != 2 {
		t.Errorf("made %d times in two power-ups", made)
	}
	odd := []byte{0x3B, 0x80, 0x0E, 0x8E}
	v = newCard(t, "approve").Variant(Variant{Name: "odd", ATR: odd})
	if got := v.ATR(); !bytes.Equal(got, odd) {
		t.Errorf("ATR % X, want % X", got, odd)
	}
}

// A warning that comes with data is kept until the data has been fetched, and
// the terminal that asks for more than there is asks the card.
func TestT0CarriesWarnings(t *testing.T) {
	v := newCard(t, "approve").Variant(spoilt)
	v.ATR()
	p := &t0{card: v}
	first, ok := p.transmit(unhex(t, "00A4040007F043504F530101"))
	if !ok || len(first) != 2 || first[0] != 0x61 {
		t.Fatalf("SELECT: % X, %t", first, ok)
	}
	all, _ := p.transmit([]byte{0x00, 0xC0, 0x00, 0x00, first[1]})
	if !bytes.HasSuffix(all, []byte{0x62, 0x83}) || len(all) != int(first[1])+2 {
		t.Errorf("GET RESPONSE: % X", all)
	}
	if more, _ := p.transmit(unhex(t, "00C0000010")); !bytes.Equal(more, []byte{0x69, 0x85}) {
		t.Errorf("GET RESPONSE without more: % X", more)
	}
	if silence, ok := p.transmit(unhex(t, "80A80000068304015601 56")); !ok || silence != nil {
		t.Errorf("silence: % X, %t", silence, ok)
	}
}

// A silent card over T=1 gives no block.
func TestT1Silence(t *testing.T) {
	v := newCard(t, "t1").Variant(spoilt)
	v.ATR()
	if block, ok := newT1(v).transmit(withLRC(unhex(t, "00 00 0B 80A80000068304015601 56"))); ok {
		t.Errorf("silence: % X", block)
	}
}

func withLRC(b []byte) []byte { return append(b, xor(b)) }

// A shop has the variants of the chips that it has; a spoilt chip saves what it
// counts under the chip's own name.
func TestShopWithVariants(t *testing.T) {
	dir := t.TempDir()
	shop, err := Open(dir, testDeck(t), PadKeys{}, spoilt, Variant{Name: "of-nobody", Of: "gold"})
	if err != nil {
		t.Fatal(err)
	}
	all, err := shop.Cards()
	if err != nil {
		t.Fatal(err)
	}
	if last := all[len(all)-1]; len(all) != len(testDeck(t))+1 || last != (CardInfo{Name: "spoilt", Title: spoilt.Title, Of: "approve", Stripe: true}) {
		t.Errorf("%d cards, the last is %+v", len(all), last)
	}
	card := shop.cards["spoilt"]
	card.ATR()
	upTo(t, shop.cards["approve"], selectAID, gpo)
	shop.record("spoilt", unhex(t, gpo), nil)
	if err := shop.Close(); err != nil {
		t.Fatal(err)
	}
	shop, err = Open(dir, testDeck(t), PadKeys{}, spoilt)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shop.Close() }()
	if got := shop.cards["approve"].Counters().ATC; got != 1 {
		t.Errorf("the chip's ATC is %d after a restart, want 1", got)
	}
	if _, err := Open(t.TempDir(), testDeck(t), PadKeys{}, Variant{Name: "pin", Of: "approve"}); err == nil {
		t.Error("a variant has taken the name of a card")
	}
}

// The owner of a card that leaves takes it before that command.
func TestVariantLeaves(t *testing.T) {
	w := &wire{}
	r := &reader{out: w.out, note: func(string, []byte, []byte) {}}
	v := newCard(t, "approve").Variant(spoilt)
	v.ATR()
	r.card = v
	if !r.present(unhex(t, gpo)) || r.present(unhex(t, "00B2010C00")) {
		t.Error("the card did not stay, or did not leave")
	}
}
