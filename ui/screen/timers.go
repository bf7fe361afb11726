package screen

import "time"

// timers are the one-shot deadlines of the UI goroutine: a long press, a second
// tap, a key that repeats. They are few, so a slice will do.
type timers struct{ list []*timer }

type timer struct {
	at time.Time
	f  func()
}

// after calls f on the UI goroutine once d has passed.
func (t *timers) after(d time.Duration, f func()) *timer {
	one := &timer{time.Now().Add(d), f}
	t.list = append(t.list, one)
	return one
}

// stop forgets a timer; nil and one that has fired are no mistake.
func (t *timers) stop(one *timer) {
	for i, x := range t.list {
		if x == one {
			t.list = append(t.list[:i], t.list[i+1:]...)
			return
		}
	}
}

// next is the earliest deadline, zero if there is none.
func (t *timers) next() time.Time {
	var next time.Time
	for _, x := range t.list {
		next = earlier(next, x.at)
	}
	return next
}

// fire runs what is due, and tells whether anything was.
func (t *timers) fire(now time.Time) bool {
	var due []*timer
	for _, x := range t.list {
		if !x.at.After(now) {
			due = append(due, x)
		}
	}
	fired := false
	for _, x := range due {
		before := len(t.list)
		if t.stop(x); len(t.list) == before {
			continue // one that fired before it has stopped this one
		}
		x.f()
		fired = true
	}
	return fired
}

// earlier is the earlier of two times, of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
