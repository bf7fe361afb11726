package ccid

import "encoding/binary"

// Serial framing of the GemPC Twin family: 03 06, a CCID message, and the XOR
// of all of it.
const (
	sync1 = 0x03
	ctrl  = 0x06
	nack  = 0x15
	moved = 0x50 // a card move: 02 removed or 03 inserted follows

	headerLen  = 10
	messageMax = 271 // header included; what the family announces
)

// nak asks the reader to repeat its last frame.
var nak = []byte{sync1, nack, sync1 ^ nack}

// Message types of CCID 1.1 that this driver uses.
const (
	typeSetParameters = 0x61
	typePowerOn       = 0x62
	typePowerOff      = 0x63
	typeSlotStatus    = 0x65
	typeSecure        = 0x69
	typeEscape        = 0x6B
	typeXfrBlock      = 0x6F
	typeAbort         = 0x72

	typeDataBlock      = 0x80
	typeSlotStatusBack = 0x81
	typeParameters     = 0x82
	typeEscapeBack     = 0x83
)

// answerTo is the type of the answer to a command.
var answerTo = map[byte]byte{
	typeSetParameters: typeParameters,
	typePowerOn:       typeDataBlock,
	typePowerOff:      typeSlotStatusBack,
	typeSlotStatus:    typeSlotStatusBack,
	typeSecure:        typeDataBlock,
	typeEscape:        typeEscapeBack,
	typeXfrBlock:      typeDataBlock,
	typeAbort:         typeSlotStatusBack,
}

// message is a CCID message; b is what bytes 7 to 9 of its header hold.
type message struct {
	typ  byte
	slot byte
	seq  byte
	b    [3]byte
	data []byte
}

// frame puts a message on the wire.
func frame(m message) []byte {
	f := make([]byte, 0, 2+headerLen+len(m.data)+1)
	f = append(f, sync1, ctrl, m.typ)
	f = binary.LittleEndian.AppendUint32(f, uint32(len(m.data)))
	f = append(f, m.slot, m.seq, m.b[0], m.b[1], m.b[2])
	f = append(f, m.data...)
	return append(f, xor(f))
}

// unframe reads the message of a whole frame. The data is its own copy.
func unframe(f []byte) message {
	m := f[2 : len(f)-1]
	return message{
		typ: m[0], slot: m[5], seq: m[6], b: [3]byte(m[7:10]),
		data: append([]byte(nil), m[headerLen:]...),
	}
}

func xor(b []byte) byte {
	var x byte
	for _, c := range b {
		x ^= c
	}
	return x
}

// kind is what a decoder has recognised.
type kind uint8

const (
	none         kind = iota
	kindFrame         // a frame with a good LRC; it is in decoder.buf
	kindBad           // a frame with a wrong LRC or an impossible length
	kindNAK           // the reader asks for our frame again
	kindRemoved       // the card was taken
	kindInserted      // a card came
	kindWait          // the card asks for time
	kindNoise         // a byte that means nothing here
)

// decoder recognises what a reader sends, byte by byte. It survives any input.
type decoder struct {
	buf  []byte // of the frame that is being read, from its first byte
	move bool   // the second byte of a card move is next
}

// open tells whether something has begun and not ended.
func (d *decoder) open() bool { return d.move || len(d.buf) > 0 }

func (d *decoder) reset() { d.buf, d.move = d.buf[:0], false }

// feed takes the next byte. The frame is good until the next feed.
func (d *decoder) feed(b byte) kind {
	if d.whole() {
		d.reset() // The frame before was taken.
	}
	if d.move {
		d.move = false
		switch b {
		case 0x02:
			return kindRemoved
		case 0x03:
			return kindInserted
		default:
			return kindNoise
		}
	}
	switch len(d.buf) {
	case 0:
		return d.first(b)
	case 1:
		if b == sync1 {
			return kindNoise // The one before was none; this may be the start.
		}
		if b != ctrl && b != nack {
			d.reset()
			return kindNoise
		}
	}
	d.buf = append(d.buf, b)
	if d.buf[1] == nack {
		if len(d.buf) < len(nak) {
			return none
		}
		good := xor(d.buf) == 0
		d.reset()
		if !good {
			return kindNoise
		}
		return kindNAK
	}
	return d.rest()
}

func (d *decoder) first(b byte) kind {
	switch {
	case b == sync1:
		d.buf = append(d.buf, b)
		return none
	case b == moved:
		d.move = true
		return none
	case b >= 0x80:
		return kindWait
	default:
		return kindNoise
	}
}

// rest judges a frame as soon as its length is known.
func (d *decoder) rest() kind {
	if len(d.buf) < 2+5 {
		return none
	}
	switch total := d.length(); {
	case total == 0:
		d.reset()
		return kindBad
	case len(d.buf) < total:
		return none
	case xor(d.buf) != 0:
		d.reset()
		return kindBad
	default:
		return kindFrame
	}
}

// length is that of the whole frame, or 0 when it announces too much.
func (d *decoder) length() int {
	n := binary.LittleEndian.Uint32(d.buf[3:7])
	if n > messageMax-headerLen {
		return 0
	}
	return 2 + headerLen + int(n) + 1
}

// whole tells whether the buffer holds a frame that was already taken.
func (d *decoder) whole() bool { return len(d.buf) >= 2+5 && len(d.buf) == d.length() }
