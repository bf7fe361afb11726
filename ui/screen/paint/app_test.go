package paint

import (
	"image"
	"image/color"
	"os"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/cloudpos/cloudpos/font"
)

// fonts is shared by all tests, as several windows share one.
var fonts = font.NewCache(4 << 20)

// app is Fyne's test app, but for text: that is measured as it is painted.
type app struct{ fyne.App }

func (a app) Driver() fyne.Driver { return driver{a.App.Driver()} }

type driver struct{ fyne.Driver }

func (driver) RenderedTextSize(text string, size float32, style fyne.TextStyle, _ fyne.Resource) (fyne.Size, float32) {
	return MeasureText(fonts, text, size, style)
}

// look is Fyne's own theme with the bundled face.
type look struct{ fyne.Theme }

var faces = [2]fyne.Resource{
	fyne.NewStaticResource("regular.otf", font.TTF(false)),
	fyne.NewStaticResource("bold.otf", font.TTF(true)),
}

func (look) Font(s fyne.TextStyle) fyne.Resource {
	if s.Bold {
		return faces[1]
	}
	return faces[0]
}

// Color is of the light variant, whatever the machine that tests prefers.
func (l look) Color(n fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	return l.Theme.Color(n, theme.VariantLight)
}

func TestMain(m *testing.M) {
	a := test.NewApp()
	a.Settings().SetTheme(look{theme.DefaultTheme()})
	fyne.SetCurrentApp(app{a})
	os.Exit(m.Run())
}

// scene is a screen that both painters can paint.
type scene struct {
	canvas test.WindowlessCanvas
	roots  []fyne.CanvasObject // content and overlays
	press  func(int)           // changes what a key press changes
	size   image.Point
	scale  float32
}

// newScene lays content out on a canvas of so many pixels.
func newScene(content fyne.CanvasObject, w, h int, scale float32) *scene {
	c := software.NewCanvas()
	c.SetPadded(false)
	c.SetScale(scale)
	c.SetContent(content)
	c.Resize(fyne.NewSize(float32(w)/scale, float32(h)/scale))
	return &scene{canvas: c, roots: []fyne.CanvasObject{content}, size: image.Pt(w, h), scale: scale}
}

func (s *scene) overlay(o fyne.CanvasObject) { s.roots = append(s.roots, o) }

func (s *scene) image() *image.RGBA { return image.NewRGBA(image.Rectangle{Max: s.size}) }

func (s *scene) paint(p *Painter, dst *image.RGBA) []image.Rectangle {
	return p.Paint(dst, s.scale, background(), s.roots)
}

func background() color.Color { return theme.Color(theme.ColorNameBackground) }

func newPainter() *Painter { return New(Opts{Cache: fonts}) }
