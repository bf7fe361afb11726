//go:build !window

package main

import "errors"

// openWindow needs a window system and cgo, which the terminal does without.
func openWindow(*Screen) (stage, error) {
	return nil, errors.New("output: this program has no window; build it with make window")
}
