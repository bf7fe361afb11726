package ui

import (
	"time"

	"fyne.io/fyne/v2/canvas"
)

// The four lights of a contactless terminal, EMV Contactless Book A: the first
// blinks while idle, is steady while a card is wanted, and all are lit when the
// card was read.
const lightsMax = 4

type lights struct {
	dots [lightsMax]*canvas.Circle
	page *page
}

// lights draws them with so many lit.
func (p *page) lights(a area, lit int) *lights {
	side := min(a.h, a.w/(2*lightsMax))
	row := a.centred(side*(2*lightsMax-1), side)
	l := &lights{page: p}
	for i := range l.dots {
		l.dots[i] = p.dot(row.left(side, side), RoleLightOff)
	}
	l.light(lit)
	return l
}

// light lights the first n.
func (l *lights) light(n int) {
	for i, dot := range l.dots {
		role := RoleLightOff
		if i < n {
			role = RoleLightOn
		}
		if c := l.page.colours[role]; dot.FillColor != c {
			dot.FillColor = c
			dot.Refresh()
		}
	}
}

// Of each five seconds of idleness the first light is lit for a fifth of one:
// long enough to be seen, and little to paint.
const (
	blinkLit  = 200 * time.Millisecond
	blinkDark = 4800 * time.Millisecond
)

// blink lets the first light blink; it begins lit.
func (l *lights) blink() ticks {
	return ticks{
		next: func(n int) time.Duration {
			if n%2 == 1 {
				return blinkLit
			}
			return blinkDark
		},
		do: func(n int) { l.light((n + 1) % 2) },
	}
}
