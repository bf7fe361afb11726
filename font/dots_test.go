package font

import (
	"bytes"
	"image"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// by makes a measure for wrapping that counts characters.
func by(most int) func(string) bool {
	return func(s string) bool { return utf8.RuneCountInString(s) <= most }
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 5, []string{""}},
		{"short", 5, []string{"short"}},
		{"two words", 5, []string{"two", "words"}},
		{"two  words", 6, []string{"two", "words"}},
		{"wordwithoutspace", 5, []string{"wordw", "ithou", "tspac", "e"}},
		{"请插卡或挥卡", 4, []string{"请插卡或", "挥卡"}},
		{"a 请插卡或挥卡", 4, []string{"a 请插", "卡或挥卡"}},
		{"one\ntwo\n", 9, []string{"one", "two"}},
		{"one\n\ntwo", 9, []string{"one", "", "two"}},
		{"  indented", 20, []string{"  indented"}},
		{"x", 0, []string{"x"}},
		{"xyz", 0, []string{"x", "y", "z"}},
	} {
		if got := wrap(c.text, 100, by(c.width)); !slices.Equal(got, c.want) {
			t.Errorf("wrap(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
		}
	}
	if got := wrap(strings.Repeat("x\n", 50), 7, by(5)); len(got) != 7 {
		t.Errorf("%d lines, want 7 at most", len(got))
	}
}

// TestRaster: text is black on white and keeps within the width, which its
// lines nearly fill.
func TestRaster(t *testing.T) {
	one := Raster("合计 Total", 384, 24, false)
	if one.Rect.Dx() != 384 || one.Rect.Dy() < 30 || one.Rect.Dy() > 40 {
		t.Fatalf("a line at 24 is %v", one.Rect)
	}
	dots := Pack(one)
	if n := black(dots); n < 200 || n > 3000 {
		t.Errorf("%d black dots", n)
	}
	if n := black(Pack(Raster("合计 Total", 384, 24, true))); n <= black(dots) {
		t.Errorf("bold has %d black dots, regular %d", n, black(dots))
	}
	three := Raster("合计 Total\n\n合计 Total", 384, 24, false)
	if three.Rect.Dy() != 3*one.Rect.Dy() {
		t.Errorf("three lines are %d high, one is %d", three.Rect.Dy(), one.Rect.Dy())
	}
	last := three.Pix[2*len(one.Pix):]
	if !bytes.Equal(last, one.Pix) {
		t.Error("the same line looks different further down")
	}
	wrapped := Raster(strings.Repeat("中", 33), 384, 24, false) // 16 fit
	if wrapped.Rect.Dy() != 3*one.Rect.Dy() {
		t.Errorf("33 characters of 24 in 384 dots are %d high, want three lines", wrapped.Rect.Dy())
	}
	for _, r := range []*image.Gray{Raster("x", 0, 24, false), Raster("x", 100, -1, true)} {
		if !r.Rect.Empty() {
			t.Errorf("no width or size gives %v", r.Rect)
		}
		if d := Pack(r); len(d.Bits) != 0 {
			t.Errorf("no picture has %d bytes of dots", len(d.Bits))
		}
	}
	if high := Raster(strings.Repeat("x\n", 1<<16), 8, 24, false).Rect.Dy(); high > heightDotsMax {
		t.Errorf("a picture of %d rows", high)
	}
}

func black(d Dots) (n int) {
	for y := range d.Height {
		for x := range d.Width {
			if d.Black(x, y) {
				n++
			}
		}
	}
	return n
}

func TestPack(t *testing.T) {
	const w, b = 255, 0
	img := &image.Gray{Rect: image.Rect(0, 0, 10, 2), Stride: 12, Pix: []byte{
		b, w, w, w, w, w, w, b, w, b, b, b, // the last two lie outside
		w, b, w, 143, 144, w, w, w, b, w, b, b,
	}}
	got := Pack(img)
	if want := []byte{0x81, 0x40, 0x50, 0x80}; got.Width != 10 || got.Height != 2 || !bytes.Equal(got.Bits, want) {
		t.Errorf("Pack = %d × %d % x, want 10 × 2 % x", got.Width, got.Height, got.Bits, want)
	}
	for _, p := range []struct {
		x, y int
		want bool
	}{{0, 0, true}, {1, 0, false}, {9, 0, true}, {1, 1, true}, {10, 0, false}, {-1, 0, false}, {0, 2, false}} {
		if got.Black(p.x, p.y) != p.want {
			t.Errorf("Black(%d, %d) is %v", p.x, p.y, !p.want)
		}
	}
}

func TestBands(t *testing.T) {
	d := Pack(Raster("合计 Total\n¥12.00", 100, 24, false))
	for _, rows := range []int{1, 7, 24, 1000, 0} {
		var bits []byte
		height := 0
		for band := range d.Bands(rows) {
			if band.Width != d.Width || band.Height > max(rows, 1) || len(band.Bits) != band.Height*13 {
				t.Fatalf("a band of %d × %d, %d bytes", band.Width, band.Height, len(band.Bits))
			}
			bits = append(bits, band.Bits...)
			height += band.Height
		}
		if height != d.Height || !bytes.Equal(bits, d.Bits) {
			t.Errorf("bands of %d rows do not join to the picture", rows)
		}
	}
	for band := range d.Bands(1) { // a printer that fails takes no more
		_ = band
		break
	}
}

// FuzzWrap: no character but spaces is lost, and each line fits or is one.
func FuzzWrap(f *testing.F) {
	f.Add("Total 合计 ¥12.00", 7)
	f.Add("\xff\xfe \n\n x", 1)
	f.Fuzz(func(t *testing.T, text string, width int) {
		if len(text) > 2000 {
			t.Skip("long")
		}
		fits := by(width)
		squeeze := func(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }
		lines := wrap(text, 1<<20, fits)
		if got := squeeze(strings.Join(lines, "")); got != squeeze(text) {
			t.Errorf("wrap(%q) lost something: %q", text, lines)
		}
		for _, l := range lines {
			if !fits(l) && utf8.RuneCountInString(l) > 1 {
				t.Errorf("wrap(%q, %d): line %q does not fit", text, width, l)
			}
		}
	})
}
