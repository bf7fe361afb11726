package ingest

import (
	"context"
	"sync"

	"github.com/cloudpos/cloudpos/sync/wire"
)

// flights are the messages that this process is handling.
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

type flight struct{ landed chan struct{} } // closed at its end

// do runs work. A duplicate of a message that is under way is left alone, so
// that the issuer is asked once and a terminal that repeats itself does not
// stand in its own way; a terminal has at most flightsMax messages under way,
// so that it cannot take all workers for itself.
func (f *flights) do(k flightKey, work func() ([]byte, error)) ([]byte, error) {
	own, err := f.begin(k)
	if err != nil {
		return nil, err
	}
	defer f.end(k, own)
	return work()
}

func (f *flights) begin(k flightKey) (*flight, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.flying[k] != nil:
		return nil, ErrUnderWay
	case f.of[k.Terminal] >= flightsMax:
		return nil, ErrBusy
	case f.flying == nil:
		f.flying, f.of = map[flightKey]*flight{}, map[string]int{}
	}
	own := &flight{landed: make(chan struct{})}
	f.flying[k] = own
	f.of[k.Terminal]++
	return own, nil
}

func (f *flights) end(k flightKey, own *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.flying, k)
	if f.of[k.Terminal]--; f.of[k.Terminal] == 0 {
		delete(f.of, k.Terminal)
	}
	close(own.landed)
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
