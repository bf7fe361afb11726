package evdev

import (
	"errors"
	"image"
)

// Matrix maps a place on the panel to a place on the picture. Both are shares
// of the whole, 0 to 1: x' = m[0]x + m[1]y + m[2], y' = m[3]x + m[4]y + m[5].
// It is libinput's calibration matrix. The zero Matrix changes nothing.
type Matrix [6]float32

// Identity changes nothing, SwapXY exchanges the axes, FlipX and FlipY mirror.
var (
	Identity = Matrix{1, 0, 0, 0, 1, 0}
	SwapXY   = Matrix{0, 1, 0, 1, 0, 0}
	FlipX    = Matrix{-1, 0, 1, 0, 1, 0}
	FlipY    = Matrix{1, 0, 0, 0, -1, 1}
)

// Apply maps a place.
func (m Matrix) Apply(x, y float32) (float32, float32) {
	if m == (Matrix{}) {
		return x, y
	}
	return m[0]*x + m[1]*y + m[2], m[3]*x + m[4]*y + m[5]
}

// Point is a place as shares of the whole.
type Point struct{ X, Y float32 }

// ErrFlat says that three points lie on a line, or nearly.
var ErrFlat = errors.New("evdev: calibration points lie on a line")

// Calibrate makes the matrix from three places that were touched, as the panel
// told them, and where the marks were.
func Calibrate(touched, marks [3]Point) (Matrix, error) {
	a, b, c := touched[0], touched[1], touched[2]
	area := (b.X-a.X)*(c.Y-a.Y) - (c.X-a.X)*(b.Y-a.Y)
	// Less than a hundredth of the panel cannot give a precise answer. Written
	// so that what is no number fails too.
	if !(area > 0.01 || area < -0.01) {
		return Matrix{}, ErrFlat
	}
	row := func(wa, wb, wc float32) (float32, float32, float32) {
		x := ((wb-wa)*(c.Y-a.Y) - (wc-wa)*(b.Y-a.Y)) / area
		y := ((wc-wa)*(b.X-a.X) - (wb-wa)*(c.X-a.X)) / area
		return x, y, wa - x*a.X - y*a.Y
	}
	var m Matrix
	m[0], m[1], m[2] = row(marks[0].X, marks[1].X, marks[2].X)
	m[3], m[4], m[5] = row(marks[0].Y, marks[1].Y, marks[2].Y)
	return m, nil
}

// Range is what an axis of the panel can say, both ends included.
type Range struct{ Min, Max int32 }

// share is a value as a share of the range; the middle of its step.
func (r Range) share(v int32) float32 {
	width := float64(r.Max) - float64(r.Min) + 1
	return float32((float64(v) - float64(r.Min) + 0.5) / width)
}

// panel turns what the axes say into pixels of the output.
type panel struct {
	x, y   Range
	matrix Matrix
	size   image.Point
}

// pixel keeps fingers at the edge on the picture, so that keys there work.
func (p panel) pixel(x, y int32) (float32, float32) {
	u, v := p.matrix.Apply(p.x.share(x), p.y.share(y))
	return onto(u, p.size.X), onto(v, p.size.Y)
}

func onto(share float32, pixels int) float32 {
	last := float32(pixels) - 0.5
	return max(0.5, min(last, share*float32(pixels)))
}
