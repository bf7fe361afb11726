package sim

import (
	"errors"
	"strings"
	"sync"
)

// The bounds of a simulated display.
const (
	displayColumns   = 20
	displayRows      = 2
	brightestDisplay = 4
)

// Display is a customer display that knows the CD5220 command set, on a
// pseudo-terminal of its own. It belongs to no Shop.
type Display struct {
	link *link
	tube *tube
}

// NewDisplay plugs a display in, and points path to its line.
func NewDisplay(path string) (*Display, error) {
	l := newLink(path)
	d := &Display{l, &tube{}}
	d.tube.powerDown()
	l.dev = d.tube
	if err := l.plug(); err != nil {
		return nil, err
	}
	return d, nil
}

// Lines are what is to be read, trailing spaces cut.
func (d *Display) Lines() [2]string { return d.tube.read() }

// Brightness is 1 to 4.
func (d *Display) Brightness() int {
	d.tube.mu.Lock()
	defer d.tube.mu.Unlock()
	return d.tube.brightness
}

// Unplug pulls the cable, and with it the display's power.
func (d *Display) Unplug() error { return d.link.unplug() }

// Replug puts it back.
func (d *Display) Replug() error { return d.link.plug() }

// Reset takes the display's power for a moment, on a line that stays.
func (d *Display) Reset() { d.tube.powerDown() }

// Close unplugs the display for good.
func (d *Display) Close() error {
	if err := d.link.remove(); err != nil && !errors.Is(err, ErrUnplugged) {
		return err
	}
	return nil
}

// tube is what happens behind the glass. CD5220 user's manual, standard mode
// command list; what scrolls by itself stands still here.
type tube struct {
	mu         sync.Mutex
	rows       [displayRows][displayColumns]byte
	x, y       int
	brightness int
	cursor     bool
	nation     byte // of the character set
	command    []byte
	writing    bool // a line is being written, until CR
	column     int  // of that line
	// stringMode: a line was written as a whole. Until the screen or a line is
	// cleared no command counts but those that write lines.
	stringMode bool
}

// displayOperands is how many bytes follow ESC and a command's letter.
var displayOperands = map[byte]int{
	'@': 0, 0x11: 0, 0x12: 0, 0x13: 0, 'Q': 1, '[': 1, 'l': 2, '_': 1, '*': 1, 'f': 1, 'c': 1, '=': 1,
}

// receive takes the host's bytes.
func (t *tube) receive(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range b {
		switch {
		case t.writing:
			t.text(c)
		case len(t.command) > 0:
			t.command = append(t.command, c)
			if operands, known := displayOperands[t.command[1]]; !known || len(t.command) == 2+operands {
				command := t.command
				t.command = nil
				t.escape(command[1], command[2:])
			}
		case c == 0x1B:
			t.command = []byte{c}
		default:
			t.plain(c)
		}
	}
}

// text takes a byte of a line that is written as a whole. What is beyond the
// glass is not seen.
func (t *tube) text(c byte) {
	switch {
	case c == '\r':
		t.writing = false
	case t.column < displayColumns:
		t.rows[t.y][t.column] = c
		t.column++
	}
}

// plain takes a byte that stands alone.
func (t *tube) plain(c byte) {
	switch {
	case c == 0x0C: // clear
		t.blank()
	case c == 0x18: // clear the cursor's line
		t.rows[t.y] = [displayColumns]byte{}
		t.x, t.stringMode = 0, false
	case t.stringMode:
	case c == '\r':
		t.x = 0
	case c == '\n':
		t.y = (t.y + 1) % displayRows
	case c == 0x0B: // home
		t.x, t.y = 0, 0
	case c == '\b':
		t.move(-1)
	case c == '\t':
		t.move(1)
	case c >= ' ':
		t.rows[t.y][t.x] = c
		t.move(1)
	}
}

// move lets the cursor run on to the next line, and from the last to the first.
func (t *tube) move(by int) {
	const cells = displayRows * displayColumns
	at := (t.y*displayColumns + t.x + by + cells) % cells
	t.x, t.y = at%displayColumns, at/displayColumns
}

// escape obeys a command; one that it does not know does nothing.
func (t *tube) escape(letter byte, operands []byte) {
	switch {
	case letter == 'Q':
		t.line(operands[0])
	case t.stringMode:
	case letter == '@':
		t.rest()
	case letter == 'l' && operands[0] >= 1 && operands[0] <= displayColumns && operands[1] >= 1 && operands[1] <= displayRows:
		t.x, t.y = int(operands[0])-1, int(operands[1])-1
	case letter == '*' && operands[0] >= 1 && operands[0] <= brightestDisplay:
		t.brightness = int(operands[0])
	case letter == '_':
		t.cursor = operands[0] != 0
	case letter == 'f':
		t.nation = operands[0]
	}
}

// line begins the writing of a line as a whole: A and D the upper, B the lower.
func (t *tube) line(which byte) {
	switch which {
	case 'A', 'D':
		t.y = 0
	case 'B':
		t.y = 1
	default:
		return
	}
	t.rows[t.y] = [displayColumns]byte{}
	t.stringMode, t.writing, t.column = true, true, 0
}

// blank empties the glass.
func (t *tube) blank() {
	t.rows = [displayRows][displayColumns]byte{}
	t.x, t.y, t.stringMode = 0, 0, false
}

// rest is how a display is after it was switched on: in a language of its own,
// with a cursor.
func (t *tube) rest() {
	t.blank()
	t.brightness, t.cursor, t.nation = brightestDisplay, true, 'G'
}

// quiet does nothing: a display waits for ever for the end of a line.
func (t *tube) quiet() {}

// powerDown is the end of all that the display knows.
func (t *tube) powerDown() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.command, t.writing = nil, false
	t.rest()
}

// read is what there is to read. The cursor hides what is under it.
func (t *tube) read() [2]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var lines [2]string
	for i, row := range t.rows {
		var line strings.Builder
		for j, c := range row {
			if t.cursor && i == t.y && j == t.x {
				c = '_'
			}
			line.WriteString(t.glyph(c))
		}
		lines[i] = strings.TrimRight(line.String(), " ")
	}
	return lines
}

// germany is what stands for some characters of ASCII in the German set.
var germany = strings.NewReplacer("[", "Ä", "\\", "Ö", "]", "Ü", "{", "ä", "|", "ö", "}", "ü", "~", "ß")

// glyph is how a byte looks. What is not printable ASCII is a box here.
func (t *tube) glyph(c byte) string {
	switch {
	case c == 0:
		return " "
	case c < ' ', c > '~':
		return "□"
	case t.nation == 'G':
		return germany.Replace(string(rune(c)))
	}
	return string(rune(c))
}
