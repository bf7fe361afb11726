package scene

import (
	"errors"
	"fmt"
	"image"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"

	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/ui"
	"github.com/cloudpos/cloudpos/ui/screen"
)

// Model is a scene on a picture in memory.
type Model struct {
	*Scene
	memory  *screen.Memory
	dpi     float32
	changed chan struct{} // holds one
}

// NewModel starts a scene on a picture of this size.
func NewModel(size image.Point, dpi float32, rotation screen.Rotation, opts ui.Opts) (*Model, error) {
	m := &Model{memory: screen.NewMemory(size.X, size.Y), dpi: dpi, changed: make(chan struct{}, 1)}
	var err error
	m.Scene, err = Start(Opts{
		Displays: []screen.Display{{Output: told{m.memory, m.changed}, DPI: dpi, Rotation: rotation}}, UI: opts,
	})
	if err != nil {
		return nil, err
	}
	return m, m.wait()
}

// told is an output that tells when it shows something new.
type told struct {
	*screen.Memory
	changed chan struct{}
}

func (o told) Present(img *image.RGBA, damage []image.Rectangle) error {
	err := o.Memory.Present(img, damage)
	if len(damage) > 0 {
		select {
		case o.changed <- struct{}{}:
		default:
		}
	}
	return err
}

// frameMax is how long a frame may take on a busy machine.
const frameMax = 10 * time.Second

var errSame = errors.New("scene: nothing on the screen has changed")

func (m *Model) wait() error {
	select {
	case <-m.changed:
		return nil
	case <-time.After(frameMax):
		return errSame
	}
}

// Touch hands in what a finger does, and waits for the picture that it makes.
func (m *Model) Touch(t screen.Touch) error {
	m.Screen.Send(0, t)
	return m.wait()
}

// Show shows a view of a sale, and waits for its picture.
func (m *Model) Show(v payment.View) error {
	fyne.DoAndWait(func() { m.UI.Show(v) })
	return m.wait()
}

// ShowStatus shows how the terminal is, and waits for its picture.
func (m *Model) ShowStatus(s ui.Status) error {
	fyne.DoAndWait(func() { m.UI.ShowStatus(s) })
	return m.wait()
}

// Picture is a copy of what is on the screen.
func (m *Model) Picture() *image.RGBA {
	var picture image.RGBA
	fyne.DoAndWait(func() {
		picture = *m.memory.Image
		picture.Pix = append([]byte(nil), picture.Pix...)
	})
	return &picture
}

// Place is the middle of a text on the screen, in pixels of a picture that is
// not turned.
func (m *Model) Place(text string) (place image.Point, err error) {
	err = fmt.Errorf("scene: no text %q on the screen", text)
	fyne.DoAndWait(func() {
		find(m.UI.Content(), fyne.Position{}, func(t *canvas.Text, at fyne.Position) {
			if t.Text == text {
				scale := m.dpi / 160
				middle := at.Add(fyne.NewPos(t.Size().Width/2, t.Size().Height/2))
				place, err = image.Pt(int(middle.X*scale), int(middle.Y*scale)), nil
			}
		})
	})
	return place, err
}

// find visits all texts of a tree.
func find(o fyne.CanvasObject, at fyne.Position, visit func(*canvas.Text, fyne.Position)) {
	if !o.Visible() {
		return
	}
	at = at.Add(o.Position())
	switch o := o.(type) {
	case *canvas.Text:
		visit(o, at)
	case *fyne.Container:
		for _, child := range o.Objects {
			find(child, at, visit)
		}
	case fyne.Widget:
		for _, child := range test.WidgetRenderer(o).Objects() {
			find(child, at, visit)
		}
	}
}
