package paint

import (
	"image"
	"image/color"
	"math"
)

// coordMax bounds coordinates in pixels. It is far outside any screen, and
// near enough for the rasterizer's arithmetic.
const coordMax = 1 << 15

// kind is what an operation paints.
type kind uint8

const (
	kindRectangle kind = iota
	kindCircle
	kindLine
	kindPolygon
	kindArc
	kindText
	kindImage
	kindRaster
	kindLinear
	kindRadial
)

// op is one thing to paint. Two that are equal paint the same pixels, so
// every field is comparable and anything else is told apart by a serial.
type op struct {
	kind kind
	area image.Rectangle // the pixels it may change
	// solid is the part of area in which it leaves nothing of what is below.
	solid image.Rectangle
	box   image.Rectangle // its place, also where that is clipped

	fill, line color.RGBA // premultiplied; alpha zero for none
	shape      shape

	text string
	size float32 // of the text, in pixels
	bold bool

	source *source // of a picture or raster
	serial uint64  // its pixels' version
	cut    image.Rectangle
	filter filter
	alpha  uint8
}

// shape is the geometry of an operation, relative to its box, in pixels.
type shape struct {
	kind    kind
	w, h    int
	stroke  float32
	corner  [4]int     // radii of a rectangle: see the corner constants
	p       [4]float64 // points, angles or ratios, as the kind has them
	sides   int
	rounded float64
}

// Corners in the order of shape.corner: clockwise from the top left.
const (
	topLeft = iota
	topRight
	bottomRight
	bottomLeft
)

// px converts a coordinate as Fyne's own painters do, bounded.
func px(v, scale float32) int {
	v *= scale
	switch {
	case v >= coordMax:
		return coordMax
	case v >= -coordMax:
		return int(math.Ceil(float64(v)))
	}
	return -coordMax // also for what is no number
}

// round converts a length that is drawn with anti-aliasing, bounded.
func round(v, scale float32) int {
	v *= scale
	switch {
	case v >= coordMax:
		return coordMax
	case v >= -coordMax:
		return int(math.Round(float64(v)))
	}
	return 0
}

// finite bounds a number that no pixel count follows from.
func finite(v float64) float64 {
	if v >= -1e6 && v <= 1e6 {
		return v
	}
	return 0
}

// grow is Inset outwards, and leaves alone what is empty.
func grow(r image.Rectangle, n int) image.Rectangle {
	if r.Empty() {
		return r
	}
	return r.Inset(-n)
}

// rgba converts a colour, premultiplied. It never returns more of a channel
// than of alpha, which blending relies on.
func rgba(c color.Color) color.RGBA {
	if c == nil {
		return color.RGBA{}
	}
	r, g, b, a := c.RGBA()
	a = min(a, 0xffff)
	return color.RGBA{
		R: uint8(min(r, a) >> 8), G: uint8(min(g, a) >> 8), B: uint8(min(b, a) >> 8), A: uint8(a >> 8),
	}
}
