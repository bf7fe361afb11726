package sim

import (
	"fmt"
	"strings"
)

// page is the line in the making and how it is set.
type page struct {
	line   []rune
	looks  []look // of each character
	width  int    // in columns
	align  byte
	look   look // of what comes; its size is width and height, less one, in the nibbles
	font   byte
	table  byte // code table of ESC t
	wide   bool // two-byte characters
	qrData string
}

// run executes one whole command or character.
func (p *printer) run(cmd []byte) {
	switch c := cmd[0]; {
	case c == esc:
		p.runESC(cmd)
	case c == gs:
		p.runGS(cmd)
	case c == fs:
		p.runFS(cmd)
	case c == lf:
		p.flush()
	case c == ht:
		p.space((p.page.width/8 + 1) * 8)
	case c == can:
		p.page.line, p.page.looks, p.page.width = nil, nil, 0
	case len(cmd) == 2:
		p.put(decodeWide(cmd[0], cmd[1]), 2)
	case c >= 0x20:
		p.put(decode(p.page.table, c), 1)
	}
}

// put adds a character to the line; a full line is printed.
func (p *printer) put(r rune, width int) {
	width *= int(p.page.look.size>>4&7) + 1
	if p.page.width+width > columns {
		p.flush()
	}
	p.page.line, p.page.looks = append(p.page.line, r), append(p.page.looks, p.page.look)
	p.page.width += width
}

// space moves to a column to the right.
func (p *printer) space(to int) {
	for p.page.width < min(to, columns) {
		p.page.line, p.page.looks = append(p.page.line, ' '), append(p.page.looks, look{})
		p.page.width++
	}
}

// flush prints the line where its alignment wants it.
func (p *printer) flush() {
	left := 0
	switch p.page.align {
	case 1:
		left = (columns - p.page.width) / 2
	case 2:
		left = columns - p.page.width
	}
	text := strings.TrimRight(string(p.page.line), " ")
	var row Row
	if text != "" {
		text = strings.Repeat(" ", max(0, left)) + text
		row = rowOf(left, p.page.line, p.page.looks)
	}
	p.page.line, p.page.looks, p.page.width = nil, nil, 0
	p.feed(text, row)
}

// label prints the name of what this printer does not draw.
func (p *printer) label(text string) { p.feed(text, Row{Spans: []Span{{Text: text}}}) }

// begin prints what is in the line before something that needs a new one.
func (p *printer) begin() {
	if len(p.page.line) > 0 {
		p.flush()
	}
}

func (p *printer) runESC(cmd []byte) {
	switch cmd[1] {
	case '@': // a job begins; what was not cut is broken
		p.page = page{}
		p.tear(false)
		p.tail = false
		p.slip.Raw = append(p.slip.Raw, cmd...)
	case 'a':
		p.page.align = cmd[2] & 3
	case 'd':
		p.begin()
		for range int(cmd[2]) {
			p.feed("", Row{})
		}
	case 'J':
		p.begin()
		for range int(cmd[2]) / dotsLine {
			p.feed("", Row{})
		}
	case '!': // font, and the old way of setting sizes
		p.page.font = cmd[2] & 1
		p.page.look = look{bold: cmd[2]&0x08 != 0, size: cmd[2]&0x20>>1 | cmd[2]&0x10>>4}
	case 'E', 'G':
		p.page.look.bold = cmd[2]&1 != 0
	case 'M':
		p.page.font = cmd[2] & 1
	case 't':
		p.page.table = cmd[2]
	case '$':
		p.space(int(word(cmd[2:])) / dotsColumn)
	case '\\':
		p.space(p.page.width + int(int16(word(cmd[2:])))/dotsColumn)
	case 'p':
		p.kicks++
	case '*':
		p.begin()
		p.label(fmt.Sprintf("[image %dx%d]", word(cmd[3:]), 8*columnBytes(cmd[2])))
	case 'i', 'm':
		p.cut(cmd)
	}
}

func (p *printer) runFS(cmd []byte) {
	switch cmd[1] {
	case '&':
		p.page.wide = true
	case '.':
		p.page.wide = false
	}
}

func (p *printer) runGS(cmd []byte) {
	switch cmd[1] {
	case '!':
		p.page.look.size = cmd[2]
	case 'V':
		p.cut(cmd)
	case 'v':
		p.image(8*int(word(cmd[4:])), int(word(cmd[6:])), cmd[8:])
	case 'k':
		p.begin()
		p.label(fmt.Sprintf("[bar code %d]", cmd[2]))
	case 'r':
		s := byte(0)
		if n := cmd[2]; n == 1 || n == '1' {
			s = p.paperStatus()
		}
		p.out([]byte{s}, answer)
	case 'a':
		p.asb = cmd[2]
		p.automatic(true)
	case 'I':
		p.identify(cmd[2])
	case '(':
		p.group(cmd[2], cmd[5:])
	}
}

// cut ends a slip. When the last line has used up the roll, it waits: nobody
// can call that slip complete.
func (p *printer) cut(cmd []byte) {
	p.begin()
	if p.offline() {
		p.buf = append(append([]byte{}, cmd...), p.buf...)
		return
	}
	p.tear(true)
	p.tail = false
}

// image takes the paper that its height needs.
func (p *printer) image(width, height int, data []byte) {
	p.begin()
	p.feed(fmt.Sprintf("[image %dx%d]", width, height), p.picture(width, height, data))
	for range min(height/dotsLine, linesMax) {
		if p.roll > 0 {
			p.roll--
		}
	}
}

// identify answers GS I.
func (p *printer) identify(n byte) {
	texts := map[byte]string{0x41: "1.00", 0x42: "CLOUDPOS", 0x43: "SIM-80", 0x44: "SIM0000001"}
	switch text, ok := texts[n]; {
	case ok:
		p.out(append(append([]byte{0x5F}, text...), 0), answer)
	case n == 1 || n == '1':
		p.out([]byte{0x20}, answer)
	case n == 2 || n == '2':
		p.out([]byte{0x02}, answer) // has a cutter
	}
}

// group runs a function group, GS ( name.
func (p *printer) group(name byte, data []byte) {
	switch {
	case name == 'H' && len(data) == 6 && data[0] == 0x30 && data[1] == 0x30:
		// Process id: all before it has been processed.
		p.out(append(append([]byte{0x37, 0x22}, data[2:]...), 0x00), answer)
	case name == 'k' && len(data) >= 3 && data[0] == 0x31 && data[1] == 0x50:
		p.page.qrData = string(data[3:])
	case name == 'k' && len(data) >= 3 && data[0] == 0x31 && data[1] == 0x51:
		p.begin()
		p.feed("[QR "+p.page.qrData+"]", Row{QR: p.page.qrData})
	}
}
