package pn532_test

import (
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/pn532"
)

func TestOnTheWire(t *testing.T) {
	drivertest.TestAntennaStories(t, "testdata", func(dial drivers.Dial) drivers.Antenna {
		return pn532.New(dial, pn532.Opts{})
	})
}
