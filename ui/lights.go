package ui

import (
	"time"

	"fyne.io/fyne/v2/canvas"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/payment"
)

// lightsMax is the number of lights of a contactless terminal, EMV Contactless
// Book A, 9.
const lightsMax = 4

// lightStep is how many lights are lit, from the left, and for how long; 0 is
// until another signal comes.
type lightStep struct {
	lit  int
	hold time.Duration
}

// lightSteps are the signals as the lights on a panel show them too: the first
// blinks while nobody wants a card, and is steady while one is wanted; all are
// lit one after the other when it was read, and go out once the tone is over.
// After the last step the first comes again.
var lightSteps = map[drivers.Signal][]lightStep{
	drivers.SignalOff:   {{}},
	drivers.SignalIdle:  {{1, 200 * time.Millisecond}, {0, 4800 * time.Millisecond}},
	drivers.SignalReady: {{lit: 1}},
	drivers.SignalSuccess: {
		{1, 125 * time.Millisecond}, {2, 125 * time.Millisecond}, {3, 125 * time.Millisecond},
		{lightsMax, 875 * time.Millisecond}, {},
	},
	drivers.SignalAlert: {{}},
}

// lightShow is how far the lights have come with a signal. It outlives a
// drawing: a card that was read is authorised on another screen.
type lightShow struct {
	signal drivers.Signal
	step   int
}

// now is the step that is to be seen.
func (s *lightShow) now() lightStep {
	steps := lightSteps[s.signal]
	if len(steps) == 0 {
		return lightStep{} // a signal that we do not know yet
	}
	return steps[s.step%len(steps)]
}

// lights draws the four lights, ringed in a colour that stands out from what is
// behind them. The signal begins if it was another one before.
func (u *UI) lights(p *page, a area, signal drivers.Signal, ring Role) {
	if u.lit.signal != signal {
		u.lit = lightShow{signal: signal}
	}
	side := min(a.h, a.w/(2*lightsMax))
	row := a.centred(side*(2*lightsMax-1), side)
	var dots [lightsMax]*canvas.Circle
	for i := range dots {
		dots[i] = p.dot(row.left(side, side), RoleLightOff)
		dots[i].StrokeColor, dots[i].StrokeWidth = p.colours[ring], side*ringShare
	}
	p.light(dots[:], u.lit.now().lit)
	u.ticks = append(u.ticks, ticks{
		next: func(int) time.Duration { return u.lit.now().hold },
		do: func(int) {
			u.lit.step++
			p.light(dots[:], u.lit.now().lit)
		},
	})
}

// ringShare is how much of a light is its ring, on either side.
const ringShare = 0.11

// light lights the first n.
func (p *page) light(dots []*canvas.Circle, n int) {
	for i, dot := range dots {
		role := RoleLightOff
		if i < n {
			role = RoleLightOn
		}
		if c := p.colours[role]; dot.FillColor != c {
			dot.FillColor = c
			dot.Refresh()
		}
	}
}

// tapLights cuts the lights off the top while a tap is going on, and after it.
func (u *UI) tapLights(p *page, a *area, v payment.View, ring Role) {
	wanted := v.Screen == payment.ScreenTapAgain || v.Screen == payment.ScreenPresentCard && v.Media&drivers.Contactless != 0
	if wanted || v.Tapped {
		u.lights(p, a.top(p.grown(4), p.gap()), v.Lights, ring)
	}
}
