package kernel2_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
)

// fuzzSettings are what a bit of the first byte of fuzz input switches on.
var fuzzSettings = []string{
	"device-cvm", "relay", "balance before after", "torn 2 5m", "cvm-limit 1000", "floor 1000", "magstripe", "terminal-type 23",
}

// FuzzTap plays a card: whatever it says, there is an end, no error and no
// panic, and no approval, for nobody but the card can sign this tap.
func FuzzTap(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if !strings.Contains(string(text), "with entry-point") {
			f.Add(seed(f, string(text)))
		}
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		s := newSetup(t)
		if len(input) > 0 {
			for i, setting := range fuzzSettings {
				if input[0]>>i&1 == 0 {
					continue
				}
				if err := s.Set(setting); err != nil {
					t.Fatal(err)
				}
			}
			input = input[1:]
		}
		m, err := s.Open()
		if err != nil {
			t.Fatal(err)
		}
		var event emv.Event = emv.Begin{}
		const bound = 600
		for range bound {
			action, err := m.Step(event)
			if err != nil {
				t.Fatalf("Step(%T): %v", event, err)
			}
			switch a := action.(type) {
			case emv.Done:
				if a.Outcome.Status == emv.Approved {
					t.Fatalf("approved: %s", a.Outcome.Detail)
				}
				return
			case emv.Show:
				event = emv.Performed{}
			case emv.Transmit:
				event, input = next(input)
			default:
				t.Fatalf("%T", action)
			}
		}
		t.Fatalf("no end after %d steps", bound)
	})
}

// next cuts an answer off: its time, its length, and as many bytes. A card that
// has nothing more to say is gone.
func next(input []byte) (emv.Event, []byte) {
	if len(input) < 2 {
		return emv.CardGone{}, nil
	}
	elapsed, n := time.Duration(input[0])*time.Millisecond/4, min(int(input[1]), len(input)-2)
	return emv.Response{Data: input[2 : 2+n], Elapsed: elapsed}, input[2+n:]
}

// seed turns a transcript into fuzz input. Signatures are good ones of another
// number.
func seed(t testing.TB, text string) []byte {
	t.Helper()
	_, events := load(t, signature.ReplaceAllString(text, "$$sign(other number)"))
	out := []byte{0}
	for i, setting := range fuzzSettings {
		if strings.Contains(text, "with "+setting+"\n") {
			out[0] |= 1 << i
		}
	}
	for _, e := range events {
		if r, ok := e.(emv.Response); ok {
			out = append(out, byte(4*r.Elapsed/time.Millisecond), byte(len(r.Data)))
			out = append(out, r.Data...)
		}
	}
	return out
}
