package evdev

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"github.com/cloudpos/cloudpos/ui/screen"
)

// keyCode is what a key means on a US keyboard: its name, and what it types
// alone and with shift.
type keyCode struct {
	name         fyne.KeyName
	plain, shift rune
}

const (
	codeLeftShift  = 42
	codeRightShift = 54
	codeCapsLock   = 58
	keyDown        = 1 // and 2 for a held key that repeats
)

// rows are the keys that type, in the order of their codes.
var rows = []struct {
	first        uint16
	plain, shift string
}{
	{2, "1234567890-=", "!@#$%^&*()_+"},
	{16, "qwertyuiop[]", "QWERTYUIOP{}"},
	{30, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
	{43, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
	{71, "789-456+1230.", "789-456+1230."}, // the number pad
}

// named are the keys that type nothing.
var named = map[uint16]fyne.KeyName{
	1: fyne.KeyEscape, 14: fyne.KeyBackspace, 15: fyne.KeyTab, 28: fyne.KeyReturn, 96: fyne.KeyEnter,
	29: desktop.KeyControlLeft, 97: desktop.KeyControlRight,
	codeLeftShift: desktop.KeyShiftLeft, codeRightShift: desktop.KeyShiftRight,
	56: desktop.KeyAltLeft, 100: desktop.KeyAltRight,
	125: desktop.KeySuperLeft, 126: desktop.KeySuperRight, 127: desktop.KeyMenu,
	codeCapsLock: desktop.KeyCapsLock,
	59:           fyne.KeyF1, 60: fyne.KeyF2, 61: fyne.KeyF3, 62: fyne.KeyF4, 63: fyne.KeyF5, 64: fyne.KeyF6,
	65: fyne.KeyF7, 66: fyne.KeyF8, 67: fyne.KeyF9, 68: fyne.KeyF10, 87: fyne.KeyF11, 88: fyne.KeyF12,
	102: fyne.KeyHome, 103: fyne.KeyUp, 104: fyne.KeyPageUp, 105: fyne.KeyLeft, 106: fyne.KeyRight,
	107: fyne.KeyEnd, 108: fyne.KeyDown, 109: fyne.KeyPageDown, 110: fyne.KeyInsert, 111: fyne.KeyDelete,
}

var codes = keyCodes()

func keyCodes() map[uint16]keyCode {
	all := map[uint16]keyCode{
		57: {fyne.KeySpace, ' ', ' '},
		55: {fyne.KeyAsterisk, '*', '*'},
		98: {fyne.KeySlash, '/', '/'},
	}
	for code, name := range named {
		all[code] = keyCode{name: name}
	}
	for _, row := range rows {
		shifted := []rune(row.shift)
		for i, r := range []rune(row.plain) {
			name := r
			if r >= 'a' && r <= 'z' {
				name += 'A' - 'a'
			}
			all[row.first+uint16(i)] = keyCode{fyne.KeyName(name), r, shifted[i]}
		}
	}
	return all
}

// keyboard follows shift and caps lock. It does no I/O.
type keyboard struct {
	shift [2]bool
	caps  bool
}

// event tells what a key does; false if it is none of a keyboard.
func (k *keyboard) event(e event) (screen.Key, bool) {
	if e.kind != evKey {
		return screen.Key{}, false
	}
	code, ok := codes[e.code]
	if !ok {
		return screen.Key{}, false
	}
	down := e.value != 0
	switch e.code {
	case codeLeftShift:
		k.shift[0] = down
	case codeRightShift:
		k.shift[1] = down
	case codeCapsLock:
		k.caps = k.caps != (e.value == keyDown)
	}
	key := screen.Key{Name: code.name, Down: down, At: e.when}
	if down {
		key.Rune = k.rune(code)
	}
	return key, true
}

// rune is what a key types with shift and caps lock as they are.
func (k *keyboard) rune(c keyCode) rune {
	shift := k.shift[0] || k.shift[1]
	if k.caps && c.plain >= 'a' && c.plain <= 'z' {
		shift = !shift
	}
	if shift {
		return c.shift
	}
	return c.plain
}
