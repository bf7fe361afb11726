package visapad

// Control bytes of the packet protocol.
const (
	stx = 0x02
	etx = 0x03
	eot = 0x04
	ack = 0x06
	so  = 0x0E
	si  = 0x0F
	nak = 0x15
	sub = 0x1A
	fs  = 0x1C
)

// bodyMax bounds what a pad may put into a packet; the longest that is used
// here is a 71 answer of 39 bytes.
const bodyMax = 256

// packet frames a body: STX … ETX for transactions, SI … SO for management,
// then the XOR of all that follows the start byte, the end byte included.
func packet(start byte, body []byte) []byte {
	end := byte(etx)
	if start == si {
		end = so
	}
	p := make([]byte, 0, len(body)+3)
	p = append(p, start)
	p = append(p, body...)
	p = append(p, end)
	return append(p, lrc(p[1:]))
}

func lrc(b []byte) byte {
	var x byte
	for _, c := range b {
		x ^= c
	}
	return x
}

// kind is what a decoder has recognised.
type kind uint8

const (
	none      kind = iota
	kindACK        // the pad took our packet
	kindNAK        // the pad asks for it again
	kindEOT        // the pad ends the session
	kindGood       // a packet; its body is in decoder.body
	kindBad        // a packet with a wrong LRC, or without end
	kindNoise      // a byte that means nothing here
)

// decoder recognises packets and control bytes in what a pad sends, byte by
// byte. It survives any input.
type decoder struct {
	body []byte
	end  byte // of the packet that is being read; 0 between packets
	last bool // the LRC is next
}

// open tells whether a packet has begun and not ended.
func (d *decoder) open() bool { return d.end != 0 }

// reset forgets the packet, and wipes it: it may hold a PIN block.
func (d *decoder) reset() {
	clear(d.body[:cap(d.body)])
	d.body, d.end, d.last = d.body[:0], 0, false
}

func (d *decoder) feed(b byte) kind {
	switch {
	case d.last:
		good := lrc(d.body)^d.end == b
		d.end, d.last = 0, false
		if !good {
			return kindBad
		}
		return kindGood
	case b == stx || b == si:
		// Inside a packet too: the end of the one before was lost.
		d.reset()
		d.end = etx
		if b == si {
			d.end = so
		}
		return none
	case d.end != 0 && b == d.end:
		d.last = true
		return none
	case d.end != 0 && len(d.body) == bodyMax:
		d.reset()
		return kindBad
	case d.end != 0:
		d.body = append(d.body, b)
		return none
	case b == ack:
		return kindACK
	case b == nak:
		return kindNAK
	case b == eot:
		return kindEOT
	default:
		return kindNoise
	}
}
