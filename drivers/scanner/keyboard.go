package scanner

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/secret"
)

// What is used of the kernel's input events. Linux, input-event-codes.h.
const (
	evSyn      = 0
	evKey      = 1
	evMax      = 0x1F
	synDropped = 3
	keyDown    = 1

	keyShiftLeft, keyShiftRight = 42, 54
)

// eventSize is the size of struct input_event: two words of time, then type,
// code and value.
const eventSize = 2*strconv.IntSize/8 + 8

// noCharacter stands for a key that types none, so that the code is refused
// rather than read without it.
const noCharacter = 0

// keyRows are the keys of the American layout that stand beside each other, from
// a code on, without and with shift.
var keyRows = []struct {
	first          uint16
	plain, shifted string
}{
	{2, "1234567890-=", "!@#$%^&*()_+"},
	{15, "\tqwertyuiop[]\r", "\tQWERTYUIOP{}\r"},
	{30, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
	{43, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
	{55, "*", "*"},
	{57, " ", " "},
	{71, "789-456+1230.", "789-456+1230."},
	{96, "\r", "\r"},
	{98, "/", "/"},
}

// keyboard makes characters of what a keyboard's device file says.
type keyboard struct {
	event       secret.Bytes // that has not come whole
	left, right bool         // shift is down
}

func newKeyboard() *keyboard { return &keyboard{event: make(secret.Bytes, 0, eventSize)} }

// rest forgets what was half said; the line is between two events.
func (k *keyboard) rest() {
	k.event[:cap(k.event)].Clear()
	*k = keyboard{event: k.event[:0]}
}

// add takes a byte, and gives the character that it completes. A stream that is
// none of events is ErrProtocol.
func (k *keyboard) add(b byte) (char byte, typed bool, err error) {
	if k.event = append(k.event, b); len(k.event) < eventSize {
		return 0, false, nil
	}
	body := k.event[eventSize-8:]
	kind, code := binary.NativeEndian.Uint16(body), binary.NativeEndian.Uint16(body[2:])
	value := binary.NativeEndian.Uint32(body[4:])
	k.event.Clear()
	k.event = k.event[:0]
	switch {
	case kind > evMax:
		return 0, false, fmt.Errorf("%w: no input event is of type %d", drivers.ErrProtocol, kind)
	case kind == evSyn && code == synDropped:
		return noCharacter, true, nil
	case kind != evKey:
		return 0, false, nil
	case code == keyShiftLeft:
		k.left = value != 0
	case code == keyShiftRight:
		k.right = value != 0
	case value == keyDown:
		return character(code, k.left || k.right), true, nil
	}
	return 0, false, nil
}

// character is what a key types.
func character(code uint16, shift bool) byte {
	for _, row := range keyRows {
		if code < row.first || int(code-row.first) >= len(row.plain) {
			continue
		}
		if shift {
			return row.shifted[code-row.first]
		}
		return row.plain[code-row.first]
	}
	return noCharacter
}
