package paint

import (
	"image"
	"image/color"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
)

// sidesMax bounds a polygon; with more it is a circle to the eye.
const sidesMax = 360

// stroked returns colour and width of a stroke, of which neither is without
// the other.
func (p *Painter) stroked(c color.Color, width float32) (color.RGBA, int) {
	line, n := rgba(c), round(width, p.scale)
	if line.A == 0 || n <= 0 {
		return color.RGBA{}, 0
	}
	return line, n
}

func (p *Painter) rectangle(r *canvas.Rectangle, pos fyne.Position, clip image.Rectangle) {
	size := r.Size()
	if r.Aspect > 0 && size.Width > 0 && size.Height > 0 {
		if frame := size.Width / size.Height; frame > r.Aspect {
			width := size.Height * r.Aspect
			pos.X += (size.Width - width) / 2
			size.Width = width
		} else if frame < r.Aspect {
			height := size.Width / r.Aspect
			pos.Y += (size.Height - height) / 2
			size.Height = height
		}
	}
	o := op{kind: kindRectangle, fill: rgba(r.FillColor)}
	var stroke int
	o.line, stroke = p.stroked(r.StrokeColor, r.StrokeWidth)
	// What has neither corners nor stroke often lies edge to edge with others,
	// so it never leaves a gap.
	box := p.place(pos, size)
	if stroke > 0 || r.CornerRadius != 0 || r.TopLeftCornerRadius != 0 || r.TopRightCornerRadius != 0 ||
		r.BottomLeftCornerRadius != 0 || r.BottomRightCornerRadius != 0 {
		box = p.placeRound(pos, size)
	}
	if box.Empty() {
		return
	}
	o.box = box
	if o.fill.A == 0 && stroke == 0 {
		return
	}
	o.shape = shape{kind: kindRectangle, w: box.Dx(), h: box.Dy(), stroke: float32(stroke), corner: p.radii(r, box)}
	o.area = grow(box, stroke/2)
	if o.fill.A == 255 {
		// The square in a rounded corner leaves out 1-1/√2 of the radius.
		o.solid = box
		if most := max(o.shape.corner[0], o.shape.corner[1], o.shape.corner[2], o.shape.corner[3]); most > 0 {
			if n := most*3/10 + 1; 2*n < min(box.Dx(), box.Dy()) {
				o.solid = box.Inset(n)
			} else {
				o.solid = image.Rectangle{}
			}
		}
	}
	p.add(&o, clip)
}

// radii returns the corners' radii in pixels. Two corners never share one, so
// that an odd pill gets a straight pixel in its middle.
func (p *Painter) radii(r *canvas.Rectangle, box image.Rectangle) [4]int {
	own := [4]float32{
		topLeft: r.TopLeftCornerRadius, topRight: r.TopRightCornerRadius,
		bottomRight: r.BottomRightCornerRadius, bottomLeft: r.BottomLeftCornerRadius,
	}
	var want, got [4]int
	for i, radius := range own {
		if radius == 0 {
			radius = r.CornerRadius
		}
		want[i] = max(0, round(radius, p.scale))
	}
	for i, radius := range want {
		// The neighbours along the width and along the height.
		got[i] = min(radius, room(box.Dx(), want[i^1]), room(box.Dy(), want[3-i]))
	}
	return got
}

// room returns how large a radius may be on a side whose other corner has the
// given one: a small one leaves it more than half.
func room(side, other int) int {
	if other < side/2 {
		return side - other
	}
	return side / 2
}

func (p *Painter) circle(c *canvas.Circle, pos fyne.Position, clip image.Rectangle) {
	p.vector(kindCircle, pos, c.Size(), c.FillColor, c.StrokeColor, c.StrokeWidth, shape{}, clip)
}

func (p *Painter) polygon(g *canvas.Polygon, pos fyne.Position, clip image.Rectangle) {
	s := shape{sides: int(min(g.Sides, sidesMax)), rounded: float64(max(0, round(g.CornerRadius, p.scale)))}
	s.p[0] = finite(float64(g.Angle))
	if s.sides >= 3 {
		p.vector(kindPolygon, pos, g.Size(), g.FillColor, g.StrokeColor, g.StrokeWidth, s, clip)
	}
}

func (p *Painter) arc(a *canvas.Arc, pos fyne.Position, clip image.Rectangle) {
	s := shape{rounded: float64(max(0, round(a.CornerRadius, p.scale)))}
	s.p[0], s.p[1] = finite(float64(a.StartAngle)), finite(float64(a.EndAngle))
	s.p[2] = min(max(finite(float64(a.CutoutRatio)), 0), 1)
	if s.p[0] != s.p[1] {
		p.vector(kindArc, pos, a.Size(), a.FillColor, a.StrokeColor, a.StrokeWidth, s, clip)
	}
}

// vector appends a shape that is rasterized whole.
func (p *Painter) vector(k kind, pos fyne.Position, size fyne.Size, fill, line color.Color, width float32, s shape, clip image.Rectangle) {
	o := op{kind: k, box: p.placeRound(pos, size), fill: rgba(fill)}
	var stroke int
	o.line, stroke = p.stroked(line, width)
	if o.box.Empty() || o.fill.A == 0 && stroke == 0 {
		return
	}
	s.kind, s.w, s.h, s.stroke = k, o.box.Dx(), o.box.Dy(), float32(stroke)
	o.shape = s
	o.area = grow(o.box, stroke/2+1)
	o.cut = p.visible(o.area).Add(o.area.Min.Sub(o.box.Min))
	p.add(&o, clip)
}

func (p *Painter) lineOp(l *canvas.Line, pos fyne.Position, clip image.Rectangle) {
	line := rgba(l.StrokeColor)
	if line.A == 0 {
		return
	}
	o := op{kind: kindLine, line: line}
	stroke := max(1, float64(round(l.StrokeWidth, p.scale)))
	from := l.Position()
	x0, y0 := round(l.Position1.X-from.X, p.scale), round(l.Position1.Y-from.Y, p.scale)
	x1, y1 := round(l.Position2.X-from.X, p.scale), round(l.Position2.Y-from.Y, p.scale)
	o.box = p.place(pos, l.Size())
	o.shape = shape{kind: kindLine, stroke: float32(stroke), p: [4]float64{float64(x0), float64(y0), float64(x1), float64(y1)}}
	if stroke < 2 {
		// A hairline on a pixel, not half on each of two.
		if x0 == x1 {
			o.shape.p[0] -= 0.5
			o.shape.p[2] -= 0.5
		}
		if y0 == y1 {
			o.shape.p[1] -= 0.5
			o.shape.p[3] -= 0.5
		}
	}
	n := int(math.Ceil(stroke/2)) + 1
	o.area = corners(min(x0, x1)-n, min(y0, y1)-n, max(x0, x1)+n, max(y0, y1)+n).Add(o.box.Min)
	o.cut = p.visible(o.area).Add(o.area.Min.Sub(o.box.Min))
	p.add(&o, clip)
}
