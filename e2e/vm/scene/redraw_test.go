package scene

import (
	"image"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/cloudpos/cloudpos/ui"
	"github.com/cloudpos/cloudpos/ui/screen"
)

// TestRedrawUnderFinger taps while the terminal has something new to tell: the
// driver must find the key again under the finger that goes up.
func TestRedrawUnderFinger(t *testing.T) {
	m, err := NewModel(image.Pt(720, 1280), 160, 0, ui.Opts{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop()
	at, err := m.Place("New sale")
	if err != nil {
		t.Fatal(err)
	}
	touch := screen.Touch{Kind: screen.Down, X: float32(at.X), Y: float32(at.Y)}
	if err := m.Touch(touch); err != nil {
		t.Fatal(err)
	}
	fyne.DoAndWait(func() { m.UI.ShowStatus(ui.Status{ToCloud: 1}) })
	touch.Kind = screen.Up
	if err := m.Touch(touch); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Place("Charge"); err != nil {
		t.Error(err)
	}
}
