package pn532

import "slices"

// Frames on the line (UM0701-02, 6.2.1): preamble 00, start code 00 FF, length
// and its complement, TFI and data, and the complement of their sum.
const (
	toChip     = 0xD4 // TFI
	fromChip   = 0xD5
	syntaxTFI  = 0x7F // of the error frame, which is otherwise like all others
	shortMax   = 255  // TFI and data in a normal frame; longer ones are extended
	payloadMax = 265  // TFI and data in any frame
)

var (
	// ack from the host ends what the chip is doing (6.2.1.3).
	ack = []byte{0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00}
	// nack asks the chip for its last answer again (6.2.1.4).
	nack = []byte{0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00}
	// wakeUp is heard by a chip that is asleep, as it is after power-on, and is
	// nothing to one that is awake. A command must follow at once.
	wakeUp = []byte{0x55, 0x55, 15: 0x00}
)

// frame puts a command with its parameters into a frame.
func frame(data []byte) []byte {
	n := 1 + len(data)
	f := make([]byte, 0, n+11)
	f = append(f, 0x00, 0x00, 0xFF)
	if n <= shortMax {
		f = append(f, byte(n), -byte(n))
	} else {
		f = append(f, 0xFF, 0xFF, byte(n>>8), byte(n), -(byte(n>>8) + byte(n)))
	}
	f = append(f, toChip)
	f = append(f, data...)
	return append(f, -(toChip + sum(data)), 0x00)
}

func sum(b []byte) (s byte) {
	for _, c := range b {
		s += c
	}
	return s
}

// kind is what a decoder has recognised.
type kind uint8

const (
	none      kind = iota
	kindStart      // a frame begins
	kindFrame      // TFI and data of a good frame; they are in decoder.payload
	kindACK        // the chip has taken a command
	kindBad        // a frame with a wrong sum or an impossible length
	kindNoise      // a byte that means nothing here
)

// decoder recognises what a chip sends, byte by byte. It survives any input.
type decoder struct {
	zero  bool   // the byte before may begin a start code
	begun bool   // the start code was there
	buf   []byte // from behind it

	payload []byte // of the last frame; the caller's
}

// reset forgets what has begun, and wipes it: it may hold card data.
func (d *decoder) reset() {
	clear(d.buf[:cap(d.buf)])
	d.zero, d.begun, d.buf, d.payload = false, false, d.buf[:0], nil
}

// feed takes the next byte.
func (d *decoder) feed(b byte) kind {
	if !d.begun {
		d.begun = d.zero && b == 0xFF
		d.zero = b == 0x00
		switch {
		case d.begun:
			return kindStart
		case d.zero:
			return none // Preambles and postambles are as long as they like.
		}
		return kindNoise
	}
	d.buf = append(d.buf, b)
	k := d.judge()
	if k != none {
		d.begun, d.zero, d.buf = false, b == 0x00, d.buf[:0]
	}
	return k
}

// judge looks at what is behind a start code.
func (d *decoder) judge() kind {
	const head, extended = 2, 5
	if len(d.buf) < head {
		return none
	}
	at, n := head, int(d.buf[0])
	switch [head]byte(d.buf) {
	case [head]byte{0x00, 0xFF}:
		return kindACK
	case [head]byte{0xFF, 0x00}:
		return kindNoise // A chip asks for nothing again.
	case [head]byte{0xFF, 0xFF}:
		if len(d.buf) < extended {
			return none
		}
		at, n = extended, int(d.buf[2])<<8|int(d.buf[3])
		if sum(d.buf[head:extended]) != 0 {
			return kindBad
		}
	default:
		if sum(d.buf[:head]) != 0 {
			return kindBad
		}
	}
	switch {
	case n == 0 || n > payloadMax:
		return kindBad
	case len(d.buf) < at+n+1:
		return none
	case sum(d.buf[at:]) != 0:
		return kindBad
	}
	d.payload = slices.Clone(d.buf[at : at+n])
	return kindFrame
}
