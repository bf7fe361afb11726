package ui

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/cloudpos/cloudpos/font"
	"github.com/cloudpos/cloudpos/ui/screen/paint"
)

// fonts are shared by all tests, as on a terminal.
var fonts = font.NewCache(8 << 20)

// testApp is Fyne's, but for text, which is measured as it is painted.
type testApp struct{ fyne.App }

func (a testApp) Driver() fyne.Driver { return testDriver{a.App.Driver()} }

type testDriver struct{ fyne.Driver }

func (testDriver) RenderedTextSize(text string, size float32, style fyne.TextStyle, _ fyne.Resource) (fyne.Size, float32) {
	return paint.MeasureText(fonts, text, size, style)
}

func newTestApp() fyne.App {
	app := testApp{test.NewApp()}
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

func TestLook(t *testing.T) {
	dir := os.Getenv("LOOK")
	if dir == "" {
		t.Skip()
	}
	for _, p := range panels {
		for _, l := range languages {
			for _, s := range scenes() {
				st := s.stage(t, p, l, os.Getenv("DARK") != "")
				f, err := os.Create(filepath.Join(dir, p.name+"-"+string(l)+"-"+s.name+".png"))
				if err != nil {
					t.Fatal(err)
				}
				if err := png.Encode(f, render(st)); err != nil {
					t.Fatal(err)
				}
				f.Close()
			}
		}
	}
}
