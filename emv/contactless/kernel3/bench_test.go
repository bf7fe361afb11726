package kernel3_test

import (
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/quick/quicktest"
)

func TestAllocations(t *testing.T) { quicktest.Allocates(t, newSetup().Setup) }

// TestNumbers: each tap has an unpredictable number of its own.
func TestNumbers(t *testing.T) {
	s := newSetup()
	calls := byte(0)
	s.Terminal.Random = func(b []byte) { calls++; b[0] = calls }
	seen := map[string]bool{}
	for range 3 {
		action, err := s.Activate(t, s.Activation()).Step(emv.Begin{})
		if err != nil {
			t.Fatal(err)
		}
		seen[string(action.(emv.Transmit).Command)] = true
	}
	if len(seen) != 3 {
		t.Errorf("3 taps are begun with %d different commands", len(seen))
	}
}
