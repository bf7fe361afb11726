package sim

// Control characters of ESC/POS.
const (
	dle = 0x10
	dc4 = 0x14
	esc = 0x1B
	enq = 0x05
	ht  = 0x09
	lf  = 0x0A
	ff  = 0x0C
	can = 0x18
)

// realTime is a command that a printer obeys on arrival, whatever it is doing.
type realTime struct {
	op   byte // eot, enq or dc4
	n    byte // the argument of eot and enq, the function of dc4
	args []byte
}

// piece is what arrived: data, or a real-time command.
type piece struct {
	data []byte
	cmd  *realTime
}

// splitRealTime takes the real-time commands out of what arrived, even from
// inside an image: that is how printers are. rest is a beginning of one, to be
// completed by what arrives next. Epson ESC/POS, DLE EOT, DLE ENQ, DLE DC4.
func splitRealTime(in []byte) (pieces []piece, rest []byte) {
	var data []byte
	for i := 0; i < len(in); {
		cmd, used, more := realTime{}, 0, false
		if in[i] == dle {
			cmd, used, more = parseRealTime(in[i:])
		}
		switch {
		case more:
			return append(pieces, piece{data: data}), append([]byte{}, in[i:]...)
		case used == 0:
			data = append(data, in[i])
			i++
		default:
			pieces = append(pieces, piece{data: data}, piece{cmd: &cmd})
			data = nil
			i += used
		}
	}
	return append(pieces, piece{data: data}), nil
}

// parseRealTime reads one command at the beginning of b, which is DLE. It uses
// nothing when it is none, and asks for more when it may become one.
func parseRealTime(b []byte) (cmd realTime, used int, more bool) {
	if len(b) < 2 {
		return cmd, 0, true
	}
	op := b[1]
	if op != eot && op != enq && op != dc4 {
		return cmd, 0, false
	}
	if len(b) < 3 {
		return cmd, 0, true
	}
	n := b[2]
	switch {
	case op == eot && n >= 1 && n <= 4, op == enq && n <= 2:
		return realTime{op: op, n: n}, 3, false
	case op != dc4:
		return cmd, 0, false
	}
	args, ok := map[byte]int{1: 2, 2: 2, 8: 7}[n] // pulse, power off, clear buffers
	if !ok {
		return cmd, 0, false
	}
	if len(b) < 3+args {
		return cmd, 0, true
	}
	return realTime{op: op, n: n, args: append([]byte{}, b[3:3+args]...)}, 3 + args, false
}

// fixed are the commands with arguments of a fixed length, by their two bytes.
var fixed = map[uint16]int{
	0x1B20: 1, 0x1B21: 1, 0x1B24: 2, 0x1B2D: 1, 0x1B32: 0, 0x1B33: 1, 0x1B37: 3, 0x1B3C: 0,
	0x1B3D: 1, 0x1B3F: 1, 0x1B40: 0, 0x1B42: 2, 0x1B45: 1, 0x1B47: 1, 0x1B4A: 1, 0x1B4B: 1, 0x1B4C: 0,
	0x1B4D: 1, 0x1B52: 1, 0x1B53: 0, 0x1B54: 1, 0x1B56: 1, 0x1B57: 8, 0x1B5C: 2, 0x1B61: 1,
	0x1B63: 2, 0x1B64: 1, 0x1B65: 1, 0x1B69: 0, 0x1B6D: 0, 0x1B70: 3, 0x1B72: 1, 0x1B74: 1, 0x1B7B: 1,
	0x1C21: 1, 0x1C26: 0, 0x1C2D: 1, 0x1C2E: 0, 0x1C43: 1, 0x1C53: 2, 0x1C57: 1,
	0x1D21: 1, 0x1D42: 1, 0x1D48: 1, 0x1D49: 1, 0x1D4C: 2, 0x1D50: 2, 0x1D57: 2, 0x1D61: 1,
	0x1D62: 1, 0x1D66: 1, 0x1D68: 1, 0x1D72: 1, 0x1D77: 1,
}

// commandLength tells how long the command at the beginning of b is: 0 when
// more bytes are needed, -1 when it is unknown.
func commandLength(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	op := uint16(b[0])<<8 | uint16(b[1])
	if n, ok := fixed[op]; ok {
		return whole(b, 2+n)
	}
	switch op {
	case 0x1B2A: // bit image of columns
		return sized(b, 5, func() uint64 { return uint64(word(b[3:])) * columnBytes(b[2]) })
	case 0x1B44: // tab stops up to NUL
		return terminated(b, 2)
	case 0x1D28, 0x1C28: // function groups
		return sized(b, 5, func() uint64 { return uint64(word(b[3:])) })
	case 0x1D38: // graphics with a long length
		return sized(b, 7, func() uint64 { return uint64(word(b[3:])) | uint64(word(b[5:]))<<16 })
	case 0x1D56: // cut, with a feed or without
		return sized(b, 3, func() uint64 {
			if b[2] == 65 || b[2] == 66 {
				return 1
			}
			return 0
		})
	case 0x1D6B: // bar code: counted, or up to NUL
		if len(b) < 3 {
			return 0
		}
		if b[2] >= 65 {
			return sized(b, 4, func() uint64 { return uint64(b[3]) })
		}
		return terminated(b, 3)
	case 0x1D76: // raster: 30 m xL xH yL yH
		return sized(b, 8, func() uint64 { return uint64(word(b[4:])) * uint64(word(b[6:])) })
	}
	return -1
}

// columnBytes is the height of a column of ESC *.
func columnBytes(mode byte) uint64 {
	if mode >= 32 {
		return 3
	}
	return 1
}

// whole is n once all n bytes are there.
func whole(b []byte, n int) int {
	if len(b) < n {
		return 0
	}
	return n
}

// word reads two bytes, the low one first.
func word(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 }

// sized is a head of some bytes and as many more as it tells. One that no
// buffer holds counts as unknown.
func sized(b []byte, head int, tell func() uint64) int {
	if len(b) < head {
		return 0
	}
	n := tell()
	if n > bufferMax-uint64(head) {
		return -1
	}
	return whole(b, head+int(n))
}

// terminated ends with NUL.
func terminated(b []byte, from int) int {
	for i := from; i < len(b); i++ {
		if b[i] == 0 {
			return i + 1
		}
	}
	return 0
}
