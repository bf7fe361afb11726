package font

import (
	"fmt"
	"image"
	"image/color"
	"testing"
)

const amount = "Total 合计 ¥12.00"

// BenchmarkMeasure is what layout pays again and again.
func BenchmarkMeasure(b *testing.B) {
	c := NewCache(megabyte)
	b.ReportAllocs()
	for b.Loop() {
		c.Measure(amount, 24, false)
	}
}

// BenchmarkMeasureNew shapes a text that was never seen, as an amount is.
func BenchmarkMeasureNew(b *testing.B) {
	c := NewCache(megabyte)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		c.Measure(fmt.Sprint("¥", i), 24, false)
	}
}

// BenchmarkDraw draws 15 glyphs at 24 pixels from the cache.
func BenchmarkDraw(b *testing.B) {
	c := NewCache(megabyte)
	img := image.NewRGBA(image.Rect(0, 0, 400, 60))
	var ink color.Color = color.NRGBA{20, 20, 20, 255}
	b.ReportAllocs()
	for b.Loop() {
		c.Draw(img, img.Rect, 4, 40, amount, 24, false, ink)
	}
}

// BenchmarkDrawNew draws Chinese characters that were never seen.
func BenchmarkDrawNew(b *testing.B) {
	c := NewCache(megabyte)
	img := image.NewRGBA(image.Rect(0, 0, 60, 60))
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		c.Draw(img, img.Rect, 4, 40, string(rune(0x4e00+i%6000)), 24+float32(i/6000), false, color.Black)
	}
}

// BenchmarkParse is what the first text of a weight pays.
func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newFace(parse(unpack(regularPacked)))
	}
}
