package screen

import (
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A key of the drawn keyboard that types nothing is written as one of these.
const (
	keyShift     = '▲'
	keyBackspace = '⌫'
	keyDone      = '✔'
	keyHide      = '▼'
	keyLetters   = 'a' + 0x100000 // shown as ABC
	keyDigits    = '1' + 0x100000 // shown as 123
	keySymbols   = '#' + 0x100000 // shown as #+=
)

// keyboardPages are the keyboard's keys in rows. Private runes are keys that
// turn the page.
var keyboardPages = map[rune][][]rune{
	keyLetters: {
		[]rune("qwertyuiop"),
		[]rune("asdfghjkl"),
		[]rune("▲zxcvbnm⌫"),
		{keyDigits, ',', ' ', '.', keyHide, keyDone},
	},
	keyDigits: {
		[]rune("1234567890"),
		[]rune("@#$%&-+()"),
		append([]rune{keySymbols}, []rune("*\"':;!?⌫")...),
		{keyLetters, ',', ' ', '.', keyHide, keyDone},
	},
	keySymbols: {
		[]rune("~`|^=_\\<>€"),
		[]rune("{}[]£¥/§°"),
		append([]rune{keyDigits}, []rune("¡¿«»÷×·⌫")...),
		{keyLetters, ',', ' ', '.', keyHide, keyDone},
	},
}

// numberPad is the only page of the keyboard for numbers.
var numberPad = [][]rune{
	[]rune("123"), []rune("456"), []rune("789"), []rune(".0⌫"), {keyHide, keyDone},
}

// How the keyboard looks and feels. Lengths are Fyne units.
const (
	keyHeight   = 10 * UnitsPerMM
	keyGap      = 0.5 * UnitsPerMM
	keyRound    = UnitsPerMM
	holdDelay   = 400 * time.Millisecond // until a held key repeats
	repeatEvery = 60 * time.Millisecond
	// boardShare is the most of the display that the keyboard covers.
	boardShare = 0.55
)

// keyboard is drawn at the bottom of a canvas while something that takes text
// has the focus.
type keyboard struct {
	widget.BaseWidget
	c      *screenCanvas
	layout mobile.KeyboardType
	page   rune
	shift  bool // the next letter is a capital
	locked bool // all are
	rows   [][]*key
	ground *canvas.Rectangle
	repeat *timer
}

func newKeyboard(c *screenCanvas, t mobile.KeyboardType) *keyboard {
	k := &keyboard{c: c, layout: t, page: keyLetters, ground: canvas.NewRectangle(color.Transparent)}
	k.ExtendBaseWidget(k)
	k.build()
	return k
}

// build makes the keys of the present page.
func (k *keyboard) build() {
	rows := keyboardPages[k.page]
	if k.layout == mobile.NumberKeyboard {
		rows = numberPad
	}
	k.rows = nil
	for _, runes := range rows {
		var row []*key
		for _, r := range runes {
			row = append(row, newKey(k, r))
		}
		k.rows = append(k.rows, row)
	}
	k.paint()
}

// height is what the keyboard takes of a display of this size.
func (k *keyboard) height(display fyne.Size) float32 {
	return min(float32(len(k.rows))*(keyHeight+keyGap)+keyGap, display.Height*boardShare)
}

// pressed is called when a key goes down. Only backspace repeats.
func (k *keyboard) pressed(r rune) {
	if r != keyBackspace {
		return
	}
	k.backspace()
	var again func()
	again = func() {
		k.backspace()
		k.repeat = k.c.s.clock.after(repeatEvery, again)
	}
	k.repeat = k.c.s.clock.after(holdDelay, again)
}

// release ends a repeat.
func (k *keyboard) release() {
	k.c.s.clock.stop(k.repeat)
	k.repeat = nil
}

func (k *keyboard) backspace() { k.c.typed(fyne.KeyBackspace, 0, 0) }

// typed is called when a key comes up again.
func (k *keyboard) typed(r rune) {
	switch r {
	case keyBackspace: // typed when it went down
	case keyShift:
		// Once for a capital, twice for all, thrice for none.
		k.shift, k.locked = !k.shift && !k.locked, k.shift
		k.paint()
	case keyLetters, keyDigits, keySymbols:
		k.page, k.shift, k.locked = r, false, false
		k.build()
		k.Refresh()
	case keyHide:
		k.c.Unfocus()
	case keyDone:
		k.done()
	default:
		k.c.typed(keyNames[r], k.cased(r), 0)
		if k.shift {
			k.shift = false
			k.paint()
		}
	}
}

// keyNames are the keys that widgets follow by name too.
var keyNames = map[rune]fyne.KeyName{' ': fyne.KeySpace}

// done is the return key: a new line where the text may have several, and
// otherwise the end of typing.
func (k *keyboard) done() {
	before := k.c.Focused()
	k.c.typed(fyne.KeyReturn, 0, 0)
	if k.layout != mobile.DefaultKeyboard && k.c.Focused() == before {
		k.c.Unfocus()
	}
}

// cased is the letter as shift has it.
func (k *keyboard) cased(r rune) rune {
	if (k.shift || k.locked) && r >= 'a' && r <= 'z' {
		return r - 'a' + 'A'
	}
	return r
}

// paint gives all keys their labels and colours.
func (k *keyboard) paint() {
	k.ground.FillColor = theme.Color(theme.ColorNameOverlayBackground)
	for _, row := range k.rows {
		for _, x := range row {
			x.paint()
		}
	}
}

// CreateRenderer lays the keys out in rows.
func (k *keyboard) CreateRenderer() fyne.WidgetRenderer { return &keyboardRenderer{k} }

type keyboardRenderer struct{ k *keyboard }

func (r *keyboardRenderer) MinSize() fyne.Size { return fyne.NewSize(1, 1) }
func (r *keyboardRenderer) Destroy()           {}

func (r *keyboardRenderer) Refresh() {
	r.Layout(r.k.Size())
	r.k.paint()
}

func (r *keyboardRenderer) Objects() []fyne.CanvasObject {
	objects := []fyne.CanvasObject{r.k.ground}
	for _, row := range r.k.rows {
		for _, x := range row {
			objects = append(objects, x)
		}
	}
	return objects
}

// Layout gives all rows the same height. Keys are as wide as those of the
// longest row; shift, backspace and the last row share what is left.
func (r *keyboardRenderer) Layout(size fyne.Size) {
	r.k.ground.Resize(size)
	longest := 0
	for _, row := range r.k.rows {
		longest = max(longest, len(row))
	}
	unit := (size.Width - keyGap) / float32(longest)
	height := (size.Height - keyGap) / float32(len(r.k.rows))
	for i, row := range r.k.rows {
		widths := rowWidths(row, longest)
		var total float32
		for _, w := range widths {
			total += w
		}
		x := keyGap + (float32(longest)-total)*unit/2
		for j, one := range row {
			one.Move(fyne.NewPos(x, keyGap+float32(i)*height))
			one.Resize(fyne.NewSize(widths[j]*unit-keyGap, height-keyGap))
			x += widths[j] * unit
		}
	}
}

// rowWidths are the widths of a row's keys in letters' widths.
func rowWidths(row []*key, longest int) []float32 {
	widths := make([]float32, len(row))
	var wide []int
	special := 0
	for i, k := range row {
		widths[i] = 1
		if k.rune == ' ' {
			wide = append(wide, i)
		}
		if k.rune > 0x2000 {
			special++
		}
	}
	rest := float32(longest - len(row))
	for i, k := range row {
		switch {
		case len(wide) == 0 && special == 0: // centred
		case len(wide) == 0 && k.rune > 0x2000:
			widths[i] += rest / float32(special)
		case len(wide) > 0 && i == wide[0]:
			widths[i] += rest
		}
	}
	return widths
}

// key is one key. It shows at once that it is touched, and types when the
// finger comes up on it.
type key struct {
	widget.BaseWidget
	board *keyboard
	rune  rune
	face  *canvas.Rectangle
	label *canvas.Text
	down  bool
}

var _ mobile.Touchable = (*key)(nil)

func newKey(board *keyboard, r rune) *key {
	k := &key{board: board, rune: r, face: canvas.NewRectangle(color.Transparent), label: canvas.NewText("", color.Transparent)}
	k.face.CornerRadius = keyRound
	k.label.Alignment = fyne.TextAlignCenter
	k.ExtendBaseWidget(k)
	return k
}

// CreateRenderer shows the label in the middle of the face.
func (k *key) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(container.NewStack(k.face, container.NewCenter(k.label)))
}

// text is what stands on the key.
func (k *key) text() string {
	switch k.rune {
	case keyLetters:
		return "ABC"
	case keyDigits:
		return "123"
	case keySymbols:
		return "#+="
	case ' ':
		return ""
	}
	return string(k.board.cased(k.rune))
}

func (k *key) paint() {
	k.label.Text = k.text()
	k.label.TextSize = theme.TextSize() * 1.25
	face, ink := theme.ColorNameButton, theme.ColorNameForeground
	held := k.rune == keyShift && (k.board.shift || k.board.locked)
	if k.down || held || k.rune == keyDone {
		face, ink = theme.ColorNamePrimary, theme.ColorNameForegroundOnPrimary
	}
	if k.down && k.rune == keyDone {
		face, ink = theme.ColorNameButton, theme.ColorNameForeground
	}
	k.face.FillColor, k.label.Color = theme.Color(face), theme.Color(ink)
	canvas.Refresh(k.label)
}

// TouchDown shows the key pressed.
func (k *key) TouchDown(*mobile.TouchEvent) {
	k.down = true
	k.paint()
	k.board.pressed(k.rune)
}

// TouchUp types.
func (k *key) TouchUp(*mobile.TouchEvent) {
	k.lift()
	k.board.typed(k.rune)
}

// TouchCancel types nothing: the finger slid off.
func (k *key) TouchCancel(*mobile.TouchEvent) { k.lift() }

func (k *key) lift() {
	k.down = false
	k.board.release()
	k.paint()
}
