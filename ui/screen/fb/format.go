package fb

import (
	"encoding/binary"
	"fmt"
	"image"
	"unsafe"
)

// field is where a colour's bits lie in a pixel.
type field struct{ offset, length uint32 }

// format is a panel's layout of a pixel, stored with its low byte first.
type format struct {
	bytes            int // 2, 3 or 4
	red, green, blue field
}

// The two layouts that nearly every panel has. They are written with code of
// their own.
var (
	xrgb8888 = format{4, field{16, 8}, field{8, 8}, field{0, 8}}
	rgb565   = format{2, field{11, 5}, field{5, 6}, field{0, 5}}
)

// check tells why pixels of a format cannot be written.
func (f format) check() error {
	if f.bytes < 2 || f.bytes > 4 {
		return fmt.Errorf("%w: %d bits a pixel", ErrFormat, 8*f.bytes)
	}
	for _, c := range []field{f.red, f.green, f.blue} {
		if c.length == 0 || c.length > 8 || c.offset > 32 || c.offset+c.length > uint32(8*f.bytes) {
			return fmt.Errorf("%w: a colour of %d bits at bit %d of %d", ErrFormat, c.length, c.offset, 8*f.bytes)
		}
	}
	return nil
}

// convert writes a row of RGBA pixels, as image.RGBA has them, into a panel's
// row. Alpha is left out: a panel shows its picture on black.
func (f format) convert(dst, src []byte) {
	if wide, ok := view[uint32](src); ok {
		switch f {
		case xrgb8888:
			if to, ok := view[uint32](dst); ok {
				toXRGB(to, wide)
				return
			}
		case rgb565:
			if to, ok := view[uint16](dst); ok {
				to565(to, wide)
				return
			}
		}
	}
	for len(src) >= 4 && len(dst) >= f.bytes {
		v := f.red.put(src[0]) | f.green.put(src[1]) | f.blue.put(src[2])
		for i := range f.bytes {
			dst[i] = byte(v >> (8 * i))
		}
		dst, src = dst[f.bytes:], src[4:]
	}
}

func toXRGB(dst, src []uint32) {
	dst = dst[:len(src)]
	for i, p := range src {
		dst[i] = p>>16&0xff | p&0xff00 | p&0xff<<16
	}
}

func to565(dst []uint16, src []uint32) {
	dst = dst[:len(src)]
	for i, p := range src {
		dst[i] = uint16(p&0xf8<<8 | p>>5&0x7e0 | p>>19&0x1f)
	}
}

// view returns bytes as whole numbers, low byte first. It is not ok where the
// machine would read them otherwise or not at all. On 32-bit ARM Go reads and
// writes encoding/binary's numbers byte by byte, which is too slow here.
func view[T uint16 | uint32](b []byte) ([]T, bool) {
	size := unsafe.Sizeof(T(0))
	if len(b) == 0 || uintptr(unsafe.Pointer(&b[0]))%size != 0 || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, false
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(b)/int(size)), true
}

// put places the highest bits of a colour.
func (f field) put(v byte) uint32 { return uint32(v) >> (8 - f.length) << f.offset }

// surface is a panel's memory.
type surface struct {
	memory []byte // from the first visible pixel on
	stride int    // bytes from row to row
	size   image.Point
	format format
}

// check tells why a surface cannot be written to: what a driver says about
// itself is not trusted with memory.
func (s *surface) check() error {
	if err := s.format.check(); err != nil {
		return err
	}
	w, h := s.size.X, s.size.Y
	if w <= 0 || h <= 0 || w > sideMax || h > sideMax {
		return fmt.Errorf("%w: %d × %d pixels", ErrFormat, w, h)
	}
	row := w * s.format.bytes
	// In 64 bits: what a driver says may overflow fewer.
	if s.stride < row || int64(len(s.memory)) < int64(h-1)*int64(s.stride)+int64(row) {
		return fmt.Errorf("%w: rows of %d bytes in %d bytes for %d × %d pixels", ErrFormat, s.stride, len(s.memory), w, h)
	}
	return nil
}

// sideMax is the longest side of a panel, in pixels.
const sideMax = 1 << 14

// put writes the parts of img that are damaged, and appends the parts that
// were written.
func (s *surface) put(written []image.Rectangle, img *image.RGBA, damage []image.Rectangle) []image.Rectangle {
	for _, r := range damage {
		r = r.Intersect(img.Rect).Intersect(image.Rectangle{Max: s.size})
		if r.Empty() {
			continue
		}
		for y := r.Min.Y; y < r.Max.Y; y++ {
			from := img.PixOffset(r.Min.X, y)
			to := y*s.stride + r.Min.X*s.format.bytes
			s.format.convert(s.memory[to:to+r.Dx()*s.format.bytes], img.Pix[from:from+4*r.Dx()])
		}
		written = append(written, r)
	}
	return written
}
