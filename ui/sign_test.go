package ui

import (
	"image"
	"image/color"
	"testing"

	"fyne.io/fyne/v2/canvas"

	"github.com/cloudpos/cloudpos/payment"
)

var endScreens = []payment.Screen{payment.ScreenApproved, payment.ScreenDeclined, payment.ScreenCancelled,
	payment.ScreenInDoubt, payment.ScreenFault}

// From three metres a normal eye reads letters of five minutes of arc: 4.4 mm.
// The word's letters are larger on every panel, and the sign is four times
// that.
func TestSignsAreSeenFromAfar(t *testing.T) {
	const distanceMM, arc, capital = 3000, 5 * 3.14159 / 180 / 60, 0.72
	letter := float32(distanceMM * arc)
	for _, p := range panels {
		for _, l := range languages {
			for _, screen := range endScreens {
				s := newStage(t, p, silent{}, Opts{Merchant: "Shop", Currency: cny, Language: l})
				s.ui.Show(saleView(screen, nil))
				want := s.ui.signOf(s.ui.ended)
				word, sign := float32(0), float32(0)
				for _, o := range walkStage(s).all {
					switch o := o.object.(type) {
					case *canvas.Text:
						if o.Text == want.word {
							word = o.TextSize * capital / perMMDefault
						}
					case *canvas.Image:
						sign = max(sign, o.Size().Height/perMMDefault)
					}
				}
				if word < letter || sign < 4*letter {
					t.Errorf("%s %s %s: capitals of %.1f mm and a sign of %.1f mm, want %.1f and %.1f",
						p.name, l, screen, word, sign, letter, 4*letter)
				}
			}
		}
	}
}

// Without colour the ends differ still: the signs' shapes share little.
func TestSignsDifferWithoutColour(t *testing.T) {
	shapes := map[payment.Screen][]bool{}
	words := map[string]payment.Screen{}
	for _, screen := range endScreens {
		s := newStage(t, panels[0], silent{}, Opts{Currency: cny})
		s.ui.Show(saleView(screen, nil))
		sign := s.ui.signOf(s.ui.ended)
		if other, ok := words[sign.word]; ok {
			t.Errorf("%s and %s have the same word %q", screen, other, sign.word)
		}
		words[sign.word] = screen
		shapes[screen] = silhouette(render(s), s)
	}
	for i, a := range endScreens {
		for _, b := range endScreens[:i] {
			both, either := 0, 0
			for j := range shapes[a] {
				if shapes[a][j] && shapes[b][j] {
					both++
				}
				if shapes[a][j] || shapes[b][j] {
					either++
				}
			}
			if either == 0 || both*2 > either {
				t.Errorf("the signs of %s and %s share %d of %d dots", a, b, both, either)
			}
		}
	}
}

// silhouette is where the largest picture has its ink, in black and white.
func silhouette(img *image.RGBA, s *stage) []bool {
	var at area
	for _, o := range walkStage(s).all {
		if _, ok := o.object.(*canvas.Image); ok && o.at.h > at.h {
			at = o.at
		}
	}
	const grid = 64
	grey := func(x, y float32) uint8 {
		return color.GrayModel.Convert(img.At(int(x*s.panel.scale()), int(y*s.panel.scale()))).(color.Gray).Y
	}
	ground := grey(at.x-2, at.y-2)
	dots := make([]bool, 0, grid*grid)
	for y := range grid {
		for x := range grid {
			g := grey(at.x+at.w*(float32(x)+0.5)/grid, at.y+at.h*(float32(y)+0.5)/grid)
			dots = append(dots, max(g, ground)-min(g, ground) > 60)
		}
	}
	return dots
}
