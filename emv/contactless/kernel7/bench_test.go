package kernel7_test

import (
	"testing"

	"github.com/cloudpos/cloudpos/emv/contactless/quick/quicktest"
)

// BenchmarkOffline is a tap that the card approves with fDDA, and beside it the
// RSA operations in it alone.
func BenchmarkOffline(b *testing.B) { quicktest.Benchmark(b, newSetup().Setup) }

func TestAllocations(t *testing.T) { quicktest.Allocates(t, newSetup().Setup) }
