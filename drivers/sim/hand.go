package sim

import (
	"fmt"
	"strings"
	"sync"
)

// What the customer can do instead of typing a PIN.
const (
	KeyCancel  = "CANCEL"  // presses the red key
	KeyBypass  = "BYPASS"  // presses the green key at once
	KeyNothing = "NOTHING" // goes away
)

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

// keysMax bounds the script of key strokes.
const keysMax = 100

// hand is the customer's, at whichever keys ask for a PIN: the pad's, or those
// of the reader. Devices call it with their own lock held, and are called back
// without its lock.
type hand struct {
	mu       sync.Mutex
	script   []string
	explicit bool   // the script was asked for, not a card owner's habit
	owner    string // the card whose owner is at the keys
	byHand   bool   // owners have no habits
	typed    []byte // by hand, digit by digit
	asking   *asker // or nil
}

// asker is a device that waits for the customer, until it is told what he did,
// once, or leaves.
type asker struct{ told func(action string) }

// checkKeys refuses a script that nobody can type; the error does not show it.
func checkKeys(script []string) error {
	if len(script) > keysMax {
		return fmt.Errorf("%w: %d entries, at most %d", ErrKeys, len(script), keysMax)
	}
	for i, k := range script {
		switch {
		case k == KeyCancel, k == KeyBypass, k == KeyNothing:
		case len(k) < pinMin || len(k) > pinMax || strings.Trim(k, "0123456789") != "":
			return fmt.Errorf("%w: entry %d: want 4 to 12 digits, %s, %s or %s", ErrKeys, i+1, KeyCancel, KeyBypass, KeyNothing)
		}
	}
	return nil
}

// ask lets the customer do the next thing of his script: what he does is
// returned, or told later.
func (h *hand) ask(a *asker) (action string, done bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forget()
	h.asking = nil
	if action := h.next(); action != KeyNothing {
		return action, true
	}
	h.asking = a
	return "", false
}

// next takes the next thing out of the script.
func (h *hand) next() string {
	if len(h.script) == 0 {
		return KeyNothing
	}
	action := h.script[0]
	h.script = h.script[1:]
	return action
}

// leave ends the wait of a device that needs no PIN any more.
func (h *hand) leave(a *asker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a != nil && h.asking == a {
		h.rest()
	}
}

// rest is when nobody waits.
func (h *hand) rest() {
	h.asking = nil
	h.forget()
}

// forget drops what was typed.
func (h *hand) forget() {
	clear(h.typed)
	h.typed = h.typed[:0]
}

// press sets what the customer will do, PIN request by PIN request, and does
// the first thing at once when somebody is waiting for him.
func (h *hand) press(script []string) error {
	if err := checkKeys(script); err != nil {
		return err
	}
	h.mu.Lock()
	h.script, h.explicit = append([]string{}, script...), len(script) > 0
	a, action := h.asking, KeyNothing
	if a != nil {
		if action = h.next(); action != KeyNothing {
			h.rest()
		}
	}
	h.mu.Unlock()
	if action != KeyNothing {
		a.told(action)
	}
	return nil
}

// serve lets a card's owner step to the keys. An explicit script stays until it
// is used up, and so does what the same owner has not typed yet: his card may
// have been asked for again. A visitor has his habits even when all others are
// typed for by hand.
func (h *hand) serve(owner string, habit []string, visits bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.script) > 0 && (h.explicit || h.owner == owner && (visits || !h.byHand)) {
		h.owner = owner
		return
	}
	if h.byHand && !visits {
		habit = nil
	}
	h.owner, h.script, h.explicit = owner, append([]string{}, habit...), false
}

// setByHand ends or restores the habits of cards' owners. One who is at the keys
// forgets his.
func (h *hand) setByHand(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.byHand = on
	if on && !h.explicit {
		h.script = nil
	}
}

// stroke is one key, by hand. The error does not show which.
func (h *hand) stroke(pressed []string) error {
	if len(pressed) != 1 {
		return fmt.Errorf("%w: %d keys at once", ErrKeys, len(pressed))
	}
	key := pressed[0]
	digit := len(key) == 1 && key[0] >= '0' && key[0] <= '9'
	if !digit && key != KeyEnter && key != KeyClear && key != KeyCancel {
		return fmt.Errorf("%w: want a digit, %s, %s or %s", ErrKeys, KeyEnter, KeyClear, KeyCancel)
	}
	h.mu.Lock()
	a, action := h.asking, KeyNothing
	if a != nil {
		if action = h.stroked(key, digit); action != KeyNothing {
			h.rest()
		}
	}
	h.mu.Unlock()
	if action != KeyNothing {
		a.told(action)
	}
	return nil
}

// stroked takes a key, and returns what the customer has done when it was the
// last.
func (h *hand) stroked(key string, digit bool) (action string) {
	switch {
	case key == KeyCancel:
		return KeyCancel
	case key == KeyClear:
		h.forget()
	case key == KeyEnter && len(h.typed) == 0:
		return KeyBypass
	case key == KeyEnter && len(h.typed) >= pinMin:
		return string(h.typed)
	case digit && len(h.typed) < pinMax:
		if h.typed == nil {
			h.typed = make([]byte, 0, pinMax) // never moved: one place to clear
		}
		h.typed = append(h.typed, key[0])
	}
	return KeyNothing
}

// look tells whether somebody waits, whether owners have habits, and how many
// digits have been typed.
func (h *hand) look() (waits, byHand bool, typed int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asking != nil, h.byHand, len(h.typed)
}
