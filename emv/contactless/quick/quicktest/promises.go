package quicktest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Options is a card's answer to GET PROCESSING OPTIONS that asks for the issuer
// and names a record.
const Options = "77[82[2000] 94[08010100] 9F36[0015] 9F26[1122334455667788] 9F10[06011103A00000] " +
	"57[9999010000000018D281220100000F] 9F27[80]] 9000"

// Unexpected plays what is right, and tries what does not fit wherever the
// machine stands: it is refused, and changes nothing.
func Unexpected(t *testing.T, m emv.Machine, story ...emv.Event) {
	t.Helper()
	for i, right := range append(story, nil) {
		for _, wrong := range []emv.Event{
			emv.Begin{}, emv.Performed{}, Response(Options), emv.CardGone{}, emv.HostResult{}, emv.Collision{},
		} {
			if fits(right, wrong) {
				continue
			}
			if _, err := m.Step(wrong); !errors.Is(err, emv.ErrUnexpected) {
				t.Errorf("step %d: Step(%T) gives %v, want ErrUnexpected", i, wrong, err)
			}
		}
		if right == nil {
			return
		}
		if _, err := m.Step(right); err != nil {
			t.Fatalf("step %d: Step(%T): %v", i, right, err)
		}
	}
}

// fits tells whether an event is of the kind that is waited for; a card may
// leave instead of answering.
func fits(right, event emv.Event) bool {
	switch event.(type) {
	case emv.Begin:
		_, ok := right.(emv.Begin)
		return ok
	case emv.Performed:
		_, ok := right.(emv.Performed)
		return ok
	case emv.Response, emv.CardGone:
		_, ok := right.(emv.Response)
		return ok
	}
	return false
}

// Clears tells whether the outcome keeps the card, and the kernel does not.
func Clears(t *testing.T, s *Setup) {
	t.Helper()
	m := s.Activate(t, s.Activation())
	var last emv.Action
	for _, e := range []emv.Event{emv.Begin{}, Response(Options), Response("70[5F24[281231]] 9000"), emv.Performed{}} {
		var err error
		if last, err = m.Step(e); err != nil {
			t.Fatal(err)
		}
	}
	m.(interface{ Clear() }).Clear()
	card := last.(emv.Done).Outcome.Card
	if string(card.PAN) != "9999010000000018" || len(card.Track2) != 15 || card.Track2[0] != 0x99 {
		t.Errorf("the outcome's card is cleared: %v", card.PAN)
	}
	if _, err := m.Step(emv.Begin{}); !errors.Is(err, emv.ErrUnexpected) {
		t.Errorf("Step after Clear: %v", err)
	}
}

// Fuzz feeds a card's answers: FCI, options and records, each behind a byte with
// its length. Whatever comes: no panic, no error, an end, no approval, for there
// is no key to prove a card with, and no account number in the record.
func Fuzz(f *testing.F, fresh func() *Setup) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed(string(text)))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		next := func() []byte {
			if len(input) == 0 {
				return nil
			}
			n := min(int(input[0]), len(input)-1)
			data := input[1 : 1+n]
			input = input[1+n:]
			return data
		}
		s := fresh()
		a := s.Activation()
		fci := next()
		a.FCI = fci[:max(len(fci)-2, 0)]
		m := s.Activate(t, a)
		var event emv.Event = emv.Begin{}
		for range 300 {
			action, err := m.Step(event)
			if err != nil {
				t.Fatalf("Step(%T): %v", event, err)
			}
			switch a := action.(type) {
			case emv.Done:
				checkEnd(t, a.Outcome)
				return
			case emv.Show:
				event = emv.Performed{}
			default:
				event = emv.CardGone{}
				if data := next(); data != nil {
					event = emv.Response{Data: data}
				}
			}
		}
		t.Fatal("no end")
	})
}

// seed turns what the card says in a transcript, but for its directory, into
// fuzz input.
func seed(text string) []byte {
	var out []byte
	for n, line := range strings.Split(text, "\n< ")[1:] {
		line, _, _ = strings.Cut(line, "\n")
		if data := Response(line).Data; n > 0 && len(data) < 256 {
			out = append(append(out, byte(len(data))), data...)
		}
	}
	return out
}

func checkEnd(t *testing.T, o emv.Outcome) {
	t.Helper()
	if o.Status == emv.Approved {
		t.Fatal("approved, although no key is known")
	}
	if o.Status == emv.OnlineRequest && (len(o.Card.PAN) == 0 || len(o.Record) == 0) {
		t.Fatalf("an online request with %d digits and a record of %d bytes", len(o.Card.PAN), len(o.Record))
	}
	for _, tag := range []tlv.Tag{tlv.PAN, tlv.Track2} {
		if _, found := tlv.Find(o.Record, tag); found {
			t.Fatalf("the record holds %v", tag)
		}
	}
}
