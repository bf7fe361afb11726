package cloudsync

import "time"

// State is a picture of a link's health.
type State struct {
	Connected bool      // the cloud has welcomed us and the connection stands
	Since     time.Time // of the last change of Connected
	LastError error     // why it is not connected, nil while it is
	InFlight  int       // exchanges under way
	Counters
}

// Counters count from the start of the program.
type Counters struct {
	Connects  uint64 // welcomes
	Sent      uint64 // requests handed to the transport, the repeated ones too
	Resent    uint64 // repeated ones
	Answered  uint64 // answers that an exchange was waiting for
	Stale     uint64 // messages that nobody waits for: late or doubled
	Foreign   uint64 // messages for another terminal, or on a topic that is not ours
	Malformed uint64 // messages that do not decode, oversized ones among them
}

// State returns the link's health.
func (l *Link) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.state
	s.InFlight = len(l.pending)
	return s
}

// Changed returns a channel which is closed the next time that the link
// becomes connected or ceases to be.
func (l *Link) Changed() <-chan struct{} {
	_, changed := l.current()
	return changed
}

func (l *Link) failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.LastError = err
	if l.state.Since.IsZero() {
		l.state.Since = l.opts.Now()
	}
}

func (l *Link) count(counter func(*Counters)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	counter(&l.state.Counters)
}
