package kernel2_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel2"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// TestNewRefuses: a configuration that the kernel would stumble over.
func TestNewRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*kernel2.Config, *kernel2.Application){
		"0 applications": func(c *kernel2.Config, _ *kernel2.Application) { c.Applications = nil },
		"twice": func(c *kernel2.Config, a *kernel2.Application) {
			c.Applications = append(c.Applications, *a)
		},
		"AID of 4 bytes":   func(_ *kernel2.Config, a *kernel2.Application) { a.AID = a.AID[:4] },
		"limit":            func(_ *kernel2.Config, a *kernel2.Application) { a.LimitMinor = -1 },
		"CVM capabilities": func(_ *kernel2.Config, a *kernel2.Application) { a.CVMRequired = 0x80 },
		"mismatch": func(_ *kernel2.Config, a *kernel2.Application) {
			a.Relay = kernel2.NewRelay()
			a.Relay.Mismatch = 101
		},
		"hold time":      func(_ *kernel2.Config, a *kernel2.Application) { a.FieldOff = time.Minute },
		"phone messages": func(_ *kernel2.Config, a *kernel2.Application) { a.PhoneMessages = make([]kernel2.PhoneMessage, 17) },
		"magnetic stripe": func(_ *kernel2.Config, a *kernel2.Application) {
			a.MagStripe = kernel2.NewMagStripe()
			a.MagStripe.CVMOver = emv.CVMOfflinePIN
		},
		"randomness": func(c *kernel2.Config, _ *kernel2.Application) { c.Terminal.Random = nil },
	} {
		s := newSetup(t)
		s.config.Applications = []kernel2.Application{s.app}
		if _, err := kernel2.New(s.config); err != nil {
			t.Fatal(err)
		}
		app := s.app
		spoil(&s.config, &app)
		if len(s.config.Applications) > 0 {
			s.config.Applications[0] = app
		}
		if _, err := kernel2.New(s.config); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []struct {
		taps int
		life time.Duration
	}{{0, time.Minute}, {256, time.Minute}, {1, 0}, {1, 20 * time.Hour}} {
		if _, err := kernel2.NewTornLog(c.taps, c.life); err == nil {
			t.Errorf("NewTornLog(%d, %v) is taken", c.taps, c.life)
		}
	}
}

// activate begins a tap of the usual terminal and sale.
func activate(t *testing.T, s *setup, name []byte) (emv.Machine, error) {
	t.Helper()
	s.config.Applications = []kernel2.Application{s.app}
	k, err := kernel2.New(s.config)
	if err != nil {
		t.Fatal(err)
	}
	return k.Activate(contactless.Activation{Kernel: contactless.Kernel2, Name: name, FCI: s.fci, Transaction: s.tx})
}

// TestActivateRefuses: an application that is not configured, and a source of
// randomness that is broken.
func TestActivateRefuses(t *testing.T) {
	s := newSetup(t)
	if _, err := activate(t, s, []byte{1, 2, 3, 4, 5}); !errors.Is(err, kernel2.ErrApplication) {
		t.Errorf("another application: %v", err)
	}
	s.config.Terminal.Random = func(b []byte) { clear(b) }
	if _, err := activate(t, s, s.app.AID); err == nil {
		t.Error("zeros are taken for an unpredictable number")
	}
}

// play steps through the lines of a card that never comes to an end.
func play(t *testing.T, s *setup, lines ...string) (emv.Action, error) {
	t.Helper()
	m, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	action, err := m.Step(emv.Begin{})
	for _, line := range lines {
		if err != nil {
			t.Fatal(err)
		}
		action, err = m.Step(s.event(t, line))
	}
	return action, err
}

// TestRandomFails: a source of randomness that breaks in the middle of a tap is
// an error, and digits of it are drawn without preferring any.
func TestRandomFails(t *testing.T) {
	s := newSetup(t)
	if err := s.Set("relay"); err != nil {
		t.Fatal(err)
	}
	draws := 0
	s.config.Terminal.Random = func(b []byte) { b[0], draws = byte(1-draws), min(draws+1, 1) }
	slow := "< in 30ms 80[A1B2C3D4 0032 0064 0018] 9000"
	if a, err := play(t, s, "< 77[82[1981] 94[08010100]] 9000", slow); err == nil {
		t.Errorf("zeros are taken for another unpredictable number: %v", a)
	}

	stripe := []string{
		"< 77[82[1900] 94[08010100]] 9000",
		"< 70[9F6B[9999010000000018D28122010000000000000F] 9F65[000E] 9F66[03F0] 9F67[04]] 9000",
	}
	for drawn, want := range map[string]string{"\xFF\xFA\x03\xF9": "00000039", "\xFF": ""} {
		s := newSetup(t)
		if err := s.Set("magstripe"); err != nil {
			t.Fatal(err)
		}
		rest := "\x01\x02\x03\x04" + drawn
		s.config.Terminal.Random = func(b []byte) {
			n := copy(b, rest)
			rest = rest[min(n, len(rest)-1):] // the last byte again and again
		}
		action, err := play(t, s, stripe...)
		if want == "" {
			if err == nil {
				t.Errorf("drawing %X gives %v", drawn, action)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%X", action.(emv.Transmit).Command[5:9]); got != want {
			t.Errorf("drawing %X gives %s, want %s", drawn, got, want)
		}
	}
}

// TestLongestName: of two applications the one whose name fits better is taken.
func TestLongestName(t *testing.T) {
	s := newSetup(t)
	longer := s.app
	longer.AID, longer.Version = append(longer.AID, 0x09), [2]byte{0x77, 0x77}
	s.config.Applications = []kernel2.Application{s.app, longer}
	k, err := kernel2.New(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.fci = append([]byte{0x6F, 0x08, 0xA5, 0x06, 0x9F, 0x38, 0x03}, 0x9F, 0x09, 0x02)
	for name, want := range map[string]string{
		string(longer.AID): "\x77\x77", string(longer.AID) + "\x01": "\x77\x77", string(s.app.AID) + "\x08": "\x00\x02",
	} {
		m, err := k.Activate(contactless.Activation{Kernel: contactless.Kernel2, Name: []byte(name), FCI: s.fci, Transaction: s.tx})
		if err != nil {
			t.Fatal(err)
		}
		action, err := m.Step(emv.Begin{})
		if err != nil {
			t.Fatal(err)
		}
		if c := action.(emv.Transmit).Command; string(c[7:9]) != want {
			t.Errorf("%X: version %X, want %X", name, c[7:9], want)
		}
	}
}

// TestUnexpected: an event that does not fit is the caller's mistake.
func TestUnexpected(t *testing.T) {
	s := newSetup(t)
	m, err := activate(t, s, s.app.AID)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []emv.Event{emv.Response{}, emv.CardGone{}, emv.Performed{}} {
		if _, err := m.Step(e); !errors.Is(err, emv.ErrUnexpected) {
			t.Errorf("%T before the beginning: %v", e, err)
		}
	}
	if _, err := m.Step(emv.Begin{}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Step(emv.Performed{}); !errors.Is(err, emv.ErrUnexpected) || !strings.Contains(err.Error(), "initiating") {
		t.Errorf("Performed while initiating: %v", err)
	}
	m.(interface{ Clear() }).Clear()
	if _, err := m.Step(emv.Response{}); !errors.Is(err, emv.ErrUnexpected) {
		t.Errorf("after Clear: %v", err)
	}
}

// tear plays a tap of the approved card until it is to give its cryptogram, and
// pulls it away.
func tear(t *testing.T, s *setup, sequence string) emv.Outcome {
	t.Helper()
	m, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	var event emv.Event = emv.Begin{}
	for _, line := range append(cardLines(t, "torn-other-card.txt", sequence), "! gone") {
		action, err := m.Step(event)
		if err != nil {
			t.Fatal(err)
		}
		if done, ok := action.(emv.Done); ok {
			t.Fatalf("ended: %+v", done.Outcome)
		}
		event = s.event(t, line)
	}
	action, err := m.Step(event)
	if err != nil {
		t.Fatal(err)
	}
	return action.(emv.Done).Outcome
}

// TestTornLog: a record is of one card and one sale, lives for its time, and
// falls out without the account number when there is no room.
func TestTornLog(t *testing.T) {
	s := newSetup(t)
	if err := s.Set("torn 1 5m"); err != nil {
		t.Fatal(err)
	}
	if o := tear(t, s, "01"); o.Status != emv.EndApplication || o.Start != emv.RestartB {
		t.Fatalf("a torn tap ends with %+v", o)
	}
	recovers := func() bool {
		m, err := s.Open()
		if err != nil {
			t.Fatal(err)
		}
		var action emv.Action
		var event emv.Event = emv.Begin{}
		for _, line := range append(cardLines(t, "torn-other-card.txt", "01"), "") {
			if action, err = m.Step(event); err != nil {
				t.Fatal(err)
			}
			if line != "" {
				event = s.event(t, line)
			}
		}
		return action.(emv.Transmit).Command[1] == 0xD0
	}
	if !recovers() {
		t.Error("the same sale does not recover")
	}
	for name, change := range map[string]func(*emv.Transaction){
		"amount":   func(tx *emv.Transaction) { tx.AmountMinor++ },
		"cashback": func(tx *emv.Transaction) { tx.OtherMinor++ },
		"type":     func(tx *emv.Transaction) { tx.Type = 0x20 },
		"sequence": func(tx *emv.Transaction) { tx.Sequence++ },
	} {
		before := s.tx
		change(&s.tx)
		if recovers() {
			t.Errorf("a sale of another %s takes the cryptogram", name)
		}
		s.tx = before
	}
	o := tear(t, s, "02")
	fallen, found := tlv.Find(o.Discretionary, 0xFF8101)
	if amount, ok := tlv.Find(fallen, tlv.AmountAuthorised); !found || !ok || len(amount) != 6 {
		t.Errorf("what fell out: %X", o.Discretionary)
	}
	if strings.Contains(string(o.Discretionary), "\x99\x99\x01\x00\x00\x00\x00\x18") {
		t.Errorf("the account number is in %X", o.Discretionary)
	}
	if recovers() {
		t.Error("what fell out is recovered")
	}
	tear(t, s, "01")
	s.tx.At = s.tx.At.Add(6 * time.Minute)
	if recovers() {
		t.Error("an old tap is recovered")
	}
	s.tx.At = s.tx.At.Add(-6 * time.Minute)
	tear(t, s, "01")
	s.config.Torn.Clear()
	if recovers() {
		t.Error("a cleared log is not empty")
	}
}

// TestTrackFilled: what the card said and what the reader drew are at their
// places on the track, counted from the right, and the last digit tells how many
// of them are the reader's; five more when a phone has verified its owner.
func TestTrackFilled(t *testing.T) {
	for _, c := range []struct{ device, interaction, want string }{
		{"", "", "9999010000000018D28122010000026712512F"},
		{"", " DF4B[000000]", "9999010000000018D28122010000026712512F"},
		{"device-cvm", " DF4B[001000]", "9999010000000018D28122010000026712517F"},
	} {
		s := newSetup(t)
		if err := s.Set("magstripe"); err != nil {
			t.Fatal(err)
		}
		if c.device != "" {
			if err := s.Set(c.device); err != nil {
				t.Fatal(err)
			}
		}
		m, err := s.Open()
		if err != nil {
			t.Fatal(err)
		}
		var action emv.Action
		var event emv.Event = emv.Begin{}
		for _, line := range []string{
			"< 77[82[1B00] 94[08010100]] 9000",
			"< 70[9F6B[9999010000000018D28122010000000000000F] 9F65[000E] 9F66[03F0] 9F67[04]] 9000",
			"< 77[9F61[00FB] 9F36[001A]" + c.interaction + "] 9000", "",
		} {
			if action, err = m.Step(event); err != nil {
				t.Fatal(err)
			}
			if line != "" {
				event = s.event(t, line)
			}
		}
		if _, shown := action.(emv.Show); !shown {
			t.Fatalf("%T after the checksum", action)
		}
		if action, err = m.Step(emv.Performed{}); err != nil {
			t.Fatal(err)
		}
		o := action.(emv.Done).Outcome
		if got := fmt.Sprintf("%X", []byte(o.Card.Track2)); got != c.want || o.Status != emv.OnlineRequest {
			t.Errorf("with %q the track is %s, want %s", c.interaction, got, c.want)
		}
	}
}
