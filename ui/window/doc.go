// Package window is Fyne's own OpenGL window, in which the terminal's screens
// run on a desktop during development, and on boards with a GPU. It exists only
// under the build tag "window": it needs cgo and the headers of OpenGL and X11,
// and everything else of the terminal is pure Go.
//
//	apt-get install gcc libgl1-mesa-dev xorg-dev
//	CGO_ENABLED=1 go build -tags window ./cmd/terminal
//
// A window stands for a panel: it has a size in pixels and dots per inch, and
// ui is told how many of Fyne's units a millimetre has.
//
//	w, err := window.New(window.Opts{ID: "example.terminal", Width: 720, Height: 1280, DPI: 267})
//	u := ui.New(w.App(), shop, ui.Opts{Currency: cny, PerMM: w.PerMM()})
//	defer u.Close()
//	w.Run(ctx, u.Content())
//
// Fyne keeps the window on the main goroutine: New and Run are called from
// there, other goroutines use fyne.Do. It also keeps preferences below
// $HOME/.config/fyne and a list of the system's fonts below $HOME/.cache, and a
// signal that asks the process to end closes the window.
//
// Its tests need Xvfb: apt-get install xvfb
package window
