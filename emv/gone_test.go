package emv_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
)

// TestCardGoneInEveryTranscript pulls the card at each place of each story. It
// ends there, with what was decided before and nothing else: an approval only
// when the card had given its last TC, and whenever the host had approved and
// the card not, the host is told.
func TestCardGoneInEveryTranscript(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	places := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, events := parseInputs(t, string(text))
		for n := 1; n < len(events); n++ {
			places[pull(t, filepath.Base(file), s, events[:n])] = true
		}
	}
	for _, place := range []string{
		"selecting the PSE", "reading the PSE", "selecting AIDs", "choosing", "selecting", "initiating",
		"reading records", "authenticating the card", "entering a PIN", "reading the PIN try counter",
		"waiting for a challenge", "verifying a PIN", "reading the ATC", "reading the last online ATC",
		"waiting for the first cryptogram", "asking the host", "authenticating the issuer",
		"running scripts before the second cryptogram", "waiting for the second cryptogram",
	} {
		if !places["while "+place] {
			t.Errorf("no card was pulled while %s", place)
		}
	}
}

// pull plays the events, then pulls the card, and returns where.
func pull(t *testing.T, name string, s *setup, events []emv.Event) string {
	t.Helper()
	s.random.at = 0
	k, err := emv.New(s.config, s.transaction)
	if err != nil {
		t.Fatal(err)
	}
	var host emv.HostResult
	var command []byte // that the event answers
	tc, readable := false, false
	for _, e := range events {
		if h, ok := e.(emv.HostResult); ok {
			host = h
		}
		if r, ok := e.(emv.Response); ok && len(command) > 1 && command[1] == 0xAE {
			tc = isTC(r.Data)
		}
		action, err := k.Step(e)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		command = nil
		if transmit, ok := action.(emv.Transmit); ok {
			command = transmit.Command
			readable = readable || command[1] == 0xA8
		}
		if _, ended := action.(emv.Done); ended {
			return "" // the story goes on to show that nothing is taken any more
		}
	}
	action, err := k.Step(emv.CardGone{})
	done, ok := action.(emv.Done)
	if err != nil || !ok {
		t.Fatalf("%s, gone after %d: %T, %v, want Done", name, len(events), action, err)
	}
	o := done.Outcome
	if o.Status == emv.Approved && !(tc && (host.Approved || !host.Online)) {
		t.Errorf("%s, gone after %d: approved", name, len(events))
	}
	if o.HostApproved != (host.Approved && o.Status != emv.Approved) {
		t.Errorf("%s, gone after %d: status %v, host must reverse %v", name, len(events), o.Status, o.HostApproved)
	}
	if o.Status == emv.EndApplication && o.Reason != emv.ReasonCardRemoved {
		t.Errorf("%s, gone after %d: %q, want card removed", name, len(events), o.Reason)
	}
	if stripe := o.Alternate&emv.InterfaceStripe != 0; stripe == readable {
		t.Errorf("%s, gone after %d: another interface may be tried: %v, an application was selected: %v", name, len(events), stripe, readable)
	}
	place, _, _ := strings.Cut(o.Detail, ";") // what follows is why data authentication failed
	return place
}
