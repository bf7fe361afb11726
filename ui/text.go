package ui

import (
	"strings"
	"unicode"

	"fyne.io/fyne/v2"
)

// textMax bounds a text in characters; labels come from cards and details from
// drivers.
const textMax = 240

// ruler measures a line in one face.
type ruler struct {
	bold bool
	min  float32 // size of letters
}

func (r ruler) measure(line string, size float32) fyne.Size {
	return fyne.MeasureText(line, size, fyne.TextStyle{Bold: r.bold})
}

// fitted is a text broken into lines of one size.
type fitted struct {
	lines      []string
	size       float32
	lineHeight float32
}

func (f fitted) height() float32 { return f.lineHeight * float32(len(f.lines)) }

// fit breaks a text into at most linesMax lines that fit into w by h. It makes
// letters smaller, from size down to half of it, and cuts with an
// ellipsis only when that does not help.
func (r ruler) fit(text string, w, h, size float32, linesMax int) fitted {
	const step, least = 0.95, 0.5
	text = printable(text)
	smallest := max(size*least, r.min)
	for {
		f := fitted{size: size, lineHeight: r.measure("M", size).Height}
		within := func(line string) bool { return r.measure(line, size).Width <= w }
		f.lines = wrap(text, within)
		if fits(f, linesMax, h, within) {
			f.lines = r.balance(text, f, w)
			return f
		}
		if size*step < smallest {
			room := max(1, min(linesMax, int(h/f.lineHeight)))
			f.lines = cut(f.lines, room, within)
			return f
		}
		size *= step
	}
}

func fits(f fitted, linesMax int, h float32, within func(string) bool) bool {
	const rounding = 0.5
	if len(f.lines) > linesMax || f.height() > h+rounding {
		return false
	}
	for _, line := range f.lines {
		if !within(line) {
			return false
		}
	}
	return true
}

// balance makes lines about as long as each other, so that no word stands
// alone.
func (r ruler) balance(text string, f fitted, w float32) []string {
	const step, least = 0.94, 0.5
	if len(f.lines) < 2 {
		return f.lines
	}
	best := f.lines
	for narrow := w * step; narrow > w*least; narrow *= step {
		within := func(line string) bool { return r.measure(line, f.size).Width <= narrow }
		lines := wrap(text, within)
		if !fits(fitted{lines: lines}, len(best), 1, within) {
			break
		}
		best = lines
	}
	return best
}

// cut leaves n lines, and marks what it has taken away.
func cut(lines []string, n int, within func(string) bool) []string {
	missing := len(lines) > n
	lines = lines[:min(n, len(lines))]
	for i, line := range lines {
		if !within(line) || missing && i == len(lines)-1 {
			lines[i] = shorten(line, within)
		}
	}
	return lines
}

// shorten takes characters away until the line fits with an ellipsis.
func shorten(line string, within func(string) bool) string {
	const ellipsis = "…"
	runes := []rune(line)
	for len(runes) > 0 && !within(string(runes)+ellipsis) {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + ellipsis
}

// wrap breaks a text where it may be broken, into lines within bounds. A word
// that is too long stays as it is.
func wrap(text string, within func(string) bool) []string {
	var lines []string
	for _, paragraph := range strings.Split(text, "\n") {
		line := ""
		for _, word := range pieces(paragraph) {
			if line != "" && !within(strings.TrimRight(line+word, " ")) {
				lines = append(lines, strings.TrimRight(line, " "))
				line = ""
			}
			line += word
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

// pieces splits a text after spaces and between Chinese characters, but not
// before a mark that may not begin a line or after one that may not end it.
func pieces(text string) []string {
	var all []string
	runes := []rune(text)
	start := 0
	for i := 1; i < len(runes); i++ {
		if mayBreak(runes[i-1], runes[i]) {
			all = append(all, string(runes[start:i]))
			start = i
		}
	}
	if start < len(runes) {
		all = append(all, string(runes[start:]))
	}
	return all
}

func mayBreak(before, after rune) bool {
	const notFirst, notLast = "，。、；：？！）】」』》”’·%", "（【「『《“‘"
	switch {
	case after == ' ', strings.ContainsRune(notFirst, after), strings.ContainsRune(notLast, before):
		return false
	case before == ' ':
		return true
	}
	return ideographic(before) || ideographic(after)
}

func ideographic(r rune) bool {
	return unicode.Is(unicode.Han, r) || r >= 0x3000 && r <= 0x303F || r >= 0xFF00 && r <= 0xFF60
}

// printable takes out what is no character, and cuts what is too long.
func printable(text string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		if n++; n > textMax {
			return -1
		}
		if r != '\n' && !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
