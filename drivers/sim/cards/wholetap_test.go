package cards_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers/sim/cards"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// change is one that somebody makes to what a card or a reader says.
type change struct{ turn, kind, place, value byte }

// command tells whether it is the reader's word that is changed.
func (c change) command() bool { return c.kind&64 != 0 }

// changesMax bounds what is changed in one sale.
const changesMax = 8

// changesOf reads changes from fuzz input, four bytes each.
func changesOf(input []byte) []change {
	var all []change
	for len(input) >= 4 && len(all) < changesMax {
		all = append(all, change{input[0], input[1], input[2], input[3]})
		input = input[4:]
	}
	return all
}

// apply flips, sets, puts in or takes out a byte.
func (c change) apply(said []byte) []byte {
	if len(said) == 0 {
		return said
	}
	at := int(c.place) % len(said)
	if c.kind&128 != 0 { // long answers have far ends
		at = len(said) - 1 - at
	}
	out := bytes.Clone(said)
	switch c.kind % 4 {
	case 0:
		out[at] ^= c.value
	case 1:
		out[at] = c.value
	case 2:
		out = append(out[:at], append([]byte{c.value}, out[at:]...)...)
	case 3:
		out = append(out[:at], out[at+1:]...)
	}
	return out
}

// meddler stands before a card, changes what it is told and what it answers, and
// remembers the signatures that it gave and those that got through.
type meddler struct {
	changes []change
	count   int
	given   []byte // the latest signature of the chip's
	through bool   // the reader heard it as it was given
}

func (m *meddler) shim(command []byte, chip func([]byte) []byte) []byte {
	command = m.change(command, true)
	answer := chip(command)
	signed := m.signature(answer)
	answer = m.change(answer, false)
	m.count++
	if signed {
		m.through = bytes.Contains(answer, m.given)
	}
	return answer
}

func (m *meddler) change(said []byte, command bool) []byte {
	for _, c := range m.changes {
		if int(c.turn)%32 == m.count && c.command() == command {
			said = c.apply(said)
		}
	}
	return said
}

// signature looks for one in an answer.
func (m *meddler) signature(answer []byte) bool {
	body, err := tlv.One(answer[:max(len(answer)-2, 0)], tlv.ResponseFormat2)
	if err != nil {
		return false
	}
	sdad, found := tlv.Find(body, tlv.SDAD)
	if found {
		m.given = bytes.Clone(sdad)
	}
	return found
}

// FuzzWholeTap changes what cards and phones are told and answer, whichever they
// are, and sells with them through Entry Point and kernels: there is no panic and
// no error, there is an end, nothing is approved here without the signature that
// the chip made for this very tap, nothing that the issuer declined, and, at a
// reader that wants cards proven, nothing over the CVM limit with a card that
// wants the PIN and does not get it.
func FuzzWholeTap(f *testing.F) {
	var names []string
	for _, listed := range issuer.TapList() {
		names = append(names, listed.Name)
	}
	for _, v := range cards.Taps() {
		names = append(names, v.Name)
	}
	for i := range names {
		f.Add(byte(i), byte(i%3), []byte{})
		f.Add(byte(i), byte(i%4), []byte{0, 0, 40, 1, 2, 1, 4, 0x55})
		f.Add(byte(i), byte(i%5), []byte{2, 128, 30, 0xFF, 3, 2, 9, 0, 4, 3, 9, 0})
		f.Add(byte(i), byte(8), []byte{2, 64, 8, 0x40, 2, 0, 50, 0x80})
	}
	f.Fuzz(func(t *testing.T, which, where byte, input []byte) {
		card, p := tapped(t, names[int(which)%len(names)])
		m := &meddler{changes: changesOf(input)}
		a := antenna{amountMinor: small, floorMinor: floorMinor * int64(where&1), trusting: where&2 != 0, lenient: where&4 != 0}
		if where&8 != 0 {
			a.amountMinor = large
		}
		a.before = m.shim
		s := a.sell(t, card, p)
		switch {
		case s.Status != emv.Approved:
		case s.asked && !s.host.Approved:
			t.Fatalf("approved what the issuer declined: %v", m.changes)
		case !s.asked && (!m.through || a.floorMinor == 0):
			t.Fatalf("approved without the issuer, at a floor limit of %d, signature heard %v: %v", a.floorMinor, m.through, m.changes)
		case a.amountMinor == large && !a.trusting && wantsPIN(p) && !s.typed:
			t.Fatalf("approved without the PIN that the card wants: %v", m.changes)
		}
	})
}

// wantsPIN tells whether a card wants an online PIN over the CVM limit.
func wantsPIN(p issuer.Profile) bool { return strings.HasSuffix(p.Name, "-pin") }
