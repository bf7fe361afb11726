// Package screen is a Fyne driver for a bare board: no X11, no GPU, no cgo.
//
// A Screen is a fyne.App. It owns one UI goroutine, the one that calls Run.
// Touches and keys come from Inputs, pixels go to Outputs, and a Painter turns
// the tree of Fyne objects into pixels. Everything is done in batches: what has
// arrived is handled, the trees are laid out where a size has changed, and each
// display is painted once if something on it differs. With nothing to do, the
// goroutine sleeps and no timer runs.
//
//	s, err := screen.New(screen.Opts{Displays: []screen.Display{{Output: out, Inputs: touch, DPI: 267}}})
//	w := s.NewWindow("terminal")
//	w.SetContent(widget.NewLabel("Ready"))
//	w.Show()
//	s.Run()
//
// Rules: Fyne objects belong to the UI goroutine; others use fyne.Do, which
// never blocks. Only the topmost overlay of a window gets touches, and a touch
// ends where it began: a finger that went down before a dialog opened or closed
// taps nothing.
package screen
