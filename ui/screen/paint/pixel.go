package paint

import (
	"encoding/binary"
	"image"
	"image/color"
	"unsafe"
)

// The loops below run over every pixel of a screen, so a pixel is one word
// and its four channels are computed two at a time, each in 16 bits. They are
// the same whatever the machine's byte order is.

// word packs a colour as it lies in memory.
func word(c color.RGBA) uint32 {
	return binary.NativeEndian.Uint32([]byte{c.R, c.G, c.B, c.A})
}

// scaled returns v·m/255, rounded, in each channel.
func scaled(v, m uint32) uint32 {
	even := v&0x00ff00ff*m + 0x00800080
	even = (even + even>>8&0x00ff00ff) >> 8 & 0x00ff00ff
	odd := v>>8&0x00ff00ff*m + 0x00800080
	odd = (odd + odd>>8&0x00ff00ff) & 0xff00ff00
	return even | odd
}

// scaled2 is scaled for two pixels.
func scaled2(v, m uint64) uint64 {
	const halves, round = 0x00ff00ff00ff00ff, 0x0080008000800080
	even := v&halves*m + round
	even = (even + even>>8&halves) >> 8 & halves
	odd := v>>8&halves*m + round
	odd = (odd + odd>>8&halves) &^ halves
	return even | odd
}

// over returns a colour painted on another.
func over(c, on color.RGBA) color.RGBA {
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], word(c)+scaled(word(on), 255-uint32(c.A)))
	return color.RGBA{R: b[0], G: b[1], B: b[2], A: b[3]}
}

// row returns the bytes of one row of r, which lies in dst.
func row(dst *image.RGBA, r image.Rectangle, y int) []byte {
	o := dst.PixOffset(r.Min.X, y)
	return dst.Pix[o : o+4*r.Dx()]
}

// set replaces the pixels of r, which lies in dst.
func set(dst *image.RGBA, r image.Rectangle, c color.RGBA) {
	if r.Empty() {
		return
	}
	first := row(dst, r, r.Min.Y)
	binary.NativeEndian.PutUint32(first, word(c))
	for n := 4; n < len(first); n *= 2 {
		copy(first[n:], first[:n])
	}
	for y := r.Min.Y + 1; y < r.Max.Y; y++ {
		copy(row(dst, r, y), first)
	}
}

// fill paints a colour over the pixels of r within clip, which lies in dst.
func fill(dst *image.RGBA, clip, r image.Rectangle, c color.RGBA) {
	r = r.Intersect(clip)
	switch c.A {
	case 0:
		return
	case 255:
		set(dst, r, c)
		return
	}
	src, keep := uint64(word(c)), 255-uint64(c.A)
	src |= src << 32
	for y := r.Min.Y; y < r.Max.Y; y++ {
		blendRow(row(dst, r, y), src, keep)
	}
}

// blendRow puts a colour over a row, two pixels in a word. A row is mostly
// runs of one colour, so the last result is often the next ones too.
func blendRow(line []byte, src, keep uint64) {
	var old, result uint64
	result = src // what transparent black becomes
	for len(line) >= 32 {
		four := line[:32:32]
		a, b := binary.NativeEndian.Uint64(four), binary.NativeEndian.Uint64(four[8:])
		c, d := binary.NativeEndian.Uint64(four[16:]), binary.NativeEndian.Uint64(four[24:])
		if a != old || b != old || c != old || d != old {
			a, b, c = src+scaled2(a, keep), src+scaled2(b, keep), src+scaled2(c, keep)
			old, result = d, src+scaled2(d, keep)
		} else {
			a, b, c = result, result, result
		}
		binary.NativeEndian.PutUint64(four, a)
		binary.NativeEndian.PutUint64(four[8:], b)
		binary.NativeEndian.PutUint64(four[16:], c)
		binary.NativeEndian.PutUint64(four[24:], result)
		line = line[32:]
	}
	for ; len(line) >= 8; line = line[8:] {
		if v := binary.NativeEndian.Uint64(line); v != old {
			old, result = v, src+scaled2(v, keep)
		}
		binary.NativeEndian.PutUint64(line, result)
	}
	if len(line) >= 4 {
		last := binary.NativeEndian.Uint32(line)
		binary.NativeEndian.PutUint32(line, uint32(src)+scaled(last, uint32(keep)))
	}
}

// A mask is how much of each pixel a shape covers.
type mask struct {
	rect   image.Rectangle // relative to the shape's box
	pixels []uint8
}

// cover paints a colour through a mask whose box is at the given place.
func cover(dst *image.RGBA, clip image.Rectangle, m *mask, at image.Point, c color.RGBA) {
	place := m.rect.Add(at)
	r := place.Intersect(clip)
	if r.Empty() || c.A == 0 {
		return
	}
	src, stride := word(c), place.Dx()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		o := (y-place.Min.Y)*stride + r.Min.X - place.Min.X
		line := row(dst, r, y)
		for _, coverage := range m.pixels[o : o+r.Dx()] {
			switch {
			case coverage == 0:
			case coverage == 255 && c.A == 255:
				binary.NativeEndian.PutUint32(line, src)
			default:
				part := scaled(src, uint32(coverage))
				keep := 255 - mul(uint32(c.A), uint32(coverage))
				binary.NativeEndian.PutUint32(line, part+scaled(binary.NativeEndian.Uint32(line), keep))
			}
			line = line[4:]
		}
	}
}

// mul returns a·b/255, rounded as scaled rounds.
func mul(a, b uint32) uint32 {
	v := a*b + 128
	return (v + v>>8) >> 8
}

// blendRGBA paints premultiplied pixels whose rectangle is moved to at.
func blendRGBA(dst *image.RGBA, clip image.Rectangle, src *image.RGBA, at image.Point, alpha uint8) {
	shift := at.Sub(src.Rect.Min)
	r := src.Rect.Add(shift).Intersect(clip)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		line, from := row(dst, r, y), row(src, r.Sub(shift), y-shift.Y)
		if alpha == 255 {
			overRow(line, from)
			continue
		}
		for ; len(line) >= 4 && len(from) >= 4; line, from = line[4:], from[4:] {
			pixel, keep := scaled(binary.NativeEndian.Uint32(from), uint32(alpha)), 255-mul(uint32(from[3]), uint32(alpha))
			binary.NativeEndian.PutUint32(line, pixel+scaled(binary.NativeEndian.Uint32(line), keep))
		}
	}
}

// overRow puts a row of premultiplied pixels over another.
func overRow(line, from []byte) {
	to, ok := words(line)
	over, also := words(from[:len(line)])
	if ok && also {
		overWords(to, over)
		return
	}
	for ; len(line) >= 4 && len(from) >= 4; line, from = line[4:], from[4:] {
		keep := 255 - uint32(from[3])
		binary.NativeEndian.PutUint32(line, binary.NativeEndian.Uint32(from)+scaled(binary.NativeEndian.Uint32(line), keep))
	}
}

// overWords is overRow on numbers with alpha in the high byte.
func overWords(to, from []uint32) {
	to = to[:len(from)]
	for i, pixel := range from {
		switch a := pixel >> 24; a {
		case 0:
		case 255:
			to[i] = pixel
		default:
			to[i] = pixel + scaled(to[i], 255-a)
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

// blendNRGBA is blendRGBA for pixels that are not premultiplied, which is how
// Fyne renders an SVG.
func blendNRGBA(dst *image.RGBA, clip image.Rectangle, src *image.NRGBA, at image.Point, alpha uint8) {
	shift := at.Sub(src.Rect.Min)
	r := src.Rect.Add(shift).Intersect(clip)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		line := row(dst, r, y)
		o := src.PixOffset(r.Min.X-shift.X, y-shift.Y)
		for from := src.Pix[o : o+4*r.Dx()]; len(line) >= 4 && len(from) >= 4; line, from = line[4:], from[4:] {
			a := mul(uint32(from[3]), uint32(alpha))
			if a == 0 {
				continue
			}
			c := [4]byte{uint8(mul(uint32(from[0]), a)), uint8(mul(uint32(from[1]), a)), uint8(mul(uint32(from[2]), a)), uint8(a)}
			pixel := binary.NativeEndian.Uint32(c[:])
			binary.NativeEndian.PutUint32(line, pixel+scaled(binary.NativeEndian.Uint32(line), 255-a))
		}
	}
}
