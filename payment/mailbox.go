package payment

import "sync"

// Mailbox holds the latest view. Putting never blocks, and a reader that is
// slow misses what was in between, not what is last.
type Mailbox struct {
	mu      sync.Mutex
	view    View
	changed chan struct{}
}

// NewMailbox makes one that holds the idle view.
func NewMailbox() *Mailbox {
	return &Mailbox{view: View{Screen: ScreenIdle}, changed: make(chan struct{})}
}

// Get returns the view, and a channel which is closed when there is a newer
// one.
func (m *Mailbox) Get() (View, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.view, m.changed
}

func (m *Mailbox) put(v View) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.view = v
	close(m.changed)
	m.changed = make(chan struct{})
}
