package kernel7_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel7"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
	"github.com/cloudpos/cloudpos/emv/contactless/quick/quicktest"
)

// TestRefuses: configurations that a tap would stumble over.
func TestRefuses(t *testing.T) {
	for want, spoil := range map[string]func(*setup){
		"terminal type 99":     func(s *setup) { s.Terminal.TerminalType = 0x99 },
		"CTQ bit 80 of byte 3": func(s *setup) { s.assumed.CTQ.DeviceCVM = quick.Bit{At: 3, Mask: 0x80} },
		"CTQ bit 80 of byte 0": func(s *setup) { s.assumed.CTQ.OnlinePIN.At = 0 },
		"CTQ bit 00 of byte 1": func(s *setup) { s.assumed.CTQ.Signature.Mask = 0 },
		"TTQ bit 80 of byte 5": func(s *setup) { s.assumed.FastDDA.At = 5 },
		"at least 4 bytes":     func(s *setup) { s.assumed.RelatedMin = 4 },
		"at least 17 bytes":    func(s *setup) { s.assumed.RelatedMin = 17 },
		"field off for 11s":    func(s *setup) { s.assumed.Away = 11 * time.Second },
		"field off for -1ns":   func(s *setup) { s.assumed.Away = -1 },
		"CTQ bit 00 of byte 0": func(s *setup) { s.assumed = kernel7.Assumptions{} },
	} {
		s := newSetup()
		spoil(s)
		if _, err := s.Kernel(s.Terminal); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New gives %v, want %q", err, want)
		}
	}
}

// TestActivateRefuses: a reader without randomness, and an answer of the issuer
// for the card, which there is no command for.
func TestActivateRefuses(t *testing.T) {
	s := newSetup()
	k, err := s.Kernel(s.Terminal)
	if err != nil {
		t.Fatal(err)
	}
	a := s.Activation()
	a.Host = &emv.HostResult{Online: true, ARC: "00"}
	if _, err := k.Activate(a); !errors.Is(err, emv.ErrUnexpected) {
		t.Errorf("with the issuer's answer: %v, want ErrUnexpected", err)
	}
	s.Random = make([]byte, 4)
	if _, err := k.Activate(s.Activation()); err == nil || !strings.Contains(err.Error(), "zeros") {
		t.Errorf("without randomness: %v", err)
	}
}

func TestUnexpected(t *testing.T) {
	s := newSetup()
	quicktest.Unexpected(t, s.Activate(t, s.Activation()),
		emv.Begin{}, quicktest.Response(quicktest.Options), quicktest.Response("70[5F24[281231]] 9000"), emv.Performed{})
}

func TestClear(t *testing.T) { quicktest.Clears(t, newSetup().Setup) }

func FuzzKernel7(f *testing.F) {
	quicktest.Fuzz(f, func() *quicktest.Setup { return newSetup().Setup })
}
