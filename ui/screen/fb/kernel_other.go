//go:build !linux

package fb

import (
	"errors"
	"os"
)

// openDevice fails: these devices are Linux's.
func openDevice(path string) (kernel, error) {
	return nil, &os.PathError{Op: "open", Path: path, Err: errors.ErrUnsupported}
}

// refused tells whether a driver does not know a request.
func refused(err error) bool { return errors.Is(err, errors.ErrUnsupported) }
