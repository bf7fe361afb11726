package paint

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"testing"
)

// premultiplied makes a random colour that has no channel above its alpha.
func premultiplied(r *rand.Rand) color.RGBA {
	a := []int{0, 1, 127, 254, 255, r.IntN(256)}[r.IntN(6)]
	return color.RGBA{R: uint8(r.IntN(a + 1)), G: uint8(r.IntN(a + 1)), B: uint8(r.IntN(a + 1)), A: uint8(a)}
}

func randomImage(r *rand.Rand, opaque bool) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 37, 5))
	c := premultiplied(r)
	for y := range 5 {
		for x := range 37 {
			if r.IntN(4) == 0 { // runs, as screens have them
				c = premultiplied(r)
			}
			if opaque {
				c.A = 255
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// near compares with Go's own compositing, which computes in 16 bits and so
// rounds once where a faded picture is rounded three times here.
func near(t *testing.T, what string, got, want *image.RGBA) {
	t.Helper()
	for i, v := range got.Pix {
		if d := int(v) - int(want.Pix[i]); d < -2 || d > 2 {
			t.Fatalf("%s: channel %d of pixel %d is %d, want %d", what, i%4, i/4, v, want.Pix[i])
		}
	}
}

// TestCompositing holds the word-wide loops against image/draw.
func TestCompositing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		base, over := randomImage(r, true), randomImage(r, false)
		clip := image.Rect(r.IntN(8), 0, 20+r.IntN(18), 5)
		c := premultiplied(r)
		alpha := uint8(r.IntN(256))
		faded := image.NewUniform(color.Alpha{A: alpha})
		m := mask{rect: image.Rect(0, 0, 37, 5), pixels: make([]uint8, 37*5)}
		for i := range m.pixels {
			m.pixels[i] = []uint8{0, 255, uint8(r.IntN(256))}[r.IntN(3)]
		}
		straight := image.NewNRGBA(over.Rect)
		draw.Draw(straight, over.Rect, over, image.Point{}, draw.Src)

		for _, step := range []struct {
			name string
			got  func(dst *image.RGBA)
			want func(dst *image.RGBA)
		}{
			{"fill", func(d *image.RGBA) { fill(d, clip, d.Rect, c) },
				func(d *image.RGBA) { draw.Draw(d, clip, image.NewUniform(c), image.Point{}, draw.Over) }},
			{"cover", func(d *image.RGBA) { cover(d, clip, &m, image.Point{}, c) }, func(d *image.RGBA) {
				draw.DrawMask(d, clip, image.NewUniform(c), clip.Min, &image.Alpha{Pix: m.pixels, Stride: 37, Rect: m.rect}, clip.Min, draw.Over)
			}},
			{"blendRGBA", func(d *image.RGBA) { blendRGBA(d, clip, over, image.Point{}, 255) },
				func(d *image.RGBA) { draw.Draw(d, clip, over, clip.Min, draw.Over) }},
			{"blendRGBA faded", func(d *image.RGBA) { blendRGBA(d, clip, over, image.Point{}, alpha) },
				func(d *image.RGBA) { draw.DrawMask(d, clip, over, clip.Min, faded, clip.Min, draw.Over) }},
			{"blendNRGBA", func(d *image.RGBA) { blendNRGBA(d, clip, straight, image.Point{}, 255) },
				func(d *image.RGBA) { draw.Draw(d, clip, straight, clip.Min, draw.Over) }},
		} {
			got, want := image.NewRGBA(base.Rect), image.NewRGBA(base.Rect)
			copy(got.Pix, base.Pix)
			copy(want.Pix, base.Pix)
			step.got(got)
			step.want(want)
			near(t, step.name, got, want)
		}
	}
}

// TestSolid: what an operation claims to hide, it hides.
func TestSolid(t *testing.T) {
	p := newPainter()
	s := shapes(360, 640, 2)
	dst := s.image()
	s.paint(p, dst)
	solid := 0
	for i := range p.last {
		o := &p.last[i]
		if o.solid.Empty() {
			continue
		}
		solid++
		a, b := s.image(), s.image()
		set(a, a.Rect, color.RGBA{A: 255})
		set(b, b.Rect, color.RGBA{R: 255, G: 255, B: 255, A: 255})
		p.draw(a, o.area, o)
		p.draw(b, o.area, o)
		for y := o.solid.Min.Y; y < o.solid.Max.Y; y++ {
			for x := o.solid.Min.X; x < o.solid.Max.X; x++ {
				if a.RGBAAt(x, y) != b.RGBAAt(x, y) {
					t.Fatalf("operation %d, kind %d: pixel %d,%d shows what is below", i, o.kind, x, y)
				}
			}
		}
	}
	if solid < 3 {
		t.Errorf("only %d operations hide anything", solid)
	}
}

// TestStroke: a pen covers what is nearer to its path than half its width,
// around corners to either side too, and nothing else.
func TestStroke(t *testing.T) {
	path := []point{{20, 20}, {80, 15}, {60, 50}, {85, 85}, {50, 60}, {15, 80}, {35, 50}}
	const half = 6
	m := rasterize(stroke(outline{path}, 2*half), image.Rect(0, 0, 100, 100))
	for y := range 100 {
		for x := range 100 {
			p, near := point{float64(x) + 0.5, float64(y) + 0.5}, math.Inf(1)
			for i, a := range path {
				near = math.Min(near, distance(p, a, path[(i+1)%len(path)]))
			}
			got := m.pixels[100*y+x]
			if near < half-1 && got < 250 || near > half+1 && got > 5 {
				t.Fatalf("pixel %d,%d at %.1f from the path has coverage %d", x, y, near, got)
			}
		}
	}
}

// distance returns how far a point is from a line between two others.
func distance(p, a, b point) float64 {
	dx, dy := b.x-a.x, b.y-a.y
	along := min(max(((p.x-a.x)*dx+(p.y-a.y)*dy)/(dx*dx+dy*dy), 0), 1)
	return math.Hypot(p.x-a.x-along*dx, p.y-a.y-along*dy)
}
