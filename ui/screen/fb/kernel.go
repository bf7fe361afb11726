package fb

import (
	"errors"
	"unsafe"
)

// Errors that a caller decides on.
var (
	// ErrNoDisplay: the device exists and shows nothing, because no panel is
	// connected or the driver has no memory to draw into.
	ErrNoDisplay = errors.New("no display")
	// ErrFormat: the panel's layout of pixels is none that is written here.
	ErrFormat = errors.New("pixel layout is not supported")
	// ErrClosed: the output was closed before.
	ErrClosed = errors.New("output is closed")
)

// kernel is what is asked of a device. Tests stand a file and a table of
// answers in its place.
type kernel interface {
	// ioctl performs a request; arg points to its structure.
	ioctl(request uint32, arg unsafe.Pointer) error
	// command performs a request whose argument is a number.
	command(request uint32, value uintptr) error
	// mmap maps length bytes of the device for writing.
	mmap(offset int64, length int) ([]byte, error)
	munmap(memory []byte) error
	Close() error
}
