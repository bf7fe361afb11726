package paint

import "image"

const (
	// splitsMax bounds how often a part of the screen is split around what
	// hides all below it.
	splitsMax = 3
	// splitMin is how many pixels must not be painted for a split to pay: it
	// walks the list four more times.
	splitMin = 1 << 15
	// hideMin is the part of a rectangle, one in so many, which something must
	// hide to be thought of.
	hideMin = 8
)

// repaint paints what lies in r. What a dialog hides below it is not painted:
// r is split around it.
func (p *Painter) repaint(dst *image.RGBA, r image.Rectangle, splits int) {
	if r.Empty() {
		return
	}
	first := len(p.list) - 1
	for first >= 0 && !r.In(p.list[first].solid) {
		first--
	}
	if splits > 0 {
		if s := p.hides(r, first); !s.Empty() {
			p.repaint(dst, s, splits-1)
			for _, rest := range around(r, s) {
				p.repaint(dst, rest, splits-1)
			}
			return
		}
	}
	p.layers(dst, r, first)
}

// layers paints the operations from first upwards, or all on the background if
// first is below zero.
func (p *Painter) layers(dst *image.RGBA, r image.Rectangle, first int) {
	if first < 0 {
		first = 0
		set(dst, r, p.background)
	}
	for i := first; i < len(p.list); i++ {
		if clip := p.list[i].area.Intersect(r); !clip.Empty() {
			p.draw(dst, clip, &p.list[i])
		}
	}
}

// hides returns the part of r under which the most need not be painted, empty
// if that is little. What lies below first is not painted anyway.
func (p *Painter) hides(r image.Rectangle, first int) image.Rectangle {
	var best image.Rectangle
	most := splitMin
	for i := len(p.list) - 1; i > first; i-- {
		s := p.list[i].solid.Intersect(r)
		if pixels(s)*hideMin < pixels(r) || s.Empty() {
			continue
		}
		hidden := 0
		if first < 0 {
			hidden = pixels(s) // of the background
		}
		for j := max(first, 0); j < i; j++ {
			hidden += pixels(p.list[j].area.Intersect(s))
		}
		if hidden > most {
			best, most = s, hidden
		}
	}
	return best
}

func pixels(r image.Rectangle) int { return r.Dx() * r.Dy() }

// around returns r without s, which lies in it.
func around(r, s image.Rectangle) [4]image.Rectangle {
	return [4]image.Rectangle{
		corners(r.Min.X, r.Min.Y, r.Max.X, s.Min.Y),
		corners(r.Min.X, s.Min.Y, s.Min.X, s.Max.Y),
		corners(s.Max.X, s.Min.Y, r.Max.X, s.Max.Y),
		corners(r.Min.X, s.Max.Y, r.Max.X, r.Max.Y),
	}
}
