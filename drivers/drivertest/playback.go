package drivertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// NewPlayback plays the device's side of wires. Each dial begins the next wire;
// when none is left, dialling finds no device. Answers come one byte at a time.
//
// The test fails when the driver writes something else than the wire says,
// dials before it has closed the line before, or leaves something undone. A
// wire that has come to its end is silent, unless its last line is "! hang up".
//
// Within testing/synctest the pauses of a wire and all deadlines take virtual
// time.
func NewPlayback(t testing.TB, wires ...string) drivers.Dial {
	t.Helper()
	p := &playback{t: t}
	for _, w := range wires {
		ops, err := parse(w)
		if err != nil {
			t.Fatal(err)
		}
		p.wires = append(p.wires, ops)
	}
	t.Cleanup(p.finish)
	return p.dial
}

type playback struct {
	t testing.TB

	mu      sync.Mutex
	wires   [][]op
	current *line
	dials   int
}

func (p *playback) dial(context.Context) (drivers.Line, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil && !p.current.isClosed() {
		p.t.Errorf("wire %d: dialled while the line before was open", p.dials+1)
	}
	if p.dials == len(p.wires) {
		return nil, fmt.Errorf("playback: %w", drivers.ErrNoDevice)
	}
	p.dials++
	p.current = newLine(p.t, p.dials, p.wires[p.dials-1])
	return p.current, nil
}

func (p *playback) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil {
		p.current.leftOver()
	}
	if left := len(p.wires) - p.dials; left > 0 {
		p.t.Errorf("%d wires were never dialled", left)
	}
}

// line is one wire, being played.
type line struct {
	t testing.TB
	n int // of the wire, from 1

	mu      sync.Mutex
	ops     []op
	out     []byte    // what the device has said and the driver has not read
	quiet   time.Time // the device says nothing before
	hung    bool
	closed  bool
	readBy  time.Time
	writeBy time.Time
	changed chan struct{} // closed and replaced at every change
}

func newLine(t testing.TB, n int, ops []op) *line {
	l := &line{t: t, n: n, ops: ops, changed: make(chan struct{})}
	l.advance()
	return l
}

// advance plays up to the next write, or pause.
func (l *line) advance() {
	for len(l.ops) > 0 {
		o := l.ops[0]
		switch o.kind {
		case '<':
			if time.Now().Before(l.quiet) {
				return
			}
			l.out = append(l.out, o.data...)
		case '~':
			if from := time.Now(); l.quiet.Before(from) {
				l.quiet = from
			}
			l.quiet = l.quiet.Add(o.wait)
		case '!':
			if time.Now().Before(l.quiet) {
				return
			}
			l.hung = true
		default:
			return
		}
		l.ops = l.ops[1:]
	}
}

func (l *line) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Write checks b against the wire.
func (l *line) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.change()
	l.advance()
	switch {
	case l.closed:
		return 0, os.ErrClosed
	case l.hung:
		return 0, io.ErrClosedPipe
	case !l.writeBy.IsZero() && !time.Now().Before(l.writeBy):
		return 0, os.ErrDeadlineExceeded
	}
	for n := 0; n < len(b); {
		if len(l.ops) == 0 || l.ops[0].kind != '>' {
			l.t.Errorf("wire %d: the driver writes % X, want nothing (after % X)", l.n, b[n:], b[:n])
			l.hung = true
			return n, io.ErrClosedPipe
		}
		o := &l.ops[0]
		m := min(len(b)-n, len(o.data))
		if !bytes.Equal(b[n:n+m], o.data[:m]) {
			l.t.Errorf("wire %d, line %d: the driver writes\n% X, want\n% X", l.n, o.line, b[n:], o.data)
			l.hung = true
			return n, io.ErrClosedPipe
		}
		n += m
		if o.data = o.data[m:]; len(o.data) == 0 {
			l.ops = l.ops[1:]
			l.advance()
		}
	}
	return len(b), nil
}

// Read gives one byte.
func (l *line) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		l.advance()
		switch {
		case l.closed:
			return 0, os.ErrClosed
		case !l.readBy.IsZero() && !time.Now().Before(l.readBy):
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(l.out) > 0:
			p[0] = l.out[0]
			l.out = l.out[1:]
			return 1, nil
		case l.hung:
			return 0, io.EOF
		}
		l.await()
	}
}

// await lets go of the lock until something changes or is due.
func (l *line) await() {
	var due <-chan time.Time
	next := l.readBy
	if now := time.Now(); now.Before(l.quiet) && (next.IsZero() || l.quiet.Before(next)) {
		next = l.quiet
	}
	if !next.IsZero() {
		timer := time.NewTimer(time.Until(next))
		defer timer.Stop()
		due = timer.C
	}
	changed := l.changed
	l.mu.Unlock()
	defer l.mu.Lock()
	select {
	case <-changed:
	case <-due:
	}
}

// SetReadDeadline bounds the reads that run and those to come.
func (l *line) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readBy = t
	l.change()
	return nil
}

// SetWriteDeadline bounds writes.
func (l *line) SetWriteDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writeBy = t
	return nil
}

// Close unblocks Read.
func (l *line) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.change()
	return nil
}

func (l *line) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// leftOver reports what was not played. What the device says is not owed: a
// driver may leave a remark unread.
func (l *line) leftOver() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.ops {
		if o.kind == '>' {
			l.t.Errorf("wire %d, line %d: the driver never writes % X", l.n, o.line, o.data)
			return
		}
	}
}
