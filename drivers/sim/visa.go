package sim

// Control characters of the VISA packets that PIN pads speak.
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
	gs  = 0x1D
	rs  = 0x1E
)

// packetMax bounds a packet; the longest real one loads a key block.
const packetMax = 512

// visaEvent is a packet, a packet with a wrong checksum, or a single control
// character.
type visaEvent struct {
	start   byte // stx or si of a packet, else 0
	body    string
	broken  bool
	control byte // ack, nak or eot
}

// visaDecoder finds packets in a stream of bytes.
type visaDecoder struct{ buf []byte }

// add takes bytes as they come and returns what they complete.
func (d *visaDecoder) add(b []byte) []visaEvent {
	var events []visaEvent
	for _, c := range b {
		if e, ok := d.next(c); ok {
			events = append(events, e)
		}
	}
	return events
}

// next takes one byte.
func (d *visaDecoder) next(c byte) (visaEvent, bool) {
	if len(d.buf) == 0 {
		switch c {
		case stx, si:
			d.buf = append(d.buf, c)
		case ack, nak, eot:
			return visaEvent{control: c}, true
		}
		return visaEvent{}, false
	}
	if len(d.buf) == packetMax {
		d.buf = nil
		return visaEvent{broken: true}, true
	}
	d.buf = append(d.buf, c)
	end := map[byte]byte{stx: etx, si: so}[d.buf[0]]
	n := len(d.buf)
	if n < 3 || d.buf[n-2] != end {
		return visaEvent{}, false
	}
	packet := d.buf
	d.buf = nil
	if xor(packet[1:]) != 0 { // the checksum leaves the start out
		return visaEvent{broken: true}, true
	}
	return visaEvent{start: packet[0], body: string(packet[1 : n-2])}, true
}

// visaPacket frames a body.
func visaPacket(start byte, body string) []byte {
	end := map[byte]byte{stx: etx, si: so}[start]
	packet := append(append([]byte{start}, body...), end)
	return append(packet, xor(packet[1:]))
}
