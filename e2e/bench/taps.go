package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"time"

	"fyne.io/fyne/v2"

	"github.com/cloudpos/cloudpos/ui/screen"
)

// tapsWanted is how many taps are measured; each is two events, and a frame
// answers each.
const tapsWanted = 2500

// frameMax bounds the wait for a frame. A touch may be answered by none, where
// the screen has just changed under the finger; unansweredMax bounds how often.
const (
	frameMax      = 500 * time.Millisecond
	unansweredMax = tapsWanted / 50
)

var errUnanswered = errors.New("no frame answers the touches")

// tapsFlag has this program tap about and end: nothing else it has measured
// is in memory then.
const tapsFlag = "-taps"

// taps are what touches came to.
type taps struct {
	Touches   int
	Half, P99 time.Duration
}

// tapAbout measures touches, and prints them.
func tapAbout() error {
	all, err := tapTimes()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(taps{len(all), percentile(all, 50), percentile(all, 99)})
}

// tapsApart does so in a process of its own.
func tapsApart() (t taps, err error) {
	self, err := os.Executable()
	if err != nil {
		return taps{}, err
	}
	cmd := exec.Command(self, tapsFlag)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return taps{}, fmt.Errorf("%s: %w", tapsFlag, err)
	}
	return t, json.Unmarshal(out, &t)
}

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
	unanswered := 0
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
			if took, ok := answered(frames, event.At); ok {
				all = append(all, took)
			} else if unanswered++; unanswered > unansweredMax {
				return nil, errUnanswered
			}
		}
	}
	return all, nil
}

// answered waits for the frame that answers an event.
func answered(frames <-chan screen.Frame, event time.Time) (took time.Duration, ok bool) {
	late := time.After(frameMax)
	for {
		select {
		case f := <-frames:
			if f.Input.Equal(event) {
				return f.Painted.Sub(event), true
			}
		case <-late:
			return 0, false
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
