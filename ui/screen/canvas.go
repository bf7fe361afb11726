package screen

import (
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/theme"
)

// screenCanvas is what a window shows: its content, overlays on top of it, and the
// keyboard below both when one is needed. The keyboard makes the canvas
// smaller, so dialogs stay above it.
type screenCanvas struct {
	s       *Screen
	window  *window
	size    fyne.Size // without the keyboard
	padded  bool
	content fyne.CanvasObject
	focus   focus
	overlays
	tree     tree
	keyboard *keyboard // nil while none shows
	rootList []fyne.CanvasObject

	fyne.ShortcutHandler
	typedRune      func(rune)
	typedKey       func(*fyne.KeyEvent)
	keyDown, keyUp func(*fyne.KeyEvent)
}

var (
	_ fyne.Canvas    = (*screenCanvas)(nil)
	_ desktop.Canvas = (*screenCanvas)(nil)
)

func newCanvas(s *Screen, w *window) *screenCanvas {
	c := &screenCanvas{s: s, window: w, padded: true, tree: newTree()}
	c.overlays.c = c
	c.size = w.display.size()
	return c
}

func (c *screenCanvas) Content() fyne.CanvasObject { return c.content }

// SetContent replaces what the window shows. It is laid out as a whole, for
// Fyne may have dropped its renderers while it was not shown.
func (c *screenCanvas) SetContent(o fyne.CanvasObject) {
	c.content = o
	c.focus.replaceRoot(o)
	c.refit()
}

// refit lays out everything for the present size, down to the last renderer.
func (c *screenCanvas) refit() {
	c.layoutRoots()
	for _, root := range c.roots() {
		layOutAll(root)
	}
	c.tree.settle(c.roots())
	c.followFocus()
}

// layoutRoots gives the content, the overlays and the keyboard their places.
func (c *screenCanvas) layoutRoots() {
	full := c.window.display.size()
	c.size = full
	if c.keyboard != nil {
		height := c.keyboard.height(full)
		c.size.Height = full.Height - height
		c.keyboard.Resize(fyne.NewSize(full.Width, height))
		c.keyboard.Move(fyne.NewPos(0, c.size.Height))
	}
	if c.content != nil {
		pad := float32(0)
		if c.padded {
			pad = theme.Padding()
		}
		c.content.Resize(c.size.SubtractWidthHeight(2*pad, 2*pad))
		c.content.Move(fyne.NewSquareOffsetPos(pad))
	}
	for _, o := range c.overlays.list {
		c.overlays.fit(o)
	}
}

// roots are the trees to draw, the lowest first. The slice is used again by
// the next call.
func (c *screenCanvas) roots() []fyne.CanvasObject {
	roots := c.rootList[:0]
	if c.content != nil {
		roots = append(roots, c.content)
	}
	roots = append(roots, c.overlays.list...)
	if c.keyboard != nil {
		roots = append(roots, c.keyboard)
	}
	clear(roots[len(roots):cap(roots)])
	c.rootList = roots
	return roots
}

// layer is the only tree that gets touches: the topmost overlay, or else the
// content.
func (c *screenCanvas) layer() fyne.CanvasObject {
	if top := c.overlays.Top(); top != nil {
		return top
	}
	return c.content
}

// layerAt is the tree that a finger at this place can touch.
func (c *screenCanvas) layerAt(at fyne.Position) fyne.CanvasObject {
	if c.keyboard != nil && at.Y >= c.size.Height {
		return c.keyboard
	}
	return c.layer()
}

// Refresh notes that an object changed; it is laid out and painted after this
// batch of events.
func (c *screenCanvas) Refresh(o fyne.CanvasObject) {
	c.tree.refresh(o)
	c.window.display.painter.Refresh(o)
}

func (c *screenCanvas) Overlays() fyne.OverlayStack { return &c.overlays }
func (c *screenCanvas) Size() fyne.Size             { return c.size }
func (c *screenCanvas) Scale() float32              { return c.window.display.scale }

// InteractiveArea is the whole canvas: nothing covers a part of it.
func (c *screenCanvas) InteractiveArea() (fyne.Position, fyne.Size) { return fyne.Position{}, c.size }

// PixelCoordinateForPosition is where on the picture a place is, before the
// picture is turned.
func (c *screenCanvas) PixelCoordinateForPosition(p fyne.Position) (int, int) {
	return int(p.X * c.Scale()), int(p.Y * c.Scale())
}

// Capture paints the window as it is now, with a painter of its own.
func (c *screenCanvas) Capture() image.Image {
	c.tree.settle(c.roots())
	img := image.NewRGBA(image.Rectangle{Max: c.window.display.pixels})
	c.s.opts.Painter().Paint(img, c.Scale(), theme.Color(theme.ColorNameBackground), c.roots())
	return img
}

func (c *screenCanvas) OnTypedRune() func(rune)              { return c.typedRune }
func (c *screenCanvas) SetOnTypedRune(f func(rune))          { c.typedRune = f }
func (c *screenCanvas) OnTypedKey() func(*fyne.KeyEvent)     { return c.typedKey }
func (c *screenCanvas) SetOnTypedKey(f func(*fyne.KeyEvent)) { c.typedKey = f }
func (c *screenCanvas) OnKeyDown() func(*fyne.KeyEvent)      { return c.keyDown }
func (c *screenCanvas) SetOnKeyDown(f func(*fyne.KeyEvent))  { c.keyDown = f }
func (c *screenCanvas) OnKeyUp() func(*fyne.KeyEvent)        { return c.keyUp }
func (c *screenCanvas) SetOnKeyUp(f func(*fyne.KeyEvent))    { c.keyUp = f }

// showKeyboard draws the keyboard, or another layout of it.
func (c *screenCanvas) showKeyboard(t mobile.KeyboardType) {
	if c.s.opts.HasKeyboard {
		return
	}
	if c.keyboard == nil || c.keyboard.layout != t {
		c.keyboard = newKeyboard(c, t)
		c.refit()
	}
}

func (c *screenCanvas) hideKeyboard() {
	if c.keyboard == nil {
		return
	}
	c.keyboard.release()
	c.keyboard = nil
	c.refit()
}

// settle lays out what has changed since the last frame, and takes the focus
// from an object that has gone.
func (c *screenCanvas) settle() {
	c.tree.settle(c.roots())
	if o, ok := c.Focused().(fyne.CanvasObject); ok && !c.tree.has(o) {
		c.Unfocus()
		c.tree.settle(c.roots())
	}
}

// keyboardRoot is the keyboard's tree, nil while none shows.
func (c *screenCanvas) keyboardRoot() fyne.CanvasObject {
	if c.keyboard == nil {
		return nil
	}
	return c.keyboard
}
