package cd5220_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/cd5220"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/drivers/sim"
)

// pole is a simulated display on a pseudo-terminal.
type pole struct {
	t *testing.T
	*sim.Display
}

// newPole gives a display, and the driver on it through the true serial wrapper.
func newPole(t *testing.T, opts cd5220.Opts) (*cd5220.Dev, pole) {
	path := filepath.Join(t.TempDir(), "display")
	display, err := sim.NewDisplay(path)
	if err != nil {
		t.Fatal(err)
	}
	w := pole{t, display}
	t.Cleanup(func() { w.must(display.Close()) })
	d := cd5220.New(port.Serial(path, port.Mode{Baud: 9600}), opts)
	t.Cleanup(func() { w.must(d.Close()) })
	return d, w
}

func (w pole) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

func (w pole) Unplug()          { w.must(w.Display.Unplug()) }
func (w pole) Replug()          { w.must(w.Display.Replug()) }
func (w pole) Shown() [2]string { return w.Lines() }

// The driver keeps the promises of its class before the simulated display.
func TestConformanceSimulated(t *testing.T) {
	drivertest.TestDisplay(t, func(t *testing.T) (drivers.Display, drivertest.DisplayWorld) {
		d, w := newPole(t, cd5220.Opts{})
		return d, w
	})
}

// await waits until the display shows something; it has no way to tell.
func (w pole) await(upper, lower string) {
	w.t.Helper()
	const patience, pause = 20 * time.Second, 2 * time.Millisecond
	want := [2]string{upper, lower}
	for end := time.Now().Add(patience); w.Lines() != want; time.Sleep(pause) {
		if time.Now().After(end) {
			w.t.Fatalf("the display shows %q, want %q", w.Lines(), want)
		}
	}
}

// A display that was switched off and on shows what it is told, and has its
// settings back for the next customer.
func TestSwitchedOffAndOn(t *testing.T) {
	d, w := newPole(t, cd5220.Opts{Brightness: 2})
	w.must(d.Show(t.Context(), "A", "B"))
	w.await("A", "B")
	if got := w.Brightness(); got != 2 {
		t.Errorf("brightness %d, want 2", got)
	}
	w.Reset()
	w.must(d.Show(t.Context(), "TOTAL\t1.00", "OK"))
	// Its cursor is back, at the place that it had when it was switched on, and
	// where it is depends on the model: only the other line is looked at.
	for end := time.Now().Add(20 * time.Second); w.Lines()[0] != "TOTAL           1.00"; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the display shows %q", w.Lines())
		}
	}
	w.must(d.Clear(t.Context()))
	w.await("", "")
	w.must(d.Show(t.Context(), "[C]", "D"))
	w.await("[C]", "D")
	if got := w.Brightness(); got != 2 {
		t.Errorf("brightness %d after Clear, want 2", got)
	}
}
