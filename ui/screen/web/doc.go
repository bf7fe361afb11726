// Package web is a screen that people see in a browser: the same pixels as on
// the panel, for development, for a second pair of eyes and for remote help.
// A [Screen] is both an output, which shows images, and an input, which gives
// touches and keys. It is an [http.Handler] that serves its own page and the
// WebSocket behind it, and may be mounted anywhere, under a path that ends in
// a slash:
//
//	s, err := web.New(web.Opts{Size: image.Pt(720, 1280)})
//	mux.Handle("/screen/", http.StripPrefix("/screen", s))
//	...
//	err = s.Present(img, damage) // never waits for a browser
//	for e := range s.Events() { ... }
//
// What changed goes out as tiles of at most 128 x 128 pixels, each a PNG. A
// viewer acknowledges each message, and at most two are on their way to it;
// what changes meanwhile is put together, so that a slow browser skips to the
// latest state and holds nobody up. Each new connection starts with the whole
// screen.
//
// Who may look and touch: without a token only this machine, by an address of
// its own; with one whoever has it. A browser's page must come from the same
// host. A viewer that goes away takes its fingers off the screen.
package web
