//go:build window

package window

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
)

// ErrNoDisplay is a machine without X11 or Wayland, or one that does not let
// this process in.
var ErrNoDisplay = errors.New("window: no display")

// Opts are the panel that the window stands for.
type Opts struct {
	// ID is the app's unique id; Fyne names its folder for preferences so.
	ID    string
	Title string
	// Width and Height are in pixels. Who runs it may make the window another
	// size.
	Width, Height int
	// DPI are the panel's dots per inch, 160 if zero. Nothing is read from the
	// monitor, which may be another one than the panel.
	DPI float32
	// FullScreen covers the monitor.
	FullScreen bool
}

// Window is an app with its one window.
type Window struct {
	app    fyne.App
	window fyne.Window
	perMM  float32
}

// New makes the app, makes it Fyne's current one, and makes a window that is
// not shown yet. It sets the environment's FYNE_SCALE, the one way to choose a
// canvas' scale.
func New(o Opts) (*Window, error) {
	if o.Width <= 0 || o.Height <= 0 || o.DPI < 0 {
		return nil, fmt.Errorf("window: a size of %d x %d at %v dpi", o.Width, o.Height, o.DPI)
	}
	scale, perMM := unitsOf(o.DPI)
	for name, value := range map[string]string{
		"FYNE_SCALE":                 fmt.Sprintf("%.1f", scale),
		"FYNE_DISABLE_DPI_DETECTION": "true", // or the scale is multiplied with the monitor's
	} {
		if err := os.Setenv(name, value); err != nil {
			return nil, fmt.Errorf("window: set %s: %w", name, err)
		}
	}
	w := &Window{app: app.NewWithID(o.ID), perMM: perMM}
	if err := w.open(o.Title); err != nil {
		return nil, err
	}
	w.window.SetPadded(false)
	w.window.Resize(fyne.NewSize(float32(o.Width)/scale, float32(o.Height)/scale))
	w.window.SetFullScreen(o.FullScreen)
	w.window.SetMaster()
	return w, nil
}

// open makes the window. Without a display Fyne 2.7 logs why and then panics,
// because it goes on with a library that is not there.
func (w *Window) open(title string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrNoDisplay, p)
		}
	}()
	w.window = w.app.NewWindow(title)
	return nil
}

// unitsOf gives the canvas' scale, which is dpi/160 as on a screen of our own
// but has one decimal only, and how many units a millimetre then has.
func unitsOf(dpi float32) (scale, perMM float32) {
	const baseDPI, mmPerInch, scaleMin = 160, 25.4, 0.1
	if dpi == 0 {
		dpi = baseDPI
	}
	scale = max(float32(math.Round(float64(dpi)/baseDPI*10)/10), scaleMin)
	return scale, dpi / mmPerInch / scale
}

// App is what ui.New wants.
func (w *Window) App() fyne.App { return w.app }

// PerMM is how many of Fyne's units a millimetre of the panel has, for
// ui.Opts.PerMM.
func (w *Window) PerMM() float32 { return w.perMM }

// Run shows the content and handles events until the window is closed, the
// process is asked to end by a signal, or ctx ends. It runs once.
func (w *Window) Run(ctx context.Context, content fyne.CanvasObject) {
	defer context.AfterFunc(ctx, func() { fyne.Do(w.app.Quit) })()
	w.window.SetContent(content)
	w.window.Show()
	w.app.Run()
}
