package panel

import (
	"errors"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// step is what is on, and for how long.
type step struct {
	high [4]bool       // of the pins that play it
	hold time.Duration // 0: for good
}

// track is a part of a signal in steps; with loop it starts anew after the last.
type track struct {
	steps []step
	loop  bool
}

// pattern is a signal: what the lights show, and what the buzzer sounds, if it
// does. The buzzer is the first of its pins.
type pattern struct{ lights, tone track }

// patterns are the signals as EMV Contactless Book A describes them: idle
// blinks for 200 ms every 5 s, success lights up from the left and then sounds
// for 500 ms, alert sounds twice for 200 ms.
var patterns = map[drivers.Signal]pattern{
	drivers.SignalOff: {lights: track{steps: []step{{}}}},
	drivers.SignalIdle: {lights: track{loop: true, steps: []step{
		{high: lit(1), hold: 200 * time.Millisecond},
		{hold: 4800 * time.Millisecond},
	}}},
	drivers.SignalReady: {lights: track{steps: []step{{high: lit(1)}}}},
	drivers.SignalSuccess: {
		lights: track{steps: []step{
			{high: lit(1), hold: 125 * time.Millisecond},
			{high: lit(2), hold: 125 * time.Millisecond},
			{high: lit(3), hold: 125 * time.Millisecond},
			{high: lit(4), hold: 875 * time.Millisecond},
			{},
		}},
		tone: track{steps: []step{{hold: 500 * time.Millisecond}, {high: sound, hold: 500 * time.Millisecond}, {}}},
	},
	drivers.SignalAlert: {
		lights: track{steps: []step{{}}},
		tone: track{steps: []step{
			{high: sound, hold: 200 * time.Millisecond},
			{hold: 200 * time.Millisecond},
			{high: sound, hold: 200 * time.Millisecond},
			{},
		}},
	},
}

// sound is the buzzer.
var sound = lit(1)

// lit is the first n pins.
func lit(n int) (high [4]bool) {
	for i := range n {
		high[i] = true
	}
	return high
}

// player plays one track at a time on its pins. Its goroutine belongs to the
// panel, which stops it and waits for it.
type player struct {
	pins []drivers.Pin
	quit chan struct{}
	done sync.WaitGroup

	mu  sync.Mutex
	err error // of the goroutine
}

// start sets the first step, and lets the others follow. Nothing may be playing.
func (p *player) start(t track) error {
	if err := p.set(t.steps[0]); err != nil {
		return err
	}
	if t.steps[0].hold == 0 {
		return nil
	}
	quit := make(chan struct{})
	p.quit = quit
	p.done.Go(func() {
		if err := p.play(t, quit); err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.err = errors.Join(p.err, err)
		}
	})
	return nil
}

// play shows the steps after the first.
func (p *player) play(t track, quit <-chan struct{}) error {
	for i := 0; ; {
		hold := t.steps[i].hold
		if hold == 0 {
			return nil
		}
		timer := time.NewTimer(hold)
		select {
		case <-quit:
			timer.Stop()
			return nil
		case <-timer.C:
		}
		if i++; i == len(t.steps) {
			if !t.loop {
				return nil
			}
			i = 0
		}
		if err := p.set(t.steps[i]); err != nil {
			return err
		}
	}
}

// stop ends the track.
func (p *player) stop() {
	if p.quit != nil {
		close(p.quit)
		p.quit = nil
	}
	p.done.Wait()
}

// failed returns what has gone wrong in tracks so far, once.
func (p *player) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.err
	p.err = nil
	return err
}

// dark turns everything off.
func (p *player) dark() error { return p.set(step{}) }

func (p *player) set(s step) error {
	var errs []error
	for i, pin := range p.pins {
		if pin != nil {
			errs = append(errs, pin.Out(s.high[i]))
		}
	}
	return errors.Join(errs...)
}
