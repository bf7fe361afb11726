package escpos

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/unicode/norm"

	"github.com/cloudpos/cloudpos/drivers"
)

// Commands (ESC/POS command reference).
var (
	cmdInit     = []byte{0x1B, '@', 0x1C, '.'} // ESC @, FS .: many Chinese models start in two-byte mode
	cmdAlign    = []byte{0x1B, 'a'}
	cmdBold     = []byte{0x1B, 'E'}
	cmdSize     = []byte{0x1D, '!'}
	cmdWideSize = []byte{0x1C, '!'} // the same for two-byte characters
	cmdWideOn   = []byte{0x1C, '&'}
	cmdWideOff  = []byte{0x1C, '.'}
	cmdCut      = []byte{0x1D, 'V', 'B', 0} // feeds the last line past the knife
	cmdMark     = []byte{0x1D, 'r', 1}      // GS r 1: answered when all before it is done
	cmdClear    = []byte{0x10, 0x05, 2}     // DLE ENQ 2: recover and drop what is buffered
)

const (
	linesMax = 2000 // of a document, after wrapping
	qrMax    = 700  // bytes of a QR code's content
)

// render turns a document into the bytes that print it, the cut included.
func render(doc drivers.Document, columns int) ([]byte, error) {
	var out []byte
	lines := 0
	for i, p := range doc {
		switch {
		case p.QR != "":
			b, err := qr(p)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			out = append(out, b...)
			lines++
		case p.Rule:
			out = append(out, strings.Repeat("-", columns)...)
			out = append(out, '\n')
			lines++
		default:
			n := columns
			if p.Double {
				n /= 2
			}
			wrapped := layOut(p.Text, n)
			out = append(out, styled(p, wrapped)...)
			lines += len(wrapped)
		}
		if lines > linesMax {
			return nil, fmt.Errorf("%w: a document of more than %d lines", drivers.ErrRefused, linesMax)
		}
	}
	return append(out, cmdCut...), nil
}

// styled prints lines in the style of p, and takes the style back: each line
// of a document stands for itself.
func styled(p drivers.Print, lines []string) []byte {
	var out []byte
	set := func(cmd []byte, on, off byte, wanted bool) func() {
		if !wanted {
			return func() {}
		}
		out = append(append(out, cmd...), on)
		return func() { out = append(append(out, cmd...), off) }
	}
	undo := []func(){
		set(cmdAlign, alignment(p.Align), 0, p.Align != drivers.Left),
		set(cmdBold, 1, 0, p.Bold),
		set(cmdSize, 0x11, 0, p.Double),
		set(cmdWideSize, 0x0C, 0, p.Double),
	}
	for _, line := range lines {
		out = append(out, encode(line)...)
		out = append(out, '\n')
	}
	for _, f := range undo {
		f()
	}
	return out
}

func alignment(a drivers.Align) byte {
	switch a {
	case drivers.Centre:
		return 1
	case drivers.Right:
		return 2
	case drivers.Left:
		return 0
	default:
		return 0
	}
}

// layOut breaks a text into lines of at most n columns. What follows a tab is
// pushed to the right edge, onto a line of its own if it must be.
func layOut(text string, n int) []string {
	left, right, tabbed := strings.Cut(clean(text), "\t")
	right = strings.ReplaceAll(right, "\t", " ")
	lines := wrap(left, n)
	if !tabbed {
		return lines
	}
	rights := wrap(right, n)
	last := len(lines) - 1
	free := n - columnsOf(lines[last]) - columnsOf(rights[0])
	if len(rights) == 1 && (free > 0 || free == 0 && left == "") {
		lines[last] += strings.Repeat(" ", free) + rights[0]
		return lines
	}
	for _, r := range rights {
		lines = append(lines, strings.Repeat(" ", n-columnsOf(r))+r)
	}
	return lines
}

// wrap breaks a text at n columns; an empty text is one empty line.
func wrap(text string, n int) []string {
	var lines []string
	start, used := 0, 0
	for i, r := range text {
		w := columnsOf(string(r))
		if used+w > n {
			lines = append(lines, text[start:i])
			start, used = i, 0
		}
		used += w
	}
	return append(lines, text[start:])
}

// clean makes a text printable: control characters could be taken for
// commands, even within a line, and characters that two bytes of GB18030 do
// not hold are unknown to printers.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return r
		case r == '¥':
			return '￥' // The yen sign has no two-byte form; the wide one is what slips show.
		case unicode.IsControl(r) || r == unicode.ReplacementChar:
			return '?'
		case r < unicode.MaxASCII:
			return r
		case len(gb(string(r))) == 2:
			return r
		default:
			return base(r)
		}
	}, text)
}

// base is a letter without its accents, for a name on a card that a printer has
// only part of, or a question mark.
func base(r rune) rune {
	first, _ := utf8.DecodeRuneInString(norm.NFD.String(string(r)))
	if first < unicode.MaxASCII {
		return first
	}
	return '?'
}

// gb encodes a text, or returns nil.
func gb(text string) []byte {
	b, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(text))
	if err != nil {
		return nil
	}
	return b
}

// columnsOf is the width of a clean text: a printer sets every two-byte
// character in a cell of two columns.
func columnsOf(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r > unicode.MaxASCII {
			n++
		}
	}
	return n
}

// encode writes a clean text, with two-byte mode on only where it is needed.
func encode(text string) []byte {
	var out []byte
	for text != "" {
		wide := func(r rune) bool { return r > unicode.MaxASCII }
		ascii := strings.IndexFunc(text, wide)
		if ascii < 0 {
			ascii = len(text)
		}
		out = append(out, text[:ascii]...)
		text = text[ascii:]
		end := strings.IndexFunc(text, func(r rune) bool { return !wide(r) })
		if end < 0 {
			end = len(text)
		}
		if end > 0 {
			out = append(out, cmdWideOn...)
			out = append(out, gb(text[:end])...)
			out = append(out, cmdWideOff...)
			text = text[end:]
		}
	}
	return out
}

// qr prints a QR code: model 2, cells of 6 dots, level M (GS ( k).
func qr(p drivers.Print) ([]byte, error) {
	if len(p.QR) > qrMax {
		return nil, fmt.Errorf("%w: a QR code of %d bytes", drivers.ErrRefused, len(p.QR))
	}
	if strings.IndexFunc(p.QR, unicode.IsControl) >= 0 {
		// 10 04 and the like are carried out even in here.
		return nil, fmt.Errorf("%w: a control character in a QR code", drivers.ErrRefused)
	}
	fn := func(out []byte, data ...byte) []byte {
		n := len(data)
		out = append(out, 0x1D, '(', 'k', byte(n), byte(n>>8))
		return append(out, data...)
	}
	out := append(append([]byte{}, cmdAlign...), alignment(p.Align))
	out = fn(out, 0x31, 0x41, 0x32, 0x00)
	out = fn(out, 0x31, 0x43, 6)
	out = fn(out, 0x31, 0x45, 0x31)
	out = fn(out, append([]byte{0x31, 0x50, 0x30}, p.QR...)...)
	out = fn(out, 0x31, 0x51, 0x30)
	return append(append(out, cmdAlign...), 0), nil
}
