package port

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// hungUpPause is how long each further read of a dead line takes.
const hungUpPause = 50 * time.Millisecond

// device is a character device as a drivers.Line.
type device struct {
	path    string // as configured, for errors
	f       *os.File
	emptyOK bool // a read of nothing is a silent printer, not a hang-up

	once   sync.Once
	err    error // of Close
	closed chan struct{}
	stuck  atomic.Bool // a write did not get out
	dead   atomic.Bool // the device has gone
	readBy atomic.Pointer[time.Time]
}

// openDevice opens a character device for this process alone.
func openDevice(path string) (*device, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, openError(path, err)
	}
	f, err := os.OpenFile(real, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, openError(path, err)
	}
	d := &device{path: path, f: f, closed: make(chan struct{})}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.Mode()&os.ModeCharDevice == 0:
		err = errors.New("not a device")
	case f.SetReadDeadline(time.Time{}) != nil:
		err = errors.New("not a device that can be waited for")
	default:
		// TIOCEXCL does not keep root out: the lock does, among our processes.
		err = d.control(func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	}
	if err != nil {
		_ = f.Close()
		return nil, openError(path, err)
	}
	return d, nil
}

// control runs f while the descriptor cannot be closed.
func (d *device) control(f func(fd int) error) error {
	raw, err := d.f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// Read returns what is there, and waits for a first byte until the deadline.
func (d *device) Read(p []byte) (int, error) {
	for {
		n, err := d.f.Read(p)
		if errors.Is(err, io.EOF) && d.emptyOK {
			if err = d.idle(); err == nil {
				continue
			}
		}
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		return n, d.hungUp(err)
	}
}

// idle waits a moment for a printer that has nothing to say: some answer reads
// with nothing at once instead of letting them wait.
func (d *device) idle() error {
	const pause = 10 * time.Millisecond
	if by := d.readBy.Load(); by != nil && !by.IsZero() && time.Until(*by) <= 0 {
		return os.ErrDeadlineExceeded
	}
	select {
	case <-d.closed:
		return os.ErrClosed
	case <-time.After(pause):
		return nil
	}
}

// Write sends all of p, or fails at the deadline.
func (d *device) Write(p []byte) (int, error) {
	n, err := d.f.Write(p)
	if err == nil {
		return n, nil
	}
	d.stuck.Store(true)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	return n, d.hungUp(err)
}

// hungUp gives the descriptor back at once, because the kernel keeps a device's
// name taken while one is open. Whoever overlooks the error and reads on is
// slowed down: a dead descriptor answers at once, for ever.
func (d *device) hungUp(err error) error {
	if errors.Is(err, os.ErrClosed) {
		if d.dead.Load() {
			time.Sleep(hungUpPause)
		}
		return fmt.Errorf("%s: %w", d.path, os.ErrClosed)
	}
	d.dead.Store(true)
	_ = d.Close()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%s: hung up: %w", d.path, err)
}

// SetReadDeadline bounds the reads that run and those to come.
func (d *device) SetReadDeadline(t time.Time) error {
	d.readBy.Store(&t)
	return d.f.SetReadDeadline(t)
}

// SetWriteDeadline bounds the writes that run and those to come.
func (d *device) SetWriteDeadline(t time.Time) error { return d.f.SetWriteDeadline(t) }

// Close unblocks reads and writes. The second Close does nothing.
func (d *device) Close() error {
	d.once.Do(func() {
		close(d.closed)
		_ = d.control(func(fd int) error {
			if d.stuck.Load() {
				// The kernel would wait up to 30 s for these bytes to leave.
				_ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH)
			}
			return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0)
		})
		d.err = d.f.Close()
	})
	return d.err
}
