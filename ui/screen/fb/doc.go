// Package fb puts the screen's pixels on a panel: on the classic framebuffer
// /dev/fb0, on DRM through dumb buffers, or in an image file.
//
// [OpenFramebuffer], [OpenDRM] and [NewFile] give outputs of one shape: Size,
// Present with the damaged rectangles, Close. None needs a GPU, X11 or
// Wayland. Only damaged rectangles are converted and written, straight into
// the memory that the panel shows: it is mapped uncached on most boards, so it
// is written in rows and never read.
//
//	out, err := fb.OpenDRM("/dev/dri/card0")
//	if errors.Is(err, fb.ErrNoDisplay) {
//		out, err = fb.OpenFramebuffer("/dev/fb0", "/dev/tty1")
//	}
//
// The numbers and structures are those of linux/fb.h, drm/drm.h and
// drm/drm_mode.h, for the ioctl encoding of asm-generic, which arm, arm64,
// x86 and riscv share.
package fb
