package sim

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// Patience of a panel's pins. Lights must not hold up a sale: a shop that
// hangs costs one call this time, and the calls of the next second nothing.
const (
	panelPatience = 200 * time.Millisecond
	panelPause    = time.Second
)

// PanelPins are the lines of the simulated panel, as the true driver takes
// them: panel.Pins(sim.OpenPanel(dir)).
type PanelPins struct {
	Lights [4]drivers.Pin
	Buzzer drivers.Pin
	Drawer drivers.Pin
	Tamper drivers.Pin
}

// OpenPanel gives the pins of the panel in the shop that is open in dir. The
// shop is dialled when it is first needed, and again after it was gone; while
// it is not there the pins fail with drivers.ErrNoDevice. Once all of them are
// closed, what they drove goes low.
func OpenPanel(dir string) PanelPins {
	b := &pinBoard{dir: dir, open: pinCount}
	pin := func(n int) drivers.Pin { return &pin{board: b, number: n} }
	p := PanelPins{Buzzer: pin(pinBuzzer), Drawer: pin(pinDrawer), Tamper: pin(pinTamper)}
	for i := range p.Lights {
		p.Lights[i] = pin(i)
	}
	return p
}

// pinBoard is the connection that the pins of a panel share.
type pinBoard struct {
	dir string

	mu     sync.Mutex
	client *Client
	driven [pinCount]bool // the level is known, over this connection
	high   [pinCount]bool
	open   int       // pins that are not closed
	hung   time.Time // when the shop did not answer
}

// do runs one call, over a new connection if need be.
func (b *pinBoard) do(r request) (response, error) {
	if time.Since(b.hung) < panelPause {
		return response{}, fmt.Errorf("%w: the shop did not answer a moment ago", drivers.ErrNoDevice)
	}
	if b.client == nil {
		client, err := dialWithin(b.dir, panelPatience)
		if err != nil {
			return response{}, b.lost(err)
		}
		b.client, b.driven = client, [pinCount]bool{}
	}
	answer, err := b.client.do(r)
	if err == nil || errors.Is(err, ErrControl) {
		return answer, err
	}
	_ = b.client.Close()
	b.client = nil
	return response{}, b.lost(err)
}

// lost says that the shop is gone, and notes that it hangs.
func (b *pinBoard) lost(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		b.hung = time.Now()
	}
	return fmt.Errorf("%w: %w", drivers.ErrNoDevice, err)
}

// pin is one line of a panel.
type pin struct {
	board  *pinBoard
	number int
	closed bool // guarded by the board
}

// Out drives the line. A level that it has already costs nothing, and a line to
// a shop that is gone is low, since nobody holds it.
func (p *pin) Out(high bool) error {
	b := p.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.closed {
		return p.gone()
	}
	if b.client == nil && !high || b.client != nil && b.driven[p.number] && b.high[p.number] == high {
		return nil
	}
	_, err := b.do(request{Cmd: "pin-out", Pin: pinNames[p.number], On: high})
	switch {
	case err == nil:
		b.driven[p.number], b.high[p.number] = true, high
	case errors.Is(err, drivers.ErrNoDevice) && !high:
		return nil
	}
	return err
}

// Read reads the line.
func (p *pin) Read() (bool, error) {
	b := p.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.closed {
		return false, p.gone()
	}
	answer, err := b.do(request{Cmd: "pin-read", Pin: pinNames[p.number]})
	return answer.High, err
}

// Close gives the line back. The second Close does nothing.
func (p *pin) Close() error {
	b := p.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	if b.open--; b.open > 0 || b.client == nil {
		return nil
	}
	err := b.client.Close()
	b.client = nil
	return err
}

func (p *pin) gone() error {
	return fmt.Errorf("sim: %s: %w: closed", pinNames[p.number], drivers.ErrNoDevice)
}
