package font

import (
	"image"
	"image/draw"
	"math"
	"unsafe"

	gotext "github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// phases is how many places within a pixel a glyph is drawn at. Four are
// where letters no longer seem to dance.
const (
	phases    = 4
	phaseStep = 64 / phases
)

// maskKey names a glyph's mask.
type maskKey struct {
	id    gotext.GID
	size  fixed.Int26_6
	phase uint8
	bold  bool
}

// mask is how much of each pixel a glyph covers.
type mask struct {
	origin image.Point // of the upper left corner, from the glyph's origin
	size   image.Point
	cover  []byte // size.X bytes a row
}

// mask returns a glyph's mask.
func (c *Cache) mask(id gotext.GID, size fixed.Int26_6, phase uint8, bold bool) *mask {
	key := maskKey{id, size, phase, bold}
	if m, ok := c.masks.get(key); ok {
		return m
	}
	m := c.rasterise(c.face(bold), id, size, float32(phase)/phases)
	c.masks.put(key, m, len(m.cover)+int(unsafe.Sizeof(mask{}))+maskOverhead)
	return m
}

// maskOverhead is what a mask costs beside itself, as for lineOverhead.
const maskOverhead = 64

// bufferMax is the largest picture, in pixels, whose buffer the rasteriser
// keeps: it takes four bytes a pixel and never shrinks.
const bufferMax = 128 * 128

// rasterise draws a glyph's outline. What is no outline stays empty.
func (c *Cache) rasterise(f *face, id gotext.GID, size fixed.Int26_6, shift float32) *mask {
	outline, ok := f.GlyphData(id).(gotext.GlyphOutline)
	if !ok || len(outline.Segments) == 0 {
		return &mask{}
	}
	scale := toFloat(size) / float32(f.upem)
	box := bounds(outline.Segments, scale, shift)
	if box.Empty() {
		return &mask{}
	}
	z := &c.raster
	z.Reset(box.Dx(), box.Dy())
	z.DrawOp = draw.Src
	dx, dy := shift-float32(box.Min.X), -float32(box.Min.Y)
	at := func(p opentype.SegmentPoint) (x, y float32) { return p.X*scale + dx, dy - p.Y*scale }
	for i, s := range outline.Segments {
		ax, ay := at(s.Args[0])
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			if i > 0 {
				z.ClosePath()
			}
			z.MoveTo(ax, ay)
		case opentype.SegmentOpLineTo:
			z.LineTo(ax, ay)
		case opentype.SegmentOpQuadTo:
			bx, by := at(s.Args[1])
			z.QuadTo(ax, ay, bx, by)
		case opentype.SegmentOpCubeTo:
			bx, by := at(s.Args[1])
			cx, cy := at(s.Args[2])
			z.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	z.ClosePath()
	img := image.NewAlpha(image.Rectangle{Max: box.Size()})
	z.Draw(img, img.Rect, image.Opaque, image.Point{})
	if len(img.Pix) > bufferMax {
		*z = vector.Rasterizer{}
	}
	return &mask{origin: box.Min, size: box.Size(), cover: img.Pix}
}

// bounds returns the pixels that an outline may touch, by its points: a curve
// stays within the hull of its control points.
func bounds(segments []opentype.Segment, scale, shift float32) image.Rectangle {
	left, top := float32(math.MaxFloat32), float32(math.MaxFloat32)
	right, bottom := float32(-math.MaxFloat32), float32(-math.MaxFloat32)
	for i := range segments {
		for _, p := range segments[i].ArgsSlice() {
			x, y := p.X*scale+shift, -p.Y*scale
			left, right = min(left, x), max(right, x)
			top, bottom = min(top, y), max(bottom, y)
		}
	}
	return image.Rect(floor(left), floor(top), floor(right)+1, floor(bottom)+1)
}

func floor(v float32) int { return int(math.Floor(float64(v))) }
