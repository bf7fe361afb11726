package kernel2_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
)

// allocationsMax bounds what a tap with CDA allocates.
const allocationsMax = 400

// load reads a story of the kernel alone: its terminal and sale, and what the
// card answers, signed.
func load(t testing.TB, text string) (*setup, []emv.Event) {
	t.Helper()
	s := newSetup(t)
	var m emv.Machine
	var events []emv.Event
	for _, line := range strings.Split(text, "\n") {
		var err error
		switch word, rest, _ := strings.Cut(line, " "); {
		case word == "with":
			err = s.Set(rest)
		case line == "! begin":
			if m, err = s.Open(); err == nil {
				step(t, m, emv.Begin{})
			}
		case word == "<", line == "! gone":
			e := s.event(t, line)
			events = append(events, e)
			step(t, m, e)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s, events
}

func story(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// step ignores what a machine answers but for mistakes; a tap that has ended
// takes nothing more.
func step(t testing.TB, m emv.Machine, e emv.Event) {
	t.Helper()
	if _, err := m.Step(e); err != nil && !strings.Contains(err.Error(), "ended") {
		t.Fatal(err)
	}
}

// tapped plays events until the tap is over. A card that has nothing more to
// say is gone.
func tapped(t testing.TB, s *setup, events []emv.Event) emv.Outcome {
	t.Helper()
	s.random = random{}
	m, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	var event emv.Event = emv.Begin{}
	for {
		action, err := m.Step(event)
		if err != nil {
			t.Fatal(err)
		}
		switch a := action.(type) {
		case emv.Show:
			event = emv.Performed{}
		case emv.Transmit:
			if len(events) == 0 {
				event = emv.CardGone{}
				continue
			}
			event, events = events[0], events[1:]
		case emv.Done:
			return a.Outcome
		}
	}
}

// TestAllocations bounds a tap's work by what can be counted anywhere.
func TestAllocations(t *testing.T) {
	s, events := load(t, story(t, "approved.txt"))
	if got := testing.AllocsPerRun(5, func() { tapped(t, s, events) }); got > allocationsMax {
		t.Errorf("a tap allocates %v times, at most %d", got, allocationsMax)
	}
}

// TestGone pulls the card away at every place of every story: the tap ends, and
// is not approved as long as the card was still needed.
func TestGone(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "with entry-point") {
			continue
		}
		s, events := load(t, string(text))
		whole := tapped(t, s, events)
		for n := range events {
			o := tapped(t, s, events[:n])
			switch {
			case o.Reason == emv.ReasonCardRemoved && o.UIOnRestart != nil:
			case o.Status == whole.Status && o.Reason == whole.Reason && n == len(events)-1 && s.app.BalanceAfter:
			default:
				t.Errorf("%s without answer %d ends with %v, %q: %s", file, n+1, o.Status, o.Reason, o.Detail)
			}
		}
	}
}
