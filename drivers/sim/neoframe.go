package sim

import "bytes"

// The framing of NEO readers, protocol 2. NEO 2 Interface Developer's Guide, 2.7
// and 3.2.
const (
	neoHeadMax  = 14 // of a frame, before its data
	neoDataMax  = 1024
	neoBufMax   = 1 << 12
	neoQueueMax = 16
)

var neoHeader = []byte{0x56, 0x69, 0x56, 0x4F, 0x74, 0x65, 0x63, 0x68, 0x32, 0x00}

// neoCommand is what the host wants.
type neoCommand struct {
	code, sub byte
	data      []byte
	low, high bool // its CRC is right in this order
}

// neoDecoder finds frames in a stream of bytes.
type neoDecoder struct{ buf []byte }

// add takes bytes as they come and returns what they complete.
func (d *neoDecoder) add(b []byte) []neoCommand {
	var commands []neoCommand
	for len(b) > 0 {
		n := min(len(b), neoBufMax)
		d.buf = append(d.buf, b[:n]...)
		b = b[n:]
		for {
			c, used, ok := neoFrame(d.buf)
			d.buf = d.buf[used:]
			if !ok {
				break
			}
			commands = append(commands, c)
		}
	}
	return commands
}

// neoFrame looks for a frame in buf. It reports how many bytes it took, and false
// when it needs more. One that is too long is not even refused.
func neoFrame(buf []byte) (c neoCommand, used int, ok bool) {
	at := bytes.Index(buf, neoHeader)
	if at < 0 {
		return c, max(len(buf)-len(neoHeader)+1, 0), false
	}
	f := buf[at:]
	if len(f) < neoHeadMax {
		return c, at, false
	}
	n := int(f[12])*256 + int(f[13])
	if n > neoDataMax {
		return c, at + len(neoHeader), false
	}
	whole := neoHeadMax + n
	if len(f) < whole+2 {
		return c, at, false
	}
	hi, lo := neoCheck(f[:whole])
	return neoCommand{
		code: f[10], sub: f[11], data: bytes.Clone(f[neoHeadMax:whole]),
		low:  f[whole] == lo && f[whole+1] == hi,
		high: f[whole] == hi && f[whole+1] == lo,
	}, at + whole + 2, true
}

// neoAnswer frames the answer to a command: its CRC has the high byte first.
func neoAnswer(code, status byte, data []byte) []byte {
	f := append(bytes.Clone(neoHeader), code, status, byte(len(data)/256), byte(len(data)%256))
	f = append(f, data...)
	hi, lo := neoCheck(f)
	return append(f, hi, lo)
}

// neoCheck is the CRC of CCITT with a beginning of ones, by halves of bytes: each
// is the remainder of its polynomial, 1021.
func neoCheck(b []byte) (hi, lo byte) {
	remainders := [16]uint16{
		0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50A5, 0x60C6, 0x70E7,
		0x8108, 0x9129, 0xA14A, 0xB16B, 0xC18C, 0xD1AD, 0xE1CE, 0xF1EF,
	}
	v := uint16(0xFFFF)
	for _, c := range b {
		v = v<<4 ^ remainders[byte(v>>12)^c>>4]
		v = v<<4 ^ remainders[byte(v>>12)^c&0x0F]
	}
	return byte(v >> 8), byte(v)
}
