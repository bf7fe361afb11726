//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// panel is a touch panel made through /dev/uinput, for a QEMU that has none
// with slots. Its events take the same way through the kernel as a real one's.
type panel struct {
	file *os.File
	down [slots]bool
	next int32 // tracking id
}

const slots = 5

// The structures and requests of linux/uinput.h and linux/input.h, on a 64-bit
// kernel.
type (
	inputEvent struct {
		sec, usec  int64
		kind, code uint16
		value      int32
	}
	uinputSetup struct {
		bus, vendor, product, version uint16
		name                          [80]byte
		effectsMax                    uint32
	}
	uinputAbs struct {
		code                                 uint16
		_                                    uint16
		value, min, max, fuzz, flat, density int32
	}
)

const (
	uiDevCreate  = 0x5501
	uiDevSetup   = 0x405c5503
	uiAbsSetup   = 0x401c5504
	uiSetEvBit   = 0x40045564
	uiSetKeyBit  = 0x40045565
	uiSetPropBit = 0x4004556e

	evSyn, evKey, evAbs        = 0, 1, 3
	btnTouch                   = 0x14a
	absX, absY                 = 0x00, 0x01
	absSlot, absMTX, absMTY    = 0x2f, 0x35, 0x36
	absTracking                = 0x39
	propDirect, busUSB, trackM = 1, 3, 65535
)

// newPanel plugs in a panel of this many steps.
func newPanel(size []int32) (*panel, error) {
	if len(size) != 2 {
		return nil, errors.New("a panel has a width and a height")
	}
	f, err := os.OpenFile("/dev/uinput", os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	setup := uinputSetup{bus: busUSB, vendor: 1, product: 1, version: 1}
	copy(setup.name[:], "panel with slots")
	fd := int(f.Fd())
	errs := []error{
		unix.IoctlSetInt(fd, uiSetEvBit, evKey), unix.IoctlSetInt(fd, uiSetKeyBit, btnTouch),
		unix.IoctlSetInt(fd, uiSetEvBit, evAbs), unix.IoctlSetInt(fd, uiSetPropBit, propDirect),
		control(f, uiDevSetup, unsafe.Pointer(&setup)),
	}
	for code, most := range map[uint16]int32{
		absX: size[0] - 1, absY: size[1] - 1, absMTX: size[0] - 1, absMTY: size[1] - 1,
		absSlot: slots - 1, absTracking: trackM,
	} {
		errs = append(errs, control(f, uiAbsSetup, unsafe.Pointer(&uinputAbs{code: code, max: most})))
	}
	errs = append(errs, unix.IoctlSetInt(fd, uiDevCreate, 0))
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(fmt.Errorf("uinput: %w", err), f.Close())
	}
	return &panel{file: f}, nil
}

func control(f *os.File, request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(arg)); errno != 0 {
		return fmt.Errorf("request %#x: %w", request, errno)
	}
	return nil
}

// finger puts a finger down, moves it, or lifts it, in one report as panels
// do: with the echo of a single finger for programs that know no slots.
func (p *panel) finger(n []int32) error {
	if p == nil || len(n) != 1 && len(n) != 3 || n[0] < 0 || n[0] >= slots {
		return errors.New("no such panel or finger")
	}
	slot := n[0]
	report := []inputEvent{{kind: evAbs, code: absSlot, value: slot}}
	add := func(kind, code uint16, value int32) {
		report = append(report, inputEvent{kind: kind, code: code, value: value})
	}
	before := p.fingers()
	if len(n) == 1 {
		add(evAbs, absTracking, -1)
		p.down[slot] = false
	} else {
		if !p.down[slot] {
			p.next++
			add(evAbs, absTracking, p.next)
			p.down[slot] = true
		}
		add(evAbs, absMTX, n[1])
		add(evAbs, absMTY, n[2])
	}
	if now := p.fingers(); now != before && min(now, before) == 0 {
		add(evKey, btnTouch, int32(now))
	}
	if slot == 0 && len(n) == 3 {
		add(evAbs, absX, n[1])
		add(evAbs, absY, n[2])
	}
	add(evSyn, 0, 0)
	_, err := p.file.Write(unsafe.Slice((*byte)(unsafe.Pointer(&report[0])), len(report)*int(unsafe.Sizeof(report[0]))))
	return err
}

// unplug pulls the panel out: the kernel removes the device of a closed file.
func (p *panel) unplug() error {
	if p == nil {
		return errors.New("no panel")
	}
	return p.file.Close()
}

func (p *panel) fingers() (n int) {
	for _, down := range p.down {
		if down {
			n++
		}
	}
	return n
}
