package escpos_test

import (
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/escpos"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/drivers/sim"
)

// The driver keeps the promises of its class before the simulated printer, on
// a pseudo-terminal, through the true serial wrapper.
func TestConformanceSimulated(t *testing.T) {
	drivertest.TestPrinter(t, func(t *testing.T) (drivers.Printer, drivertest.PrinterWorld) {
		shop, err := sim.Open(t.TempDir(), nil, sim.PadKeys{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = shop.Close() })
		return escpos.New(port.Serial(shop.Path(sim.PrinterLine), port.Mode{}), escpos.Opts{Columns: 48}), world{t, shop}
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

func (w world) Unplug()                 { w.must(w.shop.Unplug(sim.PrinterLine)) }
func (w world) Replug()                 { w.must(w.shop.Replug(sim.PrinterLine)) }
func (w world) PaperOut()               { w.must(w.shop.Control.PaperOut(0)) }
func (w world) PaperIn()                { w.must(w.shop.Control.PaperIn()) }
func (w world) PaperOutAfter(lines int) { w.must(w.shop.Control.PaperOut(lines)) }
func (w world) OpenCover()              { w.must(w.shop.Cover(true)) }
func (w world) CloseCover()             { w.must(w.shop.Cover(false)) }

func (w world) Printed() []string {
	slips, err := w.shop.Paper()
	w.must(err)
	var lines []string
	for _, s := range slips {
		for _, l := range s.Lines {
			lines = append(lines, strings.TrimSpace(l))
		}
		if s.Cut {
			lines = append(lines, drivertest.CutMark)
		}
	}
	return lines
}
