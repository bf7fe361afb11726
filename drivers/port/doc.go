// Package port opens what a device hangs on: a serial line, a printer's device
// file, an input device, a socket, a pin. Each gives a drivers.Dial, which can be called again
// after a replug; paths are looked up anew at every call, so a udev link that
// was re-pointed is followed.
//
//	dial := port.Serial("/dev/pos/reader", port.Mode{Baud: 115200, StopBits: 2, RTSLow: true})
//	reader := ccid.New(dial, ccid.Opts{})
//
// It is the home of go.bug.st/serial and of periph. Of go.bug.st/serial only
// the setting of modes is used: its reads and writes can reach a reused file
// descriptor, writes cannot be given a deadline, and descriptors from 1024 on
// panic. Bytes pass through a second, non-blocking descriptor of the same
// device, held by the Go runtime's poller.
package port

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/cloudpos/cloudpos/drivers"
)

// openError says what a failed open means to a driver.
func openError(path string, err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	switch {
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EWOULDBLOCK):
		return fmt.Errorf("%s: %w", path, drivers.ErrBusy)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w: %w, is the user in its group?", path, drivers.ErrNoDevice, err)
	default:
		return fmt.Errorf("%s: %w: %w", path, drivers.ErrNoDevice, err)
	}
}
