package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"fyne.io/fyne/v2"

	"github.com/cloudpos/cloudpos/ui/screen"
)

// tapsWanted is how many taps are measured; each is two events, and a frame
// answers each.
const tapsWanted = 2500

// frameMax bounds the wait for a frame.
const frameMax = 5 * time.Second

// tapTimes taps about on the terminal's screens, as the app's loop runs them,
// and tells how long each touch took from the event to the painted picture.
// The way is random and the same each time.
func tapTimes() ([]time.Duration, error) {
	frames := make(chan screen.Frame, 1024)
	s, err := newStage(func(f screen.Frame) { frames <- f })
	if err != nil {
		return nil, err
	}
	s.show()
	var all []time.Duration
	walked := make(chan error, 1)
	go func() {
		defer s.app.Quit()
		var err error
		all, err = s.wander(frames)
		walked <- err
	}()
	s.app.Run()
	s.ui.Close()
	slices.Sort(all)
	return all, <-walked
}

// wander taps random keys of whatever screen there is.
func (s *stage) wander(frames <-chan screen.Frame) ([]time.Duration, error) {
	const seed = 3
	r := rand.New(rand.NewPCG(seed, seed))
	var all []time.Duration
	for range tapsWanted {
		var keys []spot
		fyne.DoAndWait(func() { keys = spots(s.ui.Content()) })
		if len(keys) == 0 {
			fyne.DoAndWait(func() {}) // a sale is passing by
			continue
		}
		at := keys[r.IntN(len(keys))].middle()
		for _, kind := range []screen.TouchKind{screen.Down, screen.Up} {
			event := screen.Touch{Kind: kind, X: float32(at.X), Y: float32(at.Y), At: time.Now()}
			s.app.Send(0, event)
			took, err := answered(frames, event.At)
			if err != nil {
				return nil, fmt.Errorf("touch %d at %v: %w", len(all), at, err)
			}
			all = append(all, took)
		}
	}
	return all, nil
}

// answered waits for the frame that answers an event.
func answered(frames <-chan screen.Frame, event time.Time) (time.Duration, error) {
	late := time.After(frameMax)
	for {
		select {
		case f := <-frames:
			if f.Input.Equal(event) {
				return f.Painted.Sub(event), nil
			}
		case <-late:
			return 0, errors.New("no frame answers it")
		}
	}
}

// percentile is one of sorted times.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}
