package receipt

import (
	"strings"
	"unicode"

	"github.com/cloudpos/cloudpos/drivers"
)

// Bounds of Text, as of the printers.
const (
	columnsMin = 16
	columnsMax = 96
)

// Text writes a document as a console shows it, columns wide, as a printer
// would lay it out. East Asian characters take two columns. What is printed
// double is broken as on paper but not enlarged.
func Text(d drivers.Document, columns int) string {
	columns = min(max(columns, columnsMin), columnsMax)
	var out strings.Builder
	for _, p := range d {
		for _, line := range layOut(p, columns) {
			out.WriteString(strings.TrimRight(line, " "))
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// layOut breaks one print into lines and pads them to their place.
func layOut(p drivers.Print, columns int) []string {
	if p.Rule {
		return []string{strings.Repeat("-", columns)}
	}
	text := p.Text
	if p.QR != "" {
		text = "[" + p.QR + "]"
	}
	room := columns
	if p.Double {
		room /= 2
	}
	left, right, tabbed := strings.Cut(printable(text), "\t")
	lines := wrap(left, room)
	if !tabbed {
		for i, line := range lines {
			lines[i] = pad(line, columns, p.Align)
		}
		return lines
	}
	rights := wrap(strings.ReplaceAll(right, "\t", " "), room)
	last := len(lines) - 1
	if len(rights) == 1 && width(lines[last])+width(rights[0]) < room {
		lines[last] += pad(rights[0], columns-width(lines[last]), drivers.Right)
		return lines
	}
	for _, line := range rights {
		lines = append(lines, pad(line, columns, drivers.Right))
	}
	return lines
}

func pad(line string, columns int, a drivers.Align) string {
	free := max(0, columns-width(line))
	switch a {
	case drivers.Centre:
		return strings.Repeat(" ", free/2) + line
	case drivers.Right:
		return strings.Repeat(" ", free) + line
	case drivers.Left:
		return line
	}
	return line
}

// wrap breaks a text into lines of at most room columns, at a space if there
// is one.
func wrap(text string, room int) []string {
	var lines []string
	for {
		cut, space := breakAt(text, room)
		if cut == len(text) {
			return append(lines, text)
		}
		if space > 0 {
			lines = append(lines, text[:space])
			text = strings.TrimLeft(text[space:], " ")
			continue
		}
		lines = append(lines, text[:cut])
		text = text[cut:]
	}
}

// breakAt returns how much of a text fits, and where its last break is.
func breakAt(text string, room int) (fits, space int) {
	used := 0
	for i, r := range text {
		if r == ' ' {
			space = i
		}
		if used += runeWidth(r); used > room {
			return i, space
		}
	}
	return len(text), space
}

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && unicode.IsControl(r) {
			return '?'
		}
		return r
	}, text)
}

func width(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

// wide are the characters of two columns: Unicode Standard Annex 11, classes W
// and F, as far as slips need them.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115F, Stride: 1}, // Hangul Jamo
		{Lo: 0x2E80, Hi: 0x303E, Stride: 1}, // CJK radicals and punctuation
		{Lo: 0x3041, Hi: 0x4DBF, Stride: 1}, // Kana to CJK extension A
		{Lo: 0x4E00, Hi: 0xA4CF, Stride: 1}, // CJK, Yi
		{Lo: 0xAC00, Hi: 0xD7A3, Stride: 1}, // Hangul
		{Lo: 0xF900, Hi: 0xFAFF, Stride: 1}, // CJK compatibility
		{Lo: 0xFE30, Hi: 0xFE6F, Stride: 1}, // CJK compatibility forms
		{Lo: 0xFF00, Hi: 0xFF60, Stride: 1}, // full-width forms
		{Lo: 0xFFE0, Hi: 0xFFE6, Stride: 1}, // full-width signs
	},
	R32: []unicode.Range32{{Lo: 0x20000, Hi: 0x3FFFD, Stride: 1}}, // CJK extensions
}

func runeWidth(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}
