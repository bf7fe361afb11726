package panel

import (
	"errors"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// step is what is on, and for how long.
type step struct {
	lights [4]bool
	buzzer bool
	hold   time.Duration // 0: for good
}

// pattern is a signal in steps; with loop it starts anew after the last.
type pattern struct {
	steps []step
	loop  bool
}

// patterns are the signals as EMV Contactless Book A describes them: idle
// blinks for 200 ms every 5 s, success lights up from the left and then sounds
// for 500 ms, alert sounds twice for 200 ms.
var patterns = map[drivers.Signal]pattern{
	drivers.SignalOff: {steps: []step{{}}},
	drivers.SignalIdle: {loop: true, steps: []step{
		{lights: [4]bool{true}, hold: 200 * time.Millisecond},
		{hold: 4800 * time.Millisecond},
	}},
	drivers.SignalReady: {steps: []step{{lights: [4]bool{true}}}},
	drivers.SignalSuccess: {steps: []step{
		{lights: [4]bool{true}, hold: 125 * time.Millisecond},
		{lights: [4]bool{true, true}, hold: 125 * time.Millisecond},
		{lights: [4]bool{true, true, true}, hold: 125 * time.Millisecond},
		{lights: [4]bool{true, true, true, true}, hold: 125 * time.Millisecond},
		{lights: [4]bool{true, true, true, true}, buzzer: true, hold: 500 * time.Millisecond},
		{lights: [4]bool{true, true, true, true}, hold: 250 * time.Millisecond},
		{},
	}},
	drivers.SignalAlert: {steps: []step{
		{buzzer: true, hold: 200 * time.Millisecond},
		{hold: 200 * time.Millisecond},
		{buzzer: true, hold: 200 * time.Millisecond},
		{},
	}},
}

// player plays one pattern at a time. Its goroutine belongs to the panel, which
// stops it and waits for it.
type player struct {
	pins Pins
	quit chan struct{}
	done sync.WaitGroup
	err  error // of the goroutine; read after done
}

// start sets the first step, and lets the others follow.
func (p *player) start(pt pattern) error {
	if err := p.set(pt.steps[0]); err != nil {
		return err
	}
	if pt.steps[0].hold == 0 {
		return nil
	}
	quit := make(chan struct{})
	p.quit = quit
	p.done.Go(func() { p.err = p.play(pt, quit) })
	return nil
}

// play shows the steps after the first.
func (p *player) play(pt pattern, quit <-chan struct{}) error {
	for i := 0; ; {
		hold := pt.steps[i].hold
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
		if i++; i == len(pt.steps) {
			if !pt.loop {
				return nil
			}
			i = 0
		}
		if err := p.set(pt.steps[i]); err != nil {
			return err
		}
	}
}

// stop ends the pattern and returns what went wrong in it.
func (p *player) stop() error {
	if p.quit != nil {
		close(p.quit)
		p.quit = nil
	}
	p.done.Wait()
	err := p.err
	p.err = nil
	return err
}

// dark turns lights and buzzer off.
func (p *player) dark() error { return p.set(step{}) }

func (p *player) set(s step) error {
	var errs []error
	for i, light := range p.pins.Lights {
		if light != nil {
			errs = append(errs, light.Out(s.lights[i]))
		}
	}
	if p.pins.Buzzer != nil {
		errs = append(errs, p.pins.Buzzer.Out(s.buzzer))
	}
	return errors.Join(errs...)
}
