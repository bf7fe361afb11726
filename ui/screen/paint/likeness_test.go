package paint

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
)

// difference returns the part of pixels in which a channel differs by more
// than 64, and the mean difference of all channels.
func difference(a *image.RGBA, b image.Image) (part, mean float64) {
	var far, sum, n int
	for y := a.Rect.Min.Y; y < a.Rect.Max.Y; y++ {
		for x := a.Rect.Min.X; x < a.Rect.Max.X; x++ {
			p, q := a.RGBAAt(x, y), color.RGBAModel.Convert(b.At(x, y)).(color.RGBA)
			most := 0
			for _, d := range [3]int{int(p.R) - int(q.R), int(p.G) - int(q.G), int(p.B) - int(q.B)} {
				d = max(d, -d)
				most, sum, n = max(most, d), sum+d, n+1
			}
			if most > 64 {
				far++
			}
		}
	}
	return float64(far) / float64(n/3), float64(sum) / float64(n)
}

// TestLikeness holds the painter against Fyne's own, at whole scales: at others
// Fyne rounds the size of text up and the places of its runs down.
func TestLikeness(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(w, h int, scale float32) *scene
	}{{"keypad", keypad}, {"list", list}, {"dialog", dialog}, {"shapes", shapes}} {
		for _, scale := range []float32{1, 2} {
			t.Run(fmt.Sprintf("%s/%v", c.name, scale), func(t *testing.T) {
				s := c.make(360, 640, scale)
				dst := s.image()
				s.paint(newPainter(), dst)
				want := s.canvas.Capture()
				part, mean := difference(dst, want)
				t.Logf("scale %v: %.2f %% of pixels differ by more than 64, mean %.2f", scale, 100*part, mean)
				partMax := 0.005
				if c.name == "shapes" {
					partMax = 0.01 // it is all edges, which Fyne puts half a pixel beside the middle
				}
				if part > partMax || mean > 1.2 {
					t.Errorf("scale %v: %.2f %% of pixels differ by more than 64, mean %.2f", scale, 100*part, mean)
					beside(t, fmt.Sprintf("%s-%v.png", c.name, scale), dst, want)
				}
			})
		}
	}
}

// beside keeps a picture of what was painted, of Fyne's and of what differs.
func beside(t *testing.T, name string, got *image.RGBA, want image.Image) {
	w, h := got.Rect.Dx(), got.Rect.Dy()
	all := image.NewRGBA(image.Rect(0, 0, 3*w, h))
	draw.Draw(all, got.Rect, got, image.Point{}, draw.Src)
	draw.Draw(all, got.Rect.Add(image.Pt(w, 0)), want, image.Point{}, draw.Src)
	for y := range h {
		for x := range w {
			p, q := got.RGBAAt(x, y), all.RGBAAt(w+x, y)
			all.SetRGBA(2*w+x, y, color.RGBA{R: p.R - min(p.R, q.R) + q.R - min(p.R, q.R), G: p.G - min(p.G, q.G) + q.G - min(p.G, q.G), B: p.B - min(p.B, q.B) + q.B - min(p.B, q.B), A: 255})
		}
	}
	f, err := os.Create(filepath.Join(t.ArtifactDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := png.Encode(f, all); err != nil {
		t.Fatal(err)
	}
}

// shapes shows every kind of object that is no text, plain and special.
func shapes(w, h int, scale float32) *scene {
	grid := container.NewGridWithColumns(4)
	all := examples()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, o := range all[name] {
			grid.Add(container.NewPadded(o))
		}
	}
	return newScene(grid, w, h, scale)
}

// examples makes objects of every canvas type, by its name.
func examples() map[string][]fyne.CanvasObject {
	red, blue := color.NRGBA{R: 0xd0, G: 0x20, B: 0x20, A: 0xff}, color.NRGBA{R: 0x20, G: 0x40, B: 0xd0, A: 0x90}
	plain, round, tabs, square := canvas.NewRectangle(red), canvas.NewRectangle(red), canvas.NewRectangle(blue), canvas.NewSquare(red)
	round.CornerRadius, round.StrokeColor, round.StrokeWidth = 12, blue, 4
	tabs.TopLeftCornerRadius, tabs.TopRightCornerRadius = 30, 6
	frame := canvas.NewRectangle(color.Transparent)
	frame.StrokeColor, frame.StrokeWidth = red, 2
	disc, ring := canvas.NewCircle(red), canvas.NewCircle(color.Transparent)
	ring.StrokeColor, ring.StrokeWidth = blue, 4
	line, thin := canvas.NewLine(red), canvas.NewLine(blue)
	line.StrokeWidth = 5
	poly, soft := canvas.NewPolygon(6, red), canvas.NewPolygon(3, blue)
	soft.CornerRadius, soft.Angle, soft.StrokeColor, soft.StrokeWidth = 6, 15, red, 2
	pie, slice := canvas.NewPieArc(20, 250, red), canvas.NewDoughnutArc(-120, 60, blue)
	slice.CornerRadius, slice.StrokeColor, slice.StrokeWidth = 6, red, 2
	text := canvas.NewText("Ag 收银", red)
	radial := canvas.NewRadialGradient(red, blue)
	radial.CenterOffsetX = -0.2
	return map[string][]fyne.CanvasObject{
		"Rectangle":      {plain, round, tabs, square, frame},
		"Circle":         {disc, ring},
		"Line":           {line, thin},
		"Polygon":        {poly, soft},
		"Arc":            {pie, slice, canvas.NewArc(0, 400, 0.3, red)},
		"Text":           {text},
		"Image":          pictures(),
		"Raster":         {canvas.NewRasterWithPixels(func(x, y, _, _ int) color.Color { return color.NRGBA{R: uint8(4 * x), G: uint8(4 * y), A: 255} })},
		"LinearGradient": {canvas.NewLinearGradient(red, blue, 45), canvas.NewHorizontalGradient(red, blue), canvas.NewVerticalGradient(nil, blue)},
		"RadialGradient": {radial},
	}
}

// pictures shows one picture in every way.
func pictures() []fyne.CanvasObject {
	src := image.NewNRGBA(image.Rect(0, 0, 40, 30))
	for i := range 40 * 30 {
		x, y := i%40, i/40
		src.SetNRGBA(x, y, color.NRGBA{R: uint8(6 * x), G: uint8(8 * y), B: 128, A: uint8(255 - x)})
	}
	var all []fyne.CanvasObject
	for _, fill := range []canvas.ImageFill{canvas.ImageFillStretch, canvas.ImageFillContain, canvas.ImageFillCover} {
		for _, mode := range []canvas.ImageScale{canvas.ImageScaleSmooth, canvas.ImageScalePixels, canvas.ImageScaleFastest} {
			img := canvas.NewImageFromImage(src)
			img.FillMode, img.ScaleMode = fill, mode
			all = append(all, img)
		}
	}
	faint, round := canvas.NewImageFromImage(src), canvas.NewImageFromImage(src)
	faint.Translucency, round.CornerRadius = 0.5, 10
	svg := canvas.NewImageFromResource(fyne.NewStaticResource("x.svg", []byte(
		`<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24"><path d="M2 2h20v8H2z" fill="#208040"/></svg>`)))
	svg.FillMode = canvas.ImageFillContain
	return append(all, faint, round, svg)
}
