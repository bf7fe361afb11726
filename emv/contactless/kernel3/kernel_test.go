package kernel3_test

import (
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel3"
	"github.com/cloudpos/cloudpos/emv/contactless/quick/quicktest"
)

func TestRefuses(t *testing.T) {
	s := newSetup()
	s.Terminal.TerminalType = 0x99
	if _, err := s.Kernel(s.Terminal); err == nil || !strings.Contains(err.Error(), "terminal type 99") {
		t.Errorf("terminal type 99: %v", err)
	}
	s = newSetup()
	s.Random = make([]byte, 4)
	k, err := s.Kernel(s.Terminal)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Activate(s.Activation()); err == nil || !strings.Contains(err.Error(), "zeros") {
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
		if _, err := s.Kernel(s.Terminal); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("dynamic limits: %v, want %q", err, want)
		}
	}
}

func TestUnexpected(t *testing.T) {
	s := newSetup()
	quicktest.Unexpected(t, s.Activate(t, s.Activation()),
		emv.Begin{}, quicktest.Response(quicktest.Options), quicktest.Response("70[5F24[281231]] 9000"), emv.Performed{})
}

// TestUpdateUnexpected: neither does a second tap take what does not fit.
func TestUpdateUnexpected(t *testing.T) {
	s := newSetup()
	a := s.Activation()
	a.Request, a.Host = &emv.Outcome{}, &emv.HostResult{
		Online: true, ARC: "00", IssuerAuth: make([]byte, 8), Scripts: quicktest.Response("71[86[8418000004AABBCCDD]]").Data,
	}
	quicktest.Unexpected(t, s.Activate(t, a), emv.Begin{}, quicktest.Response("9000"), quicktest.Response("9000"))
}

func TestClear(t *testing.T) { quicktest.Clears(t, newSetup().Setup) }

func FuzzKernel3(f *testing.F) {
	quicktest.Fuzz(f, func() *quicktest.Setup { return newSetup().Setup })
}
