package sim

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

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

// virtualField is a simulated antenna in virtual time.
type virtualField struct{ a *antenna }

func newVirtualField(t testing.TB) (*virtualField, *ccid.Antenna) {
	line := &virtualLine{}
	f := &virtualField{&antenna{out: line.send, came: func(issuer.Profile, bool) {}, note: func(string, []byte, []byte) {}}}
	line.dev = f.a
	a := ccid.NewAntenna(drivertest.NewPlug(t, line.serve).Dial, ccid.Opts{})
	t.Cleanup(func() { _ = a.Close() })
	return f, a
}

// serves lets somebody come by himself.
func (f *virtualField) serves(t *Tapped) {
	f.a.mu.Lock()
	defer f.a.mu.Unlock()
	f.a.serve(t)
}

func (f *virtualField) await(t *testing.T, a *ccid.Antenna) drivers.Card {
	t.Helper()
	c, err := a.Await(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The race is measured to the very time that the chip takes for it, and a relay
// that takes longer shows.
func TestAntennaMeasuresTheRace(t *testing.T) {
	for name, relay := range map[string]time.Duration{"card": 0, "relayed": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, a := newVirtualField(t)
				f.serves(newTapped(t, "tap-2-race").Variant(TapVariant{Delay: relay}))
				card := f.await(t, a)
				for _, command := range []string{selectTap2, optionsTap2, raceTap2} {
					r, err := card.Exchange(t.Context(), unhex(t, command))
					if err != nil || r.Data[len(r.Data)-2] != 0x90 {
						t.Fatalf("%s: % X, %v", command, r.Data, err)
					}
					want := answerTime + relay
					if command == raceTap2 {
						want = raceWay + 35*raceUnit + relay
					}
					if r.Elapsed != want {
						t.Errorf("%s took %v, want %v", command, r.Elapsed, want)
					}
				}
			})
		})
	}
}

// Who takes his card away too early, or holds two there, comes again.
func TestAntennaGuestsOfTheDriver(t *testing.T) {
	leaves := func(tap int) Shim {
		if tap > 1 {
			return nil
		}
		return func(command []byte, chip func([]byte) []byte) []byte {
			if command[1] == 0xA8 {
				return nil
			}
			return chip(command)
		}
	}
	for name, c := range map[string]struct {
		variant TapVariant
		crowd   bool
	}{
		"taken away early": {TapVariant{Shim: leaves}, false},
		"in a wallet":      {TapVariant{Beside: 1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, a := newVirtualField(t)
				f.serves(newTapped(t, "tap-2").Variant(c.variant))
				if c.crowd {
					if _, err := a.Await(t.Context()); !errors.Is(err, drivers.ErrCollision) {
						t.Fatalf("Await = %v, want ErrCollision", err)
					}
				} else {
					card := f.await(t, a)
					_, first := card.Exchange(t.Context(), unhex(t, selectTap2))
					_, then := card.Exchange(t.Context(), unhex(t, optionsTap2))
					if first != nil || !errors.Is(then, drivers.ErrCardGone) {
						t.Fatalf("Exchange = %v, then %v, want ErrCardGone", first, then)
					}
					if err := card.Release(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if err := a.Clear(t.Context()); err != nil {
					t.Fatal(err)
				}
				card := f.await(t, a)
				for _, command := range []string{selectTap2, optionsTap2} {
					if _, err := card.Exchange(t.Context(), unhex(t, command)); err != nil {
						t.Fatal(err)
					}
				}
				// He takes it when the field goes off.
				if err := errors.Join(card.Release(t.Context()), card.Gone(t.Context())); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// A spoiled answer is asked for again, not the command; the card is asked once.
func TestAntennaSpoiledLine(t *testing.T) {
	for _, fault := range []FaultKind{WrongChecksum, HalfFrame} {
		t.Run(string(fault), func(t *testing.T) {
			w := newFieldWorld(t)
			asked := 0
			w.a.note = func(string, []byte, []byte) { asked++ }
			w.Insert(drivertest.CardGood)
			a := w.antenna()
			defer func() { w.must(a.Close()) }()
			card, err := a.Await(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w.must(w.l.spoil(Fault{Kind: fault, Count: 1}))
			r, err := card.Exchange(t.Context(), unhex(t, selectTap3))
			if err != nil || r.Data[len(r.Data)-2] != 0x90 {
				t.Fatalf("Exchange = % X, %v", r.Data, err)
			}
			w.with(func(*antenna) {
				if asked != 1 {
					t.Errorf("the card was asked %d times", asked)
				}
			})
		})
	}
}
