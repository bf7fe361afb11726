package web

import (
	"image"
	"image/color"
	"image/draw"
	"testing"
)

// keypad is a picture like the terminal's: plain areas, keys, lines like text.
func keypad() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 720, 1280))
	draw.Draw(img, img.Rect, image.NewUniform(color.RGBA{245, 246, 248, 255}), image.Point{}, draw.Src)
	for y := 400; y < 1280; y += 220 {
		for x := 0; x < 720; x += 240 {
			draw.Draw(img, image.Rect(x+8, y+8, x+232, y+212), image.NewUniform(color.RGBA{225, 228, 233, 255}), image.Point{}, draw.Src)
			for i := range 60 {
				c := color.RGBA{uint8(i * 4), uint8(i * 3), 90, 255}
				draw.Draw(img, image.Rect(x+80+i, y+60+i%7, x+81+i, y+150), image.NewUniform(c), image.Point{}, draw.Src)
			}
		}
	}
	return img
}

func BenchmarkWholeScreen(b *testing.B) {
	s := newSurface(image.Pt(720, 1280))
	img := keypad()
	s.put(img, nil)
	bytes := 0
	for b.Loop() {
		for i := range s.made { // nothing is kept from the time before
			s.made[i] = madeTile{}
		}
		seen := make([]uint64, len(s.changes))
		bytes = 0
		for {
			m, err := s.message(seen, 1)
			if err != nil {
				b.Fatal(err)
			}
			if m == nil {
				break
			}
			bytes += len(m)
		}
	}
	b.ReportMetric(float64(bytes), "bytes/screen")
}

func BenchmarkKeyPress(b *testing.B) {
	s := newSurface(image.Pt(720, 1280))
	img := keypad()
	s.put(img, nil)
	key := image.Rect(248, 408, 472, 612)
	seen := make([]uint64, len(s.changes))
	for range 2 {
		if _, err := s.message(seen, 1); err != nil {
			b.Fatal(err)
		}
	}
	grey, bytes := uint8(0), 0
	for b.Loop() {
		grey++
		draw.Draw(img, key, image.NewUniform(color.RGBA{grey, 228, 233, 255}), image.Point{}, draw.Src)
		s.put(img, []image.Rectangle{key})
		m, err := s.message(seen, 1)
		if err != nil {
			b.Fatal(err)
		}
		bytes = len(m)
	}
	b.ReportMetric(float64(bytes), "bytes/press")
}

func BenchmarkPresentUnchanged(b *testing.B) {
	s := newSurface(image.Pt(720, 1280))
	img := keypad()
	s.put(img, nil)
	for b.Loop() {
		s.put(img, []image.Rectangle{img.Rect})
	}
}
