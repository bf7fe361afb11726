package ccid_test

import (
	"bytes"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/ccid"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
)

// twin is a reader with a slot: small, but by the book, so that the driver can
// be put through the suite of its class.
type twin struct {
	*drivertest.Plug
	t1      bool // its cards speak T=1
	echo    bool
	garbled int // every so many answers, one has a wrong LRC; 0 for none

	mu      sync.Mutex
	card    string
	power   bool
	answers int
	last    []byte // the last frame, for a NAK
	fetch   []byte // what GET RESPONSE will give
	seq     byte   // T=1: the number of the card's next I-block
}

func newTwin(t *testing.T) *twin {
	w := &twin{}
	w.Plug = drivertest.NewPlug(t, w.serve)
	return w
}

func (w *twin) Insert(card string) { w.set(card) }
func (w *twin) Pull()              { w.set("") }

func (w *twin) set(card string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.card, w.power = card, false
}

// Replug gives back a reader that has lost its state.
func (w *twin) Replug() {
	w.mu.Lock()
	w.power = false
	w.mu.Unlock()
	w.Plug.Replug()
}

func (w *twin) serve(line io.ReadWriter) {
	for {
		head := make([]byte, 3)
		if _, err := io.ReadFull(line, head); err != nil {
			return
		}
		if head[1] == 0x15 {
			if _, err := line.Write(w.last); err != nil {
				return
			}
			continue
		}
		rest := make([]byte, 10)
		if _, err := io.ReadFull(line, rest); err != nil {
			return
		}
		data := make([]byte, int(rest[0])|int(rest[1])<<8)
		data = append(data, 0)[:len(data)]
		frame := append(head, rest...)
		if n := len(data); n > 0 {
			more := make([]byte, n)
			if _, err := io.ReadFull(line, more); err != nil {
				return
			}
			frame = append(frame, more...)
			data = append([]byte{rest[9]}, more[:n-1]...)
		}
		if w.echo {
			if _, err := line.Write(frame); err != nil {
				return
			}
		}
		if _, err := line.Write(w.answer(frame[2], rest[5], rest[6], data)); err != nil {
			return
		}
	}
}

func (w *twin) answer(typ, seq, b7 byte, data []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	var back, status, code byte
	var out []byte
	switch typ {
	case 0x6B:
		back = 0x83
	case 0x65:
		back = 0x81
	case 0x63:
		back, w.power = 0x81, false
	case 0x61:
		back = 0x82
	case 0x62:
		back = 0x80
		switch {
		case w.card == "":
			status, code = 0x40, 0xFE
		case w.card == drivertest.CardMute || b7 != 1:
			status, code = 0x40, 0xFE
		default:
			w.power, w.seq, w.fetch = true, 0, nil
			out = []byte{0x3B, 0x60, 0, 0}
			if w.t1 {
				out = []byte{0x3B, 0xE0, 0, 0, 0x81, 0x31, 0x10, 0x45, 0x05}
			}
		}
	case 0x6F:
		back = 0x80
		if !w.power {
			status, code = 0x40, 0xFE
		} else if w.t1 {
			out = w.block(data)
		} else {
			out = w.tpdu(data)
		}
	}
	switch {
	case w.card == "":
		status |= 2
	case !w.power:
		status |= 1
	}
	f := append([]byte{3, 6, back, byte(len(out)), 0, 0, 0, 0, seq, status, code, 0}, out...)
	w.last = append(f, lrc(f))
	w.answers++
	if w.garbled > 0 && w.answers%w.garbled == 0 {
		bad := bytes.Clone(w.last)
		bad[len(bad)-1] ^= 0xFF
		return bad
	}
	return w.last
}

func lrc(b []byte) (x byte) {
	for _, c := range b {
		x ^= c
	}
	return x
}

var fci = []byte("\x6F\x12\x84\x0E1PAY.SYS.DDF01\xA5\x00")

// tpdu is the card, over T=0: it wants SELECT's data fetched.
func (w *twin) tpdu(c []byte) []byte {
	switch {
	case bytes.HasPrefix(c, []byte{0, 0xA4}):
		w.fetch = fci
		return []byte{0x61, byte(len(fci))}
	case bytes.HasPrefix(c, []byte{0, 0xC0}) && int(c[4]) == len(w.fetch):
		return append(bytes.Clone(w.fetch), 0x90, 0)
	default:
		return []byte{0x6D, 0}
	}
}

// block is the card, over T=1. Its blocks to us hold 16 bytes.
func (w *twin) block(b []byte) []byte {
	reply := func(pcb byte, inf ...byte) []byte {
		out := append([]byte{0, pcb, byte(len(inf))}, inf...)
		return append(out, lrc(out))
	}
	switch pcb := b[1]; {
	case pcb == 0xC1:
		return reply(0xE1, b[3])
	case pcb&0x80 == 0 && pcb&0x20 != 0:
		return reply(0x80 | (pcb>>6^1)<<4)
	default:
		// The rest of a command, or R for the next piece of the answer.
		if pcb&0x80 == 0 {
			w.fetch = append(bytes.Clone(fci), 0x90, 0)
		}
		n := min(len(w.fetch), 16)
		piece := w.fetch[:n]
		w.fetch = w.fetch[n:]
		out := w.seq << 6
		if len(w.fetch) > 0 {
			out |= 0x20
		}
		w.seq ^= 1
		return reply(out, piece...)
	}
}

func TestReaderSuite(t *testing.T) {
	for name, set := range map[string]func(*twin){
		"T=0":       func(*twin) {},
		"T=1":       func(w *twin) { w.t1 = true },
		"echo":      func(w *twin) { w.echo = true },
		"bad lines": func(w *twin) { w.garbled = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			drivertest.TestReader(t, func(t *testing.T) (drivers.Reader, drivertest.ReaderWorld) {
				w := newTwin(t)
				set(w)
				return ccid.New(w.Dial, ccid.Opts{Poll: 5 * time.Millisecond}), w
			})
		})
	}
}
