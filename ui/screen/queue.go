package screen

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// queue holds the functions that others want run on the UI goroutine. It has no
// bound: the UI goroutine posts too (data binding does), and would wait for
// itself.
type queue struct {
	mu     sync.Mutex
	tasks  []func()
	spare  []func() // the slice that was drained last, to be filled again
	closed bool
	wake   chan struct{} // holds one token while tasks wait
	owner  atomic.Uint64 // the UI goroutine
}

func (q *queue) init() {
	q.wake = make(chan struct{}, 1)
	q.own()
}

// own makes the calling goroutine the UI goroutine.
func (q *queue) own() { q.owner.Store(goroutine()) }

// owned tells whether the caller is the UI goroutine.
func (q *queue) owned() bool { return goroutine() == q.owner.Load() }

// post adds a function, and tells whether it will be run.
func (q *queue) post(f func()) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.tasks = append(q.tasks, f)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return true
}

// postAndWait runs f on the UI goroutine and returns when it has run; at once
// if the caller is the UI goroutine, and without running it after close.
func (q *queue) postAndWait(f func()) {
	if q.owned() {
		f()
		return
	}
	done := make(chan struct{})
	if q.post(func() { defer close(done); f() }) {
		<-done
	}
}

// drain runs what has been posted, and tells whether there was anything. What
// the functions post waits for the next time, so that frames are painted even
// if some function posts itself for ever.
func (q *queue) drain() bool {
	q.mu.Lock()
	tasks := q.tasks
	q.tasks = q.spare[:0]
	q.mu.Unlock()
	for i, f := range tasks {
		tasks[i] = nil
		f()
	}
	q.mu.Lock()
	if cap(tasks) <= spareMax {
		q.spare = tasks[:0]
	} else {
		q.spare = nil
	}
	q.mu.Unlock()
	return len(tasks) > 0
}

// spareMax bounds the memory that is kept after a flood.
const spareMax = 4096

// closeRounds bounds how often close runs what functions post while it runs them.
const closeRounds = 16

// close runs what waits, so that nobody waits for ever, and refuses the rest.
func (q *queue) close() {
	for range closeRounds {
		if !q.drain() {
			break
		}
	}
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.drain()
}

// goroutine is the calling goroutine's number, which the runtime tells in the
// first line of a stack trace only: "goroutine 18 [running]:". It is needed
// for DoAndWait alone, which would otherwise wait for itself.
func goroutine() uint64 {
	var buf [40]byte
	line := buf[:runtime.Stack(buf[:], false)]
	var id uint64
	for _, c := range line[len("goroutine "):] {
		if c < '0' || c > '9' {
			break
		}
		id = id*10 + uint64(c-'0')
	}
	return id
}
