package font_test

import (
	"bytes"
	"image/color"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	fynetest "fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/cloudpos/cloudpos/font"
)

// TestCoverage: what the bundled face promises, each character by itself.
func TestCoverage(t *testing.T) {
	want := []rune("¥€£$₩₹฿₫←↑→↓⌫✔✖●○◀▶▲▼⚠…✓✕⏎☰⚙ℹ⋮–—‘’“”•\ufffd")
	for _, r := range [][2]rune{{' ', '~'}, {0xa0, 0x17f}, {'А', 'я'}, {'Α', 'Ρ'}} {
		for c := r[0]; c <= r[1]; c++ {
			want = append(want, c)
		}
	}
	chinese := gb2312(t)
	if len(chinese) < 7400 {
		t.Fatalf("GB 2312 has %d characters, want above 7400", len(chinese))
	}
	for _, r := range append(want, chinese...) {
		if !font.Has(r) {
			t.Errorf("no glyph for %U %c", r, r)
		}
	}
	for _, r := range []rune{'ก', '한', '😀', '\t'} {
		if font.Has(r) {
			t.Errorf("a glyph for %U", r)
		}
	}
}

// gb2312 returns every character of GB 2312, by its code table: rows 1 to 9
// are signs, 16 to 87 are ideographs.
func gb2312(t *testing.T) []rune {
	t.Helper()
	var all []rune
	decoder := simplifiedchinese.GBK.NewDecoder()
	for row := byte(0xa1); row <= 0xf7; row++ {
		for cell := byte(0xa1); cell <= 0xfe; cell++ {
			text, err := decoder.Bytes([]byte{row, cell})
			r, _ := utf8.DecodeRune(text)
			if err != nil || r == utf8.RuneError || extension(row, cell) {
				continue
			}
			all = append(all, r)
		}
	}
	return all
}

// extension tells cells which GBK and its successors fill and GB 2312 leaves
// empty, so that a row's end does not count as promised.
func extension(row, cell byte) bool {
	switch {
	case row >= 0xaa && row < 0xb0, row == 0xd7 && cell > 0xf9:
		return true
	case row == 0xa2:
		return cell < 0xb1 || cell > 0xfc || cell == 0xe3 || cell == 0xe4 || cell == 0xef || cell == 0xf0
	case row == 0xa4:
		return cell > 0xf3
	case row == 0xa5:
		return cell > 0xf6
	case row == 0xa6:
		return cell > 0xd8 || cell > 0xb8 && cell < 0xc1
	case row == 0xa7:
		return cell > 0xf1 || cell > 0xc1 && cell < 0xd1
	case row == 0xa8:
		return cell > 0xe9 || cell > 0xba && cell < 0xc5
	case row == 0xa9:
		return cell < 0xa4 || cell > 0xef
	}
	return false
}

func TestLicence(t *testing.T) {
	for _, want := range []string{"SIL OPEN FONT LICENSE Version 1.1", "Adobe", "Google", "PERMISSION & CONDITIONS"} {
		if !strings.Contains(font.Licence, want) {
			t.Errorf("the licence lacks %q", want)
		}
	}
	if bytes.Contains(font.TTF(false), []byte("\x00N\x00o\x00t\x00o\x00 \x00S\x00a\x00n\x00s")) {
		t.Error("the face made bears the name of the one it was made from")
	}
}

// faces is a theme with the bundled faces.
type faces struct{ fyne.Theme }

func (f faces) Font(style fyne.TextStyle) fyne.Resource {
	if style.Bold {
		return fyne.NewStaticResource("bold.otf", font.TTF(true))
	}
	return fyne.NewStaticResource("regular.otf", font.TTF(false))
}

func (f faces) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	return f.Theme.Color(name, variant)
}

// TestFyne: Fyne measures the bundled faces as a theme's resource, and as
// the Cache does. Fyne rounds sizes up to whole points, so only those agree.
func TestFyne(t *testing.T) {
	app := fynetest.NewTempApp(t)
	app.Settings().SetTheme(faces{theme.DefaultTheme()})
	c := font.NewCache(1 << 20)
	for _, text := range []string{"Total ¥12.00", "请插卡或挥卡", "⌫ ✔ ✖", "Łódź", "x", ""} {
		for _, size := range []float32{11, 14, 24, 60} {
			for _, bold := range []bool{false, true} {
				want := fyne.MeasureText(text, size, fyne.TextStyle{Bold: bold})
				width, ascent, descent := c.Measure(text, size, bold)
				// Fyne rounds in the shaper; ours may differ by half a 64th a glyph.
				slack := float64(utf8.RuneCountInString(text)+1) / 64
				if math.Abs(float64(width-want.Width)) > slack || math.Abs(float64(ascent+descent-want.Height)) > 1.0/16 {
					t.Errorf("Measure(%q, %v, %v) = %v × %v, Fyne has %v", text, size, bold, width, ascent+descent, want)
				}
			}
		}
	}
}
