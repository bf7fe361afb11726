package screen

import (
	"time"

	"fyne.io/fyne/v2"
)

// batchMax bounds how many events are handled before a frame is painted.
const batchMax = 64

// cleanEvery is how often Fyne's caches are cleaned while something goes on.
const cleanEvery = 10 * time.Second

// loop is the UI goroutine.
func (s *Screen) loop() {
	s.queue.own()
	for _, d := range s.displays {
		for _, in := range d.inputs {
			s.pumps.Go(func() { s.pump(d.index, in, func(e Event) Event { return e }) })
		}
		for i, m := range d.mirrors {
			s.pumps.Go(func() { s.pump(d.index, m, func(e Event) Event { return d.mirrored(i, e) }) })
		}
	}
	call(s.life.started, s.life.entered)
	s.frames()
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for s.wait(alarm) {
		s.frames()
	}
	s.end()
}

// wait sleeps until there is something to do, and does it. It returns false
// when the app has quit.
func (s *Screen) wait(alarm *time.Timer) bool {
	var due <-chan time.Time
	if next := earlier(s.clock.next(), s.anims.next); !next.IsZero() {
		alarm.Reset(time.Until(next))
		due = alarm.C
	}
	select {
	case <-s.quit:
		return false
	case e := <-s.events:
		s.dispatch(e)
	case <-s.queue.wake:
	case <-due:
	}
	s.batch()
	return true
}

// batch handles what else has arrived, then what is due.
func (s *Screen) batch() {
	s.queue.drain()
	for range batchMax {
		select {
		case e := <-s.events:
			s.dispatch(e)
			continue
		default:
		}
		break
	}
	now := time.Now()
	s.clock.fire(now)
	s.anims.tick(now)
}

func (s *Screen) dispatch(e displayEvent) {
	if e.display >= 0 && e.display < len(s.displays) {
		s.displays[e.display].handle(e.event)
	}
}

// frames paints what has changed on each display, and arranges for Fyne's
// caches to be cleaned: once, some time after the last thing happened, so that
// an idle screen stays idle.
func (s *Screen) frames() {
	for _, d := range s.displays {
		d.frame()
	}
	if s.tidy {
		s.tidy = false
		return
	}
	if s.clean == nil {
		s.clean = s.clock.after(cleanEvery, func() {
			s.clean, s.tidy = nil, true
			s.cleanNow()
		})
	}
}

// cleanNow cleans Fyne's caches. What shows is asked for first, on every window
// that is visible, so that it is not dropped under the finger.
func (s *Screen) cleanNow() {
	for _, w := range s.windows {
		if w.visible {
			for _, root := range w.canvas.roots() {
				walkVisible(root, func(fyne.CanvasObject) {})
			}
		}
	}
	cleanCaches()
}

// end closes the windows, runs what is still posted, saves and gives the
// devices back.
func (s *Screen) end() {
	call(s.life.exited)
	for _, w := range append([]*window(nil), s.windows...) {
		w.Close()
	}
	s.queue.close()
	call(s.life.stopped)
	if p, ok := s.prefs.(*preferences); ok {
		if err := p.flush(); err != nil {
			s.fail(err)
		}
	}
	for _, d := range s.displays {
		for _, in := range d.inputs {
			if err := in.Close(); err != nil {
				s.fail(err)
			}
		}
		for _, m := range d.mirrors {
			if err := m.Close(); err != nil {
				s.fail(err)
			}
		}
		if err := d.output.Close(); err != nil {
			s.fail(err)
		}
	}
	s.pumps.Wait()
}
