package neo_test

import (
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/neo"
)

func TestOnTheWire(t *testing.T) {
	drivertest.TestAntennaStories(t, "testdata", func(dial drivers.Dial) drivers.Antenna {
		return neo.New(dial, neo.Opts{})
	})
}
