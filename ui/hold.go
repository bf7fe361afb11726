package ui

import (
	"fyne.io/fyne/v2"

	"github.com/cloudpos/cloudpos/payment"
)

// hold counts the keys of one drawing that a finger holds. A key that is drawn
// anew under the finger would lose its tap.
type hold struct {
	keys  int
	freed func() // the last one was let go
}

func (h *hold) key(down bool) {
	if down {
		h.keys++
		return
	}
	if h.keys--; h.keys == 0 {
		h.freed()
	}
}

// spot is which screen is to be seen, whatever stands on it.
type spot struct {
	selling bool
	screen  payment.Screen
	end     payment.Screen // "" when no end is to be seen
	at      place
	record  payment.ID
	style   style
	size    fyne.Size
}

func (u *UI) spot() spot {
	s := spot{selling: u.selling(), screen: u.view.Screen, at: u.at, style: u.style, size: u.size}
	if u.ended != nil {
		s.end = u.ended.view.Screen
	}
	if u.record != nil {
		s.record = u.record.ID
	}
	return s
}

// held tells whether the screen has to wait for a finger before it is drawn
// anew. Another screen never waits: what is to be seen then is not what the
// finger meant.
func (u *UI) held(now spot) bool {
	if now != u.drawn || u.hold == nil || u.hold.keys == 0 {
		return false
	}
	u.stale = true
	return true
}

// freed draws what has waited, once the tap is done.
func (u *UI) freed() {
	u.Do(func() {
		if u.stale {
			u.draw()
		}
	})
}
