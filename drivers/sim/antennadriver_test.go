package sim

import (
	"path/filepath"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/ccid"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/emv/issuer"
)

// fieldWorld is a simulated antenna on a pseudo-terminal, and who stands before
// it.
type fieldWorld struct {
	t testing.TB
	l *link
	a *antenna
}

func newFieldWorld(t testing.TB) *fieldWorld {
	l := newLink(filepath.Join(t.TempDir(), "antenna"))
	a := &antenna{out: l.send, came: func(issuer.Profile, bool) {}, note: func(string, []byte, []byte) {}}
	l.dev = a
	w := &fieldWorld{t: t, l: l, a: a}
	w.Replug()
	t.Cleanup(func() { w.must(l.remove()) })
	return w
}

func (w *fieldWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

func (w *fieldWorld) antenna() *ccid.Antenna {
	return ccid.NewAntenna(port.Serial(w.l.path, port.Mode{Baud: 115200, StopBits: 2, RTSLow: true}), ccid.Opts{})
}

// with does something to the antenna.
func (w *fieldWorld) with(do func(*antenna)) {
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	do(w.a)
}

func (w *fieldWorld) Unplug() { w.must(w.l.unplug()) }
func (w *fieldWorld) Replug() { w.must(w.l.plug()) }
func (w *fieldWorld) Pull()   { w.with((*antenna).lift) }
func (w *fieldWorld) Insert(card string) {
	w.Pull()
	w.Beside(card)
}

func (w *fieldWorld) Beside(card string) {
	t := newTapped(w.t, "tap-3")
	if card == drivertest.CardMute {
		t.chip.p.Behaviour = issuer.Mute
	}
	w.with(func(a *antenna) { a.tap(t) })
}

// The driver keeps the promises of antennas before the simulated one.
func TestAntennaConformance(t *testing.T) {
	drivertest.TestAntenna(t, func(t *testing.T) (drivers.Antenna, drivertest.AntennaWorld) {
		w := newFieldWorld(t)
		return w.antenna(), w
	})
}
