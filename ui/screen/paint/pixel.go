package paint

import (
	"encoding/binary"
	"image"
	"image/color"
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
	src, keep := word(c), 255-uint32(c.A)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for line := row(dst, r, y); len(line) >= 4; line = line[4:] {
			binary.NativeEndian.PutUint32(line, src+scaled(binary.NativeEndian.Uint32(line), keep))
		}
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
		for ; len(line) >= 4 && len(from) >= 4; line, from = line[4:], from[4:] {
			a, pixel := uint32(from[3]), binary.NativeEndian.Uint32(from)
			if alpha != 255 {
				a, pixel = mul(a, uint32(alpha)), scaled(pixel, uint32(alpha))
			}
			switch a {
			case 255:
				binary.NativeEndian.PutUint32(line, pixel)
			case 0:
			default:
				binary.NativeEndian.PutUint32(line, pixel+scaled(binary.NativeEndian.Uint32(line), 255-a))
			}
		}
	}
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
