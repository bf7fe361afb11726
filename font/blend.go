package font

import (
	"encoding/binary"
	"image"
	"image/color"
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
// lies in dst. Each channel becomes ink×cover + dst×(1 − alpha×cover), rounded
// once: a sum of lanes stays below 65536, because premultiplied ink is never
// above its alpha.
func (k ink) blend(dst *image.RGBA, clip image.Rectangle, m *mask, at image.Point) {
	r := image.Rectangle{Min: at, Max: at.Add(m.size)}.Intersect(clip)
	if r.Empty() {
		return
	}
	opaque := k.alpha == 255
	solid := k.rb | k.ga<<8
	for y := r.Min.Y; y < r.Max.Y; y++ {
		from := (y-at.Y)*m.size.X + r.Min.X - at.X
		cover := m.cover[from : from+r.Dx()]
		to := dst.PixOffset(r.Min.X, y)
		row := dst.Pix[to : to+4*len(cover)]
		for _, a := range cover {
			pixel := row[:4:4]
			row = row[4:]
			switch {
			case a == 0:
			case a == 255 && opaque:
				binary.LittleEndian.PutUint32(pixel, solid)
			default:
				c := uint32(a)
				rest := 255 - div255(k.alpha*c)
				old := binary.LittleEndian.Uint32(pixel)
				rb := lanes255(k.rb*c + old&halves*rest)
				ga := lanes255(k.ga*c + old>>8&halves*rest)
				binary.LittleEndian.PutUint32(pixel, rb|ga<<8)
			}
		}
	}
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
