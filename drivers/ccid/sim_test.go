package ccid_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/ccid"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/issuer"
)

// The driver keeps the promises of its class before the simulated reader, on a
// pseudo-terminal, through the true serial wrapper.
func TestConformanceSimulated(t *testing.T) {
	deck, _, err := issuer.Deck(rand.Reader, issuer.MasterKeys{AC: [16]byte{1}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	drivertest.TestReader(t, func(t *testing.T) (drivers.Reader, drivertest.ReaderWorld) {
		shop, err := sim.Open(t.TempDir(), deck, sim.PadKeys{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = shop.Close() })
		dial := port.Serial(shop.Path(sim.ReaderLine), port.Mode{Baud: 115200, StopBits: 2, RTSLow: true})
		return ccid.New(dial, ccid.Opts{}), world{t, shop}
	})
}

// world does what the suite asks for in a simulated shop.
type world struct {
	t    *testing.T
	shop *sim.Shop
}

func (w world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

func (w world) Unplug() { w.must(w.shop.Unplug(sim.ReaderLine)) }
func (w world) Replug() { w.must(w.shop.Replug(sim.ReaderLine)) }
func (w world) Pull()   { w.must(w.shop.Pull()) }
func (w world) Insert(card string) {
	names := map[string]string{drivertest.CardGood: "approve", drivertest.CardMute: "mute"}
	w.must(w.shop.Insert(names[card]))
}
