// Package paint turns a tree of Fyne objects into pixels of an *image.RGBA,
// in pure Go, and tells which pixels changed.
//
// Fyne's hooks do not say all that changes: Show, Container.Add and resizing
// a rectangle call nothing. So Paint trusts none. Each frame it walks the
// visible tree into a flat list of comparable operations, compares that with
// the last frame's, merges what differs into a few rectangles of damage, and
// repaints each of them from the topmost operation that covers it:
//
//	painter := paint.New(paint.Opts{Cache: cache})
//	damage := painter.Paint(screen, 2, background, []fyne.CanvasObject{content})
//
// A damaged frame has the same bytes as a full repaint. What is costly to
// make, scaled pictures, gradients and the coverage of round shapes, is kept
// under a budget of bytes.
//
// A Painter belongs to one goroutine, the one that changes the tree.
package paint

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
)

// TextureBytes is the budget for textures unless Opts says otherwise. Without
// one, opening 200 dialogs took 199 MB.
const TextureBytes = 4 << 20

// depthMax bounds how deep a tree is followed, so that one that contains
// itself does not end the program.
const depthMax = 256

// opMax bounds what one frame may hold; what lies on top of it is not painted.
const opMax = 1 << 16

// Fonts measures and draws lines of text; font.Cache does. Sizes are in
// pixels, and Draw changes no pixel outside clip.
type Fonts interface {
	Measure(text string, sizePx float32, bold bool) (width, ascent, descent float32)
	Draw(dst *image.RGBA, clip image.Rectangle, x, baseline float32, text string, sizePx float32, bold bool, c color.Color)
}

// Opts says how a Painter works.
type Opts struct {
	Cache      Fonts // for all text; several painters may share one
	TextureMax int   // bytes to keep of what is costly to make; TextureBytes if zero
}

// A Painter paints one canvas. Make it with New.
type Painter struct {
	fonts    Fonts
	textures store
	sources  map[fyne.CanvasObject]*source
	serial   uint64 // of the newest source
	frame    uint64
	seen     int // sources in this frame

	screen     image.Rectangle
	scale      float32
	background color.RGBA
	pixels     *uint8 // of the image painted last
	all        bool   // the next frame paints everything

	list, last []op
	damage     []image.Rectangle
	ink        color.RGBA // what text is drawn with: a place to point to
}

// New returns a painter that has painted nothing yet.
func New(o Opts) *Painter {
	if o.TextureMax == 0 {
		o.TextureMax = TextureBytes
	}
	return &Painter{
		fonts:    o.Cache,
		textures: newStore(o.TextureMax),
		sources:  map[fyne.CanvasObject]*source{},
		all:      true,
	}
}

// Invalidate makes the next Paint repaint everything and ask every raster and
// picture for its pixels again, as after a change of theme.
func (p *Painter) Invalidate() {
	p.all = true
	clear(p.sources)
	p.textures.empty()
}

// Refresh tells that a raster or picture has new pixels although nothing else
// about it changed. It is cheap and may be called with any object.
func (p *Painter) Refresh(o fyne.CanvasObject) {
	switch o.(type) {
	case *canvas.Image, *canvas.Raster:
		delete(p.sources, o)
	}
}

// TextureBytes returns how many bytes are kept of what is costly to make.
func (p *Painter) TextureBytes() int { return p.textures.bytes }

// Paint brings dst up to date and returns which pixels it changed. The roots
// are painted one above the other: the content, then the overlays. Pixel (0,0)
// is the canvas's corner; scale is pixels for each unit of the tree.
//
// It repaints all when dst, its size, the scale or the background is another
// than last time. The damage belongs to the painter until the next call.
func (p *Painter) Paint(dst *image.RGBA, scale float32, background color.Color, roots []fyne.CanvasObject) []image.Rectangle {
	p.damage = p.damage[:0]
	if dst.Rect.Empty() {
		return nil
	}
	p.begin(dst, scale, background)
	for _, root := range roots {
		p.walk(root, fyne.Position{}, p.screen, 0)
	}
	p.forget()
	if p.all {
		p.damage = append(p.damage, p.screen)
	} else {
		p.damage = diff(p.damage, p.last, p.list)
	}
	p.all = false
	for _, r := range p.damage {
		p.repaint(dst, r, splitsMax)
	}
	p.list, p.last = p.last, p.list
	// The list of the frame before holds pictures and strings alive.
	clear(p.list)
	return p.damage
}

// begin notes what this frame is painted on, and whether that is new.
func (p *Painter) begin(dst *image.RGBA, scale float32, background color.Color) {
	bg := rgba(background)
	bg = over(bg, color.RGBA{A: 255}) // a screen has nothing behind it
	pixels := &dst.Pix[0]
	if dst.Rect != p.screen || scale != p.scale || bg != p.background || pixels != p.pixels {
		p.all = true
	}
	p.screen, p.scale, p.background, p.pixels = dst.Rect, scale, bg, pixels
	p.list = p.list[:0]
	p.frame++
	p.seen = 0
}
