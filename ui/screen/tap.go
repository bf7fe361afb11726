package screen

import (
	"fyne.io/fyne/v2"
)

// pendingTap is a tap that may become the first half of a double tap.
type pendingTap struct {
	on    fyne.CanvasObject
	timer *timer
}

// tap taps an object. One that knows double taps is tapped only when no second
// tap follows in time.
func (d *display) tap(o fyne.CanvasObject, at, where fyne.Position) {
	e := &fyne.PointEvent{AbsolutePosition: at, Position: where}
	double, ok := o.(fyne.DoubleTappable)
	if !ok {
		d.taps.forget(d.s)
		tapOnce(o, e)
		return
	}
	if d.taps.on == o {
		d.taps.forget(d.s)
		double.DoubleTapped(e)
		return
	}
	d.taps.forget(d.s)
	d.taps.on = o
	d.taps.timer = d.s.clock.after(doubleTapWithin, func() {
		d.taps = pendingTap{}
		if w := d.top(); w != nil && w.canvas.tree.has(o) {
			tapOnce(o, e)
		}
	})
}

func tapOnce(o fyne.CanvasObject, e *fyne.PointEvent) {
	if t, ok := o.(fyne.Tappable); ok {
		t.Tapped(e)
	}
}

// forget drops the tap that waits.
func (p *pendingTap) forget(s *Screen) {
	s.clock.stop(p.timer)
	*p = pendingTap{}
}
