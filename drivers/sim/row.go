package sim

import "strings"

// bitsMax bounds the pictures of a slip, in bytes.
const bitsMax = 128 << 10

// A Row is how a line of a slip looks: spans from the left, a picture or a QR
// code.
type Row struct {
	Spans []Span `json:"spans,omitempty"`
	Image Bits   `json:"image,omitzero"`
	QR    string `json:"qr,omitempty"` // what it says
}

// A Span is text of one look. A character has one column, a Chinese one two,
// times Wide.
type Span struct {
	Text string `json:"text"`
	Bold bool   `json:"bold,omitempty"`
	Wide int    `json:"wide,omitempty"` // 2 is twice as wide; 0 is plain
	Tall int    `json:"tall,omitempty"`
}

// Bits is a picture: rows of whole bytes, the leftmost dot in the highest bit,
// 1 is black.
type Bits struct {
	Width  int    `json:"width"` // in dots, a multiple of 8
	Height int    `json:"height"`
	Data   []byte `json:"data"` // empty when the slip's pictures take too much room
}

// look is how characters are set.
type look struct {
	bold bool
	size byte // as GS ! has it
}

// span is text of that look.
func (l look) span(text string) Span {
	s := Span{Text: text, Bold: l.bold}
	if l.size != 0 {
		s.Wide, s.Tall = int(l.size>>4&7)+1, int(l.size&7)+1
	}
	return s
}

// rowOf puts characters of one look together; left columns stay empty.
func rowOf(left int, line []rune, looks []look) Row {
	var row Row
	if left > 0 {
		row.Spans = append(row.Spans, Span{Text: strings.Repeat(" ", left)})
	}
	for start, i := 0, 1; i <= len(line); i++ {
		if i == len(line) || looks[i] != looks[start] {
			row.Spans = append(row.Spans, looks[start].span(string(line[start:i])))
			start = i
		}
	}
	return row
}

// picture is a raster image as a row. What is beyond the slip's bound is told
// by its size only.
func (p *printer) picture(width, height int, data []byte) Row {
	bits := Bits{Width: width, Height: height}
	if p.slip.bits+len(data) <= bitsMax {
		p.slip.bits += len(data)
		bits.Data = append([]byte{}, data...)
	}
	return Row{Image: bits}
}
