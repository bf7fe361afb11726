package screen

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// modifiers are the keys that are held while another is pressed.
var modifiers = map[fyne.KeyName]fyne.KeyModifier{
	desktop.KeyShiftLeft:    fyne.KeyModifierShift,
	desktop.KeyShiftRight:   fyne.KeyModifierShift,
	desktop.KeyControlLeft:  fyne.KeyModifierControl,
	desktop.KeyControlRight: fyne.KeyModifierControl,
	desktop.KeyAltLeft:      fyne.KeyModifierAlt,
	desktop.KeyAltRight:     fyne.KeyModifierAlt,
	desktop.KeySuperLeft:    fyne.KeyModifierSuper,
	desktop.KeySuperRight:   fyne.KeyModifierSuper,
}

// key handles a key of a real keyboard, or of the web page.
func (d *display) key(e Key) {
	if m, ok := modifiers[e.Name]; ok {
		if e.Down {
			d.mods |= m
		} else {
			d.mods &^= m
		}
	}
	w := d.top()
	if w == nil {
		return
	}
	c := w.canvas
	if e.Name != "" {
		c.keyMoved(e)
	}
	if !e.Down {
		return
	}
	if s := d.shortcut(c, e.Name); s != nil && c.shortcutTyped(s) {
		return
	}
	c.typed(e.Name, e.Rune, d.mods)
}

// keyMoved tells those who follow keys down and up.
func (c *screenCanvas) keyMoved(e Key) {
	event := &fyne.KeyEvent{Name: e.Name}
	keyable, ok := c.Focused().(desktop.Keyable)
	switch {
	case e.Down && ok:
		keyable.KeyDown(event)
	case ok:
		keyable.KeyUp(event)
	case e.Down && c.keyDown != nil:
		c.keyDown(event)
	case !e.Down && c.keyUp != nil:
		c.keyUp(event)
	}
}

// typed types a key and a rune on what has the focus. Tab moves the focus
// unless the object wants tabs for itself.
func (c *screenCanvas) typed(name fyne.KeyName, r rune, mods fyne.KeyModifier) {
	focused := c.Focused()
	if name == fyne.KeyTab && mods&^fyne.KeyModifierShift == 0 {
		if t, ok := focused.(fyne.Tabbable); !ok || !t.AcceptsTab() {
			if mods&fyne.KeyModifierShift != 0 {
				c.FocusPrevious()
			} else {
				c.FocusNext()
			}
			return
		}
	}
	if name != "" {
		event := &fyne.KeyEvent{Name: name}
		switch {
		case focused != nil:
			focused.TypedKey(event)
		case c.typedKey != nil:
			c.typedKey(event)
		}
	}
	if r == 0 || mods&(fyne.KeyModifierControl|fyne.KeyModifierSuper) != 0 {
		return
	}
	switch focused := c.Focused(); { // the key may have moved the focus
	case focused != nil:
		focused.TypedRune(r)
	case c.typedRune != nil:
		c.typedRune(r)
	}
}

// editing are the shortcuts that are the same everywhere, with control held.
var editing = map[fyne.KeyName]func(fyne.Clipboard) fyne.Shortcut{
	fyne.KeyV:      func(c fyne.Clipboard) fyne.Shortcut { return &fyne.ShortcutPaste{Clipboard: c} },
	fyne.KeyC:      func(c fyne.Clipboard) fyne.Shortcut { return &fyne.ShortcutCopy{Clipboard: c} },
	fyne.KeyInsert: func(c fyne.Clipboard) fyne.Shortcut { return &fyne.ShortcutCopy{Clipboard: c} },
	fyne.KeyX:      func(c fyne.Clipboard) fyne.Shortcut { return &fyne.ShortcutCut{Clipboard: c} },
	fyne.KeyA:      func(fyne.Clipboard) fyne.Shortcut { return &fyne.ShortcutSelectAll{} },
	fyne.KeyZ:      func(fyne.Clipboard) fyne.Shortcut { return &fyne.ShortcutUndo{} },
	fyne.KeyY:      func(fyne.Clipboard) fyne.Shortcut { return &fyne.ShortcutRedo{} },
}

// shortcut is what a key means together with those that are held, or nil.
func (d *display) shortcut(c *screenCanvas, name fyne.KeyName) fyne.Shortcut {
	if _, ok := modifiers[name]; ok || name == "" || d.mods&^fyne.KeyModifierShift == 0 {
		return nil
	}
	known := editing[name]
	if len(name) == 1 { // the web page may say "a" for A
		known = editing[fyne.KeyName(strings.ToUpper(string(name)))]
	}
	if d.mods == fyne.KeyModifierControl && known != nil {
		return known(c.s.Clipboard())
	}
	return &desktop.CustomShortcut{KeyName: name, Modifier: d.mods}
}

// shortcutTyped gives a shortcut to the focused object if it takes any, and
// else to the canvas. It tells whether the key was used up.
func (c *screenCanvas) shortcutTyped(s fyne.Shortcut) bool {
	if target, ok := c.Focused().(fyne.Shortcutable); ok {
		target.TypedShortcut(s)
		return true
	}
	c.ShortcutHandler.TypedShortcut(s)
	return true
}
