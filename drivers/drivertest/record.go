package drivertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// Record writes down what passes over the lines of a true device, as wires for
// NewPlayback. An empty line with a remark stands between two dials. The wire
// holds whatever was said, PINs and card data of test cards only, please.
func Record(dial drivers.Dial, to io.Writer) drivers.Dial {
	r := &recorder{to: to}
	return func(ctx context.Context) (drivers.Line, error) {
		line, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		r.note("\n# dialled")
		return &recorded{Line: line, r: r}, nil
	}
}

// recorder joins the bytes that pass in one direction without a pause.
type recorder struct {
	mu   sync.Mutex
	to   io.Writer
	dir  byte
	last time.Time
}

// pauseMin is the shortest pause that is written down.
const pauseMin = 100 * time.Millisecond

func (r *recorder) bytes(dir byte, b []byte) {
	if len(b) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	paused := now.Sub(r.last).Truncate(time.Millisecond)
	if dir == '<' && !r.last.IsZero() && paused >= pauseMin {
		r.dir = 0
		_, _ = fmt.Fprintf(r.to, "\n~ %v", paused)
	}
	if dir != r.dir {
		_, _ = fmt.Fprintf(r.to, "\n%c", dir)
	}
	_, _ = fmt.Fprintf(r.to, " % X", b)
	r.dir, r.last = dir, now
}

func (r *recorder) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = fmt.Fprint(r.to, "\n"+s)
	r.dir, r.last = 0, time.Time{}
}

type recorded struct {
	drivers.Line
	r    *recorder
	once sync.Once // for the hang-up
}

// Read reads and writes down.
func (l *recorded) Read(p []byte) (int, error) {
	n, err := l.Line.Read(p)
	l.r.bytes('<', p[:n])
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, os.ErrClosed) {
		l.once.Do(func() { l.r.note("! hang up") })
	}
	return n, err
}

// Write writes down and writes.
func (l *recorded) Write(p []byte) (int, error) {
	l.r.bytes('>', p)
	return l.Line.Write(p)
}
