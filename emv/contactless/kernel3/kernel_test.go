package kernel3_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel3"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// activation is a card that was selected.
func activation(t testing.TB) contactless.Activation {
	t.Helper()
	s := newSetup()
	return contactless.Activation{
		Kernel: contactless.Kernel3, Name: s.reader.AID, Status: 0x9000,
		FCI:        response("6F[84[F043504F5303] A5[50[\"TAP\"] 9F38[9F6604 9F0206 5F2A02 9F3704]]]").Data,
		Indicators: contactless.Indicators{TTQ: *s.reader.TTQ}, Start: emv.RestartA, Transaction: s.tx,
	}
}

// response is a card's answer in the notation of transcripts.
func response(s string) emv.Response {
	e, err := taptest.ParseEvent("< " + s)
	if err != nil {
		panic(err)
	}
	return e.(emv.Response)
}

func machine(t testing.TB, s *setup, a contactless.Activation) emv.Machine {
	t.Helper()
	k, err := kernel3.New(s.kernel)
	if err != nil {
		t.Fatal(err)
	}
	m, err := k.Activate(a)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRefuses(t *testing.T) {
	s := newSetup()
	s.kernel.Terminal.TerminalType = 0x99
	if _, err := kernel3.New(s.kernel); err == nil || !strings.Contains(err.Error(), "terminal type 99") {
		t.Errorf("terminal type 99: %v", err)
	}
	s = newSetup()
	s.random = make([]byte, 4)
	k, err := kernel3.New(s.kernel)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Activate(activation(t)); err == nil || !strings.Contains(err.Error(), "zeros") {
		t.Errorf("without randomness: %v", err)
	}
	for want, sets := range map[string][]kernel3.LimitSet{
		"5 dynamic limits":    make([]kernel3.LimitSet, 5),
		"of 0 bytes":          {{}},
		"of 17 bytes":         {{Program: make([]byte, 17)}},
		"identifier 01 twice": {{Program: []byte{1}}, {Program: []byte{2}}, {Program: []byte{1}}},
	} {
		s := newSetup()
		s.kernel.Dynamic = sets
		if _, err := kernel3.New(s.kernel); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("dynamic limits: %v, want %q", err, want)
		}
	}
}

// TestUnexpected: an event that does not fit is refused, wherever the kernel
// stands, and changes nothing.
func TestUnexpected(t *testing.T) {
	gpo := response("77[82[2000] 94[08010100] 9F36[0015] 9F26[1122334455667788] 9F10[06011103A00000] 57[9999010000000018D281220100000F] 9F27[80]] 9000")
	m := machine(t, newSetup(), activation(t))
	for i, right := range []emv.Event{emv.Begin{}, gpo, response("70[5F24[281231]] 9000"), emv.Performed{}, nil} {
		for _, wrong := range []emv.Event{emv.Begin{}, emv.Performed{}, gpo, emv.CardGone{}, emv.HostResult{}, emv.Collision{}} {
			if fits(right, wrong) {
				continue
			}
			if _, err := m.Step(wrong); !errors.Is(err, emv.ErrUnexpected) {
				t.Errorf("step %d: Step(%T) gives %v, want ErrUnexpected", i, wrong, err)
			}
		}
		if right == nil {
			break
		}
		if _, err := m.Step(right); err != nil {
			t.Fatalf("step %d: Step(%T): %v", i, right, err)
		}
	}
}

// TestUpdateUnexpected: neither does a second tap take what does not fit.
func TestUpdateUnexpected(t *testing.T) {
	a := activation(t)
	a.Request, a.Host = &emv.Outcome{}, &emv.HostResult{
		Online: true, ARC: "00", IssuerAuth: make([]byte, 8), Scripts: response("71[86[8418000004AABBCCDD]]").Data,
	}
	m := machine(t, newSetup(), a)
	for i, right := range []emv.Event{emv.Begin{}, response("9000"), response("9000"), nil} {
		for _, wrong := range []emv.Event{emv.Begin{}, emv.Performed{}, response("9000"), emv.CardGone{}} {
			if fits(right, wrong) {
				continue
			}
			if _, err := m.Step(wrong); !errors.Is(err, emv.ErrUnexpected) {
				t.Errorf("step %d: Step(%T) gives %v, want ErrUnexpected", i, wrong, err)
			}
		}
		if right == nil {
			break
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

// TestClear: the outcome keeps the card, the kernel does not.
func TestClear(t *testing.T) {
	m := machine(t, newSetup(), activation(t))
	answers := []emv.Event{
		emv.Begin{},
		response("77[82[2000] 9F36[0015] 9F26[1122334455667788] 9F10[06011103A00000] 57[9999010000000018D281220100000F] 9F27[80]] 9000"),
		emv.Performed{},
	}
	var last emv.Action
	for _, e := range answers {
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

// FuzzKernel3 feeds a card's answers: FCI, options and records, each behind a
// byte with its length. Whatever comes: no panic, no error, an end, no approval
// without a TC and a signature, and no account number in the record.
func FuzzKernel3(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var seed []byte
		for n, line := range strings.Split(string(text), "\n< ")[1:] {
			line, _, _ = strings.Cut(line, "\n")
			if data := response(line).Data; n > 0 && len(data) < 256 {
				seed = append(append(seed, byte(len(data))), data...)
			}
		}
		f.Add(seed)
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
		a := activation(t)
		fci := next()
		a.FCI = fci[:max(len(fci)-2, 0)]
		m := machine(t, newSetup(), a)
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
