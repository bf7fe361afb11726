package paint

import (
	"image"
	"slices"
)

// draw paints an operation into clip, which lies in its area and in dst. What
// it writes to a pixel does not depend on clip.
func (p *Painter) draw(dst *image.RGBA, clip image.Rectangle, o *op) {
	switch o.kind {
	case kindRectangle:
		p.drawRectangle(dst, clip, o)
	case kindCircle, kindPolygon, kindArc:
		if o.fill.A != 0 {
			cover(dst, clip, p.shapeMask(o, partFill), o.box.Min, o.fill)
		}
		if o.line.A != 0 {
			cover(dst, clip, p.shapeMask(o, partStroke), o.box.Min, o.line)
		}
	case kindLine:
		cover(dst, clip, p.shapeMask(o, partStroke), o.box.Min, o.line)
	case kindText:
		p.drawText(dst, clip, o)
	case kindImage, kindRaster:
		p.drawPicture(dst, clip, o)
	case kindLinear, kindRadial:
		blendRGBA(dst, clip, p.gradientTexture(o), o.box.Min.Add(o.cut.Min), 255)
	}
}

func (p *Painter) drawRectangle(dst *image.RGBA, clip image.Rectangle, o *op) {
	if o.shape.corner == [4]int{} {
		fill(dst, clip, o.box, o.fill)
	} else if o.fill.A != 0 {
		var masks [4]*mask
		for i, r := range o.shape.corner {
			if r > 0 && !cornerAt(o.box, i, r).Intersect(clip).Empty() {
				masks[i] = p.cornerMask(i, r, r, 0, 0)
			}
		}
		for i, m := range masks {
			if m != nil {
				cover(dst, clip, m, cornerAt(o.box, i, o.shape.corner[i]).Min, o.fill)
			}
		}
		for _, band := range bands(o.box, o.shape.corner) {
			fill(dst, clip, band, o.fill)
		}
	}
	if o.line.A != 0 {
		p.drawBorder(dst, clip, o)
	}
}

// drawBorder paints a rectangle's stroke, which lies half within it. Of an
// odd one the larger half does, so that it begins on a pixel.
func (p *Painter) drawBorder(dst *image.RGBA, clip image.Rectangle, o *op) {
	width := int(o.shape.stroke)
	out := width / 2
	outer := o.box.Inset(-out)
	if 2*width >= min(outer.Dx(), outer.Dy()) {
		// Nothing of the inside is left.
		whole := *o
		whole.box, whole.fill, whole.line.A = outer, o.line, 0
		for i, r := range o.shape.corner {
			if r > 0 {
				whole.shape.corner[i] = min(r+out, outer.Dx()/2, outer.Dy()/2)
			}
		}
		p.drawRectangle(dst, clip, &whole)
		return
	}
	var n [4]int
	for i, r := range o.shape.corner {
		if r == 0 {
			n[i] = width
			fill(dst, clip, cornerAt(outer, i, width), o.line)
			continue
		}
		n[i] = max(r+out, width)
		if at := cornerAt(outer, i, n[i]); !at.Intersect(clip).Empty() {
			cover(dst, clip, p.cornerMask(i, n[i], r+out, width, max(0, r+out-width)), at.Min, o.line)
		}
	}
	x0, y0, x1, y1 := outer.Min.X, outer.Min.Y, outer.Max.X, outer.Max.Y
	fill(dst, clip, corners(x0+n[topLeft], y0, x1-n[topRight], y0+width), o.line)
	fill(dst, clip, corners(x0+n[bottomLeft], y1-width, x1-n[bottomRight], y1), o.line)
	fill(dst, clip, corners(x0, y0+n[topLeft], x0+width, y1-n[bottomLeft]), o.line)
	fill(dst, clip, corners(x1-width, y0+n[topRight], x1, y1-n[bottomRight]), o.line)
}

// cornerAt returns the square of n pixels in a corner of a box.
func cornerAt(box image.Rectangle, corner, n int) image.Rectangle {
	at := box.Min
	if corner == topRight || corner == bottomRight {
		at.X = box.Max.X - n
	}
	if corner == bottomLeft || corner == bottomRight {
		at.Y = box.Max.Y - n
	}
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(n, n))}
}

// bands returns all of a box but the squares in its corners, in rectangles
// that do not overlap.
func bands(box image.Rectangle, r [4]int) [5]image.Rectangle {
	cuts := [6]int{
		box.Min.Y, box.Min.Y + r[topLeft], box.Min.Y + r[topRight],
		box.Max.Y - r[bottomRight], box.Max.Y - r[bottomLeft], box.Max.Y,
	}
	slices.Sort(cuts[:])
	var all [5]image.Rectangle
	for i := range all {
		y0, y1 := cuts[i], cuts[i+1]
		b := corners(box.Min.X, y0, box.Max.X, y1)
		if y0 < box.Min.Y+r[topLeft] {
			b.Min.X += r[topLeft]
		} else if y0 >= box.Max.Y-r[bottomLeft] {
			b.Min.X += r[bottomLeft]
		}
		if y0 < box.Min.Y+r[topRight] {
			b.Max.X -= r[topRight]
		} else if y0 >= box.Max.Y-r[bottomRight] {
			b.Max.X -= r[bottomRight]
		}
		all[i] = b
	}
	return all
}
