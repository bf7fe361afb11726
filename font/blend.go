package font

import (
	"encoding/binary"
	"image"
	"image/color"
	"unsafe"
)

// ink is a premultiplied colour, split into the two halves of a pixel that
// one multiplication can work on: red and blue, green and alpha.
type ink struct {
	rb, ga uint32
	alpha  uint32
}

func inkOf(c color.Color) ink {
	r, g, b, a := c.RGBA()
	return ink{rb: r>>8 | b>>8<<16, ga: g>>8 | a>>8<<16, alpha: a >> 8}
}

// halves are the low bytes of the two 16-bit lanes of a word.
const halves = 0x00ff00ff

// blend draws a mask over dst with its corner at a point, inside clip, which
// lies in dst.
func (k ink) blend(dst *image.RGBA, clip image.Rectangle, m *mask, at image.Point) {
	r := image.Rectangle{Min: at, Max: at.Add(m.size)}.Intersect(clip)
	if r.Empty() {
		return
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		from := (y-at.Y)*m.size.X + r.Min.X - at.X
		cover := m.cover[from : from+r.Dx()]
		to := dst.PixOffset(r.Min.X, y)
		row := dst.Pix[to : to+4*len(cover)]
		if pixels, ok := words(row); ok {
			k.overWords(pixels, cover)
		} else {
			k.overBytes(row, cover)
		}
	}
}

// words returns a row's pixels as numbers with red in the low byte. It is not
// ok where the machine would read them otherwise or not at all. On 32-bit ARM
// Go reads and writes encoding/binary's numbers byte by byte, hence this.
func words(row []byte) ([]uint32, bool) {
	start := unsafe.Pointer(unsafe.SliceData(row))
	if uintptr(start)%4 != 0 || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, false
	}
	return unsafe.Slice((*uint32)(start), len(row)/4), true
}

// overWords is over on each pixel of a row, written out: it is where drawing
// spends its time, and over is too large to be inlined.
func (k ink) overWords(row []uint32, cover []byte) {
	row = row[:len(cover)]
	solid := k.over(0, 255)
	opaque := k.alpha == 255
	for i, a := range cover {
		switch {
		case a == 0:
		case a == 255 && opaque:
			row[i] = solid
		default:
			old, c := row[i], uint32(a)
			rest := 255 - div255(k.alpha*c)
			row[i] = lanes255(k.rb*c+old&halves*rest) | lanes255(k.ga*c+old>>8&halves*rest)<<8
		}
	}
}

func (k ink) overBytes(row, cover []byte) {
	for _, a := range cover {
		if a != 0 {
			binary.LittleEndian.PutUint32(row, k.over(binary.LittleEndian.Uint32(row), uint32(a)))
		}
		row = row[4:]
	}
}

// over puts ink that covers a part of a pixel over what was there. Each
// channel becomes ink×cover + old×(1 − alpha×cover), rounded once: a sum of
// lanes stays below 65536, because premultiplied ink is never above its alpha.
func (k ink) over(old, cover uint32) uint32 {
	rest := 255 - div255(k.alpha*cover)
	rb := lanes255(k.rb*cover + old&halves*rest)
	ga := lanes255(k.ga*cover + old>>8&halves*rest)
	return rb | ga<<8
}

// div255 divides a product of two bytes by 255, rounded, without dividing.
func div255(v uint32) uint32 {
	v += 128
	return (v + v>>8) >> 8
}

// lanes255 is div255 on both lanes of a word.
func lanes255(v uint32) uint32 {
	v += 0x00800080
	return (v + v>>8&halves) >> 8 & halves
}
