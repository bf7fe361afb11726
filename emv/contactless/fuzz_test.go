package contactless_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
)

func mustEvent(line string) emv.Event {
	e, err := taptest.ParseEvent(line)
	if err != nil {
		panic(err)
	}
	return e
}

// FuzzEntryPoint plays a card, its owner and a host at once. The input is cut
// into answers: a byte that says what happens, or the length of a response,
// and as many bytes. Whatever comes: no panic, no error, an end, and no
// approval of what the host declined.
func FuzzEntryPoint(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed(string(text)))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		s := newSetup()
		for _, c := range []string{
			"F043504F530101 21 ttq=36000000 cvm=1250 extended", "F043504F530202 22", "A0000000031010 03 ttq=36000000", "A0000000031010 01",
		} {
			if err := s.combine(c); err != nil {
				t.Fatal(err)
			}
		}
		m, err := s.Open()
		if err != nil {
			t.Fatal(err)
		}
		c := &chance{input: input}
		var event emv.Event = emv.Begin{}
		const bound = 5000
		for range bound {
			action, err := m.Step(event)
			if err != nil {
				t.Fatalf("Step(%T): %v", event, err)
			}
			if done, ok := action.(emv.Done); ok {
				c.check(t, done.Outcome)
				return
			}
			event = c.answer(action)
		}
		t.Fatalf("no end after %d steps", bound)
	})
}

// seed turns the inputs of a transcript into fuzz input.
func seed(text string) []byte {
	var out []byte
	for _, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "! card"), strings.HasPrefix(line, "! clear"), strings.HasPrefix(line, "! host 00"):
			out = append(out, 1)
		case strings.HasPrefix(line, "! collision"), strings.HasPrefix(line, "! host 05"):
			out = append(out, 2)
		case strings.HasPrefix(line, "! begin"):
		case strings.HasPrefix(line, "! "):
			out = append(out, 0)
		case strings.HasPrefix(line, "<"):
			data := mustEvent(line).(emv.Response).Data
			out = append(append(out, byte(len(data))), data...)
		}
	}
	return out
}

// chance answers from the input; when it is used up, the card is gone.
type chance struct {
	input []byte
	host  emv.HostResult
}

func (c *chance) byte() byte {
	if len(c.input) == 0 {
		return 0
	}
	b := c.input[0]
	c.input = c.input[1:]
	return b
}

func (c *chance) answer(a emv.Action) emv.Event {
	switch a.(type) {
	case emv.Show, emv.Field, emv.Reenter:
		return emv.Performed{}
	case emv.AwaitClear:
		c.byte()
		return emv.Cleared{}
	case emv.AwaitCard:
		switch c.byte() {
		case 0:
			return emv.CardGone{}
		case 2:
			return emv.Collision{}
		}
		return emv.Start{}
	case emv.EnterPIN:
		return emv.PINResult{Status: emv.PINStatus(c.byte() % 3)}
	case emv.GoOnline:
		switch c.byte() {
		case 0:
			return emv.HostResult{}
		case 1:
			c.host = emv.HostResult{Online: true, ARC: "00", Approved: true, IssuerAuth: make([]byte, 8)}
		default:
			c.host = emv.HostResult{Online: true, ARC: "05", Scripts: c.input[:min(len(c.input), 16)]}
		}
		return c.host
	}
	n := min(int(c.byte()), len(c.input))
	if n == 0 {
		return emv.CardGone{}
	}
	data := c.input[:n]
	c.input = c.input[n:]
	return emv.Response{Data: data}
}

func (c *chance) check(t *testing.T, o emv.Outcome) {
	t.Helper()
	if o.Status == emv.Approved && c.host.Online && !c.host.Approved {
		t.Fatal("approved what the host declined")
	}
	if o.HostApproved != (c.host.Approved && o.Status != emv.Approved) {
		t.Fatalf("status %v, host approved %v, to be reversed %v", o.Status, c.host.Approved, o.HostApproved)
	}
	if o.Status == emv.SelectNext || o.Status == emv.TryAgain || o.Status == emv.OnlineRequest {
		t.Fatalf("the end is status %v", o.Status)
	}
}
