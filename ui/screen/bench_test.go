package screen_test

import (
	"image/color"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/widget"

	"github.com/cloudpos/cloudpos/ui/screen"
)

// lit is a key that shows that it is touched.
type lit struct {
	widget.BaseWidget
	face *canvas.Rectangle
}

func (l *lit) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(container.NewStack(l.face, container.NewCenter(canvas.NewText("5", color.White))))
}

func (l *lit) show(c color.Color)             { l.face.FillColor = c; l.face.Refresh() }
func (l *lit) TouchDown(*mobile.TouchEvent)   { l.show(color.NRGBA{R: 200, A: 255}) }
func (l *lit) TouchUp(*mobile.TouchEvent)     { l.show(color.NRGBA{B: 200, A: 255}) }
func (l *lit) TouchCancel(*mobile.TouchEvent) { l.show(color.NRGBA{B: 200, A: 255}) }

// stepped is an app that is driven by hand.
func stepped(b *testing.B, content fyne.CanvasObject) *screen.Screen {
	b.Helper()
	r := &rig{}
	r.options(720, 1280)
	r.opts.Displays[0].DPI = 267
	r.opts.OnFrame = nil
	s, err := screen.New(r.opts)
	if err != nil {
		b.Fatal(err)
	}
	w := s.NewWindow("")
	w.SetContent(content)
	w.Show()
	s.Step(nil)
	return s
}

// BenchmarkKey is one key of a keypad, pressed and let go: two frames.
func BenchmarkKey(b *testing.B) {
	grid := container.NewGridWithColumns(3)
	for range 12 {
		k := &lit{face: canvas.NewRectangle(color.NRGBA{B: 200, A: 255})}
		k.face.CornerRadius = 6
		k.ExtendBaseWidget(k)
		grid.Add(k)
	}
	s := stepped(b, container.NewBorder(widget.NewLabel("12.50"), nil, nil, nil, grid))
	b.ReportAllocs()
	for b.Loop() {
		s.Step(screen.Touch{Kind: screen.Down, X: 360, Y: 600})
		s.Step(screen.Touch{Kind: screen.Up, X: 360, Y: 600})
	}
}

// BenchmarkNothing is an event that changes nothing on a list of 50 rows.
func BenchmarkNothing(b *testing.B) {
	column := container.NewVBox()
	for range 50 {
		column.Add(widget.NewLabel("a row of the list"))
	}
	s := stepped(b, column)
	b.ReportAllocs()
	for b.Loop() {
		s.Step(screen.Key{Name: fyne.KeyF1, Down: true})
	}
}
