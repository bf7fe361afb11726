// Package vm boots a Debian kernel under QEMU and shows the terminal's screen
// on the devices that a kernel really has: a DRM panel, framebuffers of 16, 24
// and 32 bits a pixel, a touch screen and a keyboard.
//
// The guest is an initramfs of a few kernel modules and our own programs:
// command init is its first process and does what the host says over a serial
// line; guest shows the cashier's screens. The host taps through QMP, looks at
// the panel through QMP, and compares each dot with the picture that the same
// screens have in memory.
//
//	VM_KERNEL=$(e2e/vm/kernel var/kernel) go test -tags vm ./e2e/vm
//
// The tests are behind the build tag vm: they want qemu-system-x86_64 and an
// unpacked kernel package, which the script beside fetches. The processor is
// one in software; VM_ACCEL=kvm is faster, where it works.
package vm
