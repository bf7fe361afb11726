package port

import (
	"fmt"
	"path/filepath"
	"sync"

	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"

	"github.com/cloudpos/cloudpos/drivers"
)

// Chip is a GPIO chip whose lines can be taken as pins.
type Chip struct {
	name string
	line func(int) gpio.PinIO // nil when there is no such line
}

// Pins finds a chip by its kernel name or path, such as gpiochip0, or by its
// label, such as pinctrl-bcm2711, which stays when kernels renumber chips.
func Pins(chip string) (*Chip, error) {
	if _, err := driverreg.Init(); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", chip, drivers.ErrNoDevice, err)
	}
	for _, c := range gpioioctl.Chips {
		if c.Name() != chip && c.Path() != chip && c.Label() != chip {
			continue
		}
		return &Chip{name: filepath.Base(chip), line: func(n int) gpio.PinIO {
			if n < 0 || n >= c.LineCount() {
				return nil
			}
			return c.ByNumber(n)
		}}, nil
	}
	return nil, fmt.Errorf("%s: %w: no such GPIO chip", chip, drivers.ErrNoDevice)
}

// Pin takes a line by its number on the chip. It is neither input nor output
// before its first Read or Out.
func (c *Chip) Pin(n int) (drivers.Pin, error) {
	p := c.line(n)
	if p == nil {
		return nil, fmt.Errorf("%s: line %d: %w", c.name, n, drivers.ErrNoDevice)
	}
	return &pin{name: fmt.Sprintf("%s: line %d", c.name, n), p: p}, nil
}

type pin struct {
	name string

	mu     sync.Mutex
	p      gpio.PinIO
	closed bool
}

// Out drives the line.
func (p *pin) Out(high bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("%s: %w: closed", p.name, drivers.ErrNoDevice)
	}
	if err := p.p.Out(gpio.Level(high)); err != nil {
		return fmt.Errorf("%s: %w: %w", p.name, drivers.ErrHardware, err)
	}
	return nil
}

// Read reads the line as an input with pull-up. The line is configured at each
// call, because that is where periph returns an error: its Read says "low" for
// a line that cannot be read, which on a tamper switch would mean "all well".
func (p *pin) Read() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false, fmt.Errorf("%s: %w: closed", p.name, drivers.ErrNoDevice)
	}
	if err := p.p.In(gpio.PullUp, gpio.NoEdge); err != nil {
		return false, fmt.Errorf("%s: %w: %w", p.name, drivers.ErrHardware, err)
	}
	return bool(p.p.Read()), nil
}

// Close gives the line back. The second Close does nothing.
func (p *pin) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	if l, ok := p.p.(interface{ Close() }); ok {
		l.Close()
	}
	return nil
}
