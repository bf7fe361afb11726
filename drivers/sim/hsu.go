package sim

import "bytes"

// The serial framing of the PN532. UM0701-02, 6.2.1.
const (
	hsuHost    = 0xD4
	hsuChip    = 0xD5
	hsuMax     = 265 // TFI and data
	hsuNormal  = 255 // of them in a frame that is not extended
	hsuBufMax  = 1 << 10
	hsuHeadMax = 5
)

var (
	hsuStart = []byte{0x00, 0xFF}
	hsuAck   = []byte{0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00}
	// hsuSyntax is the chip's answer to what it does not know.
	hsuSyntax = []byte{0x00, 0x00, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0x00}
)

// hsuEvent is what the host wants: a command, an end of the last, or its answer
// again.
type hsuEvent struct {
	command []byte // without TFI
	abort   bool
	repeat  bool
}

// hsuDecoder finds frames in a stream of bytes. A chip is silent about those
// that are broken.
type hsuDecoder struct{ buf []byte }

// add takes bytes as they come and returns what they complete.
func (d *hsuDecoder) add(b []byte) []hsuEvent {
	var events []hsuEvent
	for len(b) > 0 {
		n := min(len(b), hsuBufMax)
		d.buf = append(d.buf, b[:n]...)
		b = b[n:]
		for {
			e, used, ok := hsuFrame(d.buf)
			d.buf = d.buf[used:]
			if !ok {
				break
			}
			if e.command != nil || e.abort || e.repeat {
				events = append(events, e)
			}
		}
	}
	return events
}

// hsuFrame looks for a frame in buf. It reports how many bytes it took, and
// false when it needs more.
func hsuFrame(buf []byte) (e hsuEvent, used int, ok bool) {
	at := bytes.Index(buf, hsuStart)
	if at < 0 {
		return e, max(len(buf)-1, 0), false
	}
	body := at + len(hsuStart)
	head := buf[body:]
	if len(head) < 2 {
		return e, at, false
	}
	n, from := int(head[0]), 2
	switch {
	case head[0] == 0x00 && head[1] == 0xFF:
		return hsuEvent{abort: true}, body + 2, true
	case head[0] == 0xFF && head[1] == 0x00:
		return hsuEvent{repeat: true}, body + 2, true
	case head[0] == 0xFF && head[1] == 0xFF:
		if len(head) < hsuHeadMax {
			return e, at, false
		}
		if head[2]+head[3]+head[4] != 0 {
			return e, body, true
		}
		n, from = int(head[2])*256+int(head[3]), hsuHeadMax
	case head[0]+head[1] != 0:
		return e, body, true
	}
	switch {
	case n < 2 || n > hsuMax:
		return e, body, true
	case len(head) < from+n+1:
		return e, at, false
	}
	data := head[from : from+n]
	if total(data)+head[from+n] != 0 || data[0] != hsuHost {
		return e, body, true
	}
	return hsuEvent{command: bytes.Clone(data[1:])}, body + from + n + 1, true
}

// hsuAnswer frames the answer to a command.
func hsuAnswer(code byte, data []byte) []byte {
	n := 2 + len(data)
	f := []byte{0x00, 0x00, 0xFF, byte(n), byte(256 - n), hsuChip, code + 1}
	if n > hsuNormal {
		hi, lo := byte(n>>8), byte(n)
		f = []byte{0x00, 0x00, 0xFF, 0xFF, 0xFF, hi, lo, 0 - hi - lo, hsuChip, code + 1}
	}
	f = append(f, data...)
	return append(f, -(hsuChip + code + 1 + total(data)), 0x00)
}

// total is the sum of all bytes.
func total(b []byte) byte {
	var t byte
	for _, c := range b {
		t += c
	}
	return t
}
