package screen

import (
	"encoding/binary"
	"image"
)

// Rotation is how far the picture is turned clockwise on the panel, in degrees:
// 0, 90, 180 or 270. A portrait panel that is mounted on its side has 90 or 270.
type Rotation int

// valid tells whether r is one of the four.
func (r Rotation) valid() bool { return r == 0 || r == 90 || r == 180 || r == 270 }

// Picture is the size of the picture on a panel of this size.
func (r Rotation) Picture(panel image.Point) image.Point {
	if r == 90 || r == 270 {
		return image.Pt(panel.Y, panel.X)
	}
	return panel
}

// toLogical maps a place on the panel to the picture. Both are continuous
// coordinates, so a pixel's middle stays its middle.
func (r Rotation) toLogical(x, y float32, panel image.Point) (float32, float32) {
	w, h := float32(panel.X), float32(panel.Y)
	switch r {
	case 90:
		return y, w - x
	case 180:
		return w - x, h - y
	case 270:
		return h - y, x
	}
	return x, y
}

// fromLogical is the way back.
func (r Rotation) fromLogical(x, y float32, panel image.Point) (float32, float32) {
	w, h := float32(panel.X), float32(panel.Y)
	switch r {
	case 90:
		return w - y, x
	case 180:
		return w - x, h - y
	case 270:
		return y, h - x
	}
	return x, y
}

// toPanel maps a rectangle of the picture to the panel.
func (r Rotation) toPanel(rect image.Rectangle, panel image.Point) image.Rectangle {
	w, h := panel.X, panel.Y
	switch r {
	case 90:
		return image.Rect(w-rect.Max.Y, rect.Min.X, w-rect.Min.Y, rect.Max.X)
	case 180:
		return image.Rect(w-rect.Max.X, h-rect.Max.Y, w-rect.Min.X, h-rect.Min.Y)
	case 270:
		return image.Rect(rect.Min.Y, h-rect.Max.X, rect.Max.Y, h-rect.Min.X)
	}
	return rect
}

// turn copies a part of the picture to its place on the panel.
func (r Rotation) turn(panel, picture *image.RGBA, part image.Rectangle) {
	part = part.Intersect(picture.Bounds())
	size := panel.Bounds().Size()
	to := r.toPanel(part, size)
	// Walk the picture's rows; the panel's step is one pixel along the turned
	// direction. Whole pixels are moved as words.
	var start image.Point
	var step int
	switch r {
	case 90:
		start, step = image.Pt(to.Max.X-1, to.Min.Y), panel.Stride
	case 180:
		start, step = image.Pt(to.Max.X-1, to.Max.Y-1), -4
	case 270:
		start, step = image.Pt(to.Min.X, to.Max.Y-1), -panel.Stride
	default:
		start, step = to.Min, 4
	}
	for y := part.Min.Y; y < part.Max.Y; y++ {
		row := picture.Pix[picture.PixOffset(part.Min.X, y):]
		at := panel.PixOffset(start.X, start.Y)
		for range part.Dx() {
			binary.NativeEndian.PutUint32(panel.Pix[at:at+4], binary.NativeEndian.Uint32(row))
			row, at = row[4:], at+step
		}
		switch r {
		case 90:
			start.X--
		case 180:
			start.Y--
		case 270:
			start.X++
		default:
			start.Y++
		}
	}
}
