package paint

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
	"pgregory.net/rapid"
)

// world is a screen on which anything may change at any time.
type world struct {
	*rapid.T
	root, page *fyne.Container
	scroll     *container.Scroll
	painter    *Painter
	dst        *image.RGBA
	scale      float32
	tint       uint8 // of all rasters
	overlays   []fyne.CanvasObject
	background color.Color
}

func newWorld(t *rapid.T) *world {
	w := &world{T: t, root: container.NewWithoutLayout(), page: container.NewWithoutLayout(), background: color.White}
	w.scroll = container.NewScroll(container.NewStack(canvas.NewRectangle(w.colour()), w.page, widget.NewLabel("wide\nand\nhigh\nenough\nto be\nscrolled")))
	w.scroll.Resize(fyne.NewSize(40, 30))
	w.scroll.Move(fyne.NewPos(20, 20))
	w.root.Add(w.scroll)
	w.scale = float32(rapid.SampledFrom([]float64{1, 1.25, 2}).Draw(t, "scale"))
	w.painter = New(Opts{Cache: fonts, TextureMax: rapid.SampledFrom([]int{1, 8 << 10, 1 << 20}).Draw(t, "budget")})
	w.dst = image.NewRGBA(image.Rect(0, 0, 160, 120))
	return w
}

func (w *world) number(most int) int { return rapid.IntRange(0, most).Draw(w.T, "n") }

// length is often fractional, and may be below zero.
func (w *world) length() float32 { return float32(w.number(400)-40) / 4 }

func (w *world) colour() color.Color {
	return rapid.SampledFrom([]color.Color{
		nil, color.Transparent, color.White, color.Black, color.NRGBA{R: 200, G: 40, B: 40, A: 255},
		color.NRGBA{R: 20, G: 90, B: 220, A: 128}, color.RGBA{R: 60, G: 60, A: 60}, color.Gray{Y: 77},
	}).Draw(w.T, "colour")
}

// object makes one of any type, of any look.
func (w *world) object() fyne.CanvasObject {
	var o fyne.CanvasObject
	switch w.number(10) {
	case 0:
		o = canvas.NewRectangle(w.colour())
	case 1:
		o = &canvas.Rectangle{FillColor: w.colour(), StrokeColor: w.colour(), StrokeWidth: w.length() / 8,
			CornerRadius: w.length() / 4, TopLeftCornerRadius: w.length() / 4, Aspect: float32(w.number(2))}
	case 2:
		o = &canvas.Circle{FillColor: w.colour(), StrokeColor: w.colour(), StrokeWidth: w.length() / 8}
	case 3:
		o = &canvas.Line{StrokeColor: w.colour(), StrokeWidth: w.length() / 8}
	case 4:
		o = &canvas.Polygon{Sides: uint(w.number(7)), FillColor: w.colour(), StrokeColor: w.colour(), StrokeWidth: w.length() / 8,
			CornerRadius: w.length() / 4, Angle: w.length()}
	case 5:
		o = &canvas.Arc{StartAngle: 4 * w.length(), EndAngle: 4 * w.length(), CutoutRatio: w.length() / 60, FillColor: w.colour(),
			StrokeColor: w.colour(), StrokeWidth: w.length() / 8, CornerRadius: w.length() / 4}
	case 6:
		o = &canvas.Text{Text: fmt.Sprintf("¥%d 收银 Ag", w.number(9)), Color: w.colour(), TextSize: w.length() / 3,
			TextStyle: fyne.TextStyle{Bold: w.number(1) == 1}, Alignment: fyne.TextAlign(w.number(2))}
	case 7:
		o = &canvas.Image{Image: w.picture(), FillMode: canvas.ImageFill(w.number(3)), ScaleMode: canvas.ImageScale(w.number(2)),
			CornerRadius: w.length() / 8, Translucency: float64(w.number(4)) / 4}
	case 8:
		o = canvas.NewRaster(func(width, height int) image.Image {
			img := image.NewNRGBA(image.Rect(0, 0, width, height))
			for i := range img.Pix {
				img.Pix[i] = uint8(i) + w.tint
			}
			return img
		})
	case 9:
		o = canvas.NewLinearGradient(w.colour(), w.colour(), float64(45*w.number(8)))
	default:
		o = canvas.NewRadialGradient(w.colour(), w.colour())
	}
	o.Resize(fyne.NewSize(w.length(), w.length()))
	o.Move(fyne.NewPos(w.length(), w.length()))
	return o
}

func (w *world) picture() image.Image {
	img := image.NewRGBA(image.Rect(-3, 2, 1+w.number(2), 12))
	shade := w.number(3)
	for i := range img.Pix {
		img.Pix[i] = 255
		if i%4 != 3 {
			img.Pix[i] = uint8(7 * i * shade)
		}
	}
	return img
}

// change changes something, through hooks or behind their back.
func (w *world) change() {
	at := rapid.SampledFrom([]*fyne.Container{w.root, w.page}).Draw(w.T, "container")
	if n := len(at.Objects); n > 0 {
		o := at.Objects[w.number(n-1)]
		switch w.number(6) {
		case 0:
			o.Move(fyne.NewPos(w.length(), w.length()))
		case 1:
			o.Resize(fyne.NewSize(w.length(), w.length()))
		case 2:
			o.Hide()
		case 3:
			o.Show()
		case 4:
			i, j := w.number(n-1), w.number(n-1)
			at.Objects[i], at.Objects[j] = at.Objects[j], at.Objects[i]
		case 5:
			i := w.number(n - 1)
			if at.Objects[i] != w.scroll {
				at.Objects = append(at.Objects[:i:i], at.Objects[i+1:]...)
			}
		case 6:
			switch o := o.(type) {
			case *canvas.Text:
				o.Text += "!"
			case *canvas.Image:
				o.Image = w.picture()
			}
		}
	}
	switch w.number(7) {
	case 0, 1, 2:
		i := w.number(len(at.Objects))
		at.Objects = append(at.Objects[:i:i], append([]fyne.CanvasObject{w.object()}, at.Objects[i:]...)...)
	case 3:
		w.scroll.ScrollToOffset(fyne.NewPos(0, w.length()))
	case 4:
		w.tint++
		for _, o := range slices.Concat(w.root.Objects, w.page.Objects, w.overlays) {
			w.painter.Refresh(o)
		}
	case 5:
		if w.overlays = nil; w.number(1) == 0 {
			w.overlays = []fyne.CanvasObject{w.object(), w.object()}
		}
	case 6:
		w.background = w.colour()
	case 7:
		w.painter.Invalidate()
	}
}

// check paints what changed, and everything with another painter.
func (w *world) check() {
	before := bytes.Clone(w.dst.Pix)
	roots := append([]fyne.CanvasObject{w.root}, w.overlays...)
	damage := w.painter.Paint(w.dst, w.scale, w.background, roots)
	if len(damage) > damageMax {
		w.Fatalf("%d rectangles of damage, want at most %d", len(damage), damageMax)
	}
	full := image.NewRGBA(w.dst.Rect)
	New(Opts{Cache: fonts}).Paint(full, w.scale, w.background, roots)
	for i := 0; i < len(full.Pix); i += 4 {
		at := image.Pt(i/4%w.dst.Rect.Dx(), i/4/w.dst.Rect.Dx())
		got, want := w.dst.Pix[i:i+4], full.Pix[i:i+4]
		if !bytes.Equal(got, want) {
			w.Fatalf("pixel %v is %v, a full repaint gives %v; damage %v", at, got, want, damage)
		}
		if bytes.Equal(got, before[i:i+4]) {
			continue
		}
		told := false
		for _, r := range damage {
			told = told || at.In(r)
		}
		if !told {
			w.Fatalf("pixel %v changed outside the damage %v", at, damage)
		}
	}
	if w.painter.TextureBytes() > w.painter.textures.bytesMax {
		w.Fatalf("%d bytes of textures, want at most %d", w.painter.TextureBytes(), w.painter.textures.bytesMax)
	}
}

func damageIsEnough(t *rapid.T) {
	w := newWorld(t)
	w.check()
	for range w.number(12) {
		for range 1 + w.number(2) {
			w.change()
		}
		w.check()
	}
}

// TestDamage: a frame that repaints the damage only has the bytes of one that
// repaints everything, whatever changed; nothing changes outside of it.
func TestDamage(t *testing.T) { rapid.Check(t, damageIsEnough) }

func FuzzDamage(f *testing.F) { f.Fuzz(rapid.MakeFuzz(damageIsEnough)) }

// TestNothingChanged: a frame like the last one has no damage.
func TestNothingChanged(t *testing.T) {
	s := dialog(360, 640, 1)
	p, dst := newPainter(), s.image()
	if got := s.paint(p, dst); len(got) != 1 || got[0] != dst.Rect {
		t.Errorf("the first frame's damage is %v, want %v", got, dst.Rect)
	}
	if got := s.paint(p, dst); len(got) != 0 {
		t.Errorf("damage %v though nothing changed", got)
	}
	if got := s.paint(p, s.image()); len(got) != 1 || got[0] != dst.Rect {
		t.Errorf("damage on a new image is %v, want %v", got, dst.Rect)
	}
}

// TestClip: what scrolls, and what a container clips, stays in its frame.
func TestClip(t *testing.T) {
	wide := func() fyne.CanvasObject {
		r := canvas.NewRectangle(color.Black)
		r.SetMinSize(fyne.NewSize(200, 200))
		return r
	}
	for name, o := range map[string]fyne.CanvasObject{
		"scroll":    container.NewScroll(wide()),
		"container": container.NewClip(wide()),
	} {
		o.MinSize() // a Clip is laid out by Resize only once it was asked for this
		o.Resize(fyne.NewSize(30, 20))
		o.Move(fyne.NewPos(10, 10))
		dst := image.NewRGBA(image.Rect(0, 0, 60, 60))
		newPainter().Paint(dst, 1, color.White, []fyne.CanvasObject{o})
		for y := range 60 {
			for x := range 60 {
				want := image.Pt(x, y).In(image.Rect(10, 10, 40, 30))
				// A scroll paints shadows and bars of its own inside.
				if got := dst.RGBAAt(x, y).R < 128; got != want {
					t.Fatalf("%s: pixel %d,%d is painted: %v, want %v", name, x, y, got, want)
				}
			}
		}
	}
}

// TestKeyPressIsSmall: a key press damages the key and the amount, not more.
func TestKeyPressIsSmall(t *testing.T) {
	s := keypad(720, 1280, 2)
	p, dst := newPainter(), s.image()
	s.paint(p, dst)
	s.press(0)
	pixels := 0
	for _, r := range s.paint(p, dst) {
		pixels += r.Dx() * r.Dy()
	}
	if most := 720 * 1280 / 8; pixels == 0 || pixels > most {
		t.Errorf("%d pixels repainted, want some and at most %d", pixels, most)
	}
}

func TestMerge(t *testing.T) {
	var all []image.Rectangle
	for i := range 100 {
		x, y := i%10*200, i/10*200
		all = merge(all, image.Rect(x, y, x+50, y+50))
	}
	if len(all) > damageMax {
		t.Errorf("%d rectangles, want at most %d", len(all), damageMax)
	}
	for i := range 100 {
		inside := false
		for _, r := range all {
			inside = inside || image.Pt(i%10*200, i/10*200).In(r)
		}
		if !inside {
			t.Errorf("rectangle %d is in none of %v", i, all)
		}
	}
	if got := merge(nil, image.Rectangle{}); len(got) != 0 {
		t.Errorf("merged nothing to %v", got)
	}
}
