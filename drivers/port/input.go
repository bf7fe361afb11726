package port

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/cloudpos/cloudpos/drivers"
)

// eviocgrab keeps a device's events from everybody else. Linux, input.h:
// _IOW('E', 0x90, int).
const eviocgrab = 1<<30 | 4<<16 | 'E'<<8 | 0x90

// Input dials an input device, such as /dev/input/event0, and keeps what it says
// from consoles and other processes as long as the line is open. The line brings
// the kernel's events: struct input_event, whole ones in each read.
//
// That it takes hold of a true device was not tested; that it refuses what is
// none was.
func Input(path string) drivers.Dial {
	return func(ctx context.Context) (drivers.Line, error) {
		if err := drivers.Ended(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		d, err := openDevice(path)
		if err != nil {
			return nil, err
		}
		if err := d.control(func(fd int) error { return unix.IoctlSetInt(fd, eviocgrab, 1) }); err != nil {
			_ = d.Close()
			return nil, openError(path, fmt.Errorf("grab: %w", err))
		}
		return d, nil
	}
}
