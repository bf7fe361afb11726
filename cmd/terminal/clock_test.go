package main

import (
	"testing"
	"time"
)

func TestClockHasAFloor(t *testing.T) {
	entry := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	c := newClock(entry)
	c.wall = func() time.Time { return time.Unix(0, 0) } // the battery is dead
	if !c.now().Equal(entry) || c.trusted() {
		t.Errorf("in 1970: now %v, trusted %t, want the last entry's time, untrusted", c.now(), c.trusted())
	}
	later := entry.Add(time.Hour)
	c.wall = func() time.Time { return later }
	if !c.now().Equal(later) || !c.trusted() {
		t.Errorf("later: now %v, trusted %t", c.now(), c.trusted())
	}
}
