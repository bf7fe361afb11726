package paint

import (
	"image"
	"testing"
)

// The scenes of the benchmarks at the size of a 5.5" panel. Run both painters
// in one go, as BenchmarkFull/keypad/fyne and BenchmarkFull/keypad/ours.
var benches = []struct {
	name string
	make func(w, h int, scale float32) *scene
}{{"keypad", keypad}, {"dialog", dialog}, {"list", list}}

// BenchmarkFull paints a whole screen.
func BenchmarkFull(b *testing.B) {
	for _, c := range benches {
		s := c.make(720, 1280, 2)
		b.Run(c.name+"/ours", func(b *testing.B) {
			p, dst := newPainter(), s.image()
			s.paint(p, dst)
			b.ReportAllocs()
			for b.Loop() {
				p.all = true
				s.paint(p, dst)
			}
		})
		b.Run(c.name+"/fyne", func(b *testing.B) {
			for b.Loop() {
				s.canvas.Capture()
			}
		})
	}
}

// BenchmarkPress changes what a key press changes, and brings the screen up to
// date. Fyne's painter knows no other way than all of it.
func BenchmarkPress(b *testing.B) {
	for _, c := range benches {
		s := c.make(720, 1280, 2)
		b.Run(c.name+"/ours", func(b *testing.B) {
			p, dst := newPainter(), s.image()
			s.paint(p, dst)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.press(i)
				s.paint(p, dst)
			}
		})
		b.Run(c.name+"/fyne", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				s.press(i)
				s.canvas.Capture()
			}
		})
	}
}

// BenchmarkIdle is a frame in which nothing changed.
func BenchmarkIdle(b *testing.B) {
	s := keypad(720, 1280, 2)
	p, dst := newPainter(), s.image()
	b.ReportAllocs()
	for b.Loop() {
		s.paint(p, dst)
	}
}

// BenchmarkFirst is a first frame with nothing cached.
func BenchmarkFirst(b *testing.B) {
	s := keypad(720, 1280, 2)
	for b.Loop() {
		s.paint(newPainter(), image.NewRGBA(image.Rectangle{Max: s.size}))
	}
}
