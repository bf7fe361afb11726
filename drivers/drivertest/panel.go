package drivertest

import (
	"slices"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
)

// TestPanel tests what drivers.Panel promises. The panel begins dark, with the
// case closed.
func TestPanel(t *testing.T, factory func(t *testing.T) (drivers.Panel, PanelWorld)) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, drivers.Panel, PanelWorld){
		"lights": panelLights,
		"drawer": panelDrawer,
		"tamper": panelTamper,
		"closed": panelClosed,
	} {
		t.Run(name, func(t *testing.T) {
			p, w := factory(t)
			t.Cleanup(func() { _ = p.Close() })
			test(t, p, w)
		})
	}
}

func panelLights(t *testing.T, p drivers.Panel, w PanelWorld) {
	for _, s := range []struct {
		signal drivers.Signal
		first  bool // whether the first light is on at once
	}{
		{drivers.SignalReady, true}, {drivers.SignalOff, false}, {drivers.SignalIdle, true},
		{drivers.SignalAlert, false}, {drivers.SignalSuccess, true}, {drivers.SignalOff, false},
	} {
		must(t, "Show", p.Show(within(t, patience), s.signal))
		lights := w.Lights()
		if len(lights) > 0 && lights[0] != s.first {
			t.Errorf("signal %d: lights %v, want the first %v", s.signal, lights, s.first)
		}
	}
	if slices.Contains(w.Lights(), true) {
		t.Errorf("SignalOff: lights %v, want all dark", w.Lights())
	}
}

func panelDrawer(t *testing.T, p drivers.Panel, w PanelWorld) {
	for n := 1; n <= 2; n++ {
		must(t, "OpenDrawer", p.OpenDrawer(within(t, patience)))
		if got := w.DrawerPulses(); got != n || w.DrawerHigh() {
			t.Fatalf("after OpenDrawer: %d pulses, pin high %v, want %d, low", got, w.DrawerHigh(), n)
		}
	}
}

func panelTamper(t *testing.T, p drivers.Panel, w PanelWorld) {
	for _, open := range []bool{false, true, true, false} {
		w.Tamper(open)
		got, err := p.Tampered(within(t, patience))
		must(t, "Tampered", err)
		if got != open {
			t.Errorf("Tampered() = %v, want %v", got, open)
		}
	}
}

func panelClosed(t *testing.T, p drivers.Panel, w PanelWorld) {
	must(t, "Show", p.Show(within(t, patience), drivers.SignalReady))
	must(t, "Close", p.Close())
	must(t, "second Close", p.Close())
	if slices.Contains(w.Lights(), true) || w.DrawerHigh() {
		t.Errorf("after Close: lights %v, drawer pin high %v, want all dark and low", w.Lights(), w.DrawerHigh())
	}
	if err := p.OpenDrawer(within(t, patience)); err == nil {
		t.Error("OpenDrawer after Close went through")
	}
}
