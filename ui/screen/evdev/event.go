package evdev

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Types and codes from linux/input-event-codes.h, as far as they are used.
const (
	evSyn = 0x00
	evKey = 0x01
	evRel = 0x02
	evAbs = 0x03

	synReport  = 0
	synDropped = 3

	absX        = 0x00
	absY        = 0x01
	absSlot     = 0x2f
	absMTX      = 0x35
	absMTY      = 0x36
	absToolType = 0x37
	absID       = 0x39

	toolPalm = 2

	relHWheel = 0x06
	relWheel  = 0x08

	btnLeft  = 0x110
	btnTouch = 0x14a
)

// wordSize is the size of the kernel's unsigned long for this program, which
// decides how large an event is: 24 bytes on 64-bit systems, 16 on 32-bit ones.
const wordSize = strconv.IntSize / 8

// ErrWord says that a word is neither 4 nor 8 bytes.
var ErrWord = errors.New("evdev: a word has 4 or 8 bytes")

// event is one struct input_event.
type event struct {
	when  time.Time
	kind  uint16
	code  uint16
	value int32
}

// eventSize is the number of bytes of an event.
func eventSize(word int) int { return 2*word + 8 }

// decode reads one event, which must be complete.
func decode(b []byte, word int) (event, error) {
	if word != 4 && word != 8 {
		return event{}, fmt.Errorf("%w: %d", ErrWord, word)
	}
	if len(b) < eventSize(word) {
		return event{}, fmt.Errorf("evdev: %d bytes of an event of %d", len(b), eventSize(word))
	}
	order := binary.NativeEndian
	var sec, usec int64
	if word == 8 {
		sec, usec = int64(order.Uint64(b)), int64(order.Uint64(b[8:]))
	} else { // unsigned, so that it lasts beyond 2038
		sec, usec = int64(order.Uint32(b)), int64(order.Uint32(b[4:]))
	}
	b = b[2*word:]
	return event{
		when:  time.Unix(sec, usec*1000),
		kind:  order.Uint16(b),
		code:  order.Uint16(b[2:]),
		value: int32(order.Uint32(b[4:])),
	}, nil
}
