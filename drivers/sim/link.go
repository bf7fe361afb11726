package sim

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
)

// Times and sizes of a line.
const (
	// reopenPoll is how often a line that nobody has open is looked at: a
	// pseudo-terminal, unlike a wire, fails when its other side is closed.
	reopenPoll = 5 * time.Millisecond
	// frameGap ends an unfinished frame, as the devices' own time-outs do.
	frameGap = 500 * time.Millisecond
	// writeMax is how long a host may leave the line full.
	writeMax = time.Second
	queueMax = 1024
)

// ErrUnplugged is returned for a device whose cable is out already, or in.
var ErrUnplugged = errors.New("sim: the cable is not where you think")

// kind of output: what faults may do to it.
type kind uint8

const (
	answer kind = iota // a frame
	aside              // an echo, an acknowledgement, a notice
)

// output is something to send.
type output struct {
	bytes []byte
	kind  kind
}

// device is what sits at the end of a line. Its methods are called by the
// line's goroutine, and send through the line.
type device interface {
	// receive takes the bytes that came, however they were cut.
	receive(b []byte)
	// quiet is called when an unfinished frame has timed out.
	quiet()
	// powerDown is called when the cable was pulled.
	powerDown()
}

// link is a line: a pseudo-terminal with a name that stays, and the faults on
// it.
type link struct {
	path string // of the symbolic link
	// unheard: its host never says a word, so nothing shows that it is there.
	unheard bool

	mu      sync.Mutex
	dev     device
	cable   *cable // nil when unplugged
	gone    bool   // the shop is closed
	fault   Fault
	left    int // answers still to be spoiled, when counted
	counted bool
	answers int // so far
}

// cable is one plugging-in.
type cable struct {
	master *os.File
	queue  chan output
	done   chan struct{}
	wg     sync.WaitGroup

	mu   sync.Mutex
	open bool // a host has sent something and not hung up since
}

// newLink makes an unplugged line.
func newLink(path string) *link { return &link{path: path, fault: Fault{Kind: FaultNone}} }

// plug opens a new pseudo-terminal and points the name to it.
func (l *link) plug() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cable != nil || l.gone {
		return fmt.Errorf("%w: %s is plugged in, or the shop is closed", ErrUnplugged, filepath.Base(l.path))
	}
	master, tty, err := pty.Open()
	if err != nil {
		return fmt.Errorf("sim: %s: pseudo-terminal: %w", filepath.Base(l.path), err)
	}
	// creack/pty leaves the master blocking, and then closing it would wait for
	// a read that never ends.
	if err := syscall.SetNonblock(int(master.Fd()), true); err != nil {
		return errors.Join(fmt.Errorf("sim: %s: %w", filepath.Base(l.path), err), master.Close(), tty.Close())
	}
	name := tty.Name()
	// Not held open: a killed host's settings, exclusive use among them, end
	// with the last close, as on a real line.
	if err := tty.Close(); err != nil {
		_ = master.Close()
		return fmt.Errorf("sim: %s: %w", name, err)
	}
	if err := point(l.path, name); err != nil {
		_ = master.Close()
		return err
	}
	c := &cable{master: master, queue: make(chan output, queueMax), done: make(chan struct{})}
	l.cable = c
	c.wg.Go(func() { l.read(c) })
	c.wg.Go(func() { l.write(c) })
	return nil
}

// point makes path a symbolic link to target, in one step.
func point(path, target string) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("sim: %w", err)
	}
	if err := os.Symlink(target, fresh); err != nil {
		return fmt.Errorf("sim: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("sim: %w", err)
	}
	return nil
}

// unplug removes the name and hangs up.
func (l *link) unplug() error {
	l.mu.Lock()
	c := l.cable
	l.cable = nil
	l.mu.Unlock()
	if c == nil {
		return fmt.Errorf("%w: %s is unplugged", ErrUnplugged, filepath.Base(l.path))
	}
	errRemove := os.Remove(l.path)
	close(c.done)
	errClose := c.master.Close()
	c.wg.Wait()
	l.dev.powerDown()
	return errors.Join(errRemove, errClose)
}

// remove unplugs the line for good.
func (l *link) remove() error {
	l.mu.Lock()
	l.gone = true
	l.mu.Unlock()
	if err := l.unplug(); err != nil && !errors.Is(err, ErrUnplugged) {
		return err
	}
	return nil
}

// plugged tells whether the cable is in.
func (l *link) plugged() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cable != nil
}

// spoiler is what goes wrong on the line now.
func (l *link) spoiler() FaultKind {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault.Kind
}

// answered is how many answers the device has given.
func (l *link) answered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answers
}

// spoil sets the fault of the answers to come.
func (l *link) spoil(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault, l.left, l.counted = f, f.Count, f.Count > 0
	return nil
}

// send queues something for the host. Nothing waits for a host that is not
// there or does not read: it is lost.
func (l *link) send(bytes []byte, k kind) {
	l.mu.Lock()
	c := l.cable
	l.mu.Unlock()
	if c == nil || !l.unheard && !c.listened() {
		return
	}
	select {
	case c.queue <- output{append([]byte{}, bytes...), k}:
	default:
	}
}

// listened tells whether a host has the line open.
func (c *cable) listened() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

func (c *cable) setOpen(open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = open
}

// read hands the host's bytes to the device until the cable is pulled.
func (l *link) read(c *cable) {
	buf := make([]byte, 4096)
	var last time.Time
	for {
		n, err := c.master.Read(buf)
		if n > 0 {
			c.setOpen(true)
			if now := time.Now(); now.Sub(last) > frameGap {
				l.dev.quiet()
			}
			l.dev.receive(buf[:n])
			last = time.Now()
		}
		if err == nil {
			continue
		}
		if errors.Is(err, os.ErrClosed) {
			return
		}
		c.setOpen(false) // nobody has the other side open
		select {
		case <-c.done:
			return
		case <-time.After(reopenPoll):
		}
	}
}

// write sends what is queued, spoiled as asked.
func (l *link) write(c *cable) {
	for {
		select {
		case <-c.done:
			return
		case out := <-c.queue:
			bytes, wait := l.spoiled(out)
			if wait > 0 {
				select {
				case <-c.done:
					return
				case <-time.After(wait):
				}
			}
			// A host that went away meanwhile loses its answer: kept back, it
			// would meet the next one.
			if len(bytes) == 0 || !l.unheard && !c.listened() {
				continue
			}
			_ = c.master.SetWriteDeadline(time.Now().Add(writeMax))
			_, _ = c.master.Write(bytes)
		}
	}
}

// spoiled applies the fault to one output.
func (l *link) spoiled(out output) ([]byte, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if out.kind != answer {
		if l.fault.Kind == Silence && l.fault.After == 0 {
			return nil, 0
		}
		return out.bytes, 0
	}
	l.answers++
	if l.fault.After > 0 {
		l.fault.After--
		return out.bytes, 0
	}
	f := l.fault
	if l.counted {
		if l.left--; l.left == 0 {
			l.fault, l.counted = Fault{Kind: FaultNone}, false
		}
	}
	bytes := f.spoil(out.bytes)
	if f.Kind == Delay {
		return bytes, f.Delay
	}
	return bytes, 0
}
