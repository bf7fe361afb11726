package sim_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
)

// answerer is a far end that answers each line with itself.
type answerer struct {
	listener net.Listener
	heard    chan string // each line
	ended    chan error  // how each connection ended
}

func newAnswerer(t *testing.T) *answerer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	a := &answerer{listener, make(chan string, 64), make(chan error, 64)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go a.serve(conn)
		}
	}()
	t.Cleanup(func() { check(t, listener.Close()); <-done })
	return a
}

func (a *answerer) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err == nil {
			a.heard <- line
			_, err = io.WriteString(conn, line)
		}
		if err != nil {
			_ = conn.Close()
			a.ended <- err
			return
		}
	}
}

// cabled is a shop with a cable to an answerer.
func cabled(t *testing.T) (*sim.Shop, *answerer, string) {
	t.Helper()
	a, shop := newAnswerer(t), open(t, t.TempDir())
	address, err := shop.LayCable("127.0.0.1:0", a.listener.Addr().String())
	check(t, err)
	return shop, a, address.String()
}

// caller is a near end.
type caller struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func call(t *testing.T, address string) *caller {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	check(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &caller{t, conn, bufio.NewReader(conn)}
}

// talk says a line and wants it back.
func (c *caller) talk(line string) {
	c.t.Helper()
	c.say(line)
	check(c.t, c.conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	if got, err := c.in.ReadString('\n'); err != nil || got != line {
		c.t.Fatalf("heard %q, %v, want %q", got, err, line)
	}
}

func (c *caller) say(line string) {
	c.t.Helper()
	_, err := io.WriteString(c.conn, line)
	check(c.t, err)
}

// hearsNothing: neither bytes nor an end come.
func (c *caller) hearsNothing() {
	c.t.Helper()
	check(c.t, c.conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	if b, err := c.in.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("heard %#x, %v, want silence", b, err)
	}
}

// isCut: the end comes, and nothing before.
func (c *caller) isCut() {
	c.t.Helper()
	check(c.t, c.conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	if b, err := c.in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("heard %#x, %v, want the end", b, err)
	}
}

func TestCable(t *testing.T) {
	shop, a, address := cabled(t)
	before := call(t, address)
	before.talk("one\n")

	check(t, shop.PlugCable(false))
	before.say("lost\n")
	during := call(t, address)
	during.say("lost as well\n")
	before.hearsNothing()
	during.hearsNothing()
	if state, err := shop.State(); err != nil || state.Cable == nil || *state.Cable {
		t.Errorf("State tells of no pulled cable: %v, %v", state.Cable, err)
	}

	check(t, shop.PlugCable(true))
	before.isCut()
	during.isCut()
	if err := <-a.ended; err == nil {
		t.Error("the far end was not cut")
	}
	after := call(t, address)
	after.talk("two\n")
	close(a.heard)
	var heard []string
	for line := range a.heard {
		heard = append(heard, line)
	}
	if got := strings.Join(heard, ""); got != "one\ntwo\n" {
		t.Errorf("the far end heard %q", got)
	}
}

// One end's death does not show at the other while the cable is out.
func TestCableHidesTheDead(t *testing.T) {
	shop, a, address := cabled(t)
	c := call(t, address)
	c.talk("one\n")
	check(t, shop.PlugCable(false))
	check(t, c.conn.Close())
	select {
	case err := <-a.ended:
		t.Errorf("the far end noticed: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	check(t, shop.PlugCable(true))
	if err := <-a.ended; err == nil {
		t.Error("the far end was not cut")
	}
}

// With the cable in, ends are passed on, each way by itself.
func TestCablePassesTheEndOn(t *testing.T) {
	_, a, address := cabled(t)
	c := call(t, address)
	c.say("no line yet")
	check(t, c.conn.(*net.TCPConn).CloseWrite())
	if err := <-a.ended; !errors.Is(err, io.EOF) {
		t.Errorf("the far end: %v, want the end", err)
	}
	c.isCut()
}

// A line that is full when the cable is pulled delivers no more either.
func TestCablePulledFromAFullLine(t *testing.T) {
	shop := open(t, t.TempDir())
	far, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer func() { check(t, far.Close()) }()
	address, err := shop.LayCable("127.0.0.1:0", far.Addr().String())
	check(t, err)
	c := call(t, address.String())
	deaf, err := far.Accept()
	check(t, err)
	defer func() { _ = deaf.Close() }()
	chunk := make([]byte, 1<<20)
	for err == nil { // until nothing goes any more
		check(t, c.conn.SetWriteDeadline(time.Now().Add(100*time.Millisecond)))
		_, err = c.conn.Write(chunk)
	}
	check(t, shop.PlugCable(false))
	check(t, c.conn.SetWriteDeadline(time.Now().Add(10*time.Second)))
	if _, err := c.conn.Write(chunk); err != nil {
		t.Errorf("a pulled cable takes what is sent: %v", err)
	}
}

func TestCableToNobody(t *testing.T) {
	shop := open(t, t.TempDir())
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	check(t, nobody.Close())
	address, err := shop.LayCable("127.0.0.1:0", nobody.Addr().String())
	check(t, err)
	call(t, address.String()).isCut()
	if _, err := shop.LayCable("127.0.0.1:0", "127.0.0.1:1"); !errors.Is(err, sim.ErrCableLaid) {
		t.Errorf("a second cable: %v, want ErrCableLaid", err)
	}
}

func TestCableIsBounded(t *testing.T) {
	_, _, address := cabled(t)
	for range 64 {
		call(t, address).talk("here\n")
	}
	call(t, address).isCut()
}

func TestNoCable(t *testing.T) {
	shop := open(t, t.TempDir())
	if err := shop.PlugCable(false); !errors.Is(err, sim.ErrNoCable) {
		t.Errorf("PlugCable = %v, want ErrNoCable", err)
	}
	if state, err := shop.State(); err != nil || state.Cable != nil {
		t.Errorf("a cable where there is none: %v, %v", state.Cable, err)
	}
	if _, err := shop.LayCable("127.0.0.1:0", "cloud"); err == nil {
		t.Error("a cable to no port was laid")
	}
	if _, err := shop.LayCable("127.0.0.1:none", "127.0.0.1:1"); err == nil {
		t.Error("a cable from no port was laid")
	}
}
