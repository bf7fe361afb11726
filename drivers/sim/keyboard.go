package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// ErrKey is a character for which the simulated keyboard has no key.
var ErrKey = errors.New("sim: no key types this")

// Kinds of input events, and the key of shift. Linux, input-event-codes.h.
const (
	inputSyn   = 0
	inputKey   = 1
	inputMisc  = 4
	miscScan   = 4
	shiftKey   = 42
	usageStart = 0x70000 // of the keyboard page of USB HID; what follows is made up
)

// americanKeys are the keys that type a character, shifted ones above 0x100.
var americanKeys = func() map[rune]int {
	keys := map[rune]int{' ': 57, '\t': 15, '\r': 28, '\\': 43, '|': 43 | 0x100, '`': 41, '~': 41 | 0x100}
	for _, row := range []struct {
		first        int
		lower, upper string
	}{{2, "1234567890-=", "!@#$%^&*()_+"}, {16, "qwertyuiop[]", "QWERTYUIOP{}"}, {30, "asdfghjkl;'", "ASDFGHJKL:\""}, {44, "zxcvbnm,./", "ZXCVBNM<>?"}} {
		for i, r := range row.lower {
			keys[r] = row.first + i
		}
		for i, r := range row.upper {
			keys[r] = (row.first + i) | 0x100
		}
	}
	return keys
}()

// typing is what the kernel says of a keyboard on which a text is typed.
func typing(text string) ([]byte, error) {
	var out []byte
	say := func(kind, code uint16, value uint32) {
		out = append(out, make([]byte, 2*bits.UintSize/8)...) // the time, of a clock that stands still
		out = binary.NativeEndian.AppendUint16(out, kind)
		out = binary.NativeEndian.AppendUint16(out, code)
		out = binary.NativeEndian.AppendUint32(out, value)
	}
	press := func(code uint16, down uint32) {
		say(inputMisc, miscScan, usageStart+uint32(code))
		say(inputKey, code, down)
		say(inputSyn, 0, 0)
	}
	for _, r := range text {
		key, known := americanKeys[r]
		if !known {
			return nil, fmt.Errorf("%w: U+%04X", ErrKey, r)
		}
		code, shift := uint16(key&0xFF), key > 0xFF
		if shift {
			press(shiftKey, 1)
		}
		press(code, 1)
		press(code, 0)
		if shift {
			press(shiftKey, 0)
		}
	}
	return out, nil
}
