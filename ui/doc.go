// Package ui is what cashier and customer see: the screens of a sale, the
// history and the devices, in Chinese and English, on any panel from 3.5 to 10
// inches.
//
// A UI is drawn from values which it is shown (a payment.View, a Status,
// records) and turns taps into requests of a Shop. It does no I/O: requests
// leave through a queue of its own, so a shop that is slow, or stuck, never
// holds up the screen.
//
//	u := ui.New(app, shop, ui.Opts{Currency: cny})
//	defer u.Close()
//	window.SetContent(u.Content())
//	fyne.Do(func() { u.Show(view) })
//
// All methods belong to the UI goroutine.
//
// Sizes are in millimetres. Opts.PerMM says how many of Fyne's units one has;
// a canvas whose scale is dpi/160 has 160/25.4 of them on every panel.
// Each screen is laid out anew for its size from rectangles (area), so nothing
// depends on minimum sizes, and a text that has less room gets smaller letters
// before it loses any.
package ui
