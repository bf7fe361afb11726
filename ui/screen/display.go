package screen

import (
	"errors"
	"fmt"
	"image"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// display is a panel at work: its windows, its picture, its fingers and keys.
type display struct {
	s        *Screen
	index    int
	output   Output
	inputs   []Input
	mirrors  []Mirror
	rotation Rotation
	panel    image.Point // the output's pixels
	pixels   image.Point // the picture's, which may be turned
	scale    float32
	painter  Painter
	picture  *image.RGBA
	turned   *image.RGBA // the picture on the panel, nil if it is not turned
	windows  []*window   // the topmost last
	stale    bool        // paint everything
	input    time.Time   // the oldest event that no frame has answered

	fingers map[int]*finger
	taps    pendingTap
	runs    []*running // what runs on after a drag
	mods    fyne.KeyModifier
}

func newDisplay(s *Screen, index int, o Display) *display {
	d := &display{
		s: s, index: index, output: o.Output, inputs: o.Inputs, mirrors: o.Mirrors, rotation: o.Rotation,
		panel: o.Output.Size(), scale: o.Scale, painter: s.opts.Painter(), fingers: map[int]*finger{},
	}
	d.pixels = o.Rotation.Picture(d.panel)
	if d.scale <= 0 {
		d.scale = 1
		if o.DPI > 0 {
			d.scale = o.DPI / baseDPI
		}
	}
	d.picture = image.NewRGBA(image.Rectangle{Max: d.pixels})
	if o.Rotation != 0 {
		d.turned = image.NewRGBA(image.Rectangle{Max: d.panel})
	}
	return d
}

// size is the picture in Fyne's units.
func (d *display) size() fyne.Size {
	return fyne.NewSize(float32(d.pixels.X)/d.scale, float32(d.pixels.Y)/d.scale)
}

// top is the window that shows, nil if none does.
func (d *display) top() *window {
	for i := len(d.windows) - 1; i >= 0; i-- {
		if d.windows[i].visible {
			return d.windows[i]
		}
	}
	return nil
}

// raise puts a window on top of the others.
func (d *display) raise(w *window) {
	d.drop(w)
	d.windows = append(d.windows, w)
	d.changed()
}

// drop forgets a window.
func (d *display) drop(w *window) {
	for i, x := range d.windows {
		if x == w {
			d.windows = append(d.windows[:i], d.windows[i+1:]...)
			return
		}
	}
}

// changed is called when another window may be on top: fingers that are down
// touch nothing any more.
func (d *display) changed() {
	d.cancelTouches()
	d.stale = true
}

// frame lays out what has changed and paints it, if anything has.
func (d *display) frame() {
	begun := time.Now()
	var roots []fyne.CanvasObject
	if w := d.top(); w != nil {
		w.canvas.settle()
		roots = w.canvas.roots()
	}
	if d.stale {
		d.stale = false
		d.painter.Invalidate()
	}
	damage := d.painter.Paint(d.picture, d.scale, theme.Color(theme.ColorNameBackground), roots)
	input := d.input
	d.input = time.Time{}
	if len(damage) == 0 {
		return
	}
	painted := time.Now()
	if err := d.present(damage); err != nil {
		d.stale = true
		d.s.fail(fmt.Errorf("screen: display %d: %w", d.index, err))
	}
	if d.s.opts.OnFrame == nil {
		return
	}
	now := time.Now()
	f := Frame{Display: d.index, Input: input, Painted: now, Paint: painted.Sub(begun), Present: now.Sub(painted), Parts: len(damage)}
	for _, r := range damage {
		f.Pixels += r.Dx() * r.Dy()
	}
	d.s.opts.OnFrame(f)
}

// present shows the damaged parts, turned as the panel is mounted, and upright
// in the mirrors. An error of one does not keep the others from being shown.
func (d *display) present(damage []image.Rectangle) error {
	var errs []error
	for _, m := range d.mirrors {
		errs = append(errs, m.Present(d.picture, damage))
	}
	return errors.Join(append(errs, d.presentPanel(damage))...)
}

func (d *display) presentPanel(damage []image.Rectangle) error {
	if d.turned == nil {
		return d.output.Present(d.picture, damage)
	}
	turned := make([]image.Rectangle, len(damage))
	for i, r := range damage {
		d.rotation.turn(d.turned, d.picture, r)
		turned[i] = d.rotation.toPanel(r, d.panel)
	}
	return d.output.Present(d.turned, turned)
}

// mirrorFingers keeps the fingers on a mirror apart from those on the panel.
const mirrorFingers = 1 << 16

// mirrored is an event of a mirror as it would be on the panel.
func (d *display) mirrored(mirror int, e Event) Event {
	switch e := e.(type) {
	case Touch:
		e.X, e.Y = d.rotation.fromLogical(e.X, e.Y, d.panel)
		e.Finger += mirrorFingers * (mirror + 1)
		return e
	case Scroll:
		e.X, e.Y = d.rotation.fromLogical(e.X, e.Y, d.panel)
		return e
	}
	return e
}

// handle does what an event says.
func (d *display) handle(e Event) {
	switch e := e.(type) {
	case Touch:
		d.answers(e.At)
		d.touch(e)
	case Key:
		d.answers(e.At)
		d.key(e)
	case Scroll:
		d.answers(e.At)
		d.scroll(e)
	}
}

// answers notes the time of an event for the frame that will answer it.
func (d *display) answers(at time.Time) {
	if at.IsZero() {
		at = time.Now()
	}
	d.input = earlier(d.input, at)
}

// place is a pixel of the panel as a place on the canvas.
func (d *display) place(x, y float32) fyne.Position {
	x, y = d.rotation.toLogical(x, y, d.panel)
	return fyne.NewPos(x/d.scale, y/d.scale)
}

// scroll turns a wheel over whatever scrolls below it.
func (d *display) scroll(e Scroll) {
	w := d.top()
	if w == nil {
		return
	}
	at := d.place(e.X, e.Y)
	o, where := objectAt(w.canvas.layerAt(at), at, isScrollable)
	if o == nil {
		return
	}
	o.(fyne.Scrollable).Scrolled(&fyne.ScrollEvent{
		PointEvent: fyne.PointEvent{AbsolutePosition: at, Position: where},
		Scrolled:   fyne.NewDelta(e.DX/d.scale, e.DY/d.scale),
	})
}

func isScrollable(o fyne.CanvasObject) bool { _, ok := o.(fyne.Scrollable); return ok }
