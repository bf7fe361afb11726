package paint

import (
	"bytes"
	"image"
	"slices"
	"testing"
)

// TestSplit: what a dialog hides is not painted, and that changes no pixel.
func TestSplit(t *testing.T) {
	for _, c := range benches {
		s := c.make(720, 1280, 2)
		p, dst := newPainter(), s.image()
		s.paint(p, dst)
		p.list, p.last = p.last, p.list // as repaint has them
		whole := s.image()
		p.repaint(whole, whole.Rect, 0)
		if !bytes.Equal(dst.Pix, whole.Pix) {
			t.Errorf("%s: a frame that is split differs from one that is not", c.name)
		}
		if hidden := p.hides(dst.Rect, -1); hidden.Empty() == (c.name == "dialog") {
			t.Errorf("%s: what hides most is %v", c.name, hidden)
		}
	}
}

// TestAround: the rest of a rectangle is all of it, once.
func TestAround(t *testing.T) {
	r := image.Rect(2, 3, 12, 11)
	for _, s := range []image.Rectangle{image.Rect(4, 5, 9, 8), image.Rect(2, 3, 12, 4), image.Rect(2, 5, 5, 11), r} {
		rest := around(r, s)
		covered := map[image.Point]int{}
		for _, part := range slices.Concat([]image.Rectangle{s}, rest[:]) {
			for y := part.Min.Y; y < part.Max.Y; y++ {
				for x := part.Min.X; x < part.Max.X; x++ {
					covered[image.Pt(x, y)]++
				}
			}
		}
		for at, n := range covered {
			if n != 1 || !at.In(r) {
				t.Fatalf("around %v without %v: %v is in %d parts", r, s, at, n)
			}
		}
		if len(covered) != pixels(r) {
			t.Errorf("around %v without %v: %d pixels, want %d", r, s, len(covered), pixels(r))
		}
	}
}
