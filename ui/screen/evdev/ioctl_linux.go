package evdev

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

// absInfo is struct input_absinfo.
type absInfo struct{ value, min, max, fuzz, flat, resolution int32 }

// The requests of linux/input.h: EVIOCGABS(axis) reads a struct input_absinfo,
// EVIOCGRAB takes an int.
const (
	eviocgabs = 2<<30 | uintptr(unsafe.Sizeof(absInfo{}))<<16 | 'E'<<8 | 0x40
	eviocgrab = 1<<30 | 4<<16 | 'E'<<8 | 0x90
)

// axes asks for the ranges of both axes, those of slots before those of a
// single finger. A device that has neither is a keyboard.
func axes(f *os.File) (x, y Range, err error) {
	for _, pair := range [][2]uintptr{{absMTX, absMTY}, {absX, absY}} {
		if x, err = axis(f, pair[0]); err != nil {
			break
		}
		if y, err = axis(f, pair[1]); err != nil {
			break
		}
		if x.Max > x.Min && y.Max > y.Min {
			return x, y, nil
		}
	}
	if errors.Is(err, syscall.EINVAL) || err == nil {
		return Range{}, Range{}, nil // it has no axes
	}
	return Range{}, Range{}, err
}

func axis(f *os.File, code uintptr) (Range, error) {
	info := new(absInfo)
	err := control(f, func(fd uintptr) syscall.Errno {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, eviocgabs+code, uintptr(unsafe.Pointer(info)))
		return errno
	})
	return Range{info.min, info.max}, err
}

func grab(f *os.File) error {
	return control(f, func(fd uintptr) syscall.Errno {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, eviocgrab, 1)
		return errno
	})
}

// control keeps the file non-blocking, which Fd would not, so that Close ends a
// Read that waits.
func control(f *os.File, do func(fd uintptr) syscall.Errno) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	if err := conn.Control(func(fd uintptr) { errno = do(fd) }); err != nil {
		return err
	}
	if errno != 0 {
		return errno
	}
	return nil
}
