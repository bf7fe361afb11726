package cloudsync

import (
	"context"
	"time"
)

// backoff counts failures and says how long to wait after each: twice as long
// each time, from least to most, with half of it left to chance so that a
// thousand terminals do not come back in the same instant.
type backoff struct {
	least, most time.Duration
	rand        func() float64 // in [0, 1)
	failures    int
}

func (b *backoff) reset() { b.failures = 0 }

// next counts a failure and returns the pause that follows it.
func (b *backoff) next() time.Duration {
	pause := b.least
	for range b.failures {
		if pause >= b.most {
			break
		}
		pause *= 2
	}
	b.failures++
	pause = min(pause, b.most)
	return pause/2 + time.Duration(b.rand()*float64(pause/2))
}

// sleep waits and tells whether ctx still lives.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}
