package emv_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

var _ emv.Machine = (*emv.Kernel)(nil)

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name, want string
		spoil      func(*emv.Config, *emv.Transaction)
	}{
		{"biometrics and curves", "9F33 byte 2 claims 07", func(c *emv.Config, _ *emv.Transaction) { c.Capabilities[1] |= 0x07 }},
		{"card capture", "9F33 byte 3 claims 20", func(c *emv.Config, _ *emv.Transaction) { c.Capabilities[2] |= 0x20 }},
		{"PIN on a curve", "9F33 byte 2 claims 01", func(c *emv.Config, _ *emv.Transaction) { c.Capabilities[1] |= 0x01 }},
		{"CDA mode", "CDA mode 5", func(c *emv.Config, _ *emv.Transaction) { c.Capabilities[2], c.CDAMode = 0xC8, 5 }},
		{"no CDA mode", "CDA mode 0", func(c *emv.Config, _ *emv.Transaction) { c.Capabilities[2], c.CDAMode = 0xC8, 0 }},
		{"no randomness", "randomness", func(c *emv.Config, _ *emv.Transaction) { c.Random = nil }},
		{"zeros for randomness", "zeros", func(c *emv.Config, _ *emv.Transaction) { c.Random = func(b []byte) { clear(b) } }},
		{"terminal type", "terminal type 27", func(c *emv.Config, _ *emv.Transaction) { c.TerminalType = 0x27 }},
		{"terminal type of nobody", "terminal type 42", func(c *emv.Config, _ *emv.Transaction) { c.TerminalType = 0x42 }},
		{"cardholder's terminal with an attendant", "terminal type 32", func(c *emv.Config, _ *emv.Transaction) { c.TerminalType = 0x32 }},
		{"country", "country 1000", func(c *emv.Config, _ *emv.Transaction) { c.Country = 1000 }},
		{"exponent", "exponent 10", func(c *emv.Config, _ *emv.Transaction) { c.CurrencyExponent = 10 }},
		{"category", "category 10000", func(c *emv.Config, _ *emv.Transaction) { c.MerchantCategory = 10000 }},
		{"terminal id", `terminal id "T1"`, func(c *emv.Config, _ *emv.Transaction) { c.TerminalID = "T1" }},
		{"merchant id", "merchant id", func(c *emv.Config, _ *emv.Transaction) { c.MerchantID = "M" }},
		{"serial", "serial", func(c *emv.Config, _ *emv.Transaction) { c.Serial = "SN\x00\x00\x00\x00\x00\x01" }},
		{"merchant name", "merchant name", func(c *emv.Config, _ *emv.Transaction) { c.MerchantName = strings.Repeat("x", 253) }},
		{"acquirer", "acquirer", func(c *emv.Config, _ *emv.Transaction) { c.AcquirerID = "12a" }},
		{"no application", "0 applications", func(c *emv.Config, _ *emv.Transaction) { c.Applications = nil }},
		{"application twice", "twice", func(c *emv.Config, _ *emv.Transaction) {
			c.Applications = append(c.Applications, c.Applications[0])
		}},
		{"short AID", "AID of 4 bytes", func(c *emv.Config, _ *emv.Transaction) { c.Applications[0].AID = []byte{1, 2, 3, 4} }},
		{"random percent", "target <= maximum <= 99", func(c *emv.Config, _ *emv.Transaction) { c.Applications[0].RandomMaximum = 100 }},
		{"random order", "target <= maximum <= 99", func(c *emv.Config, _ *emv.Transaction) { c.Applications[0].RandomTargetPercent = 1 }},
		{"random threshold", "not below the floor limit", func(c *emv.Config, _ *emv.Transaction) {
			a := &c.Applications[0]
			a.FloorLimitMinor, a.RandomThresholdMinor, a.RandomMaximum = 100, 100, 5
		}},
		{"default DDOL", "9F37", func(c *emv.Config, _ *emv.Transaction) { c.Applications[0].DefaultDDOL = []byte{0x9A, 0x03} }},
		{"default DDOL cut off", "default DDOL", func(c *emv.Config, _ *emv.Transaction) { c.Applications[0].DefaultDDOL = []byte{0x9F} }},
		{"CA key", "exponent", func(c *emv.Config, _ *emv.Transaction) {
			c.CAKeys = []oda.CAKey{{Modulus: bytes.Repeat([]byte{0xC1}, 128), Exponent: []byte{5}}}
		}},
		{"CA key twice", "twice", func(c *emv.Config, _ *emv.Transaction) {
			key := oda.CAKey{Modulus: bytes.Repeat([]byte{0xC1}, 128), Exponent: []byte{3}}
			c.CAKeys = []oda.CAKey{key, key}
		}},
		{"amount", "amount -1", func(_ *emv.Config, t *emv.Transaction) { t.AmountMinor = -1 }},
		{"amount of 13 digits", "amount", func(_ *emv.Config, t *emv.Transaction) { t.AmountMinor = 1e12 }},
		{"cashback", "other amount", func(_ *emv.Config, t *emv.Transaction) { t.OtherMinor = 1251 }},
		{"type", "type 0A", func(_ *emv.Config, t *emv.Transaction) { t.Type = 0x0A }},
		{"sequence", "sequence", func(_ *emv.Config, t *emv.Transaction) { t.Sequence = 1e8 }},
		{"date", "no date", func(_ *emv.Config, t *emv.Transaction) { t.At = time.Time{} }},
	}
	for _, tt := range tests {
		s := newSetup()
		tt.spoil(&s.config, &s.transaction)
		if k, err := emv.New(s.config, s.transaction); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New = %v, %v, want an error with %q", tt.name, k != nil, err, tt.want)
		}
	}
}

// events are one of each kind, for what must not be taken.
var events = []emv.Event{
	emv.Start{}, emv.Response{Data: []byte{0x90, 0x00}}, emv.Choice{}, emv.PINResult{}, emv.HostResult{Online: true, ARC: "00", Approved: true},
}

// TestUnexpected offers every wrong event in every state of a sale with a
// choice and a PIN; none may change what comes next.
func TestUnexpected(t *testing.T) {
	s := newSetup()
	if err := s.set("application F043504F530102"); err != nil {
		t.Fatal(err)
	}
	k, err := emv.New(s.config, s.transaction)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := k.Step(emv.CardGone{}); !errors.Is(err, emv.ErrUnexpected) {
		t.Errorf("CardGone before Start gave %T, %v, want ErrUnexpected", a, err)
	}
	if a, err := k.Step(nil); !errors.Is(err, emv.ErrUnexpected) {
		t.Errorf("no event gave %T, %v, want ErrUnexpected", a, err)
	}
	steps := saleWithPIN(t)
	for i, right := range steps {
		for _, wrong := range events {
			if fmt.Sprintf("%T", wrong) == fmt.Sprintf("%T", right) {
				continue
			}
			if a, err := k.Step(wrong); !errors.Is(err, emv.ErrUnexpected) {
				t.Errorf("step %d: %T gave %T, %v, want ErrUnexpected", i, wrong, a, err)
			}
		}
		for _, wrong := range malformed(right) {
			if a, err := k.Step(wrong); !errors.Is(err, emv.ErrUnexpected) {
				t.Errorf("step %d: %v gave %T, %v, want ErrUnexpected", i, wrong, a, err)
			}
		}
		action, err := k.Step(right)
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if done, ok := action.(emv.Done); ok && (done.Outcome.Status != emv.Approved || i != len(steps)-1) {
			t.Fatalf("step %d: %+v", i, done.Outcome)
		}
	}
}

// TestOfflinePINUnexpected: a PIN for the card is answered by the card, or not
// at all; that the device has one says nothing.
func TestOfflinePINUnexpected(t *testing.T) {
	s := newSetup()
	for _, line := range []string{"application F043504F530102", "capabilities 20C840"} {
		if err := s.set(line); err != nil {
			t.Fatal(err)
		}
	}
	k, err := emv.New(s.config, s.transaction)
	if err != nil {
		t.Fatal(err)
	}
	steps := saleWithPIN(t)[:8]
	record, ok := steps[7].(emv.Response)
	if !ok {
		t.Fatalf("step 7 is a %T", steps[7])
	}
	record.Data = bytes.Replace(record.Data, unhex(t, "8E[00000000 00000000 0200]"), unhex(t, "8E[00000000 00000000 0100]"), 1)
	steps[7] = record
	var action emv.Action
	for _, e := range append(steps, emv.Response{Data: unhex(t, "9F17[03] 9000")}) {
		if action, err = k.Step(e); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := action.(emv.VerifyPIN); !ok {
		t.Fatalf("%T, want VerifyPIN", action)
	}
	for _, wrong := range []emv.Event{emv.PINResult{Status: emv.PINEntered}, emv.PINResult{Status: emv.PINPadFault + 1}, emv.Choice{}, emv.Start{}} {
		if a, err := k.Step(wrong); !errors.Is(err, emv.ErrUnexpected) {
			t.Errorf("%#v gave %T, %v, want ErrUnexpected", wrong, a, err)
		}
	}
	if a, err := k.Step(emv.Response{Data: unhex(t, "9000")}); err != nil {
		t.Errorf("the card's consent gave %T, %v", a, err)
	}
}

// malformed are events of the right kind that break their contract.
func malformed(right emv.Event) []emv.Event {
	switch right.(type) {
	case emv.PINResult:
		return []emv.Event{emv.PINResult{Status: emv.PINPadFault + 1}}
	case emv.Choice:
		return []emv.Event{emv.Choice{Index: 2}, emv.Choice{Index: -2}}
	case emv.HostResult:
		return []emv.Event{
			emv.HostResult{Online: true, Approved: true},
			emv.HostResult{Online: true, Approved: true, ARC: "000"},
			emv.HostResult{Online: true, Approved: true, ARC: "\x00\x00"},
		}
	}
	return nil
}

// saleWithPIN is an approved sale with a choice and an online PIN.
func saleWithPIN(t testing.TB) []emv.Event {
	t.Helper()
	card := func(s string) emv.Event { return emv.Response{Data: unhex(t, s)} }
	return []emv.Event{
		emv.Start{},
		card(`6F[84["1PAY.SYS.DDF01"] A5[88[01]]] 9000`),
		card(`70[61[4F[F043504F530101] 87[02]] 61[4F[F043504F530102] 87[01]]] 9000`),
		card(`6A83`),
		emv.Choice{Index: 1},
		card(`6F[84[F043504F530101] A5[50["CLOUDPOS"]]] 9000`),
		card(`77[82[1C00] 94[08010100]] 9000`),
		card(`70[5A[9999010000000018] 57[9999010000000018D28122010000] 5F24[281231] 8E[00000000 00000000 0200] 9F14[05] 9F23[09] 8C[9F0206 9505] 8D[8A02]] 9000`),
		emv.PINResult{Status: emv.PINEntered},
		card(`9F36[0002] 9000`),
		card(`9F13[0001] 9000`),
		card(`80[80 0002 1122334455667788] 9000`),
		emv.HostResult{Online: true, ARC: "00", Approved: true, IssuerAuth: unhex(t, "1122334455667788"), Scripts: unhex(t, "71[86[84160000]] 72[86[84160000]]")},
		card(`9000`), card(`9000`),
		card(`80[40 0002 1122334455667788] 9000`),
		card(`9000`),
	}
}

// TestCardGoneAnywhere pulls the card before each step: never an approval, but
// for the script after the TC; and the host is told whenever it had approved.
func TestCardGoneAnywhere(t *testing.T) {
	steps := saleWithPIN(t)
	hostAt := slices.IndexFunc(steps, func(e emv.Event) bool { _, ok := e.(emv.HostResult); return ok })
	for n := 1; n < len(steps); n++ {
		s := newSetup()
		if err := s.set("application F043504F530102"); err != nil {
			t.Fatal(err)
		}
		k, err := emv.New(s.config, s.transaction)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range steps[:n] {
			if _, err := k.Step(e); err != nil {
				t.Fatalf("gone after %d: %v", n, err)
			}
		}
		action, err := k.Step(emv.CardGone{})
		done, ok := action.(emv.Done)
		if err != nil || !ok {
			t.Fatalf("gone after %d: %T, %v, want Done", n, action, err)
		}
		o, last := done.Outcome, n == len(steps)-1
		if (o.Status == emv.Approved) != last || o.HostApproved != (n > hostAt && !last) {
			t.Errorf("gone after %d: status %v, reason %q, host must reverse %v", n, o.Status, o.Reason, o.HostApproved)
		}
		if !last && (o.Status != emv.EndApplication || o.Reason != emv.ReasonCardRemoved) {
			t.Errorf("gone after %d: status %v, reason %q, want card removed", n, o.Status, o.Reason)
		}
	}
}

// TestClear: the kernel forgets the card, and what it handed out stays.
func TestClear(t *testing.T) {
	s := newSetup()
	if err := s.set("application F043504F530102"); err != nil {
		t.Fatal(err)
	}
	k, err := emv.New(s.config, s.transaction)
	if err != nil {
		t.Fatal(err)
	}
	var ask emv.EnterPIN
	for _, e := range saleWithPIN(t) {
		action, err := k.Step(e)
		if err != nil {
			t.Fatal(err)
		}
		if a, ok := action.(emv.EnterPIN); ok {
			ask = a
			break
		}
	}
	k.Clear()
	if string(ask.Card.PAN) != "9999010000000018" || ask.Card.Track2[0] != 0x99 {
		t.Error("Clear changed what was handed out before")
	}
	if shown := fmt.Sprintf("%v %+v", ask, ask); strings.Contains(shown, "9999010000000018") {
		t.Errorf("printing an action shows the account number: %s", shown)
	}
	for _, e := range events {
		if a, err := k.Step(e); !errors.Is(err, emv.ErrUnexpected) {
			t.Errorf("Step(%T) after Clear gave %T, %v, want ErrUnexpected", e, a, err)
		}
	}
}

// TestEndless: a card that always leads on comes to an end.
func TestEndless(t *testing.T) {
	s := newSetup()
	s.config.Applications[0].AID = unhex(t, "F04350F000")
	for i := range 63 {
		if err := s.set(fmt.Sprintf("application F04350F0%02X", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	k, err := emv.New(s.config, s.transaction)
	if err != nil {
		t.Fatal(err)
	}
	const bound = 5000
	var event emv.Event = emv.Start{}
	for range bound {
		action, err := k.Step(event)
		if err != nil {
			t.Fatal(err)
		}
		switch a := action.(type) {
		case emv.Done:
			return
		case emv.Choose:
			event = emv.Choice{}
		case emv.Transmit:
			event = emv.Response{Data: endlessCard(a.Command)}
		default:
			t.Fatalf("%T", action)
		}
	}
	t.Errorf("no end after %d steps", bound)
}

// endlessCard has a longer name for each AID, and refuses each application.
func endlessCard(c []byte) []byte {
	if c[1] != 0xA4 || c[5] != 0xF0 {
		return []byte{0x69, 0x85}
	}
	name := append(bytes.Clone(c[5:5+c[4]]), 1)
	if int(c[4]) > 5 {
		name = name[:len(name)-1]
	}
	content := tlv.Append(nil, tlv.DFName, name)
	content = tlv.Append(content, tlv.FCIProprietary, tlv.Append(nil, tlv.ApplicationPriority, []byte{1}))
	return append(tlv.Append(nil, tlv.FCI, content), 0x90, 0x00)
}

// TestScriptsUnreadable: what the host sends behind its answer is no TLV, or
// more than a terminal takes. Nothing is sent, TVR B5b6 and 9F5B say so, and
// the approval stands.
func TestScriptsUnreadable(t *testing.T) {
	for name, scripts := range map[string][]byte{
		"no TLV":   {0x71, 0x05, 0x86},
		"too much": bytes.Repeat(unhex(t, "71[86[84160000]]"), 129),
	} {
		s := newSetup()
		if err := s.set("application F043504F530102"); err != nil {
			t.Fatal(err)
		}
		k, err := emv.New(s.config, s.transaction)
		if err != nil {
			t.Fatal(err)
		}
		var action emv.Action
		for _, e := range saleWithPIN(t)[:12] {
			if action, err = k.Step(e); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok := action.(emv.GoOnline); !ok {
			t.Fatalf("%s: %T, want GoOnline", name, action)
		}
		for _, e := range []emv.Event{
			emv.HostResult{Online: true, ARC: "00", Approved: true, Scripts: scripts},
			emv.Response{Data: unhex(t, "80[40 0002 1122334455667788] 9000")},
		} {
			if action, err = k.Step(e); err != nil {
				t.Fatal(err)
			}
		}
		done, ok := action.(emv.Done)
		if !ok || done.Outcome.Status != emv.Approved {
			t.Fatalf("%s: %+v, want an approval", name, action)
		}
		if record := formatNotation(done.Outcome.Record); !strings.Contains(record, "95[8000048020]") || !strings.Contains(record, "9F5B[0000000000]") {
			t.Errorf("%s: %s", name, record)
		}
	}
}
