package screen

import (
	"math"
	"slices"
	"time"

	"fyne.io/fyne/v2"
)

// How a list runs on after the finger has let go: by 0.92 slower each tick, as
// in Fyne's mobile driver, and no further below runEnd units a tick.
const (
	runDecay = 0.92
	runEnd   = 1.0
	runMax   = 400 // units a tick: no finger is faster
)

// running is an object that runs on.
type running struct {
	drag   fyne.Draggable
	per    fyne.Delta // what it moves in one tick
	origin fyne.Position
	at     fyne.Position
	last   time.Time
}

// endDrag lets go: the object runs on at the speed that the finger had, or
// stops.
func (d *display) endDrag(f *finger, when time.Time) {
	drag := f.drag
	f.drag = nil
	r := &running{drag: drag, per: speed(f.moves, when), origin: f.dragOrigin, at: f.at, last: time.Now()}
	if !r.moves() || !d.s.settings.animate {
		drag.DragEnd()
		return
	}
	d.s.anims.stop(drag)
	d.runs = append(d.runs, r)
	d.s.anims.start(r, func(now time.Time) bool {
		if r.step(now) {
			return true
		}
		d.forgetRun(r)
		drag.DragEnd()
		return false
	})
}

// speed is what a finger moved per tick just before it went up.
func speed(moves []moved, up time.Time) fyne.Delta {
	moves = recent(moves, up)
	if len(moves) < 2 {
		return fyne.Delta{}
	}
	from, to := moves[0], moves[len(moves)-1]
	if up.Sub(to.when) > velocityOver { // it rested before it went up
		return fyne.Delta{}
	}
	span := max(up.Sub(from.when), tickEvery)
	share := float32(tickEvery) / float32(span)
	return fyne.NewDelta(bound((to.pos.X-from.pos.X)*share), bound((to.pos.Y-from.pos.Y)*share))
}

func bound(v float32) float32 { return max(-runMax, min(runMax, v)) }

func (r *running) moves() bool {
	return r.per.DX*r.per.DX+r.per.DY*r.per.DY > runEnd*runEnd
}

// step moves on by the time that has passed, however late the tick is.
func (r *running) step(now time.Time) bool {
	ticks := float64(now.Sub(r.last)) / float64(tickEvery)
	r.last = now
	// The sum of the decay over the ticks: (1-q^n)/(1-q).
	q := math.Pow(runDecay, ticks)
	way := float32((1 - q) / (1 - runDecay))
	by := fyne.NewDelta(r.per.DX*way, r.per.DY*way)
	r.per.DX *= float32(q)
	r.per.DY *= float32(q)
	r.at = r.at.Add(by)
	r.drag.Dragged(&fyne.DragEvent{
		PointEvent: fyne.PointEvent{AbsolutePosition: r.at, Position: r.at.Subtract(r.origin)},
		Dragged:    by,
	})
	return r.moves()
}

func (d *display) forgetRun(r *running) {
	for i, x := range d.runs {
		if x == r {
			d.runs = append(d.runs[:i], d.runs[i+1:]...)
			return
		}
	}
}

// runsOn tells whether an object runs on.
func (d *display) runsOn(o fyne.CanvasObject) bool {
	drag, ok := o.(fyne.Draggable)
	return ok && slices.ContainsFunc(d.runs, func(r *running) bool { return r.drag == drag })
}

// stopRunning ends all that runs on.
func (d *display) stopRunning() {
	runs := d.runs
	d.runs = nil
	for _, r := range runs {
		d.s.anims.stop(r)
		r.drag.DragEnd()
	}
}
