package cards_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/benchtest"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// tapAllocationsMax bounds what a tap that the card approves allocates, Entry
// Point and all.
const tapAllocationsMax = 400

// benchTaps are the cards that are measured: each approves by itself, and signs.
var benchTaps = []string{"tap-2-offline", "tap-3-offline", "tap-7-offline"}

// recorded is a tap that can be played again and again, for its unpredictable
// number is always the same.
type recorded struct {
	config  contactless.Config
	answers []emv.Response
	p       issuer.Profile
}

// record sells once, and keeps what the card answered.
func record(t testing.TB, name string) recorded {
	t.Helper()
	card, p := tapped(t, name)
	r := recorded{p: p}
	a := antenna{amountMinor: small, floorMinor: floorMinor, random: func(b []byte) {
		for i := range b {
			b[i] = byte(i + 1)
		}
	}}
	a.before = func(command []byte, chip func([]byte) []byte) []byte {
		answer := chip(command)
		r.answers = append(r.answers, emv.Response{Data: bytes.Clone(answer), Elapsed: 4 * time.Millisecond})
		return answer
	}
	r.config = a.config(t)
	if s := a.sell(t, card, p); s.String() != "approved, no CVM" {
		t.Fatalf("%s: %s (%s)", name, s, s.Detail)
	}
	return r
}

// play is one tap, from the amount to the approval.
func (r *recorded) play(t testing.TB) {
	t.Helper()
	m := opened(t, r.config, small)
	var event emv.Event = emv.Begin{}
	at := 0
	for {
		action, err := m.Step(event)
		if err != nil {
			t.Fatal(err)
		}
		switch a := action.(type) {
		case emv.AwaitCard:
			event = emv.Start{}
		case emv.Transmit:
			event = r.answers[at]
			at++
		case emv.Done:
			if a.Outcome.Status != emv.Approved || at != len(r.answers) {
				t.Fatalf("status %v after %d of %d answers: %s", a.Outcome.Status, at, len(r.answers), a.Outcome.Detail)
			}
			return
		default:
			event = emv.Performed{}
		}
	}
}

// find looks for an object of the card's in all that it answered.
func (r *recorded) find(t testing.TB, tag tlv.Tag) []byte {
	t.Helper()
	for _, a := range r.answers {
		for _, template := range []tlv.Tag{tlv.RecordTemplate, tlv.ResponseFormat2} {
			if body, err := tlv.One(a.Data[:len(a.Data)-2], template); err == nil {
				if value, found := tlv.Find(body, tag); found {
					return value
				}
			}
		}
	}
	t.Fatalf("the card has no %v", tag)
	return nil
}

// operations are those with RSA keys: of the authority, the issuer and the card.
func (r *recorded) operations(t testing.TB) []benchtest.Operation {
	t.Helper()
	index := r.find(t, tlv.CAKeyIndex)[0]
	var ca oda.CAKey
	for _, k := range madeTapsOnce().ca {
		if k.Index == index && bytes.HasPrefix(r.p.AID, k.RID[:]) {
			ca = k
		}
	}
	all := []benchtest.Operation{{Signature: r.find(t, tlv.IssuerCertificate), Exponent: ca.Exponent, Modulus: ca.Modulus}}
	// What stands for the keys that certificates hold are numbers of their length.
	for signed, exponent := range map[tlv.Tag]tlv.Tag{tlv.ICCCertificate: tlv.IssuerKeyExponent, tlv.SDAD: tlv.ICCKeyExponent} {
		signature := r.find(t, signed)
		modulus := bytes.Clone(signature)
		modulus[0], modulus[len(modulus)-1] = 0xFF, modulus[len(modulus)-1]|1
		all = append(all, benchtest.Operation{Signature: signature, Exponent: r.find(t, exponent), Modulus: modulus})
	}
	return all
}

// BenchmarkTap measures a tap that the card approves, Entry Point and kernel,
// and beside it what its three RSA operations alone cost.
func BenchmarkTap(b *testing.B) {
	for _, name := range benchTaps {
		b.Run(name, func(b *testing.B) {
			r := record(b, name)
			benchtest.Beyond(b, func() { r.play(b) }, benchtest.Bare(r.operations(b)))
			b.ReportMetric(float64(len(r.answers)), "commands")
			b.ReportMetric(float64(fewest(r.p)), "fewest-commands")
		})
	}
}

// TestTapAllocations counts what a tap allocates.
func TestTapAllocations(t *testing.T) {
	for _, name := range benchTaps {
		r := record(t, name)
		if n := testing.AllocsPerRun(10, func() { r.play(t) }); n > tapAllocationsMax {
			t.Errorf("%s: %.0f allocations, at most %d", name, n, tapAllocationsMax)
		}
	}
}

// fewest is how many commands a tap of a card takes at least: SELECT of
// directory and application, GET PROCESSING OPTIONS, each record that its
// locator names, and for kernel 2 GENERATE AC, and the race and the balance if it
// has them. EMV Contactless Book B, 3.3, Books C-2, C-3 and C-7.
func fewest(p issuer.Profile) int {
	n := 3
	if p.Tap.Kernel == issuer.Kernel7 && p.Behaviour == issuer.SaysNo {
		return n // what it declines needs no records
	}
	for entry := p.AFL; len(entry) >= 4; entry = entry[4:] {
		n += int(entry[2]-entry[1]) + 1
	}
	if p.Tap.Kernel != issuer.Kernel2 {
		return n
	}
	n++
	if p.Tap.Race != nil {
		n++
	}
	if p.Tap.SpendMinor > 0 {
		n++
	}
	return n
}

// No tap takes a command more than its card and its kernel demand.
func TestTapCommands(t *testing.T) {
	for _, listed := range issuer.TapList() {
		card, p := tapped(t, listed.Name)
		for _, r := range []antenna{{}, {floorMinor: floorMinor}} {
			r.amountMinor = small
			counts := make([]int, 1, 2)
			r.before = func(command []byte, chip func([]byte) []byte) []byte {
				if command[1] == 0xA4 && bytes.Contains(command, []byte("2PAY.SYS")) && counts[0] > 0 {
					counts = append(counts, 0)
				}
				counts[len(counts)-1]++
				return chip(command)
			}
			s := r.sell(t, card, p)
			want := fewest(p)
			if listed.Name == "tap-3-update" {
				want += 2 // at the second tap: SELECT of the application, EXTERNAL AUTHENTICATE
			}
			if len(counts) != 1 || counts[0] != want {
				t.Errorf("%s: %v commands, at least %d (%s)", listed.Name, counts, want, s)
			}
		}
	}
}
