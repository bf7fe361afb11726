package newland_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/newland"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/secret"
)

const random = 0xA5 // what this pad calls its command for random numbers

var (
	uid  = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}
	auth = [16]byte{0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 9, 8, 7, 6, 5, 4, 3, 2}
	bdk  = [16]byte{0xB, 0xD, 0xF}
	ksn0 = [10]byte{0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0}
)

// open gives a driver before a pad of its own, on a pseudo-terminal.
func open(t *testing.T) (*newland.Dev, *world) {
	t.Helper()
	w := plug(t)
	return w.driver(auth), w
}

func plug(t *testing.T) *world {
	t.Helper()
	ipek, err := keys.InitialKey(bdk, ksn0)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pad")
	pad, err := sim.NewPP60(path, sim.PP60Keys{
		Pad: sim.PadKeys{IPEK: ipek, KSN: ksn0}, Random: random, UID: uid, Auth: auth,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pad.Close() })
	return &world{t, path, pad}
}

// driver is one that knows this authentication key.
func (w *world) driver(auth [16]byte) *newland.Dev {
	d := newland.New(port.Serial(w.path, port.Mode{Baud: 9600}), newland.Opts{Random: random, UID: uid, Auth: auth[:]})
	w.t.Cleanup(func() { _ = d.Close() })
	return d
}

// The driver keeps the promises of its class before the simulated pad, on a
// pseudo-terminal, through the true serial wrapper.
func TestConformanceSimulated(t *testing.T) {
	drivertest.TestPINPad(t, func(t *testing.T) (drivers.PINPad, drivertest.PadWorld) { return open(t) })
}

// world does what the suite asks for.
type world struct {
	t    *testing.T
	path string
	pad  *sim.PP60
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

func (w *world) Unplug()  { w.must(w.pad.Unplug()) }
func (w *world) Replug()  { w.must(w.pad.Replug()) }
func (w *world) LoseKey() { w.pad.Erase() }

func (w *world) WaitAsked() {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if w.pad.Asking() {
			return
		}
	}
	w.t.Fatal("the pad was not asked for a PIN")
}

func (w *world) press(key string) {
	w.t.Helper()
	w.WaitAsked()
	w.must(w.pad.Press(key))
}

func (w *world) TypePIN(digits string) { w.press(digits) }
func (w *world) PressEnter()           { w.press(sim.KeyBypass) }
func (w *world) PressCancel()          { w.press(sim.KeyCancel) }

// Whoever has the base key reads the PIN that the customer typed, for cards of
// any length, with the serial number that the driver returns.
func TestPINIsReadByTheIssuer(t *testing.T) {
	d, w := open(t)
	for i, pan := range []string{"9999990012345674", "99999901", "9999990012345674123", "999999001234"} {
		pin := fmt.Sprintf("%d", 123456+i)
		w.must(w.pad.Press("1234", pin)) // The first is too short, and not taken.
		e, err := d.EnterPIN(t.Context(), drivers.PINRequest{PAN: secret.PAN(pan), Min: 6, Max: 6})
		if err != nil {
			t.Fatal(err)
		}
		want := ksn0
		want[9] = byte(i + 1)
		if [10]byte(e.KSN) != want {
			t.Errorf("KSN %X, want %X", e.KSN, want)
		}
		key, err := keys.TransactionKey(bdk, [10]byte(e.KSN))
		if err == nil {
			key, err = keys.Variant(key, keys.UsePIN)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := keys.DecryptPIN(e.Format, key, e.Block, secret.PAN(pan))
		if err != nil || string(got) != pin {
			t.Errorf("card of %d digits: the PIN is not the one that was typed, %v", len(pan), err)
		}
	}
}

// Whatever spoils the line ends in a named error or is got over, and the next PIN
// is as good as ever.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault sim.Fault
		want  error
	}{
		{"silence", sim.Fault{Kind: sim.Silence, Count: 3}, drivers.ErrNoDevice},
		{"one silence", sim.Fault{Kind: sim.Silence, Count: 1}, nil},
		{"wrong check byte", sim.Fault{Kind: sim.WrongChecksum, Count: 1, After: 2}, nil},
		{"wrong check bytes", sim.Fault{Kind: sim.WrongChecksum, Count: 3}, drivers.ErrProtocol},
		{"half an answer", sim.Fault{Kind: sim.HalfFrame, Count: 1, After: 2}, nil},
		{"garbage", sim.Fault{Kind: sim.Garbage, Count: 1, After: 1}, nil},
		{"late", sim.Fault{Kind: sim.Delay, Delay: 200 * time.Millisecond, Count: 2}, nil},
		{"half a PIN block", sim.Fault{Kind: sim.HalfFrame, Count: 1, After: 5}, drivers.ErrProtocol},
		{"PIN block with a wrong check byte", sim.Fault{Kind: sim.WrongChecksum, Count: 1, After: 5}, drivers.ErrProtocol},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, w := open(t)
			w.must(w.pad.Press("1234"))
			w.must(w.pad.Spoil(c.fault))
			r := drivers.PINRequest{PAN: secret.PAN("9999990012345674"), Timeout: 10 * time.Second}
			if _, err := d.EnterPIN(t.Context(), r); !errors.Is(err, c.want) {
				t.Errorf("EnterPIN = %v, want %v", err, c.want)
			}
			w.must(w.pad.Spoil(sim.Fault{Kind: sim.FaultNone}))
			w.must(w.pad.Press("4321"))
			if e, err := d.EnterPIN(t.Context(), r); err != nil || len(e.Block) != 8 {
				t.Errorf("the next one: %v", err)
			}
		})
	}
}

// A terminal that does not know the authentication key gets no PIN, and does not
// lock the pad by trying again by itself.
func TestWrongAuthenticationKey(t *testing.T) {
	other := auth
	other[0] ^= 0x80
	w := plug(t)
	d := w.driver(other)
	r := drivers.PINRequest{PAN: secret.PAN("9999990012345674")}
	for range 2 { // A third would lock it.
		if _, err := d.EnterPIN(t.Context(), r); !errors.Is(err, drivers.ErrRefused) {
			t.Errorf("EnterPIN = %v, want ErrRefused", err)
		}
	}
	w.must(d.Close())
	w.must(w.pad.Press("1234"))
	if _, err := w.driver(auth).EnterPIN(t.Context(), r); err != nil {
		t.Errorf("EnterPIN with the right key: %v", err)
	}
}
