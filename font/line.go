package font

import (
	"strings"
	"unicode"
	"unsafe"

	gotext "github.com/go-text/typesetting/font"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
)

// tabSpaces is how many spaces wide a tab's columns are.
const tabSpaces = 4

// A face is one goroutine's use of a parsed font.
type face struct {
	*gotext.Face
	shaper shaping.HarfbuzzShaper
	upem   fixed.Int26_6

	ascent, descent float32 // of an em; descent is positive
	space           int     // a space's advance in font units
}

func newFace(f *gotext.Font) *face {
	// NewFace sets aside 20 bytes a glyph for extents, which is 160 KB.
	v := &face{Face: gotext.NewFace(f), upem: fixed.Int26_6(f.Upem())}
	if e, ok := v.FontHExtents(); ok {
		v.ascent, v.descent = e.Ascender/float32(v.upem), -e.Descender/float32(v.upem)
	}
	if gid, ok := f.NominalGlyph(' '); ok {
		v.space = int(v.HorizontalAdvance(gid))
	}
	return v
}

// metrics returns how far the face reaches above and below the baseline.
func (f *face) metrics(size fixed.Int26_6) (ascent, descent float32) {
	px := toFloat(size)
	return f.ascent * px, f.descent * px
}

// lineKey names a shaped line.
type lineKey struct {
	text string
	size fixed.Int26_6
	bold bool
}

// line is a text whose glyphs have their places at a size.
type line struct {
	glyphs []placed
	width  fixed.Int26_6
}

// placed is one glyph: its origin right of the line's, and in whole pixels
// above the baseline.
type placed struct {
	id gotext.GID
	x  fixed.Int26_6
	y  int
}

// line returns the text shaped at a size.
func (c *Cache) line(text string, size fixed.Int26_6, bold bool) *line {
	key := lineKey{text, size, bold}
	if l, ok := c.lines.get(key); ok {
		return l
	}
	l := c.face(bold).shape(text, size)
	key.text = strings.Clone(text) // the caller's may be a piece of something large
	cost := len(text) + len(l.glyphs)*int(unsafe.Sizeof(placed{})) + lineOverhead
	c.lines.put(key, l, cost)
	return l
}

// lineOverhead is what a line costs beside its text and glyphs: the key, the
// value and their share of a map that is half empty.
const lineOverhead = 160

// shape places the glyphs of a text. The face has no features but kerning and
// no script that is written from the right or reorders, so a text is one run
// between tabs. Shaping is done in font units, and each advance is rounded to
// a 64th of a pixel as HarfBuzz would at that size: go-text rounds sizes up to
// whole pixels, which makes 13.5 as wide as 14.
func (f *face) shape(text string, size fixed.Int26_6) *line {
	l := &line{}
	for i, piece := range strings.Split(text, "\t") {
		if i > 0 {
			column := max(f.scale(f.space, size)*tabSpaces, 1)
			l.width = (l.width/column + 1) * column
		}
		f.shapeRun(l, printable(piece), size)
	}
	return l
}

func (f *face) shapeRun(l *line, runes []rune, size fixed.Int26_6) {
	if len(runes) == 0 {
		return
	}
	out := f.shaper.Shape(shaping.Input{
		Text: runes, RunEnd: len(runes), Direction: di.DirectionLTR,
		Face: f.Face, Size: f.upem << 6, Script: language.Latin,
	})
	for _, g := range out.Glyphs {
		l.glyphs = append(l.glyphs, placed{
			id: g.GlyphID,
			x:  l.width + f.scale(g.XOffset.Round(), size),
			y:  f.scale(g.YOffset.Round(), size).Round(),
		})
		l.width += f.scale(g.XAdvance.Round(), size)
	}
}

// scale turns font units into 64ths of a pixel, rounded.
func (f *face) scale(units int, size fixed.Int26_6) fixed.Int26_6 {
	v := int64(units) * int64(size)
	half := int64(f.upem) / 2
	if v < 0 {
		half = -half
	}
	return fixed.Int26_6((v + half) / int64(f.upem))
}

// printable returns the text's characters without controls, for which a face
// would draw boxes.
func printable(text string) []rune {
	runes := make([]rune, 0, len(text))
	for _, r := range text {
		if !unicode.IsControl(r) {
			runes = append(runes, r)
		}
	}
	return runes
}
