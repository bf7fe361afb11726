package emv_test

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

var update = flag.Bool("update", false, "rewrite what the kernel does in testdata/*.txt")

// TestTranscripts replays whole conversations. In a file, lines that begin
// with one of these are put in:
//
//	with    a setting that differs from the usual terminal and sale
//	atr     a card is there
//	<       what the card answers, see parseNotation
//	!       what others do: choose, pin, host, gone
//
// and these must come out, and are rewritten by -update:
//
//	>       a command, and what it is
//	?       a question: choose, pin, verify, online
//	=       the outcome
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := string(text)
			if !strings.HasPrefix(want, "# ") {
				t.Error("the file does not begin with a line that says why it is there")
			}
			got := replay(t, want)
			if *update && got != want {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			compareLines(t, got, want)
		})
	}
}

// compareLines reports the first line that differs.
func compareLines(t *testing.T, got, want string) {
	t.Helper()
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		g, w := "(end of file)", "(end of file)"
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			t.Fatalf("line %d:\n got %s\nwant %s", i+1, g, w)
		}
	}
}

// replay feeds the inputs of a transcript to a kernel and returns the
// transcript with what the kernel did.
func replay(t testing.TB, text string) string {
	t.Helper()
	out, m := play(t, text)
	if m == nil || !m.done {
		t.Errorf("the transcript does not come to an outcome")
	}
	return out
}

// play is replay of a transcript that may stop anywhere.
func play(t testing.TB, text string) (string, *run) {
	t.Helper()
	p := newSetup()
	var out []string
	var m *run
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case ">", "?", "=":
			continue // made anew
		case "with":
			out = append(out, line)
			if err := p.set(rest); err != nil {
				t.Fatalf("line %d: %v", n+1, err)
			}
		case "atr", "<", "!":
			out = append(out, line)
			event, err := parseEvent(word, rest)
			if err != nil {
				t.Fatalf("line %d: %v", n+1, err)
			}
			if m == nil {
				m = newRun(t, p)
			}
			out = append(out, m.step(event)...)
		default:
			if word != "" && word != "#" {
				t.Fatalf("line %d: %q is no part of a transcript", n+1, word)
			}
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n") + "\n", m
}

// run is a kernel with what must hold in every conversation.
type run struct {
	t       testing.TB
	kernel  *emv.Kernel
	done    bool
	tc      bool // the last cryptogram was a TC
	last    []byte
	waited  map[string]bool // the states it came by
	outcome emv.Outcome
}

func newRun(t testing.TB, p *setup) *run {
	t.Helper()
	k, err := emv.New(p.config, p.transaction)
	if err != nil {
		t.Fatal(err)
	}
	return &run{t: t, kernel: k, waited: map[string]bool{}}
}

// step feeds one event and describes the action.
func (r *run) step(e emv.Event) []string {
	r.t.Helper()
	if response, ok := e.(emv.Response); ok && len(r.last) > 1 && r.last[1] == 0xAE {
		r.tc = isTC(response.Data)
	}
	action, err := r.kernel.Step(e)
	if err != nil {
		r.t.Fatalf("Step(%T): %v", e, err)
	}
	r.waited[r.kernel.State()] = true
	r.last = nil
	switch a := action.(type) {
	case emv.Transmit:
		r.last = a.Command
		return []string{fmt.Sprintf("> %X  # %s", a.Command, describe(a.Command))}
	case emv.Choose:
		var apps []string
		for _, app := range a.Apps {
			apps = append(apps, fmt.Sprintf("%q %X %d", app.Label, app.AID, app.Priority))
		}
		question := "? choose "
		if a.Again {
			question = "? try again: choose "
		}
		return []string{question + strings.Join(apps, ", ")}
	case emv.EnterPIN:
		return []string{"? pin " + a.Card.PAN.Masked()}
	case emv.VerifyPIN:
		line := fmt.Sprintf("? verify %X, tries left %d", a.Command, a.TriesLeft)
		if a.Cipher != nil {
			line += fmt.Sprintf(", key of %d bytes %X..., challenge %X", len(a.Cipher.Modulus), a.Cipher.Modulus[:4], a.Cipher.Challenge)
		}
		return []string{line}
	case emv.GoOnline:
		r.checkHostData(a.Data)
		return []string{"? online " + cvmNames[a.CVM], "?  " + formatNotation(a.Data)}
	case emv.Done:
		return r.finish(a.Outcome)
	}
	r.t.Fatalf("Step(%T) gave %T", e, action)
	return nil
}

// isTC looks for CID 40 in either format of a GENERATE AC response.
func isTC(data []byte) bool {
	body := data[:max(len(data)-2, 0)]
	cid, _ := tlv.Find(body, tlv.ResponseFormat2, tlv.CryptogramInformation)
	if v, ok := tlv.Find(body, tlv.ResponseFormat1); ok {
		cid = v
	}
	return len(cid) > 0 && cid[0]&0xC0 == 0x40
}

// checkHostData: neither account number nor track goes with the chip data.
func (r *run) checkHostData(data []byte) {
	r.t.Helper()
	for _, tag := range []tlv.Tag{tlv.PAN, tlv.Track2} {
		if _, found := tlv.Find(data, tag); found {
			r.t.Errorf("host data holds %v", tag)
		}
	}
}

// finish describes the outcome and checks what holds at each end.
func (r *run) finish(o emv.Outcome) []string {
	r.t.Helper()
	r.done, r.outcome = true, o
	r.checkHostData(o.Record)
	if o.Status == emv.Approved && (!r.tc || o.Reason != "" || o.HostApproved) {
		r.t.Errorf("approved, but last cryptogram a TC: %v, reason %q, host must reverse: %v", r.tc, o.Reason, o.HostApproved)
	}
	if o.Status != emv.Approved && o.Reason == "" {
		r.t.Error("not approved, and no reason why")
	}
	for _, e := range []emv.Event{emv.Start{}, emv.Response{Data: []byte{0x90, 0}}, emv.CardGone{}, emv.HostResult{}} {
		if a, err := r.kernel.Step(e); !errors.Is(err, emv.ErrUnexpected) {
			r.t.Errorf("Step(%T) after the end gave %T, %v, want ErrUnexpected", e, a, err)
		}
	}
	head := "= " + statusNames[o.Status]
	for _, word := range []string{string(o.Reason), o.Detail} {
		if word != "" {
			head += ": " + word
		}
	}
	facts := fmt.Sprintf("=  verified by %s, online %v, ARC %q", cvmNames[o.CVM], o.Online, o.ARC)
	if o.HostApproved {
		facts += ", host must reverse"
	}
	lines := []string{head, facts}
	if len(o.Card.AID) > 0 {
		lines = append(lines, fmt.Sprintf("=  card %v, sequence %q, expiry %q, %q %X",
			o.Card.PAN, o.Card.PSN, o.Card.Expiry, o.Card.Label, o.Card.AID))
	}
	return append(lines, "=  "+formatNotation(o.Record))
}

var statusNames = map[emv.Status]string{
	emv.EndApplication: "EndApplication", emv.Approved: "Approved", emv.Declined: "Declined",
}

var cvmNames = map[emv.CVM]string{
	emv.CVMNone: "nothing", emv.CVMOnlinePIN: "online PIN", emv.CVMSignature: "signature",
	emv.CVMOfflinePIN: "offline PIN", emv.CVMFailed: "failed method",
}

// parseInputs reads the settings and events of a transcript.
func parseInputs(t testing.TB, text string) (*setup, []emv.Event) {
	t.Helper()
	s := newSetup()
	var events []emv.Event
	for n, line := range strings.Split(text, "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "with":
			if err := s.set(rest); err != nil {
				t.Fatalf("line %d: %v", n+1, err)
			}
		case "atr", "<", "!":
			e, err := parseEvent(word, rest)
			if err != nil {
				t.Fatalf("line %d: %v", n+1, err)
			}
			events = append(events, e)
		}
	}
	return s, events
}

// parseEvent reads an input line.
func parseEvent(word, rest string) (emv.Event, error) {
	if word == "atr" {
		atr, err := hex.DecodeString(rest)
		return emv.Start{ATR: atr}, err
	}
	if word == "<" {
		data, err := parseNotation(rest)
		return emv.Response{Data: data}, err
	}
	choice, isChoice := strings.CutPrefix(rest, "choose ")
	switch {
	case !isChoice:
		return taptest.ParseEvent("! " + rest) // as with a card that is tapped
	case choice == "none":
		return emv.Choice{Index: -1}, nil
	}
	var c emv.Choice
	_, err := fmt.Sscan(choice, &c.Index)
	return c, err
}

// describe says what a command is, for readers.
func describe(c []byte) string {
	if len(c) < 4 {
		return "a script command"
	}
	switch c[1] {
	case 0xA4:
		name := fmt.Sprintf("%X", c[5:5+c[4]])
		if strings.HasPrefix(string(c[5:]), "1PAY") {
			name = string(c[5 : 5+c[4]])
		}
		return map[byte]string{0: "SELECT ", 2: "SELECT next "}[c[3]] + name
	case 0xB2:
		return fmt.Sprintf("READ RECORD %d of SFI %d", c[2], c[3]>>3)
	case 0xA8:
		return "GET PROCESSING OPTIONS"
	case 0x88:
		return "INTERNAL AUTHENTICATE"
	case 0x82:
		return "EXTERNAL AUTHENTICATE"
	case 0x84:
		return "GET CHALLENGE"
	case 0xCA:
		return fmt.Sprintf("GET DATA %X", c[2:4])
	case 0xAE:
		name := "GENERATE AC " + map[byte]string{0: "AAC", 0x40: "TC", 0x80: "ARQC"}[c[2]&0xC0]
		if c[2]&0x10 != 0 {
			name += ", signed"
		}
		if c[2]&0x08 != 0 {
			name += ", signed on a curve"
		}
		return name
	}
	return "a script command"
}
