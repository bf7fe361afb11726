package scanner_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/drivers/scanner"
	"github.com/cloudpos/cloudpos/drivers/sim"
)

// counter is a simulated scanner on a pseudo-terminal, and who stands before it.
type counter struct {
	t *testing.T
	*sim.Scanner
}

// newCounter gives a scanner, and the driver on it through the true serial
// wrapper. A keyboard's events come over that too: its pseudo-terminal is no input
// device.
func newCounter(t *testing.T, setting sim.ScannerSetting, opts scanner.Opts) (*scanner.Dev, counter) {
	path := filepath.Join(t.TempDir(), "scanner")
	s, err := sim.NewScanner(path, setting)
	if err != nil {
		t.Fatal(err)
	}
	w := counter{t, s}
	t.Cleanup(func() { w.must(s.Close()) })
	dial := port.Serial(path, port.Mode{Baud: 9600})
	d := scanner.New(dial, opts)
	if setting.Keyboard {
		d = scanner.NewKeyboard(dial, opts)
	}
	t.Cleanup(func() { w.must(d.Close()) })
	return d, w
}

func (w counter) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

func (w counter) Unplug()              { w.must(w.Scanner.Unplug()) }
func (w counter) Replug()              { w.must(w.Scanner.Replug()) }
func (w counter) Scan(text string)     { w.scan(text, sim.FaultNone) }
func (w counter) ScanHalf(text string) { w.scan(text, sim.HalfFrame) }
func (w counter) Noise()               { w.scan("4006381333931", sim.Garbage) }

// scan returns when the scanner has sent what it read.
func (w counter) scan(text string, fault sim.FaultKind) {
	w.must(w.Spoil(sim.Fault{Kind: fault}))
	before := w.Sent()
	w.must(w.Scanner.Scan("qr", text))
	for end := time.Now().Add(10 * time.Second); w.Sent() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.t.Error("the scanner sends nothing")
			return
		}
	}
}

// The driver keeps the promises of its class before the simulated scanner,
// however that is set.
func TestConformanceSimulated(t *testing.T) {
	for name, c := range map[string]struct {
		setting sim.ScannerSetting
		opts    scanner.Opts
	}{
		"plain":               {},
		"CR LF":               {setting: sim.ScannerSetting{Suffix: "\r\n"}},
		"prefix, AIM id, tab": {sim.ScannerSetting{Prefix: "\x02", AIM: true, Suffix: "\t"}, scanner.Opts{Prefix: "\x02", AIM: true}},
		"keyboard":            {setting: sim.ScannerSetting{Keyboard: true}},
		"keyboard and AIM id": {sim.ScannerSetting{Keyboard: true, AIM: true}, scanner.Opts{AIM: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drivertest.TestScanner(t, func(t *testing.T) (drivers.Scanner, drivertest.ScannerWorld) {
				d, w := newCounter(t, c.setting, c.opts)
				return d, w
			})
		})
	}
}
