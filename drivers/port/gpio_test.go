package port

import (
	"errors"
	"testing"

	"periph.io/x/conn/v3/gpio"

	"github.com/cloudpos/cloudpos/drivers"
)

// line is a GPIO line that can fail, and notes that it was given back.
type line struct {
	gpio.PinIO // Nothing else is called.
	level      gpio.Level
	fault      error
	pull       gpio.Pull
	closed     int
}

func (l *line) In(pull gpio.Pull, _ gpio.Edge) error {
	l.pull = pull
	return l.fault
}

func (l *line) Out(level gpio.Level) error {
	if l.fault != nil {
		return l.fault
	}
	l.level = level
	return nil
}

func (l *line) Read() gpio.Level { return l.level }

func (l *line) Close() { l.closed++ }

func TestPin(t *testing.T) {
	l := &line{}
	chip := &Chip{name: "gpiochip0", line: func(n int) gpio.PinIO {
		if n != 5 {
			return nil
		}
		return l
	}}
	if _, err := chip.Pin(6); !errors.Is(err, drivers.ErrNoDevice) {
		t.Errorf("Pin(6) = %v, want ErrNoDevice", err)
	}
	p, err := chip.Pin(5)
	if err != nil {
		t.Fatal(err)
	}
	for _, high := range []bool{true, false} {
		if err := p.Out(high); err != nil || l.level != gpio.Level(high) {
			t.Errorf("Out(%v): %v, the line is %v", high, err, l.level)
		}
		l.level = gpio.Level(high)
		if got, err := p.Read(); got != high || err != nil || l.pull != gpio.PullUp {
			t.Errorf("Read = %v, %v with pull %v, want %v with pull-up", got, err, l.pull, high)
		}
	}
	// A switch that cannot be read is an error, never "closed".
	l.fault = errors.New("device or resource busy")
	if _, err := p.Read(); !errors.Is(err, drivers.ErrHardware) {
		t.Errorf("Read of a faulty line = %v, want ErrHardware", err)
	}
	if err := p.Out(true); !errors.Is(err, drivers.ErrHardware) {
		t.Errorf("Out on a faulty line = %v, want ErrHardware", err)
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil || l.closed != 1 {
		t.Errorf("Close twice: %v, the line was given back %d times", err, l.closed)
	}
	if _, err := p.Read(); !errors.Is(err, drivers.ErrNoDevice) {
		t.Errorf("Read after Close = %v, want ErrNoDevice", err)
	}
	if err := p.Out(true); !errors.Is(err, drivers.ErrNoDevice) {
		t.Errorf("Out after Close = %v, want ErrNoDevice", err)
	}
}

func TestPinsOfNoChip(t *testing.T) {
	if _, err := Pins("gpiochip-that-is-not-there"); !errors.Is(err, drivers.ErrNoDevice) {
		t.Errorf("Pins = %v, want ErrNoDevice", err)
	}
}
