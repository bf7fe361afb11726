package visapad_test

import (
	"os"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/drivers/visapad"
)

// The driver keeps the promises of its class before the simulated PIN pad, on
// a pseudo-terminal, through the true serial wrapper.
func TestConformanceSimulated(t *testing.T) {
	drivertest.TestPINPad(t, func(t *testing.T) (drivers.PINPad, drivertest.PadWorld) {
		w := &world{t: t, dir: t.TempDir()}
		w.open(sim.PadKeys{IPEK: [16]byte{1, 2, 3}, KSN: [10]byte{0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0}})
		t.Cleanup(func() { _ = w.shop.Close() })
		return visapad.New(port.Serial(w.shop.Path(sim.PINPadLine), port.Mode{Baud: 9600}), visapad.Opts{}), w
	})
}

// world does what the suite asks for in a simulated shop.
type world struct {
	t    *testing.T
	dir  string
	shop *sim.Shop
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

func (w *world) open(keys sim.PadKeys) {
	var err error
	if w.shop, err = sim.Open(w.dir, nil, keys); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) Unplug() { w.must(w.shop.Unplug(sim.PINPadLine)) }
func (w *world) Replug() { w.must(w.shop.Replug(sim.PINPadLine)) }

// LoseKey puts another pad in its place, which nothing was loaded into.
func (w *world) LoseKey() {
	w.must(w.shop.Close())
	w.dir = w.t.TempDir()
	old := w.shop.Path(sim.PINPadLine)
	w.open(sim.PadKeys{})
	w.must(os.Symlink(w.shop.Path(sim.PINPadLine), old))
}

func (w *world) WaitAsked() {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if s, err := w.shop.State(); err == nil && s.Waiting {
			return
		}
	}
	w.t.Fatal("the pad was not asked for a PIN")
}

func (w *world) keys(script string) {
	w.t.Helper()
	w.WaitAsked()
	w.must(w.shop.Keys(script))
}

func (w *world) TypePIN(digits string) { w.keys(digits) }
func (w *world) PressEnter()           { w.keys(sim.KeyBypass) }
func (w *world) PressCancel()          { w.keys(sim.KeyCancel) }
