package emv_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
)

// FuzzKernel plays a card, a cardholder and a host at once. The input is cut
// into answers: a length byte, then as many bytes; and of events that are no
// response, one byte each. Whatever comes: no panic, an end, no approval
// without a TC that was asked for, and none that the host declined.
func FuzzKernel(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed(f, string(text)))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		s := newSetup()
		s.config.Capabilities[1] |= 0xB0 // offline PIN and signature
		s.config.Capabilities[2] |= 0x04 // XDA, though without a CA key
		k, err := emv.New(s.config, s.transaction)
		if err != nil {
			t.Fatal(err)
		}
		c := &chance{input: input}
		var event emv.Event = emv.Start{}
		const bound = 2100
		for range bound {
			action, err := k.Step(event)
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
func seed(f *testing.F, text string) []byte {
	var out []byte
	for _, line := range strings.Split(text, "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "<":
			answer := unhex(f, rest)
			out = append(append(out, byte(len(answer)>>8), byte(len(answer))), answer...)
		case word == "!" && strings.HasPrefix(rest, "host 0"):
			out = append(out, 1)
		case word == "!":
			out = append(out, 0)
		}
	}
	return out
}

// chance answers from the input; when it is used up, the card is gone.
type chance struct {
	input []byte
	tc    bool
	asked bool // the last GENERATE AC asked for a TC
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
	if len(c.input) == 0 {
		return emv.CardGone{}
	}
	switch a := a.(type) {
	case emv.Transmit:
		n := min(int(c.byte())<<8|int(c.byte()), len(c.input))
		data := c.input[:n]
		c.input = c.input[n:]
		if a.Command[0] == 0x80 && a.Command[1] == 0xAE {
			c.tc, c.asked = isTC(data), a.Command[2]&0xC0 == 0x40
		}
		return emv.Response{Data: data}
	case emv.VerifyPIN:
		switch c.byte() % 4 {
		case 0:
			return emv.Response{Data: []byte{0x90, 0x00}}
		case 1:
			return emv.Response{Data: []byte{0x63, 0xC0 | c.byte()&0x0F}}
		case 2:
			return emv.PINResult{Status: emv.PINBypassed + emv.PINStatus(c.byte()%2)}
		}
		return emv.Response{Data: []byte{c.byte(), c.byte()}}
	case emv.Choose:
		return emv.Choice{Index: int(c.byte())%(len(a.Apps)+1) - 1}
	case emv.EnterPIN:
		return emv.PINResult{Status: emv.PINStatus(c.byte() % 3)}
	case emv.GoOnline:
		verdict, scripts := c.byte()%3, c.input
		if bytes.Contains(scripts, []byte{0x80, 0xAE}) {
			scripts = nil // a GENERATE AC by the issuer would confuse this test
		}
		switch verdict {
		case 0:
			return emv.HostResult{}
		case 1:
			c.host = emv.HostResult{Online: true, ARC: "00", Approved: true, IssuerAuth: make([]byte, 8), Scripts: scripts}
		default:
			c.host = emv.HostResult{Online: true, ARC: "05", Scripts: scripts}
		}
		return c.host
	}
	return emv.CardGone{}
}

func (c *chance) check(t *testing.T, o emv.Outcome) {
	t.Helper()
	declined := c.host.Online && !c.host.Approved
	if o.Status == emv.Approved && (!c.tc || !c.asked || declined) {
		t.Fatalf("approved: TC given %v, asked for %v, host declined %v", c.tc, c.asked, declined)
	}
	if o.HostApproved != (c.host.Approved && o.Status != emv.Approved) {
		t.Fatalf("status %v, host approved %v, to be reversed %v", o.Status, c.host.Approved, o.HostApproved)
	}
}
