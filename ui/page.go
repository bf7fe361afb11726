package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
)

// page collects the objects of a screen, each at its place.
type page struct {
	metrics
	*style
	objects  []fyne.CanvasObject
	hold     *hold
	scroller *container.Scroll // what scrolls on it, if anything does
}

// inner is a page that is put on this one.
func (p *page) inner() *page { return &page{metrics: p.metrics, style: p.style, hold: p.hold} }

// style is what all screens have in common until language or colours change.
type style struct {
	words   *vocabulary
	colours *palette
}

// align is where a text stands in its area.
type align uint8

const (
	middle align = iota
	leading
	trailing
)

// letters say how a text looks.
type letters struct {
	size  float32
	bold  bool
	role  Role
	align align
	lines int // at most; 0 is as many as there is room for
	upper bool
}

const linesMaxDefault = 8

func (l letters) linesMax() int {
	if l.lines == 0 {
		return linesMaxDefault
	}
	return l.lines
}

// put adds an object.
func (p *page) put(o fyne.CanvasObject, a area) {
	o.Resize(a.size())
	o.Move(a.pos())
	p.objects = append(p.objects, o)
}

// box draws a filled rectangle.
func (p *page) box(a area, role Role, radius float32) *canvas.Rectangle {
	r := canvas.NewRectangle(p.colours[role])
	r.CornerRadius = radius
	p.put(r, a)
	return r
}

// dot draws a filled circle.
func (p *page) dot(a area, role Role) *canvas.Circle {
	c := canvas.NewCircle(p.colours[role])
	p.put(c, a)
	return c
}

// ruler measures in this page's units.
func (p *page) ruler(bold bool) ruler { return ruler{bold, p.mm(lettersMinMM)} }

// icon draws one of our icons, as large as fits.
func (p *page) icon(a area, name string, role Role) {
	side := min(a.w, a.h)
	img := canvas.NewImageFromResource(icon(name, p.colours[role]))
	img.FillMode = canvas.ImageFillContain
	p.put(img, a.centred(side, side))
}

// text writes a text into an area: one object a line.
func (p *page) text(a area, text string, l letters) {
	if text == "" {
		return
	}
	f := p.ruler(l.bold).fit(text, a.w, a.h, l.size, l.linesMax())
	p.lines(a, f, l)
}

// lines writes what was fitted.
func (p *page) lines(a area, f fitted, l letters) {
	y := a.y
	if !l.upper {
		y += max(0, (a.h-f.height())/2)
	}
	for _, line := range f.lines {
		t := canvas.NewText(line, p.colours[l.role])
		t.TextSize = f.size
		t.TextStyle.Bold = l.bold
		w := p.ruler(l.bold).measure(line, f.size).Width
		x := a.x
		switch l.align {
		case middle:
			x += (a.w - w) / 2
		case trailing:
			x += a.w - w
		case leading:
		}
		p.put(t, area{x, y, w, f.lineHeight})
		y += f.lineHeight
	}
}

// block is one of the things that stand below each other. It says how high it
// is when letters are scaled by a factor, and draws itself.
type block struct {
	height func(factor float32) float32
	draw   func(a area, factor float32)
	spare  bool // left out before everything gets small
}

// optional makes a block a spare one.
func optional(b block) block {
	b.spare = true
	return b
}

// textBlock is a text as high as it needs to be in a width.
func (p *page) textBlock(width float32, text string, l letters) block {
	scaled := func(factor float32) letters {
		l := l
		l.size *= factor
		return l
	}
	return block{
		height: func(factor float32) float32 {
			if text == "" {
				return 0
			}
			const endless = 1 << 20
			l := scaled(factor)
			return p.ruler(l.bold).fit(text, width, endless, l.size, l.linesMax()).height()
		},
		draw: func(a area, factor float32) { p.text(a, text, scaled(factor)) },
	}
}

// fixedBlock is a picture or keys of a height which does not change.
func fixedBlock(h float32, draw func(area)) block {
	return block{height: func(float32) float32 { return h }, draw: func(a area, _ float32) { draw(a) }}
}

// pictureBlock shrinks with the letters, down to least.
func pictureBlock(h, least float32, draw func(area)) block {
	return block{
		height: func(factor float32) float32 { return max(least, h*factor) },
		draw:   func(a area, _ float32) { draw(a) },
	}
}

// stack puts blocks below each other into the middle of an area. If they do not
// fit they get smaller, then the last spare ones are left out.
func (p *page) stack(a area, gap float32, blocks ...block) {
	const step, small, least = 0.95, 0.78, 0.5
	factor := float32(1)
	heights, total := stackHeights(blocks, gap, factor)
	for total > a.h && factor > least {
		factor *= step
		if i := lastSpare(blocks); factor < small && i >= 0 {
			blocks, factor = slices.Delete(slices.Clone(blocks), i, i+1), 1
		}
		heights, total = stackHeights(blocks, gap*factor, factor)
	}
	rest := a
	rest.top(max(0, (a.h-total)/2), 0)
	for i, b := range blocks {
		if heights[i] > 0 {
			b.draw(rest.top(heights[i], gap*factor), factor)
		}
	}
}

func lastSpare(blocks []block) int {
	for i := len(blocks) - 1; i >= 0; i-- {
		if blocks[i].spare {
			return i
		}
	}
	return -1
}

func stackHeights(blocks []block, gap, factor float32) (heights []float32, total float32) {
	for _, b := range blocks {
		h := b.height(factor)
		heights = append(heights, h)
		if h > 0 {
			total += h + gap
		}
	}
	return heights, max(0, total-gap)
}
