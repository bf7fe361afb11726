package screen

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/mobile"
)

// focus says which object of one tree gets the keys.
type focus struct {
	root fyne.CanvasObject
	now  fyne.Focusable
}

// set moves the focus; nil takes it away.
func (f *focus) set(o fyne.Focusable) {
	if f.now == o {
		return
	}
	if f.now != nil {
		f.now.FocusLost()
	}
	f.now = o
	if o != nil {
		o.FocusGained()
	}
}

// replaceRoot keeps the focus if its object is in the new tree too.
func (f *focus) replaceRoot(root fyne.CanvasObject) {
	f.root = root
	if f.now != nil && !f.holds(f.now) {
		f.set(nil)
	}
}

// holds tells whether an object is visible in the tree.
func (f *focus) holds(o fyne.Focusable) bool {
	object, ok := o.(fyne.CanvasObject)
	if !ok {
		return false
	}
	_, ok = positionIn([]fyne.CanvasObject{f.root}, object)
	return ok
}

// step moves the focus by one object, forward or backward, around the ends.
func (f *focus) step(by int) {
	var all []fyne.Focusable
	at := -1
	walkVisible(f.root, func(o fyne.CanvasObject) {
		if d, ok := o.(fyne.Disableable); ok && d.Disabled() {
			return
		}
		if x, ok := o.(fyne.Focusable); ok {
			if x == f.now {
				at = len(all)
			}
			all = append(all, x)
		}
	})
	switch {
	case len(all) == 0:
		f.set(nil)
	case at < 0 && by < 0:
		f.set(all[len(all)-1])
	case at < 0:
		f.set(all[0])
	default:
		f.set(all[(at+by+len(all))%len(all)])
	}
}

// topFocus is the focus of the tree that gets touches and keys.
func (c *screenCanvas) topFocus() *focus {
	if n := len(c.overlays.foci); n > 0 {
		return c.overlays.foci[n-1]
	}
	return &c.focus
}

// Focus gives the keys to an object, in whichever tree it is. A disabled object
// gets none.
func (c *screenCanvas) Focus(o fyne.Focusable) {
	if o == nil {
		c.Unfocus()
		return
	}
	if d, ok := o.(fyne.Disableable); ok && d.Disabled() {
		return
	}
	top := c.topFocus()
	if !top.holds(o) {
		for _, f := range append([]*focus{&c.focus}, c.overlays.foci...) {
			if f != top && f.holds(o) {
				f.set(o)
				return
			}
		}
		return
	}
	top.set(o)
	c.keyboardFollows()
}

// Unfocus takes the keys away from the top tree's object.
func (c *screenCanvas) Unfocus() {
	c.topFocus().set(nil)
	c.keyboardFollows()
}

// FocusNext moves on to the next object.
func (c *screenCanvas) FocusNext() {
	c.topFocus().step(1)
	c.keyboardFollows()
}

// FocusPrevious moves back.
func (c *screenCanvas) FocusPrevious() {
	c.topFocus().step(-1)
	c.keyboardFollows()
}

// Focused is the object of the top tree that gets the keys, or nil.
func (c *screenCanvas) Focused() fyne.Focusable { return c.topFocus().now }

// keyboardFollows shows the keyboard when what has the focus takes text, and
// hides it otherwise.
func (c *screenCanvas) keyboardFollows() {
	if k, ok := c.Focused().(mobile.Keyboardable); ok {
		c.showKeyboard(k.Keyboard())
		c.followFocus()
		return
	}
	c.hideKeyboard()
}

// followFocus brings the focused object into sight above the keyboard: it
// scrolls what it is in, and if that does not help moves the content up.
func (c *screenCanvas) followFocus() {
	object, ok := c.Focused().(fyne.CanvasObject)
	if !ok || c.keyboard == nil {
		return
	}
	for o := object; o != nil; {
		if scroll, ok := o.(*container.Scroll); ok {
			showIn(scroll, object)
		}
		n := c.tree.nodes[o]
		if n == nil {
			break
		}
		o = n.parent
	}
	if c.content == nil || len(c.overlays.list) > 0 {
		return
	}
	pos, ok := positionIn([]fyne.CanvasObject{c.content}, object)
	if hidden := pos.Y + object.Size().Height - c.size.Height; ok && hidden > 0 {
		c.content.Move(c.content.Position().SubtractXY(0, min(hidden, pos.Y)))
	}
}

// showIn scrolls so that an object inside shows.
func showIn(scroll *container.Scroll, o fyne.CanvasObject) {
	pos, ok := positionIn([]fyne.CanvasObject{scroll.Content}, o)
	if !ok {
		return
	}
	// pos has the content's own position in it, which is minus the offset.
	to := scroll.Offset
	if below := pos.Y + o.Size().Height - scroll.Size().Height; below > 0 {
		to.Y += below
	}
	if pos.Y < 0 {
		to.Y += pos.Y
	}
	if to != scroll.Offset {
		scroll.ScrollToOffset(to)
	}
}
