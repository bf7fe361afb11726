package screen

import (
	"time"

	"fyne.io/fyne/v2"
)

// An Event is something that a person did: a Touch, a Key or a Scroll.
type Event interface{ event() }

// TouchKind tells what a finger did.
type TouchKind uint8

// What a finger can do. A Cancel ends a touch without a tap: the finger left
// the panel's edge, or whoever watched it went away.
const (
	Down TouchKind = iota
	Move
	Up
	Cancel
)

// Touch is one finger on the panel. X and Y are pixels of the output, before
// rotation; a finger that lies outside is no error. At may be zero, which means
// now.
type Touch struct {
	Finger int
	Kind   TouchKind
	X, Y   float32
	At     time.Time
}

// Key is a key of a keyboard. Name is empty for a key that only types, Rune is
// zero for a key that types nothing. A held key repeats as further events with
// Down true.
type Key struct {
	Name fyne.KeyName
	Rune rune
	Down bool
	At   time.Time
}

// Scroll is a wheel or a touch pad at a pixel of the output. DX and DY are
// pixels; a positive DY moves the content down, as fyne.ScrollEvent has it.
type Scroll struct {
	X, Y   float32
	DX, DY float32
	At     time.Time
}

func (Touch) event()  {}
func (Key) event()    {}
func (Scroll) event() {}

// An Input gives events. The channel is closed when the device is gone or
// after Close.
type Input interface {
	Events() <-chan Event
	Close() error
}
