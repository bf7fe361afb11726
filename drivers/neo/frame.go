package neo

import "slices"

// Frames on the line, "protocol 2": a header, command and sub-command (from the
// host) or command and status (from the reader), the length of the data, the
// data, and a CRC over all of it.
const (
	header  = "ViVOtech2\x00"
	headLen = 4 // command, sub-command or status, length
	crcLen  = 2
	dataMax = 1024 // bytes of data in any frame; a short APDU's answer has 258
)

// order is that of a CRC's bytes. A reader wants it low byte first with some
// commands and high byte first with others, and may answer in either.
type order bool

const (
	lowFirst  order = false
	highFirst order = true
)

// crc is CRC-16/CCITT-FALSE: polynomial 1021, beginning with FFFF.
func crc(b []byte) uint16 {
	sum := uint16(0xFFFF)
	for _, c := range b {
		sum ^= uint16(c) << 8
		for range 8 {
			if sum&0x8000 != 0 {
				sum = sum<<1 ^ 0x1021
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}

// frame puts a command into a frame.
func frame(c command, data []byte) []byte {
	f := make([]byte, 0, len(header)+headLen+len(data)+crcLen)
	f = append(f, header...)
	f = append(f, c.code, c.sub, byte(len(data)>>8), byte(len(data)))
	f = append(f, data...)
	sum := crc(f)
	if c.crc == highFirst {
		return append(f, byte(sum>>8), byte(sum))
	}
	return append(f, byte(sum), byte(sum>>8))
}

// kind is what a decoder has recognised.
type kind uint8

const (
	none      kind = iota
	kindStart      // a header may begin with this byte
	kindFrame      // a good frame; it is in decoder.got
	kindBad        // a frame with a wrong CRC or too long
	kindNoise      // a byte that means nothing here
)

// answer is what a reader's frame says.
type answer struct {
	code, status byte
	data         []byte
}

// decoder recognises what a reader sends, byte by byte. It survives any input.
type decoder struct {
	matched int    // bytes of the header so far
	buf     []byte // from behind the header

	got answer // of the last frame; the caller's
}

// reset forgets what has begun, and wipes it: it may hold card data.
func (d *decoder) reset() {
	clear(d.buf[:cap(d.buf)])
	*d = decoder{buf: d.buf[:0]}
}

// begun tells whether a header was there.
func (d *decoder) begun() bool { return d.matched == len(header) }

// feed takes the next byte.
func (d *decoder) feed(b byte) kind {
	if !d.begun() {
		return d.match(b)
	}
	d.buf = append(d.buf, b)
	k := d.judge()
	if k != none {
		clear(d.buf)
		d.matched, d.buf = 0, d.buf[:0]
	}
	return k
}

// match looks for the header. Its beginning comes in it once more: "ViV" may be
// two bytes of another one's, and the first of this.
func (d *decoder) match(b byte) kind {
	const doubled = 3
	switch {
	case b == header[d.matched]:
		if d.matched++; d.matched == 1 {
			return kindStart
		}
		return none
	case d.matched == doubled && b == header[1]:
		d.matched = 2
		return none
	case b == header[0]:
		d.matched = 1
		return kindStart
	}
	d.matched = 0
	return kindNoise
}

// judge looks at what is behind a header.
func (d *decoder) judge() kind {
	if len(d.buf) < headLen {
		return none
	}
	n := int(d.buf[2])<<8 | int(d.buf[3])
	end := headLen + n
	switch {
	case n > dataMax:
		return kindBad
	case len(d.buf) < end+crcLen:
		return none
	}
	sum := crc(append([]byte(header), d.buf[:end]...))
	hi, lo := byte(sum>>8), byte(sum)
	if got := [crcLen]byte(d.buf[end:]); got != [crcLen]byte{hi, lo} && got != [crcLen]byte{lo, hi} {
		return kindBad
	}
	d.got = answer{d.buf[0], d.buf[1], slices.Clone(d.buf[headLen:end])}
	return kindFrame
}
