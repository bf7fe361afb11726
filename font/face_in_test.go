package font

import (
	"testing"

	gotext "github.com/go-text/typesetting/font"
)

// TestOverhang: no glyph reaches out of its line's box by more than a fifth
// of an em. A painter repaints the box grown by a quarter; ink beyond it would
// stay behind.
func TestOverhang(t *testing.T) {
	for w := range parsed {
		f := newFace(parsed[w]())
		most, glyphs := float32(f.upem)/5, 0
		for id := range gotext.GID(1 << 16) {
			outline, ok := f.GlyphData(id).(gotext.GlyphOutline)
			if !ok || len(outline.Segments) == 0 {
				continue
			}
			glyphs++
			box := bounds(outline.Segments, 1, 0)
			left, right := -float32(box.Min.X), float32(box.Max.X)-f.HorizontalAdvance(id)
			above := -float32(box.Min.Y) - f.ascent*float32(f.upem)
			below := float32(box.Max.Y) - f.descent*float32(f.upem)
			if max(left, right, above, below) > most {
				t.Errorf("face %d, glyph %d: beyond its box by %v %v %v %v", w, id, left, right, above, below)
			}
		}
		if glyphs < 7700 {
			t.Errorf("face %d has %d outlines", w, glyphs)
		}
	}
}
