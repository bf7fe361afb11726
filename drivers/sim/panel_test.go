package sim_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/panel"
	"github.com/cloudpos/cloudpos/drivers/sim"
)

// panelWorld is the far end of a simulated panel, as the suite wants it.
type panelWorld struct {
	t     *testing.T
	shop  *sim.Shop
	probe drivers.Pin // on the drawer's line
}

func (w panelWorld) look() sim.Panel {
	w.t.Helper()
	state, err := w.shop.State()
	check(w.t, err)
	return state.Panel
}

func (w panelWorld) Tamper(open bool)  { check(w.t, w.shop.OpenCase(open)) }
func (w panelWorld) DrawerPulses() int { return w.look().Kicks }

func (w panelWorld) DrawerHigh() bool {
	high, err := w.probe.Read()
	check(w.t, err)
	return high
}

func (w panelWorld) Lights() []bool {
	lights := w.look().Lights
	return lights[:]
}

// closePins gives all lines of a panel back.
func closePins(t *testing.T, p sim.PanelPins) {
	t.Helper()
	for _, pin := range append(p.Lights[:], p.Buzzer, p.Drawer, p.Tamper) {
		check(t, pin.Close())
		check(t, pin.Close())
	}
}

func TestPanelSuite(t *testing.T) {
	drivertest.TestPanel(t, func(t *testing.T) (drivers.Panel, drivertest.PanelWorld) {
		dir := t.TempDir()
		shop, probes := open(t, dir), sim.OpenPanel(dir)
		t.Cleanup(func() { closePins(t, probes) })
		return panel.New(panel.Pins(sim.OpenPanel(dir)), panel.Opts{}), panelWorld{t, shop, probes.Drawer}
	})
}

// A panel waits for its shop, and finds it again after it was gone.
func TestPanelOutlivesTheShop(t *testing.T) {
	dir := t.TempDir()
	pins := sim.OpenPanel(dir)
	if err := pins.Buzzer.Out(true); !errors.Is(err, drivers.ErrNoDevice) {
		t.Errorf("Out without a shop = %v, want ErrNoDevice", err)
	}
	deck, err := deckOnce()
	check(t, err)
	for range 2 {
		shop, err := sim.Open(dir, deck, padKeys(t))
		check(t, err)
		check(t, pins.Buzzer.Out(true))
		if state, err := shop.State(); err != nil || !state.Panel.Buzzer {
			t.Errorf("the buzzer is silent: %+v, %v", state.Panel, err)
		}
		check(t, shop.Close())
		check(t, pins.Buzzer.Out(false))
		if _, err := pins.Tamper.Read(); !errors.Is(err, drivers.ErrNoDevice) {
			t.Errorf("Read when the shop has closed = %v, want ErrNoDevice", err)
		}
	}
	check(t, pins.Buzzer.Out(false)) // it is, without a shop
	closePins(t, pins)
	if err := pins.Drawer.Out(true); !errors.Is(err, drivers.ErrNoDevice) || !strings.Contains(err.Error(), "drawer") {
		t.Errorf("Out when closed = %v, want ErrNoDevice", err)
	}
}

// What a killed terminal drove goes low, but for what another has taken over.
func TestPinsOfAKilledTerminal(t *testing.T) {
	dir := t.TempDir()
	shop, probes := open(t, dir), sim.OpenPanel(dir)
	defer closePins(t, probes)
	conn, err := dialSocket(dir)
	check(t, err)
	answers := json.NewDecoder(conn)
	for _, name := range []string{"light1", "light2", "drawer"} {
		_, err = io.WriteString(conn, `{"cmd":"pin-out","pin":"`+name+`","on":true}`+"\n")
		check(t, err)
		var answer struct{ Error string }
		check(t, answers.Decode(&answer))
		if answer.Error != "" {
			t.Fatal(answer.Error)
		}
	}
	check(t, probes.Lights[0].Out(true))
	check(t, conn.Close())
	for state, err := shop.State(); state.Panel != (sim.Panel{Lights: [4]bool{true}, Kicks: 1}); state, err = shop.State() {
		check(t, err)
		if !state.Panel.Lights[0] {
			t.Fatal("the other terminal's light went out")
		}
	}
}

// A shop that hangs costs one call a moment, and the next ones nothing: they
// do not even ask.
func TestPanelOfAShopThatHangs(t *testing.T) {
	dir := t.TempDir()
	hanging, err := net.Listen("unix", filepath.Join(dir, "control.sock"))
	check(t, err)
	defer func() { check(t, hanging.Close()) }()
	pins := sim.OpenPanel(dir)
	defer closePins(t, pins)
	if err := pins.Buzzer.Out(true); !errors.Is(err, drivers.ErrNoDevice) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Out = %v, want ErrNoDevice after a time-out", err)
	}
	if err := pins.Buzzer.Out(true); !errors.Is(err, drivers.ErrNoDevice) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Out again = %v, want ErrNoDevice at once", err)
	}
}

func TestPinsRefuse(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	pins := sim.OpenPanel(dir)
	defer closePins(t, pins)
	if err := pins.Tamper.Out(true); !errors.Is(err, sim.ErrControl) || errors.Is(err, drivers.ErrNoDevice) {
		t.Errorf("Out on an input = %v, want ErrControl", err)
	}
	check(t, pins.Buzzer.Out(true)) // and the connection is a good one still
}
