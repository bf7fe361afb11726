package sim

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/neo"
	"github.com/cloudpos/cloudpos/drivers/port"
)

// neoWire speaks to a reader in virtual time.
type neoWire struct {
	t    *testing.T
	r    *neoReader
	wire wire
}

func newNEOWire(t *testing.T) *neoWire {
	w := &neoWire{t: t}
	w.r = &neoReader{out: w.wire.out}
	return w
}

// send gives a command, with the CRC's high byte first or last.
func (w *neoWire) send(command string, high bool) {
	b := unhex(w.t, command)
	f := append([]byte("ViVOtech2\x00"), b[0], b[1], 0, byte(len(b)-2))
	f = append(f, b[2:]...)
	hi, lo := neoCheck(f)
	if !high {
		hi, lo = lo, hi
	}
	w.r.receive(append(f, hi, lo))
}

// want lets time pass and compares what was said then: code, status, data.
func (w *neoWire) want(what string, wait time.Duration, want string) {
	w.t.Helper()
	if wait > 0 {
		time.Sleep(wait - time.Millisecond)
		synctest.Wait()
		w.compare(what+", early", "")
		time.Sleep(time.Millisecond)
		synctest.Wait()
	}
	w.compare(what, want)
}

func (w *neoWire) compare(what, want string) {
	w.t.Helper()
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	var words []string
	for f := range strings.FieldsSeq(w.wire.take()) {
		f = strings.TrimPrefix(f, "5669564F746563683200")
		words = append(words, f[:4]+f[8:len(f)-4])
	}
	if got := strings.Join(words, " "); got != want {
		w.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// do is a command of pass-through mode and its answer.
func (w *neoWire) do(command string, wait time.Duration, want string) {
	w.t.Helper()
	w.send(command, true)
	w.want(command, wait, want)
}

// The frames are those of the guides, and a reader says what it does not like.
func TestNEOReaderListens(t *testing.T) {
	w := newNEOWire(t)
	w.r.receive(unhex(t, "41 56 69 56 4F 74 65 63 68 32 00 18 01 00 00 B3 CD"))
	if got := w.wire.take(); got != "5669564F74656368320018000000FA83" {
		t.Errorf("ping: %s", got)
	}
	w.r.receive(unhex(t, "56 69 56 4F 74 65 63 68 32 00 01 01 00 01 01 D7"))
	w.want("half a frame", 0, "")
	w.r.receive(unhex(t, "34 56 69 56 4F 74 65 63 68 32 00 2C 01 00 01 01 1D 19"))
	w.want("two commands", 0, "0100 2C00")
	if !w.r.demand || !w.r.through {
		t.Error("no modes")
	}
	w.r.receive(unhex(t, "56 69 56 4F 74 65 63 68 32 00 18 01 00"))
	w.r.quiet()
	w.send("18 01", false)
	w.want("behind half a frame", 0, "1800")
	w.r.receive(unhex(t, "56 69 56 4F 74 65 63 68 32 00 18 01 04 01 00"))
	w.send("18 01", true)
	w.want("too long, and the wrong order", 0, "1804")
	for command, want := range map[string]string{
		"99 01": "9902", "2C 77": "2C03", "01 01 01": "0104", "2C 01 02": "2C05", "2C 01": "2C05", "28 01 02": "2805",
		"2C 0C 00 00 00 01": "2C05", "2C 0C 00 05": "2C05", "0A 02 04 01": "0A05", "0A 02 00 02": "0A05", "0B 01 05": "0B05", "0B 02 04": "0B05",
	} {
		w.do(command, 0, want)
	}
	w.send("01 01 00", false)
	w.want("another mode's command", 0, "010B")
	w.do("2C 01 00", 0, "2C00")
	w.send("01 01 02", false)
	w.want("no such mode", 0, "0105")
	for _, command := range []string{"2C 0C 00 05 00 01", "2C 03 00 00 00 00", "0A 02 00 01"} {
		w.do(command, 0, command[:2]+"0B")
	}
	w.r.powerDown()
	if w.r.demand {
		t.Error("it remembers its mode without power")
	}
}

const neoPoll = "2C 0C 00 05 00 01"

func TestNEOReaderFindsCards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNEOWire(t)
		w.do("2C 01 01", 0, "2C00")
		w.do(neoPoll, 50*time.Millisecond, "2C08")
		w.send("2C 0C 01 00 00 01", true)
		w.send("18 01", false) // It waits for its turn.
		time.Sleep(500 * time.Millisecond)
		w.r.hold(newTapped(t, "tap-3"), TapB)
		w.want("a card comes", activateTime, "2C000208112233 1800")
		w.do(neoPoll, 50*time.Millisecond, "2C08") // It is active, and silent.
		w.do("28 01 00", 0, "2800")
		w.do("2C 03 00 A4 04 00 01 41 00", silenceTime, "2C08")
		w.do(neoPoll, activateTime, "2C000208112233")
		w.do("28 01 00", 0, "2800")
		w.do("28 01 01", 0, "2800")
		w.send(neoPoll, true)
		w.r.lift()
		w.want("it leaves at once", 0, "2C08")
		w.r.hold(mutedTap(t), TapA)
		w.do(neoPoll, activateTime, "2C0A30")
		w.r.hold(newTapped(t, "tap-3"), TapA)
		w.do(neoPoll, activateTime, "2C0A21")
		w.do("2C 01 00", 0, "2C00")
		if w.r.on {
			t.Error("the field is on outside of pass-through mode")
		}
	})
}

func TestNEOReaderExchanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNEOWire(t)
		w.do("2C 01 01", 0, "2C00")
		w.do("2C 03 00 B2 01 0C 00", silenceTime, "2C08")
		w.r.hold(newTapped(t, "tap-3"), TapA)
		w.do(neoPoll, activateTime, "2C000108112233")
		w.do("2C 03 00 A4 04 00 01 41 00", answerTime, "2C006A82")
		w.send("2C 03 00 A4 04 00 01 41 00", true)
		w.r.lift()
		w.want("taken away meanwhile", 0, "2C08")
		leaves := func(int) Shim { return func([]byte, func([]byte) []byte) []byte { return nil } }
		w.r.hold(newTapped(t, "tap-3").Variant(TapVariant{Shim: leaves}), TapA)
		w.do(neoPoll, activateTime, "2C000108112233")
		w.do("2C 03 00 A4 04 00 01 41 00", answerTime, "2C08")
		if len(w.r.field) > 0 {
			t.Error("it is still there")
		}
		w.send(neoPoll, true)
		w.r.powerDown()
		time.Sleep(time.Hour)
		synctest.Wait()
		w.compare("without power meanwhile", "")
	})
}

// newVirtualNEO is a simulated reader in virtual time, under the true driver.
func newVirtualNEO(t *testing.T) (*neoReader, *neo.Dev) {
	line := &virtualLine{}
	r := &neoReader{out: line.send}
	line.dev = r
	d := neo.New(drivertest.NewPlug(t, line.serve).Dial, neo.Opts{})
	t.Cleanup(func() { _ = d.Close() })
	return r, d
}

// The race is measured to the very time that the reader takes for it: with both
// types, and without a line in between.
func TestNEOMeasuresTheRace(t *testing.T) {
	for name, kind := range map[string]TapType{"A": TapA, "B": TapB} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, d := newVirtualNEO(t)
				r.hold(newTapped(t, "tap-2-race"), kind)
				card, err := d.Await(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, command := range []string{selectTap2, optionsTap2, raceTap2} {
					got, err := card.Exchange(t.Context(), unhex(t, command))
					if err != nil || got.Data[len(got.Data)-2] != 0x90 {
						t.Fatalf("%s: % X, %v", command, got.Data, err)
					}
					want := answerTime
					if command == raceTap2 {
						want = raceWay + 35*raceUnit
					}
					if got.Elapsed != want {
						t.Errorf("%s took %v, want %v", command, got.Elapsed, want)
					}
				}
			})
		})
	}
}

// Two cards, of whatever types, and two in one wallet: the field is off behind
// them, and one that comes then is found.
func TestNEOCrowds(t *testing.T) {
	for name, hold := range map[string]func(r *neoReader, a, b *Tapped){
		"A":       func(r *neoReader, x, y *Tapped) { r.hold(x, TapA); r.hold(y, TapA) },
		"A and B": func(r *neoReader, x, y *Tapped) { r.hold(x, TapA); r.hold(y, TapB) },
		"wallet":  func(r *neoReader, x, _ *Tapped) { r.hold(x.Variant(TapVariant{Beside: 1}), TapB) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, d := newVirtualNEO(t)
				one := newTapped(t, "tap-3")
				hold(r, one, newTapped(t, "tap-2"))
				if _, err := d.Await(t.Context()); !errors.Is(err, drivers.ErrCollision) {
					t.Fatalf("Await = %v, want ErrCollision", err)
				}
				if r.on {
					t.Error("the field is still on")
				}
				r.lift()
				if err := d.Clear(t.Context()); err != nil {
					t.Fatal(err)
				}
				r.hold(one, TapA)
				if _, err := d.Await(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// Whatever becomes of an answer, the card is asked once, and the next wait finds
// it again.
func TestNEOSpoiledLine(t *testing.T) {
	for fault, want := range map[FaultKind]error{
		WrongChecksum: drivers.ErrProtocol, HalfFrame: drivers.ErrProtocol,
		Garbage: drivers.ErrProtocol, Silence: drivers.ErrTimeout,
	} {
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				r, d := newVirtualNEO(t)
				clean := r.out
				r.hold(newTapped(t, "tap-3").Variant(TapVariant{Shim: asked(&n)}), TapA)
				card, err := d.Await(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				left := 1
				r.out = func(bytes []byte, k kind) {
					if left > 0 {
						left--
						bytes = Fault{Kind: fault}.spoil(bytes)
					}
					clean(bytes, k)
				}
				got, err := card.Exchange(t.Context(), unhex(t, selectTap3))
				if !errors.Is(err, want) {
					t.Fatalf("Exchange = % X, %v, want %v", got.Data, err, want)
				}
				if n != 1 {
					t.Errorf("the card was asked %d times", n)
				}
				if err := card.Release(t.Context()); err != nil {
					t.Fatal(err)
				}
				if card, err = d.Await(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := card.Exchange(t.Context(), unhex(t, selectTap3)); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// However a wait ends, it leaves the field off, soon.
func TestNEOLeavesNoField(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, d := newVirtualNEO(t)
		for limit := range 120 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(limit)*time.Millisecond)
			began := time.Now()
			_, err := d.Await(ctx)
			if !errors.Is(err, drivers.ErrTimeout) || r.on {
				t.Errorf("within %d ms: %v, field on: %t", limit, err, r.on)
			}
			if late := time.Since(began) - time.Duration(limit)*time.Millisecond; late > 100*time.Millisecond {
				t.Errorf("within %d ms: %v late", limit, late)
			}
			cancel()
		}
	})
}

// Lights and tones go between the looks of a wait, and not to the card.
func TestNEOShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, d := newVirtualNEO(t)
		found := make(chan error)
		go func() {
			_, err := d.Await(t.Context())
			found <- err
		}()
		time.Sleep(80 * time.Millisecond)
		for _, c := range []struct {
			signal drivers.Signal
			lights [neoLights]bool
			beeps  string // so far
		}{
			{drivers.SignalReady, [neoLights]bool{true}, ""},
			{drivers.SignalSuccess, [neoLights]bool{true, true, true, true}, "\x11"},
			{drivers.SignalIdle, [neoLights]bool{}, "\x11"},
			{drivers.SignalAlert, [neoLights]bool{}, "\x11\x02"},
			{drivers.SignalReady, [neoLights]bool{true}, "\x11\x02"},
			{drivers.SignalOff, [neoLights]bool{}, "\x11\x02"},
		} {
			began := time.Now()
			if err := d.Show(t.Context(), c.signal); err != nil {
				t.Fatal(err)
			}
			if lasted := time.Since(began); lasted > 60*time.Millisecond {
				t.Errorf("signal %d: waits %v for its turn", c.signal, lasted)
			}
			if r.lights != c.lights || string(r.beeps) != c.beeps {
				t.Errorf("signal %d: %v, % X, want %v, % X", c.signal, r.lights, r.beeps, c.lights, c.beeps)
			}
		}
		r.hold(newTapped(t, "tap-3"), TapA)
		if err := <-found; err != nil {
			t.Fatal(err)
		}
	})
}

// The reader is plugged and unplugged on a true line, loses its power on one that
// stays, and answers nonsense for a while: each time the next wait finds the
// card, or the one after that.
func TestNEOOnALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "antenna")
	reader, err := NewNEO(path)
	if err != nil {
		t.Fatal(err)
	}
	d := neo.New(port.Serial(path, port.Mode{}), neo.Opts{Name: "antenna 1"})
	defer func() {
		if err := errors.Join(d.Close(), reader.Close(), reader.Close()); err != nil {
			t.Error(err)
		}
	}()
	tap := func(what string, want error) {
		t.Helper()
		card, err := d.Await(t.Context())
		if want != nil {
			if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "antenna 1: ") || strings.Count(err.Error(), "antenna 1") != 1 {
				t.Fatalf("%s: Await = %v, want %v of antenna 1", what, err, want)
			}
			return
		}
		if err != nil {
			t.Fatalf("%s: Await: %v", what, err)
		}
		if _, err := card.Exchange(t.Context(), unhex(t, selectTap3)); err != nil {
			t.Fatalf("%s: Exchange: %v", what, err)
		}
		if err := card.Release(t.Context()); err != nil {
			t.Fatalf("%s: Release: %v", what, err)
		}
	}
	reader.Hold(newTapped(t, "tap-3"), TapA)
	tap("first", nil)
	reader.Reset()
	tap("after its power had failed", nil)
	if err := reader.Unplug(); err != nil {
		t.Fatal(err)
	}
	tap("unplugged", drivers.ErrNoDevice)
	if err := reader.Replug(); err != nil {
		t.Fatal(err)
	}
	tap("plugged in again", nil)
	for fault, want := range map[FaultKind]error{
		WrongChecksum: drivers.ErrProtocol, HalfFrame: drivers.ErrProtocol,
		Garbage: drivers.ErrProtocol, Silence: drivers.ErrNoDevice,
	} {
		if err := reader.Spoil(Fault{Kind: fault, Count: 2}); err != nil {
			t.Fatal(err)
		}
		tap(string(fault)+", twice", nil)
		if err := reader.Spoil(Fault{Kind: fault}); err != nil {
			t.Fatal(err)
		}
		tap(string(fault), want)
		if err := reader.Spoil(Fault{Kind: FaultNone}); err != nil {
			t.Fatal(err)
		}
		tap("well again after "+string(fault), nil)
	}
	reader.Lift()
	reader.Hold(mutedTap(t), TapA)
	tap("a mute card", drivers.ErrCardMute)
}
