package panel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/panel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// board is the far end of a panel's pins. It notes each change with its time.
type board struct {
	mu    sync.Mutex
	begin time.Time
	high  map[string]bool
	log   []string
	fault error // of every pin
	open  []string
}

func newBoard() *board {
	return &board{begin: time.Now(), high: map[string]bool{}}
}

type pin struct {
	b    *board
	name string
}

func (p pin) Out(high bool) error {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if p.b.fault != nil {
		return p.b.fault
	}
	if p.b.high[p.name] != high {
		p.b.high[p.name] = high
		p.b.log = append(p.b.log, fmt.Sprintf("%v %s %v", time.Since(p.b.begin), p.name, high))
	}
	return nil
}

func (p pin) Read() (bool, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	return p.b.high[p.name], p.b.fault
}

func (p pin) Close() error {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	p.b.open = slices.DeleteFunc(p.b.open, func(s string) bool { return s == p.name })
	return nil
}

func (b *board) pin(name string) drivers.Pin {
	b.open = append(b.open, name)
	return pin{b, name}
}

func (b *board) pins() panel.Pins {
	var p panel.Pins
	for i := range p.Lights {
		p.Lights[i] = b.pin(fmt.Sprint("L", i+1))
	}
	p.Buzzer, p.Drawer, p.Tamper = b.pin("buzzer"), b.pin("drawer"), b.pin("tamper")
	return p
}

func (b *board) Tamper(open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.high["tamper"] = open
}

func (b *board) DrawerHigh() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.high["drawer"]
}

func (b *board) DrawerPulses() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, line := range b.log {
		if strings.HasSuffix(line, "drawer false") {
			n++
		}
	}
	return n
}

func (b *board) Lights() []bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return []bool{b.high["L1"], b.high["L2"], b.high["L3"], b.high["L4"]}
}

func (b *board) since() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := strings.Join(b.log, ", ")
	b.log, b.begin = nil, time.Now()
	return out
}

func TestPanelSuite(t *testing.T) {
	drivertest.TestPanel(t, func(*testing.T) (drivers.Panel, drivertest.PanelWorld) {
		b := newBoard()
		return panel.New(b.pins(), panel.Opts{}), b
	})
}

func TestSignals(t *testing.T) {
	for _, c := range []struct {
		signal drivers.Signal
		watch  time.Duration
		want   string
	}{
		{drivers.SignalOff, time.Minute, ""},
		{drivers.SignalReady, time.Minute, "0s L1 true"},
		{drivers.SignalIdle, 11 * time.Second, "0s L1 true, 200ms L1 false, 5s L1 true, 5.2s L1 false, 10s L1 true, 10.2s L1 false"},
		{drivers.SignalSuccess, time.Minute, "0s L1 true, 125ms L2 true, 250ms L3 true, 375ms L4 true, " +
			"500ms buzzer true, 1s buzzer false, 1.25s L1 false, 1.25s L2 false, 1.25s L3 false, 1.25s L4 false"},
		{drivers.SignalAlert, time.Minute, "0s buzzer true, 200ms buzzer false, 400ms buzzer true, 600ms buzzer false"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBoard()
			p := panel.New(b.pins(), panel.Opts{})
			if err := p.Show(t.Context(), c.signal); err != nil {
				t.Errorf("Show(%d): %v", c.signal, err)
			}
			time.Sleep(c.watch) // Virtual: the bubble's clock jumps.
			if got := b.since(); got != c.want {
				t.Errorf("signal %d: %s, want %s", c.signal, got, c.want)
			}
			if err := p.Close(); err != nil || len(b.open) > 0 {
				t.Errorf("Close: %v, pins left open: %v", err, b.open)
			}
		})
	}
}

// Lights change at once; a tone gives way to another one only.
func TestAnotherSignalEndsTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		p := panel.New(b.pins(), panel.Opts{})
		for _, s := range []drivers.Signal{drivers.SignalSuccess, drivers.SignalAlert, drivers.SignalReady} {
			if err := p.Show(t.Context(), s); err != nil {
				t.Errorf("Show(%d): %v", s, err)
			}
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		want := "0s L1 true, 125ms L2 true, 250ms L3 true, 300ms L1 false, 300ms L2 false, 300ms L3 false, 300ms buzzer true, 500ms buzzer false, " +
			"600ms L1 true, 700ms buzzer true, 900ms buzzer false"
		if got := b.since(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A buzzer that another process has left on is silent with the first signal.
func TestBuzzerLeftOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		b.high["buzzer"] = true
		p := panel.New(b.pins(), panel.Opts{})
		if err := p.Show(t.Context(), drivers.SignalReady); err != nil {
			t.Error(err)
		}
		if got, want := b.since(), "0s L1 true, 0s buzzer false"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

func TestDrawerPulseIsBounded(t *testing.T) {
	for opt, want := range map[time.Duration]string{
		0:                "150ms",
		time.Millisecond: "100ms",
		time.Hour:        "200ms",
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBoard()
			p := panel.New(b.pins(), panel.Opts{Pulse: opt})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if err := p.OpenDrawer(ctx); err != nil {
				t.Errorf("OpenDrawer: %v", err)
			}
			if got, want := b.since(), "0s drawer true, "+want+" drawer false"; got != want {
				t.Errorf("Pulse %v: %s, want %s", opt, got, want)
			}
			if err := p.OpenDrawer(ctx); !errors.Is(err, drivers.ErrTimeout) {
				t.Errorf("OpenDrawer after the end of ctx = %v, want ErrTimeout", err)
			}
		})
	}
}

func TestTamperSwitchBounces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		p := panel.New(b.pins(), panel.Opts{})
		b.Tamper(true)
		time.AfterFunc(20*time.Millisecond, func() { b.Tamper(false) })
		if got, err := p.Tampered(t.Context()); got || err != nil {
			t.Errorf("a knock of 20 ms: Tampered = %v, %v, want false", got, err)
		}
		b.Tamper(true)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if got, err := p.Tampered(ctx); !got || err != nil {
			t.Errorf("no time to look twice: Tampered = %v, %v, want true", got, err)
		}
	})
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		p := panel.New(b.pins(), panel.Opts{})
		if err := p.Show(t.Context(), drivers.SignalSuccess); err != nil {
			t.Errorf("Show: %v", err)
		}
		b.mu.Lock()
		b.fault = fmt.Errorf("%w: line busy", drivers.ErrHardware)
		b.mu.Unlock()
		time.Sleep(time.Second)
		b.mu.Lock()
		fault := b.fault
		b.fault = nil
		b.mu.Unlock()
		if err := p.Show(t.Context(), drivers.SignalOff); !errors.Is(err, drivers.ErrHardware) {
			t.Errorf("Show after a signal that broke off = %v, want ErrHardware", err)
		}
		if err := p.Show(t.Context(), drivers.SignalOff); err != nil {
			t.Errorf("Show after that: %v", err)
		}
		if err := p.Show(t.Context(), drivers.Signal(99)); !errors.Is(err, drivers.ErrRefused) {
			t.Errorf("Show(99) = %v, want ErrRefused", err)
		}
		b.fault = fault
		if err := p.OpenDrawer(t.Context()); !errors.Is(err, drivers.ErrHardware) {
			t.Errorf("OpenDrawer = %v, want ErrHardware", err)
		}
		if _, err := p.Tampered(t.Context()); !errors.Is(err, drivers.ErrHardware) {
			t.Errorf("Tampered = %v, want ErrHardware", err)
		}
	})
}

func TestNothingWired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := panel.New(panel.Pins{}, panel.Opts{})
		open, err := p.Tampered(t.Context())
		err = errors.Join(err, p.Show(t.Context(), drivers.SignalSuccess), p.OpenDrawer(t.Context()), p.Close())
		if open || err != nil {
			t.Errorf("a panel of nothing: tampered %v, %v", open, err)
		}
	})
}
