package ccid_test

import (
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/ccid"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
)

func TestAntennaOnTheWire(t *testing.T) {
	drivertest.TestAntennaStories(t, "testdata/antenna", func(dial drivers.Dial) drivers.Antenna {
		return ccid.NewAntenna(dial, ccid.Opts{})
	})
}
