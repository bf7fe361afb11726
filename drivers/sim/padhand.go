package sim

import "fmt"

// Keys that are pressed one by one; KeyCancel is the third.
const (
	KeyEnter = "ENTER"
	KeyClear = "CLEAR"
)

// Lengths of a PIN, ISO 9564-1.
const (
	pinMin = 4
	pinMax = 12
)

// setByHand ends or restores the habits of cards' owners. One who is at the pad
// forgets his.
func (p *pinpad) setByHand(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byHand = on
	if on && !p.explicit {
		p.script = nil
	}
}

// stroke is one key, by hand. The error does not show which.
func (p *pinpad) stroke(pressed []string) error {
	if len(pressed) != 1 {
		return fmt.Errorf("%w: %d keys at once", ErrKeys, len(pressed))
	}
	key := pressed[0]
	digit := len(key) == 1 && key[0] >= '0' && key[0] <= '9'
	if !digit && key != KeyEnter && key != KeyClear && key != KeyCancel {
		return fmt.Errorf("%w: want a digit, %s, %s or %s", ErrKeys, KeyEnter, KeyClear, KeyCancel)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	account := p.waiting
	switch {
	case account == "":
	case key == KeyCancel:
		p.finish(KeyCancel, account)
	case key == KeyClear:
		p.forget()
	case key == KeyEnter && len(p.typed) == 0:
		p.finish(KeyBypass, account)
	case key == KeyEnter && len(p.typed) >= pinMin:
		p.finish(string(p.typed), account)
	case digit && len(p.typed) < pinMax:
		if p.typed == nil {
			p.typed = make([]byte, 0, pinMax) // never moved: one place to clear
		}
		p.typed = append(p.typed, key[0])
	}
	return nil
}

// rest is a pad that waits for nobody.
func (p *pinpad) rest() {
	p.waiting = ""
	p.forget()
}

// forget drops what was typed.
func (p *pinpad) forget() {
	clear(p.typed)
	p.typed = p.typed[:0]
}
