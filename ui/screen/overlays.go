package screen

import "fyne.io/fyne/v2"

// overlays are the dialogs, menus and pop-ups of a canvas. Each has a focus of
// its own. Removing one removes all above it, as fyne.OverlayStack says.
type overlays struct {
	c    *screenCanvas
	list []fyne.CanvasObject
	foci []*focus
}

var _ fyne.OverlayStack = (*overlays)(nil)

func (s *overlays) List() []fyne.CanvasObject { return s.list }

func (s *overlays) Top() fyne.CanvasObject {
	if len(s.list) == 0 {
		return nil
	}
	return s.list[len(s.list)-1]
}

// Add puts an overlay on top. Fingers that are down lose what they touched.
func (s *overlays) Add(o fyne.CanvasObject) {
	if o == nil {
		return
	}
	s.c.window.display.cancelTouches()
	s.list = append(s.list, o)
	s.foci = append(s.foci, &focus{root: o})
	s.fit(o)
	layOutAll(o)
	s.c.tree.settle(s.c.roots())
	s.c.keyboardFollows()
}

// Remove takes an overlay off, and all above it.
func (s *overlays) Remove(o fyne.CanvasObject) {
	for i, x := range s.list {
		if x != o {
			continue
		}
		s.c.window.display.cancelTouches()
		for _, f := range s.foci[i:] {
			f.set(nil)
		}
		clear(s.list[i:])
		clear(s.foci[i:])
		s.list, s.foci = s.list[:i], s.foci[:i]
		s.c.keyboardFollows()
		return
	}
}

// fit gives an overlay its size. A pop-up places its content itself and only
// has to be told that the canvas may have another size.
func (s *overlays) fit(o fyne.CanvasObject) {
	if p, ok := o.(interface{ ShowAtPosition(fyne.Position) }); ok && p != nil {
		o.Refresh()
		return
	}
	o.Resize(s.c.size)
	o.Move(fyne.Position{})
}
