package drivers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// ErrSilent is the ErrTimeout of a device that does not answer, while the
// caller's context is still good.
var ErrSilent = fmt.Errorf("%w: the device is silent", ErrTimeout)

var errClosed = fmt.Errorf("%w: closed", ErrNoDevice)

// Ended translates the end of a context into ErrCancelled or ErrTimeout. It
// returns nil while ctx is good.
func Ended(ctx context.Context) error {
	switch err := ctx.Err(); {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	default:
		return fmt.Errorf("%w: %w", ErrCancelled, err)
	}
}

// Link is a driver's end of its line, with what every driver of a line needs:
// it serves one call at a time, dials when first needed and again after a
// hang-up, and ends reads and writes when the call's context ends.
//
//	if err := l.Begin(ctx); err != nil {
//		return err
//	}
//	defer l.End()
//	fresh, err := l.Open() // fresh: the device must be set up anew
//	...
//	err = l.Send(request, time.Second)
//	b, err := l.Next(time.Now().Add(time.Second))
//
// Between Begin and End its methods belong to one goroutine; Begin and Close
// may be called from any.
type Link struct {
	name string
	dial Dial
	turn chan struct{} // holds one token while a call is served
	gone chan struct{} // closed by Close

	mu     sync.Mutex // guards what the end of a context and Close reach for
	line   Line
	closed bool
	call   uint64

	ctx  context.Context // of the call that is being served
	stop func() bool
	in   []byte // read ahead, owned by the call
	buf  [512]byte
}

// NewLink gives a link that is not open yet; name says in errors which device
// it is.
func NewLink(name string, dial Dial) *Link {
	return &Link{name: name, dial: dial, turn: make(chan struct{}, 1), gone: make(chan struct{})}
}

// Name is the name that errors carry.
func (l *Link) Name() string { return l.name }

// Begin waits for the call before this one to end, then ties the link to ctx.
func (l *Link) Begin(ctx context.Context) error {
	if err := Ended(ctx); err != nil {
		return l.wrap(err)
	}
	select {
	case <-l.gone:
		return l.wrap(errClosed)
	default:
	}
	select {
	case l.turn <- struct{}{}:
		l.bind(ctx)
		return nil
	case <-l.gone:
		return l.wrap(errClosed)
	case <-ctx.Done():
		return l.wrap(Ended(ctx))
	}
}

// End lets the next call begin.
func (l *Link) End() {
	l.stop()
	l.mu.Lock()
	l.call++
	l.mu.Unlock()
	<-l.turn
}

// Detach lets the call go on for at most d whatever becomes of its context, to
// leave the device in order. The function it returns takes that back.
func (l *Link) Detach(d time.Duration) (restore func()) {
	before := l.ctx
	ctx, cancel := context.WithTimeout(context.WithoutCancel(before), d)
	l.stop()
	l.bind(ctx)
	return func() {
		l.stop()
		cancel()
		l.bind(before)
	}
}

// bind makes the end of ctx end the reads and writes of this call.
func (l *Link) bind(ctx context.Context) {
	l.mu.Lock()
	l.call++
	call := l.call
	l.ctx = ctx
	l.mu.Unlock()
	l.stop = context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.call != call || l.line == nil {
			return
		}
		_ = l.line.SetReadDeadline(past)
		_ = l.line.SetWriteDeadline(past)
	})
}

var past = time.Unix(1, 0)

// Ended is the call's context, translated.
func (l *Link) Ended() error {
	if err := Ended(l.ctx); err != nil {
		return l.wrap(err)
	}
	return nil
}

// Open dials unless the line is open. Fresh tells that it was opened just now,
// so whatever was set up in the device may be gone.
func (l *Link) Open() (fresh bool, err error) {
	l.mu.Lock()
	open, closed := l.line != nil, l.closed
	l.mu.Unlock()
	if closed {
		return false, l.wrap(errClosed)
	}
	if open {
		return false, nil
	}
	if err := l.Ended(); err != nil {
		return false, err
	}
	line, err := l.dial(l.ctx)
	if err != nil {
		if ended := l.Ended(); ended != nil {
			return false, ended
		}
		if !errors.Is(err, ErrBusy) && !errors.Is(err, ErrNoDevice) {
			err = fmt.Errorf("%w: %w", ErrNoDevice, err)
		}
		return false, l.wrap(err)
	}
	l.mu.Lock()
	closed = l.closed
	if !closed {
		l.line = line
	}
	l.mu.Unlock()
	if closed {
		_ = line.Close()
		return false, l.wrap(errClosed)
	}
	l.Forget()
	return true, nil
}

// Drop hangs up, so that the next Open dials.
func (l *Link) Drop() {
	l.mu.Lock()
	line := l.line
	l.line = nil
	l.mu.Unlock()
	l.Forget()
	if line != nil {
		_ = line.Close()
	}
}

// Forget drops what was read ahead, and wipes it: it may hold a PIN block.
func (l *Link) Forget() {
	l.in = nil
	clear(l.buf[:])
}

// Send writes all of b. After an error other than the context's end the line
// is down.
func (l *Link) Send(b []byte, within time.Duration) error {
	line, err := l.arm(Line.SetWriteDeadline, time.Now().Add(within))
	if err != nil {
		return err
	}
	if _, err := line.Write(b); err != nil {
		// Part of b may be out: only a new line is in a known state.
		l.Drop()
		return l.failed(err)
	}
	return nil
}

// Next returns the next byte. It fails with ErrSilent when none comes by then,
// with the context's end, or with ErrNoDevice when the line is down.
func (l *Link) Next(by time.Time) (byte, error) {
	const emptyMax = 16 // A line that returns nothing for ever must not spin.
	for range emptyMax {
		if len(l.in) > 0 {
			b := l.in[0]
			l.in = l.in[1:]
			return b, nil
		}
		line, err := l.arm(Line.SetReadDeadline, by)
		if err != nil {
			return 0, err
		}
		n, err := line.Read(l.buf[:])
		l.in = l.buf[:n]
		if n == 0 && err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				l.Drop()
			}
			return 0, l.failed(err)
		}
	}
	l.Drop()
	return 0, l.failed(io.ErrNoProgress)
}

// arm sets a deadline that the end of the call's context can only shorten.
func (l *Link) arm(set func(Line, time.Time) error, by time.Time) (Line, error) {
	l.mu.Lock()
	line, closed := l.line, l.closed
	var err error
	if line != nil && !closed {
		if l.ctx.Err() != nil {
			by = past
		}
		err = set(line, by)
	}
	l.mu.Unlock()
	switch {
	case closed:
		return nil, l.wrap(errClosed)
	case line == nil:
		return nil, l.wrap(fmt.Errorf("%w: the line is down", ErrNoDevice))
	case err != nil:
		l.Drop()
		return nil, l.failed(err)
	}
	return line, nil
}

// Drain reads and drops what comes until the line is quiet for that long. A
// line that never falls quiet is ErrProtocol.
func (l *Link) Drain(quiet time.Duration) error {
	const drainMax = 1 << 16
	for range drainMax {
		_, err := l.Next(time.Now().Add(quiet))
		if errors.Is(err, ErrSilent) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	l.Drop()
	return l.wrap(fmt.Errorf("%w: the line never falls quiet", ErrProtocol))
}

// Pause waits, until the call's context ends or the link is closed.
func (l *Link) Pause(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-l.gone:
		return l.wrap(errClosed)
	case <-l.ctx.Done():
		return l.Ended()
	}
}

// failed says why a read or write failed.
func (l *Link) failed(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		if ended := l.Ended(); ended != nil {
			return ended
		}
		return l.wrap(ErrSilent)
	}
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	if closed {
		return l.wrap(errClosed)
	}
	return l.wrap(fmt.Errorf("%w: %w", ErrNoDevice, err))
}

// UntilGone looks again and again until a card is gone, each time with a call of
// its own, and ends with ErrCancelled when ctx does: Card.Gone.
func (l *Link) UntilGone(ctx context.Context, look func(context.Context) (gone bool, err error)) error {
	for {
		gone, err := look(ctx)
		if gone {
			return nil
		}
		if err != nil {
			if ctx.Err() != nil {
				err = l.wrap(fmt.Errorf("%w: %w", ErrCancelled, ctx.Err()))
			}
			return err
		}
	}
}

func (l *Link) wrap(err error) error { return fmt.Errorf("%s: %w", l.name, err) }

// Close hangs up for good, unblocks the call that is being served and waits
// for it. The second Close does nothing.
func (l *Link) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	line := l.line
	close(l.gone)
	l.mu.Unlock()
	var err error
	if line != nil {
		err = line.Close()
	}
	l.turn <- struct{}{} // Nobody begins any more: the token stays.
	l.Drop()
	if err != nil {
		return l.wrap(err)
	}
	return nil
}
