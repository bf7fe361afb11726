package ui

import "fyne.io/fyne/v2"

// area is a rectangle from which pieces are cut: what is left is the rest of
// the screen. A cut never takes more than there is.
type area struct{ x, y, w, h float32 }

func (a area) pos() fyne.Position { return fyne.NewPos(a.x, a.y) }
func (a area) size() fyne.Size    { return fyne.NewSize(a.w, a.h) }

// top cuts a piece off the top, and gap below it.
func (a *area) top(h, gap float32) area {
	h = min(h, a.h)
	piece := area{a.x, a.y, a.w, h}
	used := min(h+gap, a.h)
	a.y, a.h = a.y+used, a.h-used
	return piece
}

func (a *area) bottom(h, gap float32) area {
	h = min(h, a.h)
	piece := area{a.x, a.y + a.h - h, a.w, h}
	a.h -= min(h+gap, a.h)
	return piece
}

func (a *area) left(w, gap float32) area {
	w = min(w, a.w)
	piece := area{a.x, a.y, w, a.h}
	used := min(w+gap, a.w)
	a.x, a.w = a.x+used, a.w-used
	return piece
}

func (a *area) right(w, gap float32) area {
	w = min(w, a.w)
	piece := area{a.x + a.w - w, a.y, w, a.h}
	a.w -= min(w+gap, a.w)
	return piece
}

// inset leaves a margin on all sides.
func (a area) inset(dx, dy float32) area {
	dx, dy = min(dx, a.w/2), min(dy, a.h/2)
	return area{a.x + dx, a.y + dy, a.w - 2*dx, a.h - 2*dy}
}

// centred is a piece of a size in the middle.
func (a area) centred(w, h float32) area {
	w, h = min(w, a.w), min(h, a.h)
	return area{a.x + (a.w-w)/2, a.y + (a.h-h)/2, w, h}
}

// columns splits it into n beside each other.
func (a area) columns(n int, gap float32) []area {
	w := (a.w - gap*float32(n-1)) / float32(n)
	cells := make([]area, n)
	for i := range cells {
		cells[i] = area{a.x + float32(i)*(w+gap), a.y, w, a.h}
	}
	return cells
}

// rows splits it into n below each other.
func (a area) rows(n int, gap float32) []area {
	h := (a.h - gap*float32(n-1)) / float32(n)
	cells := make([]area, n)
	for i := range cells {
		cells[i] = area{a.x, a.y + float32(i)*(h+gap), a.w, h}
	}
	return cells
}
