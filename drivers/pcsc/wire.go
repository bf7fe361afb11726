package pcsc

import (
	"bytes"
	"encoding/binary"
)

// Commands of the socket (pcsc-lite, winscard_msg.h). A request is the size of
// its body, the command and the body; the answer is the same body again.
const (
	cmdEstablish  = 0x01
	cmdConnect    = 0x04
	cmdReconnect  = 0x05
	cmdDisconnect = 0x06
	cmdTransmit   = 0x09
	cmdStatus     = 0x0B
	cmdVersion    = 0x11
	cmdReaders    = 0x12
	cmdWait       = 0x13 // the readers now, and one event when something changes
	cmdStop       = 0x14 // the event now, if there was none yet
)

// What is said in them (PC/SC part 5).
const (
	scopeSystem    = 2
	shareExclusive = 1
	protocolT0     = 1
	protocolT1     = 2
	protocolAny    = protocolT0 | protocolT1
	coldReset      = 2
	unpower        = 2

	// Protocol 4.4 is of pcsc-lite 1.8.24; 2.3 and 2.4 have 4.5, whose messages are
	// the same. A client that offers more is not sent the readers by cmdWait.
	major      = 4
	minorLeast = 4
	minorMost  = 5

	connectLen  = 152
	transmitLen = 32
	eventLen    = 8
	pciLen      = 16

	responseMax = 4 + 3 + 1<<16 + 3 + 2 // what the service takes and gives at most
)

// Bits of a reader's state.
const (
	stateUnknown = 0x01 // the service has lost touch with the reader
	statePresent = 0x04
	statePowered = 0x10
)

// The place of each reader in what cmdReaders answers.
const (
	readersMax = 16
	readerLen  = 184
	readersLen = readersMax * readerLen
	nameLen    = 128
	atrMax     = 33
)

// Numbers are in the host's order, since the socket does not leave it.
var order = binary.NativeEndian

func request(command uint32, body []byte) []byte {
	return append(words(uint32(len(body)), command), body...)
}

func words(all ...uint32) []byte {
	out := make([]byte, 0, 4*len(all))
	for _, w := range all {
		out = order.AppendUint32(out, w)
	}
	return out
}

func word(b []byte, at int) uint32 { return order.Uint32(b[at:]) }

func connectBody(context uint32, reader string) []byte {
	var name [nameLen]byte
	copy(name[:nameLen-1], reader)
	out := append(words(context), name[:]...)
	return append(out, words(shareExclusive, protocolAny, 0, 0, 0)...)
}

func transmitBody(handle, protocol uint32, length int) []byte {
	return words(handle, protocol, pciLen, uint32(length), protocol, pciLen, responseMax, 0)
}

// reader is what the service tells of one.
type reader struct {
	name    string
	counter uint32 // of cards that came and went
	state   uint32
	atr     []byte
}

func (r reader) present() bool { return r.state&statePresent != 0 }

// same tells that nothing has happened between two looks at a reader.
func (r reader) same(as reader) bool {
	return r.name == as.name && r.counter == as.counter && r.state == as.state
}

// parseReaders reads the answer to cmdReaders, of readersLen bytes. Places
// without a name are free.
func parseReaders(b []byte) []reader {
	var all []reader
	for ; len(b) >= readerLen; b = b[readerLen:] {
		name, _, _ := bytes.Cut(b[:nameLen], []byte{0})
		if len(name) == 0 {
			continue
		}
		// A reader that is starting may claim an ATR longer than its place.
		n := min(word(b, 176), atrMax)
		all = append(all, reader{
			name: string(name), counter: word(b, 128), state: word(b, 132),
			atr: bytes.Clone(b[140 : 140+n]),
		})
	}
	return all
}
