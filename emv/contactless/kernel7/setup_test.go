package kernel7_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel7"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
	"github.com/cloudpos/cloudpos/emv/contactless/quick/quicktest"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
	"github.com/cloudpos/cloudpos/emv/oda"
)

var update = flag.Bool("update", false, "rewrite what Entry Point and kernel do in testdata/*.txt")

// TestTranscripts plays whole taps.
func TestTranscripts(t *testing.T) {
	taptest.Transcripts(t, *update, func() taptest.Tap { return newSetup() })
}

// setup is the reader and the sale of a test.
type setup struct {
	*quicktest.Setup
	assumed kernel7.Assumptions
}

// newSetup is the usual reader, which can go online, ask for a PIN and have a
// slip signed, and has a slot too.
func newSetup() *setup {
	s := &setup{
		Setup:   quicktest.New(contactless.Kernel7, contactless.TTQ{0x36, 0x00, 0x00, 0x00}, 0x00),
		assumed: kernel7.Assumed(),
	}
	s.Kernel = func(terminal emv.Config) (contactless.Kernel, error) {
		return kernel7.New(kernel7.Config{Terminal: terminal, Assumptions: s.assumed})
	}
	s.Further = s.set
	return s
}

// set takes settings of this kernel alone: other assumptions, and a key of SM2
// for the card's authority.
func (s *setup) set(name, value string) error {
	switch name {
	case "expiry-not-required":
		s.assumed.ExpiryRequired = false
	case "future-unseen":
		s.assumed.FutureEnds = false
	case "pin-or-less":
		s.assumed.PINOrDecline = false
	case "fdda-unsaid":
		s.assumed.FastDDA = quick.Bit{}
	case "related-min":
		_, err := fmt.Sscan(value, &s.assumed.RelatedMin)
		return err
	case "online-if-old-bit":
		_, err := fmt.Sscanf(value, "%d %x", &s.assumed.CTQ.OnlineIfOld.At, &s.assumed.CTQ.OnlineIfOld.Mask)
		return err
	case "sm2-key":
		s.Terminal.CAKeys = append(s.Terminal.CAKeys, oda.CAKey{
			RID: [5]byte{0xF0, 'C', 'P', 'O', 'S'}, Index: 1, Point: make([]byte, 64), SM2: believer{},
		})
	default:
		return fmt.Errorf("with %q", name)
	}
	return nil
}

// believer takes every signature for a good one: a card must not come so far.
type believer struct{}

func (believer) Verify(_, _, _ []byte) bool { return true }
func (believer) Hash([]byte) []byte         { return make([]byte, 32) }
