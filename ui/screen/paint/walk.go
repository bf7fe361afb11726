package paint

import (
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
)

// walk appends what o and all in it paint. The tree's order is the order in
// which it is painted.
func (p *Painter) walk(o fyne.CanvasObject, at fyne.Position, clip image.Rectangle, depth int) {
	if o == nil || depth > depthMax || !o.Visible() {
		return
	}
	pos := o.Position()
	pos.X += at.X
	pos.Y += at.Y
	switch o := o.(type) {
	case *fyne.Container:
		for _, child := range o.Objects {
			p.walk(child, pos, clip, depth+1)
		}
	case *canvas.Rectangle:
		p.rectangle(o, pos, clip)
	case *canvas.Text:
		p.text(o, pos, clip)
	case *canvas.Image:
		p.image(o, pos, clip)
	case *canvas.Raster:
		p.raster(o, pos, clip)
	case *canvas.LinearGradient:
		p.linear(o, pos, clip)
	case *canvas.RadialGradient:
		p.radial(o, pos, clip)
	case *canvas.Circle:
		p.circle(o, pos, clip)
	case *canvas.Line:
		p.lineOp(o, pos, clip)
	case *canvas.Polygon:
		p.polygon(o, pos, clip)
	case *canvas.Arc:
		p.arc(o, pos, clip)
	case fyne.Widget:
		objects, clips := children(o)
		if clips {
			size := o.Size()
			clip = clip.Intersect(corners(px(pos.X, p.scale), px(pos.Y, p.scale),
				px(pos.X+size.Width, p.scale), px(pos.Y+size.Height, p.scale)))
			if clip.Empty() {
				return
			}
		}
		for _, child := range objects {
			p.walk(child, pos, clip, depth+1)
		}
	}
}

// corners is image.Rect without its swapping of reversed bounds.
func corners(x0, y0, x1, y1 int) image.Rectangle {
	return image.Rectangle{Min: image.Pt(x0, y0), Max: image.Pt(x1, y1)}
}

// place returns the pixels of an object, with no gap to one beside it.
func (p *Painter) place(pos fyne.Position, size fyne.Size) image.Rectangle {
	x, y := px(pos.X, p.scale), px(pos.Y, p.scale)
	return corners(x, y, x+px(size.Width, p.scale), y+px(size.Height, p.scale))
}

// placeRound returns the pixels of an object whose edges are seen: with its
// size rounded, as Fyne does, a row of equal ones stays within its parent.
func (p *Painter) placeRound(pos fyne.Position, size fyne.Size) image.Rectangle {
	x, y := px(pos.X, p.scale), px(pos.Y, p.scale)
	return corners(x, y, x+round(size.Width, p.scale), y+round(size.Height, p.scale))
}

// add appends an operation unless none of its pixels can be seen. Its area is
// yet to be clipped.
func (p *Painter) add(o *op, clip image.Rectangle) {
	o.area = o.area.Intersect(clip)
	if o.area.Empty() || len(p.list) >= opMax {
		return
	}
	o.solid = o.solid.Intersect(o.area)
	p.list = append(p.list, *o)
}

func (p *Painter) linear(g *canvas.LinearGradient, pos fyne.Position, clip image.Rectangle) {
	o := op{kind: kindLinear, fill: rgba(g.StartColor), line: rgba(g.EndColor), alpha: 255}
	o.shape.p[0] = finite(g.Angle)
	p.gradient(&o, p.place(pos, g.Size()), clip)
}

func (p *Painter) radial(g *canvas.RadialGradient, pos fyne.Position, clip image.Rectangle) {
	o := op{kind: kindRadial, fill: rgba(g.StartColor), line: rgba(g.EndColor), alpha: 255}
	o.shape.p[0], o.shape.p[1] = finite(g.CenterOffsetX), finite(g.CenterOffsetY)
	p.gradient(&o, p.place(pos, g.Size()), clip)
}

func (p *Painter) gradient(o *op, box, clip image.Rectangle) {
	o.box, o.area = box, box
	if o.fill.A == 255 && o.line.A == 255 {
		o.solid = box
	}
	o.shape.kind, o.shape.w, o.shape.h = o.kind, box.Dx(), box.Dy()
	o.cut = p.visible(box)
	if o.fill.A|o.line.A != 0 {
		p.add(o, clip)
	}
}

// visible returns the part of a box of which a texture is made, relative to
// the box: all of it, so that it lasts while things move, unless it is larger
// than the screen.
func (p *Painter) visible(box image.Rectangle) image.Rectangle {
	if box.Dx() <= p.screen.Dx() && box.Dy() <= p.screen.Dy() {
		return box.Sub(box.Min)
	}
	return box.Intersect(p.screen).Sub(box.Min)
}
