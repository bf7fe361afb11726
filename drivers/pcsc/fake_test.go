package pcsc_test

import (
	"encoding/binary"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/pcsc"
)

// The driver keeps the promises of its class before a service of our own, with
// cards of both protocols, and whether the reader is unplugged or the service
// ends.
func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		protocol uint32
		ends     bool
	}{
		"T=0, the reader is unplugged": {1, false},
		"T=1, the service ends":        {2, true},
	} {
		t.Run(name, func(t *testing.T) {
			drivertest.TestReader(t, func(t *testing.T) (drivers.Reader, drivertest.ReaderWorld) {
				s := &service{protocol: c.protocol, plugged: true}
				w := &serviceWorld{service: s, Plug: drivertest.NewPlug(t, s.serve), ends: c.ends}
				return pcsc.New(w.Dial, pcsc.Opts{Reader: "ACME Reader"}), w
			})
		})
	}
}

// serviceWorld does what the suite asks for.
type serviceWorld struct {
	*service
	*drivertest.Plug
	ends bool // a pulled cable is the service's, not the reader's
}

func (w *serviceWorld) Unplug() {
	if w.ends {
		w.Plug.Unplug()
		return
	}
	w.change(func(s *service) { s.plugged, s.handle = false, 0 })
}

func (w *serviceWorld) Replug() {
	w.Plug.Replug()
	w.change(func(s *service) { s.plugged = true })
}

func (w *serviceWorld) Insert(card string) { w.change(func(s *service) { s.card = card }) }

func (w *serviceWorld) Pull() {
	w.change(func(s *service) { s.card, s.pulled = "", true })
}

// service is a small pcscd with one reader and one client. It lays out its
// messages by itself, apart from the driver.
type service struct {
	mu       sync.Mutex
	client   io.Writer
	waits    bool // for an event
	plugged  bool
	card     string // "" none
	protocol uint32 // of the cards
	counter  uint32
	powered  bool
	context  uint32
	handle   uint32 // of the client, 0 none
	handles  uint32 // that there were
	pulled   bool   // since the client connected
	fetch    []byte // what waits for GET RESPONSE
}

// change is something that happens to the reader, and tells who waits for it.
func (s *service) change(what func(*service)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what(s)
	s.counter++
	s.powered = s.powered && s.card != ""
	s.tell()
}

func (s *service) tell() {
	if s.waits {
		s.waits = false
		_, _ = s.client.Write(make([]byte, 8))
	}
}

// serve serves one client. A client that is gone has its card taken back.
func (s *service) serve(line io.ReadWriter) {
	s.mu.Lock()
	s.client, s.waits, s.context, s.handle = line, false, 0, 0
	s.mu.Unlock()
	for {
		var head [8]byte
		if _, err := io.ReadFull(line, head[:]); err != nil {
			return
		}
		body := make([]byte, binary.LittleEndian.Uint32(head[:4])&0xFFFF)
		if _, err := io.ReadFull(line, body); err != nil {
			return
		}
		var more []byte
		command := binary.LittleEndian.Uint32(head[4:])
		if command == 9 && len(body) == 32 {
			more = make([]byte, binary.LittleEndian.Uint32(body[12:])&0xFFFF)
			if _, err := io.ReadFull(line, more); err != nil {
				return
			}
		}
		answer, ok := s.handleRequest(command, body, more)
		if !ok {
			return // As pcscd does with what it does not understand.
		}
		if _, err := line.Write(answer); err != nil {
			return
		}
	}
}

// sizes of the bodies that pcscd insists on.
var sizes = map[uint32]int{1: 12, 4: 152, 5: 24, 6: 12, 9: 32, 11: 8, 17: 12, 18: 0, 19: 0, 20: 0}

func (s *service) handleRequest(command uint32, body, more []byte) (answer []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if size, known := sizes[command]; !known || size != len(body) {
		return nil, false
	}
	put := func(at int, v uint32) { binary.LittleEndian.PutUint32(body[at:], v) }
	get := func(at int) uint32 { return binary.LittleEndian.Uint32(body[at:]) }
	switch command {
	case 17:
		return body, get(0) == 4 && get(4) == 4
	case 1:
		s.context = 0x1234567
		put(4, s.context)
	case 18:
		return s.readers(), true
	case 19:
		s.waits = true
		return s.readers(), true
	case 20:
		if s.waits {
			s.waits = false
			return make([]byte, 8), true
		}
		return nil, true // The event is on its way.
	case 4:
		name, _, _ := cut(body[4:132])
		rv := s.connect(name, get(0), get(132), get(136))
		put(140, s.handle)
		put(144, s.protocol)
		put(148, rv)
	case 5:
		put(16, s.protocol)
		put(20, s.valid(get(0)))
	case 6:
		put(8, s.valid(get(0)))
		s.handle, s.powered = 0, false
		s.counter++
	case 11:
		put(4, s.valid(get(0)))
	case 9:
		return s.transmit(body, more), true
	}
	return body, true
}

func cut(b []byte) (string, []byte, bool) {
	n := slices.Index(b, 0)
	return string(b[:n]), b[n:], true
}

func (s *service) connect(name string, context, share, protocols uint32) uint32 {
	switch {
	case context != s.context || context == 0, s.handle != 0:
		return 0x80100003
	case share != 1 || protocols != 3:
		return 0x80100011
	case !s.plugged || name != readerName:
		return 0x80100009
	case s.card == "":
		return 0x8010000C
	case s.card == drivertest.CardMute:
		return 0x80100066
	}
	s.handles++
	s.handle, s.pulled, s.powered = s.handles, false, true
	s.counter++
	return 0
}

// valid is what the service says of a handle.
func (s *service) valid(handle uint32) uint32 {
	switch {
	case !s.plugged:
		return 0x80100017
	case handle != s.handle || handle == 0:
		return 0x80100003
	case s.pulled:
		return 0x80100069
	}
	return 0
}

// transmit answers one command; a card of T=0 has its data fetched.
func (s *service) transmit(body, command []byte) []byte {
	rv := s.valid(binary.LittleEndian.Uint32(body))
	if rv == 0 && binary.LittleEndian.Uint32(body[4:]) != s.protocol {
		rv = 0x8010000F
	}
	var data []byte
	switch {
	case rv != 0:
	case s.protocol == 2:
		data = []byte{0x6F, 0x00, 0x90, 0x00}
	case command[1] == 0xC0:
		data, s.fetch = append(s.fetch, 0x90, 0x00), nil
	case len(command) != 5+int(command[4]):
		data = []byte{0x67, 0x00} // Le does not go out with data over T=0.
	default:
		s.fetch = []byte{0x6F, 0x00}
		data = []byte{0x61, 0x02}
	}
	binary.LittleEndian.PutUint32(body[24:], uint32(len(data)))
	binary.LittleEndian.PutUint32(body[28:], rv)
	return append(body, data...)
}

const readerName = "ACME Reader (0001) 00 00"

// readers are another one, a place that was freed, and ours.
func (s *service) readers() []byte {
	out := make([]byte, 16*184)
	place := func(n int, name string, state uint32, atr []byte) {
		b := out[n*184:]
		copy(b, name)
		binary.LittleEndian.PutUint32(b[128:], s.counter)
		binary.LittleEndian.PutUint32(b[132:], state)
		copy(b[140:], atr)
		binary.LittleEndian.PutUint32(b[176:], uint32(len(atr)))
	}
	place(0, "Other Reader 00 00", 2, nil)
	binary.LittleEndian.PutUint32(out[1*184+176:], 34)
	if !s.plugged {
		return out
	}
	switch {
	case s.card == "":
		place(2, readerName, 0x02, nil)
	case s.card == drivertest.CardMute:
		place(2, readerName, 0x04|0x08, nil)
	case s.powered:
		place(2, readerName, 0x04|0x10|0x40, []byte{0x3B, 0x60, 0x00, 0x00})
	default:
		place(2, readerName, 0x04, []byte{0x3B, 0x60, 0x00, 0x00})
	}
	return out
}
