package screen

import (
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
)

// tree knows a canvas's visible objects as they were after the last batch of
// events: whose child each is, and how large it was and wanted to be. Fyne
// leaves it to the driver to lay out a parent when a child wants another size,
// and calls no hook for a child that was shown, hidden or added; so what has
// changed is found by walking.
type tree struct {
	nodes     map[fyne.CanvasObject]*node
	walk      uint32 // the number of the present walk
	refreshed map[fyne.CanvasObject]struct{}
	marked    []fyne.CanvasObject // what this walk found changed
}

type node struct {
	parent   fyne.CanvasObject
	walk     uint32 // the last walk that met it
	children int
	changed  bool // it is new, or a child of it is
	min      fyne.Size
	size     fyne.Size
}

func newTree() tree {
	return tree{nodes: map[fyne.CanvasObject]*node{}, refreshed: map[fyne.CanvasObject]struct{}{}}
}

func (t *tree) has(o fyne.CanvasObject) bool {
	if o == nil {
		return false
	}
	_, ok := t.nodes[o]
	return ok
}

// refresh notes an object whose wanted size may have changed.
func (t *tree) refresh(o fyne.CanvasObject) { t.refreshed[o] = struct{}{} }

// settleRounds bounds how often a layout may change what was laid out. A tree
// that never settles is painted as it is.
const settleRounds = 6

// settle lays out what has changed until nothing does.
func (t *tree) settle(roots []fyne.CanvasObject) {
	for range settleRounds {
		t.scan(roots)
		for o := range t.refreshed {
			t.marked = append(t.marked, o)
		}
		clear(t.refreshed)
		if len(t.marked) == 0 {
			return
		}
		for _, o := range t.marked {
			t.grow(o)
		}
	}
}

// scan walks the trees, notes all objects, marks what is new or has another
// size or other children than before, and forgets what has gone.
func (t *tree) scan(roots []fyne.CanvasObject) {
	t.walk++
	clear(t.marked)
	t.marked = t.marked[:0]
	seen := 0
	for _, root := range roots {
		seen += t.visit(root, nil, 0)
	}
	if seen == len(t.nodes) {
		return
	}
	for o, n := range t.nodes {
		if n.walk != t.walk {
			delete(t.nodes, o)
		}
	}
}

// visit notes an object and all inside it, the children first so that they are
// laid out before their parents, and returns how many are new to this walk. An
// object is laid out when it is new, since its renderer may have been made anew
// since it was last shown, and when other children show than before.
func (t *tree) visit(o, parent fyne.CanvasObject, depth int) int {
	if o == nil || !o.Visible() || depth > depthMax {
		return 0
	}
	n, known := t.nodes[o]
	if !known {
		n = &node{changed: true}
		t.nodes[o] = n
		if p := t.nodes[parent]; p != nil {
			p.changed = true
		}
		redraw(o)
	}
	seen := 1
	if n.walk == t.walk { // an object that is in the tree twice
		seen = 0
	}
	n.walk, n.parent = t.walk, parent
	shown := 0
	for _, child := range children(o) {
		if child != nil && child.Visible() {
			shown++
			seen += t.visit(child, o, depth+1)
		}
	}
	if n.changed || n.children != shown {
		layOut(o)
		t.marked = append(t.marked, o)
		if !known {
			n.min = o.MinSize()
		}
	} else if n.size != o.Size() {
		t.marked = append(t.marked, o)
	}
	n.changed, n.children, n.size = false, shown, o.Size()
	return seen
}

// redraw draws an icon for the canvas that it is now on, unless it was drawn for
// it already. Where Fyne knew no scale it drew it twice as large as it is shown.
func redraw(o fyne.CanvasObject) {
	i, ok := o.(*canvas.Image)
	if !ok || i.Resource == nil && i.File == "" {
		return
	}
	if c := fyne.CurrentApp().Driver().CanvasForObject(o); c != nil && i.Image != nil {
		size := i.Size()
		w, h := c.PixelCoordinateForPosition(fyne.NewPos(size.Width, size.Height))
		if i.Image.Bounds().Size() == image.Pt(w, h) {
			return
		}
	}
	i.Refresh()
}

// grow lays out the parents of an object that wants another size than before,
// upward until one stays the same.
func (t *tree) grow(o fyne.CanvasObject) {
	for range depthMax {
		n, ok := t.nodes[o]
		if !ok {
			return
		}
		least := o.MinSize()
		if least == n.min {
			return
		}
		n.min = least
		if n.parent == nil {
			layOut(o) // its size is the canvas's
			return
		}
		layOut(n.parent)
		o = n.parent
	}
}
