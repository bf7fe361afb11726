// Package taptest plays taps from transcripts: what reader, card, cardholder
// and host do is in a text file, and so is what the machine must do.
//
// In a file, lines that begin with one of these are put in:
//
//	with    a setting, which the caller understands
//	!       what others do: begin, card, collision, clear, gone, pin, host
//	<       what the card answers, see package tlvtest; "in 5ms" before it is
//	        how long that takes
//
// and these must come out, and are rewritten by Update:
//
//   - what the reader does: messages, field, waiting
//     >       a command, and what it is
//     ?       a question: pin, online
//     =       the outcome
//
// Actions without a result are performed at once.
package taptest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/emv/tlv/tlvtest"
)

// A Tap is what a transcript is played with.
type Tap interface {
	Set(setting string) error   // a line "with"
	Open() (emv.Machine, error) // at the first event
}

// An Expander is a Tap with a notation of its own for what a card answers: keys
// and signatures that are made as the transcript is played.
type Expander interface {
	Expand(line string) (string, error)
}

// Transcripts plays each file of testdata, with a Tap of its own, and compares
// what comes out. With update it rewrites the files instead.
func Transcripts(t *testing.T, update bool, fresh func() Tap) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := string(text)
			if !strings.HasPrefix(want, "# ") {
				t.Error("the file does not begin with a line that says why it is there")
			}
			got, ended := Play(t, want, fresh())
			if !ended {
				t.Error("the transcript does not come to an outcome")
			}
			if update && got != want {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			compare(t, got, want)
		})
	}
}

// compare reports the first line that differs.
func compare(t *testing.T, got, want string) {
	t.Helper()
	gotLines, wantLines := append(strings.Split(got, "\n"), "(end)"), append(strings.Split(want, "\n"), "(end)")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("line %d:\n got %s\nwant %s", i+1, gotLines[i], wantLines[i])
		}
	}
}

// Play plays one transcript and returns it with what the machine did, and
// whether it came to its outcome.
func Play(t testing.TB, text string, tap Tap) (string, bool) {
	t.Helper()
	p := &player{t: t, tap: tap}
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "*", ">", "?", "=":
			continue // made anew
		case "with":
			p.lines = append(p.lines, line)
			if err := tap.Set(rest); err != nil {
				t.Fatalf("line %d: %v", n+1, err)
			}
		case "!", "<":
			p.lines = append(p.lines, line)
			event, err := p.parse(line)
			if err != nil {
				t.Fatalf("line %d: %v", n+1, err)
			}
			p.step(event)
		default:
			if word != "" && word != "#" {
				t.Fatalf("line %d: %q is no part of a transcript", n+1, word)
			}
			p.lines = append(p.lines, line)
		}
	}
	return strings.Join(p.lines, "\n") + "\n", p.ended
}

// player is a machine with its transcript.
type player struct {
	t       testing.TB
	tap     Tap
	machine emv.Machine
	lines   []string
	ended   bool
}

// parse reads an event, in the tap's own notation if it has one.
func (p *player) parse(line string) (emv.Event, error) {
	if x, ok := p.tap.(Expander); ok {
		var err error
		if line, err = x.Expand(line); err != nil {
			return nil, err
		}
	}
	return ParseEvent(line)
}

// step feeds one event, and more as long as they follow by themselves.
func (p *player) step(e emv.Event) {
	p.t.Helper()
	if p.machine == nil {
		m, err := p.tap.Open()
		if err != nil {
			p.t.Fatal(err)
		}
		p.machine = m
	}
	for e != nil {
		action, err := p.machine.Step(e)
		if err != nil {
			p.t.Fatalf("Step(%T): %v, after\n%s", e, err, strings.Join(p.lines, "\n"))
		}
		e = nil
		switch a := action.(type) {
		case emv.Show, emv.Field, emv.Reenter:
			e = emv.Performed{}
		case emv.Done:
			p.ended = true
			checkSecrets(p.t, a.Outcome.Record)
			checkSecrets(p.t, a.Outcome.Discretionary)
		case emv.GoOnline:
			checkSecrets(p.t, a.Data)
		}
		p.lines = append(p.lines, describe(action)...)
	}
}

// checkSecrets: neither account number nor track is among data that is stored
// or sent as it is.
func checkSecrets(t testing.TB, data []byte) {
	t.Helper()
	for _, tag := range []tlv.Tag{tlv.PAN, tlv.Track2} {
		if _, found := tlv.Find(data, tag); found {
			t.Errorf("data for host or journal holds %v", tag)
		}
	}
}

// describe writes an action.
func describe(a emv.Action) []string {
	switch a := a.(type) {
	case emv.Show:
		return []string{"* show " + request(&a.Request)}
	case emv.Field:
		if a.On {
			return []string{"* field on"}
		}
		return []string{fmt.Sprintf("* field off for %v", a.Hold)}
	case emv.AwaitCard:
		return []string{"* await a card"}
	case emv.AwaitClear:
		return []string{"* await an empty field"}
	case emv.Reenter:
		return []string{"* reenter: " + statuses[a.Outcome.Status] + parameters(a.Outcome.Parameters)}
	case emv.Transmit:
		return []string{fmt.Sprintf("> %X  # %s", a.Command, command(a.Command))}
	case emv.EnterPIN:
		return []string{"? pin " + a.Card.PAN.Masked()}
	case emv.GoOnline:
		return []string{"? online, " + cvms[a.CVM] + parameters(a.Parameters), "?  " + tlvtest.Format(a.Data)}
	case emv.Done:
		return outcome(a.Outcome)
	}
	return []string{fmt.Sprintf("* %T", a)}
}

var statuses = []string{
	emv.EndApplication: "end application", emv.Approved: "approved", emv.Declined: "declined", emv.TryAgain: "try again",
	emv.TryAnotherInterface: "try another interface", emv.SelectNext: "select next", emv.OnlineRequest: "online request",
}

var cvms = []string{
	emv.CVMNone: "no CVM", emv.CVMOnlinePIN: "online PIN", emv.CVMSignature: "signature", emv.CVMOfflinePIN: "offline PIN",
	emv.CVMDevice: "verified by the device", emv.CVMFailed: "CVM failed", emv.CVMNotApplicable: "CVM not applicable",
}

// outcome writes the end.
func outcome(o emv.Outcome) []string {
	head := "= " + statuses[o.Status]
	for _, word := range []string{string(o.Reason), o.Detail} {
		if word != "" {
			head += ": " + word
		}
	}
	facts := "=  " + cvms[o.CVM]
	if o.ARC != "" {
		facts += fmt.Sprintf(", online %v, ARC %q", o.Online, o.ARC)
	}
	if o.HostApproved {
		facts += ", host must reverse"
	}
	lines := []string{head, facts + parameters(o.Parameters)}
	if len(o.Card.AID) > 0 {
		lines = append(lines, fmt.Sprintf("=  card %v, sequence %q, expiry %q, %q %X",
			o.Card.PAN, o.Card.PSN, o.Card.Expiry, o.Card.Label, o.Card.AID))
	}
	for _, data := range [][]byte{o.Record, o.Discretionary} {
		if len(data) > 0 {
			lines = append(lines, "=  "+tlvtest.Format(data))
		}
	}
	return lines
}

// parameters writes those that are not the usual ones.
func parameters(p emv.Parameters) string {
	var words []string
	add := func(set bool, format string, args ...any) {
		if set {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(p.Start != emv.RestartNone, "start %c", " ABCD"[p.Start%5])
	add(p.Answer == emv.AnswerEMVData, "with an answer for the card")
	add(p.Answer == emv.AnswerAny, "with any answer")
	add(p.Alternate&emv.InterfaceContact != 0, "or by contact")
	add(p.Alternate&emv.InterfaceStripe != 0, "or by stripe")
	add(p.Receipt, "receipt")
	add(p.RemovalTimeout != 0, "card away after %v", p.RemovalTimeout)
	if len(words) == 0 {
		return ""
	}
	return "; " + strings.Join(words, ", ")
}

// request writes a message.
func request(r *emv.UIRequest) string {
	s := fmt.Sprintf("%q, %v", r.Message.String(), r.Status)
	if r.Hold != 0 {
		s += fmt.Sprintf(", for %v", r.Hold)
	}
	if r.Language != "" {
		s += ", in " + r.Language
	}
	if r.Qualifier != emv.ValueNone {
		s += fmt.Sprintf(", %s %d of %03d", []string{"", "amount", "balance"}[r.Qualifier%3], r.ValueMinor, r.Currency)
	}
	return s
}

var commandNames = map[byte]string{
	0x2A: "COMPUTE CRYPTOGRAPHIC CHECKSUM", 0x82: "EXTERNAL AUTHENTICATE", 0xA8: "GET PROCESSING OPTIONS", 0xAE: "GENERATE AC", 0xCA: "GET DATA",
	0xD0: "RECOVER AC", 0xEA: "EXCHANGE RELAY RESISTANCE DATA",
}

// command says what a command is, for readers.
func command(c []byte) string {
	if len(c) < 5 {
		return "a command"
	}
	switch c[1] {
	case 0xA4:
		name := c[5 : len(c)-1]
		if slices.ContainsFunc(name, func(b byte) bool { return b < ' ' || b > '~' }) {
			return fmt.Sprintf("SELECT %X", name)
		}
		return "SELECT " + string(name)
	case 0xB2:
		return fmt.Sprintf("READ RECORD %d of SFI %d", c[2], c[3]>>3)
	}
	if name, ok := commandNames[c[1]]; ok {
		return name
	}
	return "a command"
}

// ParseEvent reads a line that is put in.
func ParseEvent(line string) (emv.Event, error) {
	word, rest, _ := strings.Cut(line, " ")
	if word == "<" {
		return parseResponse(rest)
	}
	what, rest, _ := strings.Cut(rest, " ")
	switch what {
	case "begin":
		return emv.Begin{}, nil
	case "card":
		return emv.Start{}, nil
	case "collision":
		return emv.Collision{}, nil
	case "clear":
		return emv.Cleared{}, nil
	case "gone":
		return emv.CardGone{}, nil
	case "pin":
		status, ok := map[string]emv.PINStatus{
			"entered": emv.PINEntered, "bypassed": emv.PINBypassed, "fault": emv.PINPadFault,
		}[rest]
		if !ok {
			return nil, fmt.Errorf("pin %s", rest)
		}
		return emv.PINResult{Status: status}, nil
	case "host":
		return parseHost(rest)
	}
	return nil, fmt.Errorf("event %q", what)
}

// parseResponse reads an answer, and perhaps how long it took.
func parseResponse(s string) (emv.Event, error) {
	elapsed := time.Millisecond
	if timed, ok := strings.CutPrefix(s, "in "); ok {
		var took string
		var err error
		took, s, _ = strings.Cut(timed, " ")
		if elapsed, err = time.ParseDuration(took); err != nil {
			return nil, err
		}
	}
	data, err := tlvtest.Parse(s)
	return emv.Response{Data: data, Elapsed: elapsed}, err
}

// parseHost reads "offline", or ARC, verdict, and 89, 91, 71 and 72 as objects.
func parseHost(s string) (emv.Event, error) {
	if s == "offline" {
		return emv.HostResult{}, nil
	}
	arc, rest, _ := strings.Cut(s, " ")
	verdict, rest, _ := strings.Cut(rest, " ")
	h := emv.HostResult{Online: true, ARC: arc, Approved: verdict == "approved"}
	data, err := tlvtest.Parse(rest)
	if err != nil || verdict != "approved" && verdict != "declined" {
		return nil, fmt.Errorf("host %s: %w", s, err)
	}
	objects, err := tlv.Parse(data)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		switch o.Tag {
		case tlv.AuthorisationCode:
			h.AuthCode = string(o.Value)
		case tlv.IssuerAuthentication:
			h.IssuerAuth = o.Value
		default:
			h.Scripts = tlv.Append(h.Scripts, o.Tag, o.Value)
		}
	}
	return h, nil
}
