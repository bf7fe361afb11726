package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the cable to the cloud.
const (
	strandsMax    = 64 // connections at once
	strandDialMax = 5 * time.Second
	strandBuffer  = 16 << 10
)

// Errors of the cable to the cloud.
var (
	ErrNoCable   = errors.New("sim: no cable to the cloud was laid here")
	ErrCableLaid = errors.New("sim: a cable to the cloud was laid already")
)

// cloudCable passes the bytes of TCP connections on as they are, so that TLS
// goes through untouched. Pulled, it looks to both ends like a pulled cable:
// what is sent vanishes, nothing comes, and nobody hangs up. A connection that
// is made meanwhile is accepted, which a listener on the same machine cannot
// help, and finds silence. When the cable is put back, the connections that
// were there while it was out are cut, for bytes are missing in them; new ones
// work.
type cloudCable struct {
	listener net.Listener
	target   string
	ctx      context.Context // of dialling
	stop     context.CancelFunc
	wg       sync.WaitGroup

	mu      sync.Mutex
	out     bool
	strands map[*strand]bool // nil once closed
}

// strand is one connection through the cable.
type strand struct {
	near net.Conn
	cut  atomic.Bool // bytes vanish

	mu     sync.Mutex
	far    net.Conn // nil until it is dialled
	closed bool
}

// layCable listens on one address and dials the other for each connection.
func layCable(listen, target string) (*cloudCable, error) {
	if _, _, err := net.SplitHostPort(target); err != nil {
		return nil, fmt.Errorf("sim: cable to %q: %w", target, err)
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("sim: cable: %w", err)
	}
	c := &cloudCable{listener: listener, target: target, strands: map[*strand]bool{}}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.wg.Go(c.accept)
	return c, nil
}

// accept takes connections until the listener is closed.
func (c *cloudCable) accept() {
	const pause = 50 * time.Millisecond // when the process has no file left
	for {
		near, err := c.listener.Accept()
		switch {
		case err == nil:
		case errors.Is(err, net.ErrClosed):
			return
		default:
			select {
			case <-c.ctx.Done():
			case <-time.After(pause):
			}
			continue
		}
		w := &strand{near: near}
		if !c.add(w) {
			_ = near.Close()
			continue
		}
		c.wg.Go(func() {
			defer c.remove(w)
			c.carry(w)
		})
	}
}

func (c *cloudCable) add(w *strand) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.strands == nil || len(c.strands) == strandsMax {
		return false
	}
	w.cut.Store(c.out)
	c.strands[w] = true
	return true
}

func (c *cloudCable) remove(w *strand) {
	w.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.strands, w)
}

// carry runs one connection to its end.
func (c *cloudCable) carry(w *strand) {
	if w.cut.Load() {
		w.pass(w.near, nil)
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, strandDialMax)
	defer cancel()
	far, err := new(net.Dialer).DialContext(ctx, "tcp", c.target)
	if err != nil || !w.join(far) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { w.pass(far, w.near) })
	w.pass(w.near, far)
	back.Wait()
}

// pass carries bytes one way until the sender has no more. A cut strand swallows
// them, and keeps from the receiver that the sender has gone.
func (w *strand) pass(from, to net.Conn) {
	buf := make([]byte, strandBuffer)
	for {
		n, err := from.Read(buf)
		if n > 0 && !w.cut.Load() {
			if _, failed := to.Write(buf[:n]); failed != nil && !w.cut.Load() {
				w.close()
				return
			}
		}
		switch {
		case err == nil:
		case w.cut.Load():
			return
		case errors.Is(err, io.EOF):
			if half, ok := to.(*net.TCPConn); ok {
				_ = half.CloseWrite() // the other way may go on
			}
			return
		default:
			w.close()
			return
		}
	}
}

// join gives the strand its far end, unless it was closed meanwhile.
func (w *strand) join(far net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		_ = far.Close()
		return false
	}
	w.far = far
	return true
}

// pull lets all bytes vanish from now on, also those that a full line has not
// taken yet.
func (w *strand) pull() {
	w.cut.Store(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	_ = w.near.SetWriteDeadline(now)
	if w.far != nil {
		_ = w.far.SetWriteDeadline(now)
	}
}

func (w *strand) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	_ = w.near.Close()
	if w.far != nil {
		_ = w.far.Close()
	}
}

// plug puts the cable in or pulls it.
func (c *cloudCable) plug(in bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = !in
	for w := range c.strands {
		switch {
		case !in:
			w.pull()
		case w.cut.Load():
			w.close()
		}
	}
}

// plugged tells whether the cable is in.
func (c *cloudCable) plugged() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.out
}

// close ends all connections and waits for their goroutines.
func (c *cloudCable) close() error {
	c.stop()
	err := c.listener.Close()
	c.mu.Lock()
	for w := range c.strands {
		w.close()
	}
	c.strands = nil
	c.mu.Unlock()
	c.wg.Wait()
	return err
}

// LayCable lays the cable to the cloud: connections to the address listen are
// passed on to target until the cable is pulled. It returns the address that
// it listens on. A shop has one cable at most.
func (s *Shop) LayCable(listen, target string) (net.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cloud != nil {
		return nil, ErrCableLaid
	}
	var err error
	if s.cloud, err = layCable(listen, target); err != nil {
		return nil, err
	}
	return s.cloud.listener.Addr(), nil
}

// cable is the cable to the cloud, or nil.
func (s *Shop) cable() *cloudCable {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cloud
}

// plugCable puts the cable to the cloud in or pulls it.
func (s *Shop) plugCable(in bool) error {
	c := s.cable()
	if c == nil {
		return ErrNoCable
	}
	c.plug(in)
	return nil
}
