package web

import "time"

// Kind is what a finger does.
type Kind uint8

// What a finger does. Cancel ends a touch that must have no effect: the
// connection broke, or the browser took the gesture for itself.
const (
	Down Kind = iota
	Move
	Up
	Cancel
)

// Touch is a finger on the screen, in its pixels.
type Touch struct {
	Finger int // tells fingers apart while they are down; unique among viewers
	Kind   Kind
	X, Y   int
}

// Key is a key of a viewer's keyboard. Name is Fyne's for keys that have one
// ("Return", "BackSpace", "Left", "A"); Rune is what was typed, 0 for none.
type Key struct {
	Name string
	Rune rune
	Down bool
}

// Event is one thing that a viewer did: a touch or a key.
type Event struct {
	At    time.Time
	Touch *Touch // nil for a key
	Key   *Key   // nil for a touch
}
