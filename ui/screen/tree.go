package screen

import "fyne.io/fyne/v2"

// depthMax bounds how deep a tree is followed; one that contains itself is a
// mistake that must not take the terminal down.
const depthMax = 200

// children are the objects inside an object, in the order in which they are
// drawn.
func children(o fyne.CanvasObject) []fyne.CanvasObject {
	switch o := o.(type) {
	case *fyne.Container:
		return o.Objects
	case fyne.Widget:
		if r := renderer(o); r != nil {
			return r.Objects()
		}
	}
	return nil
}

// clips tells whether an object hides what reaches out of it.
func clips(o fyne.CanvasObject) bool {
	if _, ok := o.(fyne.Scrollable); ok {
		return true
	}
	if w, ok := o.(fyne.Widget); ok {
		_, ok = renderer(w).(interface{ IsClip() })
		return ok
	}
	return false
}

// layOut places an object's children for its present size.
func layOut(o fyne.CanvasObject) {
	switch o := o.(type) {
	case *fyne.Container:
		if o.Layout != nil {
			o.Layout.Layout(o.Objects, o.Size())
		}
	case fyne.Widget:
		if r := renderer(o); r != nil {
			r.Layout(o.Size())
		}
	}
}

// layOutAll lays out a whole tree. Renderers that Fyne dropped while the tree
// was not shown were made anew, and know no size before this.
func layOutAll(o fyne.CanvasObject) { walkVisible(o, layOut) }

// walkVisible visits an object and all that shows inside it, parents first.
func walkVisible(o fyne.CanvasObject, visit func(fyne.CanvasObject)) {
	walkTo(o, visit, 0)
}

func walkTo(o fyne.CanvasObject, visit func(fyne.CanvasObject), depth int) {
	if o == nil || !o.Visible() || depth > depthMax {
		return
	}
	visit(o)
	for _, child := range children(o) {
		walkTo(child, visit, depth+1)
	}
}

// rect is a part of the canvas.
type rect struct{ x0, y0, x1, y1 float32 }

func (r rect) has(p fyne.Position) bool {
	return p.X >= r.x0 && p.Y >= r.y0 && p.X < r.x1 && p.Y < r.y1
}

func rectOf(pos fyne.Position, size fyne.Size) rect {
	return rect{pos.X, pos.Y, pos.X + size.Width, pos.Y + size.Height}
}

// objectAt finds the topmost visible object below a finger that fits, and where
// in it the finger is.
func objectAt(root fyne.CanvasObject, at fyne.Position, fits func(fyne.CanvasObject) bool) (fyne.CanvasObject, fyne.Position) {
	return findAt(root, fyne.Position{}, at, fits, 0)
}

// findAt looks at the children first, the last drawn before the others, since
// that is what the finger sees. A child may reach out of its parent unless the
// parent clips.
func findAt(o fyne.CanvasObject, origin, at fyne.Position, fits func(fyne.CanvasObject) bool, depth int) (fyne.CanvasObject, fyne.Position) {
	if o == nil || !o.Visible() || depth > depthMax {
		return nil, fyne.Position{}
	}
	pos := origin.Add(o.Position())
	inside := rectOf(pos, o.Size()).has(at)
	if !inside && clips(o) {
		return nil, fyne.Position{}
	}
	inner := children(o)
	for i := len(inner) - 1; i >= 0; i-- {
		if found, where := findAt(inner[i], pos, at, fits, depth+1); found != nil {
			return found, where
		}
	}
	if inside && fits(o) {
		return o, at.Subtract(pos)
	}
	return nil, fyne.Position{}
}

// positionIn finds where on the canvas an object is, in any of these trees.
func positionIn(roots []fyne.CanvasObject, o fyne.CanvasObject) (fyne.Position, bool) {
	for _, root := range roots {
		if pos, ok := positionBelow(root, o, fyne.Position{}, 0); ok {
			return pos, true
		}
	}
	return fyne.Position{}, false
}

func positionBelow(root, o fyne.CanvasObject, origin fyne.Position, depth int) (fyne.Position, bool) {
	if root == nil || !root.Visible() || depth > depthMax {
		return fyne.Position{}, false
	}
	pos := origin.Add(root.Position())
	if root == o {
		return pos, true
	}
	for _, child := range children(root) {
		if p, ok := positionBelow(child, o, pos, depth+1); ok {
			return p, true
		}
	}
	return fyne.Position{}, false
}
