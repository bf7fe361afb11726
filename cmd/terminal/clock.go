package main

import "time"

// clock is the wall clock with a floor. A dead clock battery sets a board to
// 1970; the time of the build and of the last entry in the journal are known
// to have passed. A clock that had to be lifted is not trusted to judge card
// dates.
type clock struct {
	floor time.Time
	wall  func() time.Time
}

func newClock(lastEntry time.Time) *clock {
	c := &clock{floor: lastEntry, wall: time.Now}
	if built := buildTime(); built.After(c.floor) {
		c.floor = built
	}
	return c
}

// buildTime is the time of the commit that was built, or zero.
func buildTime() time.Time {
	at, err := time.Parse(time.RFC3339, built)
	if err != nil {
		return time.Time{}
	}
	return at
}

func (c *clock) now() time.Time {
	now := c.wall()
	if now.Before(c.floor) {
		return c.floor
	}
	return now
}

func (c *clock) trusted() bool { return !c.wall().Before(c.floor) }
