package visapad_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/visapad"
)

// pad is a PIN pad with a person before it: small, but by the book, so that the
// driver can be put through the suite of its class.
type pad struct {
	*drivertest.Plug
	t *testing.T

	mu      sync.Mutex
	line    io.Writer
	busy    bool          // a PIN is being asked for
	asking  chan struct{} // closed while busy
	noKey   bool
	counter int
}

func newPad(t *testing.T) *pad {
	p := &pad{t: t, asking: make(chan struct{})}
	p.Plug = drivertest.NewPlug(t, p.serve)
	return p
}

func (p *pad) serve(line io.ReadWriter) {
	p.mu.Lock()
	p.line = line
	p.ask(false)
	p.mu.Unlock()
	b := make([]byte, 1)
	next := func() bool {
		_, err := io.ReadFull(line, b)
		return err == nil
	}
	for next() {
		if b[0] != 2 && b[0] != 15 {
			continue
		}
		end := map[byte]byte{2: 3, 15: 14}[b[0]]
		var body []byte
		for next() && b[0] != end {
			body = append(body, b[0])
		}
		if !next() {
			return
		}
		p.packet(string(body))
	}
}

func (p *pad) packet(body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.write("\x06")
	switch {
	case body == "72":
		p.ask(false)
		p.write("\x04")
	case strings.HasPrefix(body, "70"):
		if p.noKey {
			p.write(packet("71A"))
			return
		}
		p.ask(true)
	}
}

func packet(body string) string {
	x := byte(3)
	for i := range len(body) {
		x ^= body[i]
	}
	return "\x02" + body + "\x03" + string([]byte{x})
}

func (p *pad) write(s string) { _, _ = io.WriteString(p.line, s) }

// press lets the person do something, if the pad asks for a PIN.
func (p *pad) press(answer func() string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy {
		p.ask(false)
		p.write(answer())
	}
}

func (p *pad) ask(busy bool) {
	switch {
	case busy && !p.busy:
		close(p.asking)
	case !busy && p.busy:
		p.asking = make(chan struct{})
	}
	p.busy = busy
}

func (p *pad) ksn() string {
	p.counter++
	return fmt.Sprintf("9876543210E%05X", p.counter)
}

func (p *pad) TypePIN(string) {
	p.press(func() string { return packet("710" + p.ksn() + fmt.Sprintf("1B9C1845EB99%04X", p.counter)) })
}
func (p *pad) PressEnter()  { p.press(func() string { return packet("710" + p.ksn()) }) }
func (p *pad) PressCancel() { p.press(func() string { return "\x04" }) }
func (p *pad) LoseKey()     { p.mu.Lock(); p.noKey = true; p.mu.Unlock() }

func (p *pad) WaitAsked() {
	p.t.Helper()
	p.mu.Lock()
	asking := p.asking
	p.mu.Unlock()
	select {
	case <-asking:
	case <-time.After(10 * time.Second):
		p.t.Fatal("the pad is not asked for a PIN")
	}
}

func TestPINPadSuite(t *testing.T) {
	drivertest.TestPINPad(t, func(t *testing.T) (drivers.PINPad, drivertest.PadWorld) {
		p := newPad(t)
		return visapad.New(p.Dial, visapad.Opts{}), p
	})
}

// Unplug takes the pad's power with its line.
func (p *pad) Unplug() {
	p.Plug.Unplug()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ask(false)
}
