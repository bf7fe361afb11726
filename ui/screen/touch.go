package screen

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/mobile"
)

// How fingers are told apart. Lengths are Fyne units, 6.3 to a millimetre.
const (
	dragBeyond   = 8                      // a finger that moved less is still tapping
	longPress    = 500 * time.Millisecond // a second way to tap
	fingersMax   = 10
	velocityOver = 60 * time.Millisecond // a drag's speed at its end is measured over this
)

// finger is one that is down. What it touched is fixed when it comes down: it
// taps that object or none, whatever has opened, closed or moved meanwhile.
type finger struct {
	layer      fyne.CanvasObject // the tree it is in
	start, at  fyne.Position
	target     fyne.CanvasObject // what a tap would tap
	focusable  fyne.Focusable    // what may keep or take the focus
	touchable  mobile.Touchable  // what was told of the touch and not yet of its end
	origin     fyne.Position     // of the touchable on the canvas
	drag       fyne.Draggable    // what it drags, once it has moved
	dragOrigin fyne.Position     // of that on the canvas
	moves      []moved           // the latest, for the speed at the end
	long       *timer
	spent      bool // it can tap no more
}

// moved is where a dragging finger was.
type moved struct {
	pos  fyne.Position
	when time.Time
}

func (d *display) touch(e Touch) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	at := d.place(e.X, e.Y)
	switch e.Kind {
	case Down:
		d.fingerDown(e.Finger, at)
	case Move:
		if f := d.fingers[e.Finger]; f != nil {
			d.fingerMove(f, at, e.At)
		}
	case Up:
		if f := d.fingers[e.Finger]; f != nil {
			delete(d.fingers, e.Finger)
			d.fingerUp(f, at, e.At)
		}
	case Cancel:
		if f := d.fingers[e.Finger]; f != nil {
			delete(d.fingers, e.Finger)
			d.cancel(f)
		}
	}
}

func (d *display) fingerDown(id int, at fyne.Position) {
	if f := d.fingers[id]; f != nil { // its end was lost
		delete(d.fingers, id)
		d.cancel(f)
	}
	w := d.top()
	if w == nil || len(d.fingers) >= fingersMax {
		return
	}
	c := w.canvas
	f := &finger{layer: c.layerAt(at), start: at, at: at}
	d.fingers[id] = f
	if f.layer == nil {
		d.stopRunning()
		return
	}
	// A finger stops what still runs on from a drag. On it, it does no more:
	// what lies below is not what was meant.
	on, _ := objectAt(f.layer, at, isDraggable)
	f.spent = d.runsOn(on)
	d.stopRunning()
	f.target, _ = objectAt(f.layer, at, isTappable)
	touched, where := objectAt(f.layer, at, func(o fyne.CanvasObject) bool {
		_, touchable := o.(mobile.Touchable)
		_, focusable := o.(fyne.Focusable)
		return touchable || focusable
	})
	f.focusable, _ = touched.(fyne.Focusable)
	if f.spent {
		return
	}
	if f.target != nil {
		f.long = d.s.clock.after(longPress, func() { d.pressedLong(f) })
	}
	if t, ok := touched.(mobile.Touchable); ok {
		f.touchable, f.origin = t, at.Subtract(where)
		t.TouchDown(touchEvent(at, where))
	}
}

func isTappable(o fyne.CanvasObject) bool {
	switch o.(type) {
	case fyne.Tappable, fyne.SecondaryTappable, fyne.DoubleTappable, mobile.Touchable:
		return true
	}
	return false
}

func isDraggable(o fyne.CanvasObject) bool { _, ok := o.(fyne.Draggable); return ok }

func touchEvent(at, where fyne.Position) *mobile.TouchEvent {
	return &mobile.TouchEvent{PointEvent: fyne.PointEvent{AbsolutePosition: at, Position: where}}
}

// fingerMove begins a drag once the finger has gone far enough, and drags.
func (d *display) fingerMove(f *finger, at fyne.Position, when time.Time) {
	before := f.at
	if f.drag == nil {
		if gone := at.Subtract(f.start); gone.X*gone.X+gone.Y*gone.Y < dragBeyond*dragBeyond {
			return
		}
		d.beginDrag(f)
	}
	f.at = at
	if f.drag == nil {
		d.leave(f, at)
		return
	}
	f.moves = append(recent(f.moves, when), moved{at, when})
	f.drag.Dragged(&fyne.DragEvent{
		PointEvent: fyne.PointEvent{AbsolutePosition: at, Position: at.Subtract(f.dragOrigin)},
		Dragged:    fyne.NewDelta(at.X-before.X, at.Y-before.Y),
	})
}

// recent drops the moves that say nothing about the present speed, but one.
func recent(moves []moved, now time.Time) []moved {
	for len(moves) > 1 && now.Sub(moves[0].when) > velocityOver {
		moves = moves[1:]
	}
	return moves
}

// beginDrag looks for what can be dragged where the finger came down. No two
// fingers drag one object.
func (d *display) beginDrag(f *finger) {
	d.s.clock.stop(f.long)
	if d.layerGone(f) {
		return
	}
	o, where := objectAt(f.layer, f.start, isDraggable)
	if o == nil {
		return
	}
	for _, other := range d.fingers {
		if other != f && other.drag != nil && other.drag == o.(fyne.Draggable) {
			return
		}
	}
	f.spent = true
	f.drag, f.dragOrigin = o.(fyne.Draggable), f.start.Subtract(where)
	f.moves = nil
	if t, ok := o.(mobile.Touchable); !ok || t != f.touchable {
		f.cancelTouch()
	}
}

// leave ends the touch of an object that the finger has slid off.
func (d *display) leave(f *finger, at fyne.Position) {
	if f.target != nil {
		if o, _ := objectAt(f.layer, at, isTappable); o != f.target {
			f.spent = true
			f.cancelTouch()
		}
	}
}

func (d *display) fingerUp(f *finger, at fyne.Position, when time.Time) {
	if at != f.at {
		d.fingerMove(f, at, when)
	}
	d.s.clock.stop(f.long)
	if f.drag != nil {
		d.endDrag(f, when)
		return
	}
	if f.spent || d.layerGone(f) {
		f.spent = true
		f.cancelTouch()
		return
	}
	// A finger that has hardly moved has not moved: f.at is where it came down.
	target, where := objectAt(f.layer, f.at, isTappable)
	if t := f.touchable; t != nil {
		f.touchable = nil
		t.TouchUp(touchEvent(f.at, f.at.Subtract(f.origin)))
	}
	d.refocus(f)
	// Both may have changed what is below the finger.
	if f.target != nil && target == f.target && !f.spent && !d.layerGone(f) {
		d.tap(target, f.at, where)
	}
}

// refocus takes the focus away when something else was tapped. It waits for the
// finger to go up, for the keyboard that vanishes with the focus may move what
// is being tapped.
func (d *display) refocus(f *finger) {
	w := d.top()
	if w == nil || d.layerGone(f) || f.layer == w.canvas.keyboardRoot() {
		return
	}
	if now := w.canvas.Focused(); now != nil && now != f.focusable {
		w.canvas.Unfocus()
	}
}

// layerGone tells whether the tree of a finger is no longer the one on top.
func (d *display) layerGone(f *finger) bool {
	w := d.top()
	return w == nil || f.layer == nil || f.layer != w.canvas.layer() && f.layer != w.canvas.keyboardRoot()
}

// pressedLong is a second tap by holding. Objects that know no second tap are
// tapped as usual when the finger goes up.
func (d *display) pressedLong(f *finger) {
	o, ok := f.target.(fyne.SecondaryTappable)
	if !ok || f.spent || f.drag != nil || d.layerGone(f) {
		return
	}
	found, where := objectAt(f.layer, f.at, isTappable)
	if found != f.target {
		return
	}
	f.spent = true
	f.cancelTouch()
	o.TappedSecondary(&fyne.PointEvent{AbsolutePosition: f.at, Position: where})
}

// cancelTouch tells what was touched that the touch has ended without a tap.
func (f *finger) cancelTouch() {
	if t := f.touchable; t != nil {
		f.touchable = nil
		t.TouchCancel(touchEvent(f.at, f.at.Subtract(f.origin)))
	}
}

// cancel ends a finger's touch and drag.
func (d *display) cancel(f *finger) {
	f.spent = true
	d.s.clock.stop(f.long)
	f.cancelTouch()
	if f.drag != nil {
		drag := f.drag
		f.drag = nil
		drag.DragEnd()
	}
}

// cancelTouches ends what all fingers do; they stay down but touch nothing.
func (d *display) cancelTouches() {
	d.stopRunning()
	d.taps.forget(d.s)
	for _, f := range d.fingers {
		d.cancel(f)
		f.target = nil
	}
}
