// Package evdev reads touch panels and keyboards from /dev/input on Linux.
//
// Open starts reading a device; Events gives what fingers and keys do, as
// screen.Input wants it. Panels may speak the kernel's multi-touch protocol B
// (slots) or know one finger only, as resistive panels and virtual tablets do.
// A calibration matrix corrects panels that are turned, mirrored or inexact.
//
//	found, err := evdev.Find("/proc/bus/input/devices")
//	dev, err := evdev.Open(evdev.Opts{Path: found[0].Path, Size: output.Size()})
//
// The protocols: Documentation/input/multi-touch-protocol.rst and
// event-codes.rst of the Linux kernel.
package evdev
