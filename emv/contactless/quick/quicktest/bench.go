package quicktest

import (
	"os"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
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
