package ingest

import (
	"context"
	"sync"

	"github.com/cloudpos/cloudpos/sync/wire"
)

// flights are the messages that this process is handling. A duplicate joins
// the flight of its message, so that the issuer is asked once.
type flights struct {
	mu     sync.Mutex
	flying map[flightKey]*flight
	of     map[string]int // by terminal
}

// flightKey has the content's hash too: a key used twice for different
// messages is no duplicate.
type flightKey struct {
	wire.Key
	hash string
}

type flight struct {
	landed chan struct{} // closed when answer and err are there
	answer []byte
	err    error
}

// do runs work, or waits for the one that runs already. A terminal has at most
// flightsMax callers here, waiting ones included, so that it cannot take all
// workers for itself.
func (f *flights) do(ctx context.Context, k flightKey, work func() ([]byte, error)) ([]byte, error) {
	f.mu.Lock()
	if f.of[k.Terminal] >= flightsMax {
		f.mu.Unlock()
		return nil, ErrBusy
	}
	if f.flying == nil {
		f.flying, f.of = map[flightKey]*flight{}, map[string]int{}
	}
	f.of[k.Terminal]++
	defer f.leave(k.Terminal)
	if other, ok := f.flying[k]; ok {
		f.mu.Unlock()
		select {
		case <-other.landed:
			return other.answer, other.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	own := &flight{landed: make(chan struct{})}
	f.flying[k] = own
	f.mu.Unlock()

	own.err = context.Canceled // what others see should work panic
	defer func() {
		f.mu.Lock()
		delete(f.flying, k)
		f.mu.Unlock()
		close(own.landed)
	}()
	own.answer, own.err = work()
	return own.answer, own.err
}

func (f *flights) leave(terminal string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[terminal]--; f.of[terminal] == 0 {
		delete(f.of, terminal)
	}
}

// wait returns when no message about the same sale is under way to the issuer.
// Reversals are not waited for: they do not wait for each other.
func (f *flights) wait(ctx context.Context, k wire.Key) error {
	f.mu.Lock()
	var others []*flight
	for other, flight := range f.flying {
		if SaleOf(other.Key) == SaleOf(k) && other.Leg != wire.LegReverse {
			others = append(others, flight)
		}
	}
	f.mu.Unlock()
	for _, other := range others {
		select {
		case <-other.landed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
