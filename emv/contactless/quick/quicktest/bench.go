package quicktest

import (
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// approved is the transcript of a tap that the card approves with fDDA.
const approved = "signed-approved.txt"

// stored is a tap of testdata that can be played again and again, for its
// unpredictable number is always the same.
type stored struct {
	config contactless.Config
	tx     emv.Transaction
	events []emv.Event
}

func load(t testing.TB, tap *Setup, name string) stored {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	s := stored{tx: tap.Tx}
	for _, line := range strings.Split(string(text), "\n") {
		switch word, rest, _ := strings.Cut(line, " "); word {
		case "with":
			err = tap.Set(rest)
		case "!", "<":
			var e emv.Event
			e, err = taptest.ParseEvent(line)
			s.events = append(s.events, e)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if s.config, err = tap.Config(); err != nil {
		t.Fatal(err)
	}
	return s
}

// play plays it, and returns the end.
func (s *stored) play(t testing.TB) emv.Outcome {
	m, err := contactless.New(s.config, s.tx, emv.RestartA)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range s.events {
		for e != nil {
			action, err := m.Step(e)
			if err != nil {
				t.Fatal(err)
			}
			e = nil
			switch a := action.(type) {
			case emv.Show, emv.Field, emv.Reenter:
				e = emv.Performed{}
			case emv.Done:
				return a.Outcome
			}
		}
	}
	t.Fatal("no end")
	return emv.Outcome{}
}

// Benchmark times a tap that the card approves with fDDA, and beside it the
// three RSA operations in it alone: of the CA's key, the issuer's and the card's.
func Benchmark(b *testing.B, tap *Setup) {
	b.Helper()
	s := load(b, tap, approved)
	if o := s.play(b); o.Status != emv.Approved {
		b.Fatalf("status %v: %s", o.Status, o.Detail)
	}
	b.Run("tap", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.play(b)
		}
	})
	numbers := s.numbers(b)
	b.Run("bare RSA", func(b *testing.B) {
		for b.Loop() {
			for _, n := range numbers {
				new(big.Int).Exp(n[0], n[1], n[2])
			}
		}
	})
}

// numbers are signature, exponent and modulus of each RSA operation. What stands
// for the moduli that certificates hold are the signatures' neighbours of the
// same length: a multiplication takes as long.
func (s *stored) numbers(t testing.TB) [][3]*big.Int {
	t.Helper()
	var all []byte
	for _, e := range s.events {
		if r, ok := e.(emv.Response); ok {
			if record, found := tlv.Find(r.Data[:len(r.Data)-2], tlv.RecordTemplate); found {
				all = append(all, record...)
			}
		}
	}
	var numbers [][3]*big.Int
	for _, tag := range []tlv.Tag{tlv.IssuerCertificate, tlv.ICCCertificate, tlv.SDAD} {
		signature, found := tlv.Find(all, tag)
		if !found {
			t.Fatalf("no %v", tag)
		}
		modulus := new(big.Int).SetBytes(signature)
		modulus.SetBit(modulus, 8*len(signature)-1, 1).SetBit(modulus, 0, 1)
		numbers = append(numbers, [3]*big.Int{new(big.Int).Sub(modulus, big.NewInt(12345)), big.NewInt(65537), modulus})
	}
	return numbers
}

// allocationsMax bounds what a tap with fDDA allocates, Entry Point and all.
const allocationsMax = 400

// Allocates bounds such a tap's work by what can be counted anywhere.
func Allocates(t *testing.T, tap *Setup) {
	t.Helper()
	s := load(t, tap, approved)
	if got := testing.AllocsPerRun(5, func() { s.play(t) }); got > allocationsMax {
		t.Errorf("a tap allocates %v times, at most %d", got, allocationsMax)
	}
}
