package fb

import (
	"errors"
	"fmt"
	"image"
	"runtime"
	"unsafe"
)

// A DRM is a panel driven through the kernel's direct rendering manager, with
// one dumb buffer: plain memory that the panel shows.
type DRM struct {
	panel
	crtc      crtc // as it was found, to be restored
	connector uint32
	handle    uint32 // of the dumb buffer
	fb        uint32
	undirty   bool // the driver shows writes without being told
	clips     []clip
}

// OpenDRM takes the first connected panel of a device such as
// /dev/dri/card0 in its preferred mode. The error is ErrNoDisplay when nothing
// is connected or the driver has no dumb buffers.
func OpenDRM(path string) (*DRM, error) {
	dev, err := openDevice(path)
	if err != nil {
		return nil, fmt.Errorf("fb: %w", err)
	}
	d, err := newDRM(dev)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fb: %s: %w", path, err), dev.Close())
	}
	return d, nil
}

func newDRM(dev kernel) (*DRM, error) {
	able := capability{Capability: capDumbBuffer}
	if err := dev.ioctl(drmGetCap, unsafe.Pointer(&able)); err != nil {
		return nil, fmt.Errorf("ask for dumb buffers: %w", err)
	}
	if able.Value == 0 {
		return nil, fmt.Errorf("%w: the driver has no dumb buffers", ErrNoDisplay)
	}
	r, err := route(dev)
	if err != nil {
		return nil, err
	}
	d := &DRM{panel: panel{dev: dev, millimetres: r.millimetres}, connector: r.connector}
	d.crtc.ID = r.crtc
	if err := dev.ioctl(drmGetCRTC, unsafe.Pointer(&d.crtc)); err != nil {
		return nil, fmt.Errorf("crtc %d: %w", r.crtc, err)
	}
	if err := d.allocate(r.mode); err != nil {
		return nil, errors.Join(err, d.free())
	}
	if err := d.set(&crtc{ID: r.crtc, FB: d.fb, ModeValid: 1, Mode: r.mode}); err != nil {
		return nil, errors.Join(fmt.Errorf("set mode: %w", err), d.free())
	}
	return d, nil
}

// allocate makes a picture of the mode's size and maps it. It is black: the
// kernel clears dumb buffers.
func (d *DRM) allocate(m mode) error {
	buffer := dumb{Width: uint32(m.HDisplay), Height: uint32(m.VDisplay), Bits: 32}
	if err := d.dev.ioctl(drmCreateDumb, unsafe.Pointer(&buffer)); err != nil {
		return fmt.Errorf("create dumb buffer: %w", err)
	}
	d.handle = buffer.Handle
	if buffer.Size > memoryMax {
		return fmt.Errorf("%w: a picture of %d bytes", ErrFormat, buffer.Size)
	}
	add := addFB{Width: buffer.Width, Height: buffer.Height, Pitch: buffer.Pitch, Bits: 32, Depth: 24, Handle: buffer.Handle}
	if err := d.dev.ioctl(drmAddFB, unsafe.Pointer(&add)); err != nil {
		return fmt.Errorf("add framebuffer: %w", err)
	}
	d.fb = add.ID
	where := mapDumb{Handle: buffer.Handle}
	if err := d.dev.ioctl(drmMapDumb, unsafe.Pointer(&where)); err != nil {
		return fmt.Errorf("map dumb buffer: %w", err)
	}
	mapped, err := d.dev.mmap(int64(where.Offset), int(buffer.Size))
	if err != nil {
		return err
	}
	d.mapped = mapped
	d.surface = surface{mapped, int(buffer.Pitch), image.Pt(int(m.HDisplay), int(m.VDisplay)), xrgb8888}
	return d.surface.check()
}

// set makes a CRTC show something on our connector.
func (d *DRM) set(c *crtc) error {
	ids := []uint32{d.connector}
	var pin runtime.Pinner
	defer pin.Unpin()
	c.Connectors, c.CountConnectors = address(&pin, ids), 1
	return d.dev.ioctl(drmSetCRTC, unsafe.Pointer(c))
}

// Present writes the damaged parts of img to the panel and tells the driver
// about them: some copy the picture over USB, SPI or to a virtual machine's
// host. Those that scan memory out by themselves refuse to be told, once.
func (d *DRM) Present(img *image.RGBA, damage []image.Rectangle) error {
	written, err := d.show(img, damage)
	if err != nil || len(written) == 0 || d.undirty {
		return err
	}
	if len(written) > clipsMax {
		written = []image.Rectangle{{Max: d.Size()}}
	}
	d.clips = d.clips[:0]
	for _, r := range written {
		d.clips = append(d.clips, clip{uint16(r.Min.X), uint16(r.Min.Y), uint16(r.Max.X), uint16(r.Max.Y)})
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	told := dirty{FB: d.fb, CountClips: uint32(len(d.clips)), Clips: address(&pin, d.clips)}
	err = d.tell(&told)
	if refused(err) {
		d.undirty, err = true, nil
	}
	return err
}

// tell keeps Close away while the driver reads the picture.
func (d *DRM) tell(told *dirty) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mapped == nil {
		return ErrClosed
	}
	if err := d.dev.ioctl(drmDirtyFB, unsafe.Pointer(told)); err != nil {
		return fmt.Errorf("fb: dirty: %w", err)
	}
	return nil
}

// Close puts back what the panel showed before, and frees the picture.
func (d *DRM) Close() error {
	return d.close(func() error {
		var err error
		if d.crtc.ModeValid != 0 && d.crtc.FB != 0 {
			before := d.crtc
			err = d.set(&before)
		}
		return errors.Join(err, d.release())
	})
}

// release frees the picture's names; the memory goes when it is unmapped.
func (d *DRM) release() error {
	var errs []error
	if d.fb != 0 {
		errs = append(errs, d.dev.ioctl(drmRemoveFB, unsafe.Pointer(&d.fb)))
	}
	if d.handle != 0 {
		errs = append(errs, d.dev.ioctl(drmDestroyDumb, unsafe.Pointer(&d.handle)))
	}
	return errors.Join(errs...)
}

// free undoes allocate after a failure.
func (d *DRM) free() error {
	err := d.release()
	if d.mapped != nil {
		err = errors.Join(err, d.unmap())
	}
	return err
}

// address returns where a slice lies, for a structure that holds addresses as
// numbers. The pin keeps it there while the kernel reads or fills it.
func address[T any](pin *runtime.Pinner, s []T) uint64 {
	if len(s) == 0 {
		return 0
	}
	pin.Pin(&s[0])
	return uint64(uintptr(unsafe.Pointer(&s[0])))
}
