package ui

import (
	"cmp"
	"errors"
	"flag"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/cloudpos/cloudpos/font"
	"github.com/cloudpos/cloudpos/ui/screen/paint"
)

// fonts are shared by all tests, as on a terminal.
var fonts = font.NewCache(8 << 20)

// testApp is Fyne's, but for what the terminal's driver does otherwise: text is
// measured as it is painted, and icons are drawn at the canvas' own scale.
type testApp struct {
	fyne.App
	canvas fyne.Canvas
}

func (a testApp) Driver() fyne.Driver { return testDriver{a.App.Driver(), a.canvas} }

type testDriver struct {
	fyne.Driver
	canvas fyne.Canvas
}

func (d testDriver) CanvasForObject(fyne.CanvasObject) fyne.Canvas { return d.canvas }

func (testDriver) RenderedTextSize(text string, size float32, style fyne.TextStyle, _ fyne.Resource) (fyne.Size, float32) {
	return paint.MeasureText(fonts, text, size, style)
}

// newTestApp makes the current app, and a canvas of its own.
func newTestApp(scale float32) testApp {
	app := testApp{test.NewApp(), test.NewCanvas()}
	app.canvas.(test.WindowlessCanvas).SetScale(scale)
	fyne.SetCurrentApp(app)
	return app
}

// render paints a stage. It is a variable so that another painter can be
// looked at.
var render = func(s *stage) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, s.panel.width, s.panel.height))
	paint.New(paint.Opts{Cache: fonts}).Paint(dst, s.panel.scale(), s.ui.style.colours[RoleBackground],
		[]fyne.CanvasObject{s.ui.Content()})
	return dst
}

var update = flag.Bool("update", false, "write the golden images anew, and the contact sheet made from them")

const goldenFolder = "testdata/golden"

// TestGolden compares each screen with its picture. Floating point differs a
// little between machines, so an edge may be a shade off.
func TestGolden(t *testing.T) {
	for _, p := range panels {
		for _, l := range languages {
			for _, s := range scenes() {
				name := p.name + "-" + string(l) + "-" + s.name
				t.Run(name, func(t *testing.T) { checkGolden(t, name, render(s.stage(t, p, l, false))) })
			}
		}
	}
	for _, s := range scenes() {
		name := panels[0].name + "-dark-" + s.name
		t.Run(name, func(t *testing.T) { checkGolden(t, name, render(s.stage(t, panels[0], languages[0], true))) })
	}
}

func checkGolden(t *testing.T, name string, got *image.RGBA) {
	t.Helper()
	checkGoldenFile(t, filepath.Join(goldenFolder, name+".png"), got)
}

func checkGoldenFile(t *testing.T, file string, got *image.RGBA) {
	t.Helper()
	if *update {
		writePNG(t, file, got)
		return
	}
	want := readPNG(t, file)
	if want.Bounds() != got.Bounds() {
		t.Fatalf("%s: got %v, want %v", file, got.Bounds(), want.Bounds())
	}
	dotsMax := got.Rect.Dx() * got.Rect.Dy() / 5000
	far := differing(got, want)
	if far > dotsMax {
		far = differing(small(got), want) // it may have more colours than were kept
	}
	if far > dotsMax {
		failed := filepath.Join(os.TempDir(), filepath.Base(file))
		writePNG(t, failed, got)
		t.Errorf("%s: %d dots differ; what was drawn is %s; if it is right, run go test ./ui -update", file, far, failed)
	}
}

// differing counts dots that are visibly off.
func differing(got, want image.Image) (far int) {
	const visible = 24
	off := func(a, b uint32) bool { return max(a, b)-min(a, b) > visible<<8 }
	for y := range got.Bounds().Dy() {
		for x := range got.Bounds().Dx() {
			r1, g1, b1, _ := got.At(x, y).RGBA()
			r2, g2, b2, _ := want.At(x, y).RGBA()
			if off(r1, r2) || off(g1, g2) || off(b1, b2) {
				far++
			}
		}
	}
	return far
}

func writePNG(t *testing.T, file string, img image.Image) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := errors.Join(encoder.Encode(f, small(img)), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// small is the picture in the 256 colours that it has most of, which are all
// but some shades of edges: a third of the bytes.
func small(img image.Image) image.Image {
	b := img.Bounds()
	count := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA) }
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	order := func(c color.RGBA) uint32 { return uint32(c.R)<<16 | uint32(c.G)<<8 | uint32(c.B) }
	common := slices.SortedFunc(maps.Keys(count), func(x, y color.RGBA) int {
		return cmp.Or(cmp.Compare(count[y], count[x]), cmp.Compare(order(x), order(y)))
	})
	out := image.NewPaletted(b, nil)
	for _, c := range common[:min(len(common), 256)] {
		out.Palette = append(out.Palette, c)
	}
	index := map[color.RGBA]uint8{}
	for c := range count {
		index[c] = uint8(out.Palette.Index(c))
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			out.Pix[out.PixOffset(x, y)] = index[at(x, y)]
		}
	}
	return out
}

func readPNG(t *testing.T, file string) image.Image {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(file, err)
	}
	return img
}
