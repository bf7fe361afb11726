package sim

// The serial framing of the GemPC Twin: 03 06, a CCID message, and the XOR of
// all that. Three bytes ask for a repetition.
const (
	ccidSync   = 0x03
	ccidAck    = 0x06
	ccidNak    = 0x15
	ccidHead   = 10
	ccidMax    = 261 // bytes of data in a message
	moveByte   = 0x50
	moveOut    = 0x02
	moveIn     = 0x03
	nakChecked = ccidSync ^ ccidNak // 16
)

// Message types. CCID 1.1, 6.1 and 6.2.
const (
	pcSetParameters   = 0x61
	pcIccPowerOn      = 0x62
	pcIccPowerOff     = 0x63
	pcGetSlotStatus   = 0x65
	pcEscape          = 0x6B
	pcGetParameters   = 0x6C
	pcResetParameters = 0x6D
	pcXfrBlock        = 0x6F
	rdDataBlock       = 0x80
	rdSlotStatus      = 0x81
	rdParameters      = 0x82
	rdEscape          = 0x83
)

// Errors in bError, and what bStatus says with them.
const (
	ccidFailed         = 0x40
	ccidCardActive     = 0x00
	ccidCardInactive   = 0x01
	ccidCardAbsent     = 0x02
	errUnsupported     = 0x00
	errLength          = 0x01
	errSlot            = 0x05
	errParameter7      = 0x07
	errParameterFiDi   = 0x0A
	errWrongAPDULength = 0xBE
	errProtocol        = 0xF6
	errMute            = 0xFE
)

// ccidEvent is what a decoder found: a whole message, a request to repeat the
// last answer, or a frame that must be asked for again.
type ccidEvent struct {
	frame  []byte // from 03 to the checksum
	repeat bool
	broken bool
}

// ccidDecoder finds frames in a stream of bytes.
type ccidDecoder struct{ buf []byte }

// add takes bytes as they come and returns what they complete.
func (d *ccidDecoder) add(b []byte) []ccidEvent {
	d.buf = append(d.buf, b...)
	var events []ccidEvent
	for {
		e, used, ok := ccidFrame(d.buf)
		d.buf = d.buf[used:]
		if !ok {
			return events
		}
		if e.frame != nil || e.repeat || e.broken {
			events = append(events, e)
		}
	}
}

// ccidFrame looks at the beginning of buf. It reports how many bytes it took,
// and false when it needs more.
func ccidFrame(buf []byte) (e ccidEvent, used int, ok bool) {
	switch {
	case len(buf) == 0:
		return e, 0, false
	case buf[0] != ccidSync:
		return e, 1, true
	case len(buf) < 3:
		return e, 0, false
	case buf[1] == ccidNak && buf[2] == nakChecked:
		return ccidEvent{repeat: true}, 3, true
	case buf[1] != ccidAck:
		return e, 1, true
	case len(buf) < 2+ccidHead+1:
		return e, 0, false
	}
	n := uint64(buf[3]) | uint64(buf[4])<<8 | uint64(buf[5])<<16 | uint64(buf[6])<<24
	if n > ccidMax {
		return ccidEvent{broken: true}, len(buf), true
	}
	size := 2 + ccidHead + int(n) + 1
	if len(buf) < size {
		return e, 0, false
	}
	if xor(buf[:size]) != 0 {
		return ccidEvent{broken: true}, size, true
	}
	return ccidEvent{frame: append([]byte{}, buf[:size]...)}, size, true
}

// ccidAnswer builds a framed answer to the command message.
func ccidAnswer(kind byte, command []byte, status, err, last byte, data []byte) []byte {
	n := len(data)
	frame := []byte{
		ccidSync, ccidAck, kind, byte(n), byte(n >> 8), 0, 0,
		command[5], command[6], status, err, last,
	}
	frame = append(frame, data...)
	return append(frame, xor(frame))
}
