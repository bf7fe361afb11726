package paint

import (
	"image"

	"golang.org/x/image/vector"
)

// part is which texture of an operation.
type part uint8

const (
	partFill part = iota
	partStroke
	partCorner  // a filled quarter of a disc
	partRing    // a stroked corner
	partPicture // scaled pixels
	partGradient
)

// shapeMask returns the coverage of a shape or of its stroke.
func (p *Painter) shapeMask(o *op, part part) *mask {
	k := textureKey{part: part, shape: o.shape, cut: o.cut}
	if part == partFill {
		k.shape.stroke = 0
	}
	if t := p.textures.get(&k); t != nil {
		return &t.mask
	}
	var edges outline
	switch {
	case o.kind == kindLine:
		from, to := point{o.shape.p[0], o.shape.p[1]}, point{o.shape.p[2], o.shape.p[3]}
		edges = outline{bar(from, to, float64(o.shape.stroke))}
	case part == partStroke:
		edges = stroke(outlineOf(&o.shape), float64(o.shape.stroke))
	default:
		edges = outlineOf(&o.shape)
	}
	t := &texture{mask: rasterize(edges, o.cut)}
	p.textures.put(&k, t)
	return &t.mask
}

// rasterize returns how much of each pixel in cut the curves enclose.
func rasterize(edges outline, cut image.Rectangle) mask {
	m := mask{rect: cut, pixels: make([]uint8, cut.Dx()*cut.Dy())}
	if cut.Empty() {
		return m
	}
	z := vector.NewRasterizer(cut.Dx(), cut.Dy())
	at := func(p point) (x, y float32) {
		return float32(p.x - float64(cut.Min.X)), float32(p.y - float64(cut.Min.Y))
	}
	for _, edge := range edges {
		if len(edge) < 2 {
			continue
		}
		z.MoveTo(at(edge[0]))
		for _, p := range edge[1:] {
			z.LineTo(at(p))
		}
		z.ClosePath()
	}
	alpha := image.Alpha{Pix: m.pixels, Stride: cut.Dx(), Rect: image.Rect(0, 0, cut.Dx(), cut.Dy())}
	z.Draw(&alpha, alpha.Rect, image.Opaque, image.Point{})
	return m
}

// cornerMask returns the coverage in a rectangle's corner with an outer
// radius, as a square of n pixels at the corner. With a thickness it is the
// corner of a ring, whose inner radius follows.
func (p *Painter) cornerMask(corner, n, radius, thickness, inner int) *mask {
	k := textureKey{part: partCorner, shape: shape{w: n, h: corner, corner: [4]int{radius, thickness, inner}}}
	if thickness > 0 {
		k.part = partRing
	}
	if t := p.textures.get(&k); t != nil {
		return &t.mask
	}
	edge := quarter(float64(radius), 0, float64(n))
	edges := outline{edge}
	if thickness > 0 {
		hole := quarter(float64(inner), float64(thickness), float64(n))
		for i, j := 0, len(hole)-1; i < j; i, j = i+1, j-1 {
			hole[i], hole[j] = hole[j], hole[i]
		}
		edges = append(edges, hole)
	}
	m := rasterize(edges, image.Rect(0, 0, n, n))
	flip(m.pixels, n, corner)
	t := &texture{mask: m}
	p.textures.put(&k, t)
	return &t.mask
}

// quarter returns the top left corner of a round rectangle that begins at the
// offset and has its other edges at n, or at the offset if there is no room.
func quarter(radius, offset, n float64) []point {
	const side = fullTurn / 4
	c := point{offset + radius, offset + radius}
	n = max(n, offset)
	return append(bend(nil, c, radius, -side, side), point{n, offset}, point{n, n}, point{offset, n})
}

// flip turns the top left corner into another one.
func flip(pixels []uint8, n, corner int) {
	if corner == topRight || corner == bottomRight {
		for y := range n {
			line := pixels[y*n : (y+1)*n]
			for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
				line[i], line[j] = line[j], line[i]
			}
		}
	}
	if corner == bottomLeft || corner == bottomRight {
		for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
			for x := range n {
				pixels[i*n+x], pixels[j*n+x] = pixels[j*n+x], pixels[i*n+x]
			}
		}
	}
}
