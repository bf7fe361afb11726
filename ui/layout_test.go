package ui

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
)

// seen is an object where it stands, and the colours that are behind it.
type seen struct {
	object fyne.CanvasObject
	at     area
	behind []color.Color
	scroll int // 0 is the screen, n is the content of the nth scroller
}

func (s seen) String() string {
	what := fmt.Sprintf("%T", s.object)
	switch o := s.object.(type) {
	case *canvas.Text:
		what = strconv.Quote(o.Text)
	case *canvas.Image:
		what = o.Resource.Name()
	}
	return fmt.Sprintf("%s at %.1f,%.1f size %.1f×%.1f", what, s.at.x, s.at.y, s.at.w, s.at.h)
}

// walker collects what is on a screen, flat.
type walker struct {
	all     []seen
	paints  []paintedArea
	bounds  map[int]area
	scrolls int
}

type paintedArea struct {
	at      area
	colours []color.Color
	scroll  int
}

func walkStage(s *stage) *walker {
	w := &walker{bounds: map[int]area{}}
	size := s.panel.size()
	w.bounds[0] = area{0, 0, size.Width, size.Height}
	w.walk(s.ui.Content(), fyne.Position{}, 0)
	return w
}

func (w *walker) walk(o fyne.CanvasObject, offset fyne.Position, scroll int) {
	if !o.Visible() {
		return
	}
	pos := o.Position().Add(offset)
	at := area{pos.X, pos.Y, o.Size().Width, o.Size().Height}
	switch o := o.(type) {
	case *fyne.Container:
		for _, child := range o.Objects {
			w.walk(child, pos, scroll)
		}
		return
	case *container.Scroll:
		w.scrolls++
		content := o.Content.Size()
		w.bounds[w.scrolls] = area{pos.X, pos.Y - o.Offset.Y, at.w, content.Height}
		w.walk(o.Content, pos, w.scrolls)
	case *key:
		w.paints = append(w.paints, paintedArea{at, []color.Color{o.plain, o.pressed}, scroll})
		w.add(o, at, scroll)
		for _, child := range test.WidgetRenderer(o).Objects()[1:] {
			w.walk(child, pos, scroll)
		}
		return
	case *canvas.Rectangle:
		w.paints = append(w.paints, paintedArea{at, []color.Color{o.FillColor}, scroll})
	case *canvas.Circle:
		w.paints = append(w.paints, paintedArea{at, []color.Color{o.FillColor}, scroll})
	}
	w.add(o, at, scroll)
}

func (w *walker) add(o fyne.CanvasObject, at area, scroll int) {
	s := seen{object: o, at: at, scroll: scroll}
	for i := len(w.paints) - 1; i >= 0 && s.behind == nil; i-- {
		p := w.paints[i]
		if p.scroll <= scroll && contains(p.at, area{at.x + at.w/2, at.y + at.h/2, 0, 0}) {
			s.behind = p.colours
		}
	}
	w.all = append(w.all, s)
}

const slack = 0.6 // of a Fyne unit: a tenth of a millimetre

func contains(outer, inner area) bool {
	return inner.x >= outer.x-slack && inner.y >= outer.y-slack &&
		inner.x+inner.w <= outer.x+outer.w+slack && inner.y+inner.h <= outer.y+outer.h+slack
}

func overlap(a, b area) bool {
	return a.x+slack < b.x+b.w && b.x+slack < a.x+a.w && a.y+slack < b.y+b.h && b.y+slack < a.y+a.h
}

// content is what may not cover each other: keys hold what is on them, and the
// rest is background.
func content(o fyne.CanvasObject) bool {
	switch o.(type) {
	case *canvas.Text, *canvas.Image:
		return true
	}
	return false
}

func eachScene(t *testing.T, isDark bool, check func(*testing.T, *stage)) {
	for _, p := range panels {
		for _, l := range languages {
			for _, s := range scenes() {
				t.Run(p.name+"-"+string(l)+"-"+s.name, func(t *testing.T) { check(t, s.stage(t, p, l, isDark)) })
			}
		}
	}
}

// Nothing is cut off, nothing covers anything, fingers can hit what is there,
// and eyes can read it.
func TestLayout(t *testing.T) {
	eachScene(t, false, func(t *testing.T, s *stage) {
		w := walkStage(s)
		if len(w.all) < 4 {
			t.Fatalf("only %d objects on the screen", len(w.all))
		}
		for i, a := range w.all {
			if !contains(w.bounds[a.scroll], a.at) {
				t.Errorf("%v is outside of %v", a, w.bounds[a.scroll])
			}
			checkText(t, s, a)
			for _, b := range w.all[:i] {
				if a.scroll == b.scroll && content(a.object) && content(b.object) && overlap(a.at, b.at) {
					t.Errorf("%v covers %v", a, b)
				}
			}
		}
		checkKeys(t, w)
		checkContrast(t, w)
	})
}

func checkText(t *testing.T, s *stage, a seen) {
	t.Helper()
	text, ok := a.object.(*canvas.Text)
	if !ok {
		return
	}
	if need := text.MinSize(); need.Width > a.at.w+slack || need.Height > a.at.h+slack {
		t.Errorf("%v needs %v", a, need)
	}
	if mm := text.TextSize / perMMDefault; mm < lettersMinMM-0.05 {
		t.Errorf("%v has letters of %.2f mm", a, mm)
	}
	if words := s.ui.style.words; strings.HasSuffix(text.Text, "…") && !slices.ContainsFunc(
		[]string{words.starting, words.reading, words.asking, words.historyWait}, // end so, also on a second line
		func(own string) bool { return strings.HasSuffix(own, text.Text) }) {
		t.Errorf("%v is cut off", a)
	}
}

func checkKeys(t *testing.T, w *walker) {
	t.Helper()
	keys := 0
	for i, a := range w.all {
		if _, ok := a.object.(*key); !ok {
			continue
		}
		keys++
		if need := float32(targetMM * perMMDefault); a.at.w < need-0.01 || a.at.h < need-0.01 {
			t.Errorf("%v is no 10 mm", a)
		}
		for _, b := range w.all[:i] {
			if _, ok := b.object.(*key); ok && a.scroll == b.scroll && overlap(a.at, b.at) {
				t.Errorf("%v covers %v", a, b)
			}
		}
	}
	if keys == 0 {
		t.Error("there is nothing to tap, not even the other language")
	}
}

func checkContrast(t *testing.T, w *walker) {
	t.Helper()
	for _, a := range w.all {
		var c color.Color
		switch o := a.object.(type) {
		case *canvas.Text:
			c = o.Color
		case *canvas.Image:
			c = iconColour(t, o.Resource.Name())
		default:
			continue
		}
		for _, behind := range a.behind {
			if r := contrast(c, behind); r < contrastMin {
				t.Errorf("%v has a contrast of %.2f on %v", a, r, behind)
			}
		}
	}
}

func TestContrastInTheDark(t *testing.T) {
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) { checkContrast(t, walkStage(s.stage(t, panels[0], languages[0], true))) })
	}
}

func iconColour(t *testing.T, name string) color.Color {
	t.Helper()
	_, hex, ok := strings.Cut(strings.TrimSuffix(name, ".svg"), "#")
	v, err := strconv.ParseUint(hex, 16, 24)
	if !ok || err != nil {
		t.Fatalf("icon %q has no colour", name)
	}
	return rgb(uint32(v))
}

// contrastMin is WCAG 2.2's for text, 1.4.3.
const contrastMin = 4.5

// contrast is WCAG 2.2's ratio.
func contrast(a, b color.Color) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		f := float64(v) / 0xFFFF
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

func TestContrast(t *testing.T) {
	if got := contrast(color.Black, color.White); math.Abs(got-21) > 0.01 {
		t.Fatalf("contrast(black, white) = %v, want 21", got)
	}
	if got := contrast(rgb(0xFFFFFF), rgb(0xFF9800)); got > 2.3 {
		t.Fatalf("contrast(white, #ff9800) = %v, want about 2.2", got)
	}
	for name, p := range map[string]*palette{"light": &light, "dark": &dark} {
		for _, pair := range Pairs() {
			if r := contrast(p[pair.Text], p[pair.On]); r < contrastMin {
				t.Errorf("%s: role %d on role %d has %.2f", name, pair.Text, pair.On, r)
			}
		}
	}
}

// Each look of a key is one of the pairs, plain and pressed.
func TestLooksArePairs(t *testing.T) {
	pairs := map[Pair]bool{}
	for _, p := range Pairs() {
		pairs[p] = true
	}
	for _, l := range []look{plainLook, quietLook, primaryLook, dangerLook, successLook, warningLook, neutralLook} {
		if !pairs[Pair{l.on, l.plain}] || !pairs[Pair{l.on, l.pressed}] {
			t.Errorf("look %v is not among the pairs", l)
		}
	}
	for r := range rolesMax {
		if light[r].A != 0xFF || dark[r].A != 0xFF {
			t.Errorf("role %d has no colour", r)
		}
	}
}
