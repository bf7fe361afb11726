package screen

import (
	"time"

	"fyne.io/fyne/v2"
)

// tickEvery is the time between two steps of an animation, about 60 a second.
const tickEvery = 16 * time.Millisecond

// animations are what moves by itself. They are ticked only while there are
// any; otherwise next is zero and no timer runs.
type animations struct {
	list []*moving
	next time.Time
}

// moving is one animation, or the run-out of a drag. step returns false at the
// end.
type moving struct {
	key     any // what it is stopped by
	step    func(now time.Time) bool
	stopped bool
}

// start adds one; it is stepped for the first time a tick later.
func (a *animations) start(key any, step func(time.Time) bool) {
	a.list = append(a.list, &moving{key: key, step: step})
	if a.next.IsZero() {
		a.next = time.Now().Add(tickEvery)
	}
}

// stop ends all that were started by key.
func (a *animations) stop(key any) {
	kept := a.list[:0:0]
	for _, m := range a.list {
		if m.key == key {
			m.stopped = true
			continue
		}
		kept = append(kept, m)
	}
	a.list = kept
	if len(a.list) == 0 {
		a.next = time.Time{}
	}
}

// tick steps all if it is time, and tells whether it was.
func (a *animations) tick(now time.Time) bool {
	if a.next.IsZero() || now.Before(a.next) {
		return false
	}
	ended := 0
	for _, m := range append([]*moving(nil), a.list...) {
		if !m.stopped && !m.step(now) {
			m.stopped = true
			ended++
		}
	}
	if ended > 0 {
		kept := a.list[:0:0]
		for _, m := range a.list {
			if !m.stopped {
				kept = append(kept, m)
			}
		}
		a.list = kept
	}
	a.next = time.Time{}
	if len(a.list) > 0 {
		a.next = now.Add(tickEvery)
	}
	return true
}

// player steps a Fyne animation through its repeats, forth and back.
type player struct {
	a       *fyne.Animation
	start   time.Time
	repeats int
	back    bool
}

func newPlayer(a *fyne.Animation, now time.Time) *player {
	return &player{a: a, start: now, repeats: a.RepeatCount}
}

func (p *player) step(now time.Time) bool {
	elapsed := now.Sub(p.start)
	if elapsed >= p.a.Duration {
		return p.turn(now)
	}
	curve := p.a.Curve
	if curve == nil {
		curve = fyne.AnimationEaseInOut
	}
	done := float32(elapsed) / float32(p.a.Duration)
	if p.back {
		done = 1 - done
	}
	p.a.Tick(curve(done))
	return true
}

// turn ends one way of the animation and begins the next, if there is one.
func (p *player) turn(now time.Time) bool {
	p.start = now
	if !p.back {
		p.a.Tick(1)
		if p.a.AutoReverse {
			p.back = true
			return true
		}
	} else {
		p.a.Tick(0)
		p.back = false
	}
	if p.repeats == 0 {
		return false
	}
	if p.repeats > 0 { // below zero is for ever
		p.repeats--
	}
	return true
}
