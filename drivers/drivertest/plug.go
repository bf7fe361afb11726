package drivertest

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// Plug is a cable in memory, with a simulated device at its far end. Like a
// serial line it buffers what is written. It works in virtual time.
type Plug struct {
	serve func(io.ReadWriter)

	mu      sync.Mutex
	out     bool // unplugged
	host    *end
	device  *end
	serving sync.WaitGroup
}

// NewPlug connects a device: serve plays it on each line that is dialled, and
// returns when a read or write fails. The cable is pulled when the test ends.
func NewPlug(t testing.TB, serve func(io.ReadWriter)) *Plug {
	t.Helper()
	p := &Plug{serve: serve}
	t.Cleanup(func() {
		p.Unplug()
		p.serving.Wait()
	})
	return p
}

// Dial is a drivers.Dial. A line that is still open keeps the next one out.
func (p *Plug) Dial(context.Context) (drivers.Line, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out {
		return nil, fmt.Errorf("plug: %w", drivers.ErrNoDevice)
	}
	if p.host != nil && !p.host.in.isClosed() {
		return nil, fmt.Errorf("plug: %w", drivers.ErrBusy)
	}
	a, b := newQueue(), newQueue()
	p.host, p.device = &end{in: a, out: b}, &end{in: b, out: a}
	device := p.device
	p.serving.Go(func() {
		p.serve(device)
		_ = device.Close()
	})
	return p.host, nil
}

// Unplug hangs up.
func (p *Plug) Unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = true
	if p.device != nil {
		_ = p.device.Close()
	}
}

// Replug lets Dial work again.
func (p *Plug) Replug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = false
}

// end is one end of the cable.
type end struct{ in, out *queue }

func (e *end) Read(p []byte) (int, error)        { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error)       { return e.out.write(p) }
func (e *end) SetReadDeadline(t time.Time) error { e.in.setDeadline(t); return nil }
func (e *end) SetWriteDeadline(time.Time) error  { return nil }
func (e *end) Close() error {
	e.in.close()
	e.out.close()
	return nil
}

// queue is one direction of the cable.
type queue struct {
	mu      sync.Mutex
	buf     []byte
	closed  bool
	by      time.Time
	changed chan struct{} // closed and replaced at every change
}

// queueMax bounds what nobody reads.
const queueMax = 1 << 20

func newQueue() *queue { return &queue{changed: make(chan struct{})} }

func (q *queue) change() {
	close(q.changed)
	q.changed = make(chan struct{})
}

func (q *queue) write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0, io.ErrClosedPipe
	}
	if len(q.buf)+len(p) > queueMax {
		return 0, io.ErrShortWrite
	}
	q.buf = append(q.buf, p...)
	q.change()
	return len(p), nil
}

func (q *queue) read(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.closed:
			return 0, io.EOF
		case !q.by.IsZero() && !time.Now().Before(q.by):
			return 0, os.ErrDeadlineExceeded
		case len(q.buf) > 0:
			n := copy(p, q.buf)
			q.buf = q.buf[n:]
			return n, nil
		}
		q.await()
	}
}

// await lets go of the lock until something changes or the deadline comes.
func (q *queue) await() {
	changed := q.changed
	var due <-chan time.Time
	if !q.by.IsZero() {
		timer := time.NewTimer(time.Until(q.by))
		defer timer.Stop()
		due = timer.C
	}
	q.mu.Unlock()
	defer q.mu.Lock()
	select {
	case <-changed:
	case <-due:
	}
}

func (q *queue) setDeadline(t time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.by = t
	q.change()
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		q.change()
	}
}

func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}
