package evdev

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

// absInfo is struct input_absinfo.
type absInfo struct{ value, min, max, fuzz, flat, resolution int32 }

// slotValues is struct input_mt_request_layout: an axis, and what it says in
// each slot.
type slotValues struct {
	code   uint32
	values [slotsMax]int32
}

// The requests of linux/input.h: EVIOCGABS(axis) reads a struct input_absinfo,
// EVIOCGMTSLOTS fills the slots of the axis that it is given, EVIOCGRAB takes
// an int.
const (
	eviocgabs     = 2<<30 | uintptr(unsafe.Sizeof(absInfo{}))<<16 | 'E'<<8 | 0x40
	eviocgmtslots = 2<<30 | uintptr(unsafe.Sizeof(slotValues{}))<<16 | 'E'<<8 | 0x0a
	eviocgrab     = 1<<30 | 4<<16 | 'E'<<8 | 0x90
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
	info, err := absolute(f, code)
	return Range{info.min, info.max}, err
}

func absolute(f *os.File, code uintptr) (absInfo, error) {
	info := new(absInfo)
	err := control(f, eviocgabs+code, unsafe.Pointer(info))
	return *info, err
}

// remembered asks for what the device does not repeat. A device that has no
// axes, or is a file that stands for one, remembers nothing.
func remembered(f *os.File) (p places) {
	if x, err := absolute(f, absX); err == nil {
		p.single.x = x.value
	}
	if y, err := absolute(f, absY); err == nil {
		p.single.y = y.value
	}
	x, y := &slotValues{code: absMTX}, &slotValues{code: absMTY}
	for _, v := range []*slotValues{x, y} {
		if control(f, eviocgmtslots, unsafe.Pointer(v)) != nil {
			return p // it has no slots
		}
	}
	p.many = true
	for i := range p.slots {
		p.slots[i].x, p.slots[i].y = x.values[i], y.values[i]
	}
	if slot, err := absolute(f, absSlot); err == nil {
		p.slot = int(slot.value)
	}
	return p
}

func grab(f *os.File) error { return command(f, eviocgrab, 1) }

// control performs a request whose argument is a structure.
func control(f *os.File, request uintptr, arg unsafe.Pointer) error {
	return raw(f, func(fd uintptr) syscall.Errno {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(arg))
		return errno
	})
}

// command performs a request whose argument is a number.
func command(f *os.File, request, value uintptr) error {
	return raw(f, func(fd uintptr) syscall.Errno {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, request, value)
		return errno
	})
}

// raw keeps the file non-blocking, which Fd would not, so that Close ends a
// Read that waits.
func raw(f *os.File, do func(fd uintptr) syscall.Errno) error {
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
