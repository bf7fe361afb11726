package sim

import (
	"fmt"
	"strings"
	"sync"
)

// ErrPin is a line that the simulated panel does not have.
var ErrPin = fmt.Errorf("sim: no such pin: want one of %s", strings.Join(pinNames[:], ", "))

// Lines of the panel, by their places in pinNames.
const (
	pinBuzzer = 4
	pinDrawer = 5
	pinTamper = 6
	pinCount  = 7
)

// pinNames are what the control socket calls the panel's lines.
var pinNames = [pinCount]string{"light1", "light2", "light3", "light4", "buzzer", "drawer", "tamper"}

// Panel is what can be seen and heard of the wiring around the screen.
type Panel struct {
	Lights   [4]bool `json:"lights"` // from the left
	Buzzer   bool    `json:"buzzer"`
	Kicks    int     `json:"kicks"` // of the drawer, over the panel's relay
	CaseOpen bool    `json:"caseOpen"`
}

// wiring is lights, buzzer, drawer relay and tamper switch, with the levels of
// the lines to them. As with a GPIO chip a line that its process no longer
// holds goes low.
type wiring struct {
	mu     sync.Mutex
	high   [pinCount]bool // of outputs
	holder [pinCount]int  // the connection that drove it last
	kicks  int
	open   bool // the case
}

// pinNumber finds a line by name.
func pinNumber(name string) (int, error) {
	for i, n := range pinNames {
		if n == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%w, not %q", ErrPin, name)
}

// drive sets a line's level. The tamper switch, which is an input, has its own
// mind.
func (w *wiring) drive(name string, high bool, holder int) error {
	n, err := pinNumber(name)
	if err != nil {
		return err
	}
	if n == pinTamper {
		return fmt.Errorf("%w: %s is an input", ErrPin, name)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holder[n] = holder
	w.set(n, high)
	return nil
}

// set changes an output. The relay opens the drawer when a pulse has ended.
func (w *wiring) set(n int, high bool) {
	if n == pinDrawer && w.high[n] && !high {
		w.kicks++
	}
	w.high[n] = high
}

// read gives a line's level. The tamper line is pulled up, and held low by the
// switch while the case is closed.
func (w *wiring) read(name string) (bool, error) {
	n, err := pinNumber(name)
	if err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if n == pinTamper {
		return w.open, nil
	}
	return w.high[n], nil
}

// release lets go of what a connection drove.
func (w *wiring) release(holder int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := range w.high {
		if w.holder[n] == holder {
			w.set(n, false)
		}
	}
}

// openCase opens and closes the tamper switch.
func (w *wiring) openCase(open bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = open
}

// look is what a person sees.
func (w *wiring) look() Panel {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Panel{Lights: [4]bool(w.high[:4]), Buzzer: w.high[pinBuzzer], Kicks: w.kicks, CaseOpen: w.open}
}
