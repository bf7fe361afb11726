package kernel7_test

import (
	"testing"

	"github.com/cloudpos/cloudpos/emv/contactless/quick/quicktest"
)

func TestAllocations(t *testing.T) { quicktest.Allocates(t, newSetup().Setup) }
