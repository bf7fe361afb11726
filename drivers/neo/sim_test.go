package neo_test

import (
	"crypto/rand"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/neo"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/issuer"
)

// cards is made once: RSA keys are slow.
var cards = sync.OnceValues(func() ([]issuer.Profile, error) {
	cards, _, err := issuer.TapDeck(rand.Reader, issuer.MasterKeys{AC: [16]byte{1}}, time.Now())
	return cards, err
})

// board is a simulated reader on a pseudo-terminal, and who stands before it.
type board struct {
	t      *testing.T
	reader *sim.NEO
	path   string
	kind   sim.TapType
}

func newBoard(t *testing.T, kind sim.TapType) *board {
	path := filepath.Join(t.TempDir(), "antenna")
	reader, err := sim.NewNEO(path)
	if err != nil {
		t.Fatal(err)
	}
	w := &board{t, reader, path, kind}
	t.Cleanup(func() { w.must(reader.Close()) })
	return w
}

// antenna is the driver on it, through the true serial wrapper.
func (w *board) antenna() *neo.Dev {
	return neo.New(port.Serial(w.path, port.Mode{}), neo.Opts{})
}

func (w *board) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

func (w *board) Unplug() { w.must(w.reader.Unplug()) }
func (w *board) Replug() { w.must(w.reader.Replug()) }
func (w *board) Pull()   { w.reader.Lift() }
func (w *board) Insert(card string) {
	w.Pull()
	w.Beside(card)
}

func (w *board) Beside(card string) { w.reader.Hold(w.card(card), w.kind) }

func (w *board) card(name string) *sim.Tapped {
	w.t.Helper()
	profiles, err := cards()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range profiles {
		if p.Name == "tap-3" {
			if name == drivertest.CardMute {
				p.Behaviour = issuer.Mute
			}
			c, err := sim.NewTapped(p, rand.Reader)
			if err != nil {
				w.t.Fatal(err)
			}
			return c
		}
	}
	w.t.Fatal("no card")
	return nil
}

// The driver keeps the promises of antennas before the simulated reader.
func TestConformance(t *testing.T) {
	for name, kind := range map[string]sim.TapType{"A": sim.TapA, "B": sim.TapB} {
		t.Run(name, func(t *testing.T) {
			drivertest.TestAntenna(t, func(t *testing.T) (drivers.Antenna, drivertest.AntennaWorld) {
				w := newBoard(t, kind)
				return w.antenna(), w
			})
		})
	}
}
