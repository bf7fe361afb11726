package fb

import (
	"errors"
	"fmt"
	"image"
	"unsafe"
)

// Requests of linux/fb.h and linux/kd.h.
const (
	fbioGetVScreenInfo = 0x4600
	fbioGetFScreenInfo = 0x4602
	fbioBlank          = 0x4611
	kdSetMode          = 0x4b3a
	kdGetMode          = 0x4b3b
	kdGraphics         = 1
)

// bitfield is struct fb_bitfield.
type bitfield struct{ Offset, Length, MSBRight uint32 }

// varInfo is struct fb_var_screeninfo: what a mode is.
type varInfo struct {
	XRes, YRes, XVirtual, YVirtual, XOffset, YOffset uint32
	BitsPerPixel, Grayscale                          uint32
	Red, Green, Blue, Transparent                    bitfield
	NonStandard, Activate                            uint32
	HeightMM, WidthMM, AccelFlags                    uint32
	PixelClock, Left, Right, Upper, Lower            uint32
	HSync, VSync, Sync, VMode, Rotate, Colorspace    uint32
	Reserved                                         [4]uint32
}

// fixInfo is struct fb_fix_screeninfo: where its memory is. An unsigned long
// is as wide as a uintptr.
type fixInfo struct {
	ID                        [16]byte
	Start                     uintptr
	Length                    uint32
	Type, TypeAux, Visual     uint32
	XPanStep, YPanStep, YWrap uint16
	LineLength                uint32
	MMIOStart                 uintptr
	MMIOLength, Accel         uint32
	Capabilities              uint16
	Reserved                  [2]uint16
}

// typePackedPixels is FB_TYPE_PACKED_PIXELS, the only one without planes.
const typePackedPixels = 0

// A Framebuffer is a panel behind /dev/fb0 with 16, 24 or 32 bits a pixel.
type Framebuffer struct {
	panel
	console kernel // nil without
	mode    uintptr
}

// OpenFramebuffer takes a framebuffer. The mode stays what the kernel or the
// boot loader has set. With a console, such as /dev/tty1, its text and cursor
// are kept off the picture until Close; an empty path leaves it alone.
func OpenFramebuffer(path, console string) (*Framebuffer, error) {
	dev, err := openDevice(path)
	if err != nil {
		return nil, fmt.Errorf("fb: %w", err)
	}
	var tty kernel
	if console != "" {
		if tty, err = openDevice(console); err != nil {
			return nil, errors.Join(fmt.Errorf("fb: console: %w", err), dev.Close())
		}
	}
	f, err := newFramebuffer(dev, tty)
	if err != nil {
		err = errors.Join(fmt.Errorf("fb: %s: %w", path, err), dev.Close())
		if tty != nil {
			err = errors.Join(err, tty.Close())
		}
		return nil, err
	}
	return f, nil
}

func newFramebuffer(dev, console kernel) (*Framebuffer, error) {
	var v varInfo
	var fix fixInfo
	if err := dev.ioctl(fbioGetVScreenInfo, unsafe.Pointer(&v)); err != nil {
		return nil, fmt.Errorf("variable screen information: %w", err)
	}
	if err := dev.ioctl(fbioGetFScreenInfo, unsafe.Pointer(&fix)); err != nil {
		return nil, fmt.Errorf("fixed screen information: %w", err)
	}
	f := &Framebuffer{panel: panel{dev: dev, millimetres: millimetres(v.WidthMM, v.HeightMM)}}
	if err := f.take(&v, &fix); err != nil {
		return nil, err
	}
	// A panel that was blanked at boot is woken; many drivers cannot and say so.
	_ = dev.command(fbioBlank, 0)
	if console != nil {
		if err := f.quiet(console); err != nil {
			return nil, errors.Join(err, f.unmap())
		}
	}
	return f, nil
}

// take maps the panel's memory, which begins with the first visible pixel: a
// boot loader may have panned.
func (f *Framebuffer) take(v *varInfo, fix *fixInfo) error {
	if fix.Type != typePackedPixels || v.Grayscale != 0 {
		return fmt.Errorf("%w: type %d, grayscale %d", ErrFormat, fix.Type, v.Grayscale)
	}
	if v.XRes > sideMax || v.YRes > sideMax || fix.Length > memoryMax {
		return fmt.Errorf("%w: %d × %d pixels in %d bytes", ErrFormat, v.XRes, v.YRes, fix.Length)
	}
	if v.BitsPerPixel%8 != 0 {
		return fmt.Errorf("%w: %d bits a pixel", ErrFormat, v.BitsPerPixel)
	}
	s := surface{
		stride: int(fix.LineLength), size: image.Pt(int(v.XRes), int(v.YRes)),
		format: format{int(v.BitsPerPixel / 8), v.Red.field(), v.Green.field(), v.Blue.field()},
	}
	start := uint64(v.YOffset)*uint64(fix.LineLength) + uint64(v.XOffset)*uint64(s.format.bytes)
	if start > uint64(fix.Length) {
		return fmt.Errorf("%w: the picture begins at %d of %d bytes", ErrFormat, start, fix.Length)
	}
	mapped, err := f.dev.mmap(0, int(fix.Length))
	if err != nil {
		return err
	}
	f.mapped, f.surface = mapped, s
	f.surface.memory = mapped[start:]
	if err := f.surface.check(); err != nil {
		return errors.Join(err, f.unmap())
	}
	return nil
}

func (b bitfield) field() field { return field{b.Offset, b.Length} }

// quiet puts the console into graphics mode: it draws no text and no cursor.
func (f *Framebuffer) quiet(console kernel) error {
	var mode int32
	if err := console.ioctl(kdGetMode, unsafe.Pointer(&mode)); err != nil {
		return fmt.Errorf("console mode: %w", err)
	}
	if err := console.command(kdSetMode, kdGraphics); err != nil {
		return fmt.Errorf("console to graphics: %w", err)
	}
	f.console, f.mode = console, uintptr(mode)
	return nil
}

// Present writes the damaged parts of img to the panel.
func (f *Framebuffer) Present(img *image.RGBA, damage []image.Rectangle) error {
	_, err := f.show(img, damage)
	return err
}

// Close gives the panel and its console back. The last picture stays.
func (f *Framebuffer) Close() error {
	return f.close(func() error {
		if f.console == nil {
			return nil
		}
		return errors.Join(f.console.command(kdSetMode, f.mode), f.console.Close())
	})
}
