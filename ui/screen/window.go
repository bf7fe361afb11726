package screen

import (
	"fyne.io/fyne/v2"
)

// window is a page of a display. A display shows the topmost of its visible
// windows over its whole area; there are no borders and no desktop.
type window struct {
	s       *Screen
	display *display
	canvas  *screenCanvas

	title      string
	icon       fyne.Resource
	menu       *fyne.MainMenu
	visible    bool
	closed     bool
	master     bool
	fullScreen bool
	fixed      bool
	onClosed   func()
	intercept  func()
}

var _ fyne.Window = (*window)(nil)

func newWindow(s *Screen, d *display, title string) *window {
	w := &window{s: s, display: d, title: title, fullScreen: true, fixed: true}
	w.canvas = newCanvas(s, w)
	return w
}

func (w *window) Title() string         { return w.title }
func (w *window) SetTitle(title string) { w.title = title }
func (w *window) FullScreen() bool      { return w.fullScreen }
func (w *window) FixedSize() bool       { return w.fixed }
func (w *window) CenterOnScreen()       {}

// SetFullScreen, SetFixedSize and Resize are remembered or ignored: a window
// always fills its display.
func (w *window) SetFullScreen(on bool) { w.fullScreen = on }
func (w *window) SetFixedSize(on bool)  { w.fixed = on }
func (w *window) Resize(fyne.Size)      {}

// RequestFocus brings the window to the top of its display.
func (w *window) RequestFocus() {
	if w.visible {
		w.display.raise(w)
	}
}

func (w *window) Padded() bool { return w.canvas.padded }

func (w *window) SetPadded(padded bool) {
	w.canvas.padded = padded
	w.canvas.layoutRoots()
}

func (w *window) Icon() fyne.Resource {
	if w.icon != nil {
		return w.icon
	}
	return w.s.icon
}

func (w *window) SetIcon(icon fyne.Resource) { w.icon = icon }
func (w *window) SetMaster()                 { w.master = true }

// MainMenu is what SetMainMenu was given. It is not shown: a terminal has no
// menu bar.
func (w *window) MainMenu() *fyne.MainMenu     { return w.menu }
func (w *window) SetMainMenu(m *fyne.MainMenu) { w.menu = m }

func (w *window) SetOnClosed(f func())                         { w.onClosed = f }
func (w *window) SetCloseIntercept(f func())                   { w.intercept = f }
func (w *window) SetOnDropped(func(fyne.Position, []fyne.URI)) {}

// Show puts the window on top of its display.
func (w *window) Show() {
	if w.closed {
		return
	}
	w.visible = true
	w.display.raise(w)
	w.canvas.refit()
}

// Hide takes it off its display; the one below shows.
func (w *window) Hide() {
	if !w.visible {
		return
	}
	w.visible = false
	w.canvas.hideKeyboard()
	w.display.changed()
}

// Close ends the window. Closing the master window, or the last one, quits.
func (w *window) Close() {
	if w.closed {
		return
	}
	w.Hide()
	w.closed = true
	w.display.drop(w)
	kept := w.s.windows[:0]
	for _, x := range w.s.windows {
		if x != w {
			kept = append(kept, x)
		}
	}
	clear(w.s.windows[len(kept):])
	w.s.windows = kept
	call(w.onClosed)
	if w.master || len(kept) == 0 {
		w.s.Quit()
	}
}

// ShowAndRun shows the window and runs the app.
func (w *window) ShowAndRun() {
	w.Show()
	w.s.Run()
}

func (w *window) Content() fyne.CanvasObject     { return w.canvas.content }
func (w *window) SetContent(o fyne.CanvasObject) { w.canvas.SetContent(o) }
func (w *window) Canvas() fyne.Canvas            { return w.canvas }
func (w *window) Clipboard() fyne.Clipboard      { return w.s.Clipboard() }
