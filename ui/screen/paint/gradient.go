package paint

import (
	"image"
	"image/color"
	"math"
)

// gradientTexture returns the pixels of a gradient. Fyne's own generator makes
// a value on the heap for each pixel; the colours are the same.
func (p *Painter) gradientTexture(o *op) *image.RGBA {
	k := textureKey{part: partGradient, shape: o.shape, cut: o.cut, a: o.fill, b: o.line}
	if t := p.textures.get(&k); t != nil {
		return t.pixels
	}
	part := linearPart(o.shape.p[0], float64(o.shape.w), float64(o.shape.h))
	if o.kind == kindRadial {
		part = radialPart(o.shape.p[0], o.shape.p[1], float64(o.shape.w), float64(o.shape.h))
	}
	var table [256]color.RGBA
	for i := range table {
		table[i] = between(o.fill, o.line, float64(i)/255)
	}
	pixels := image.NewRGBA(o.cut.Sub(o.cut.Min))
	for y := o.cut.Min.Y; y < o.cut.Max.Y; y++ {
		line := row(pixels, pixels.Rect, y-o.cut.Min.Y)
		for x := o.cut.Min.X; x < o.cut.Max.X; x++ {
			c := table[int(min(max(part(float64(x)+0.5, float64(y)+0.5), 0), 1)*255+0.5)]
			line[0], line[1], line[2], line[3] = c.R, c.G, c.B, c.A
			line = line[4:]
		}
	}
	p.textures.put(&k, &texture{pixels: pixels})
	return pixels
}

// between mixes two colours. No channel exceeds alpha, as none does in them.
func between(a, b color.RGBA, part float64) color.RGBA {
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + part*(float64(b)-float64(a)) + 0.5) }
	return color.RGBA{R: mix(a.R, b.R), G: mix(a.G, b.G), B: mix(a.B, b.B), A: mix(a.A, b.A)}
}

// linearPart returns how far a point is on the way, for the angles that Fyne
// knows; any other is vertical, as there.
func linearPart(angle, w, h float64) func(x, y float64) float64 {
	switch angle {
	case 90, -270:
		return func(x, _ float64) float64 { return (w - x) / w }
	case 270, -90:
		return func(x, _ float64) float64 { return x / w }
	case 45, -315:
		return func(x, y float64) float64 { return (w - x + y) / (w + h) }
	case 225, -135:
		return func(x, y float64) float64 { return (x + h - y) / (w + h) }
	case 135, -225:
		return func(x, y float64) float64 { return (w + h - x - y) / (w + h) }
	case 315, -45:
		return func(x, y float64) float64 { return (x + y) / (w + h) }
	case 180, -180:
		return func(_, y float64) float64 { return (h - y) / h }
	}
	return func(_, y float64) float64 { return y / h }
}

// radialPart is linearPart around a centre, which is given as an offset from
// the middle in widths and heights.
func radialPart(offsetX, offsetY, w, h float64) func(x, y float64) float64 {
	cx, cy := w/2+w*offsetX, h/2+h*offsetY
	a, b := cx, cy
	if offsetX < 0 {
		a = w - cx
	}
	if offsetY < 0 {
		b = h - cy
	}
	return func(x, y float64) float64 {
		dx, dy := (cx-x)/a, (cy-y)/b
		return math.Sqrt(dx*dx + dy*dy)
	}
}
