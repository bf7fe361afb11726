package screen_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"github.com/cloudpos/cloudpos/font"
	"github.com/cloudpos/cloudpos/ui/screen"
)

// press taps keys of the drawn keyboard by what is written on them.
func (r *rig) press(labels ...string) {
	r.t.Helper()
	for _, label := range labels {
		var at fyne.CanvasObject
		r.do(func() {
			if k := r.s.KeyboardKeys()[label]; k != nil {
				at = k
			}
		})
		if at == nil {
			r.t.Fatalf("no key %q", label)
		}
		r.tapOn(at)
	}
}

func (r *rig) hasKeyboard() (shows bool) {
	r.do(func() { shows = r.s.KeyboardKeys() != nil })
	return shows
}

func TestDrawnKeyboardTypes(t *testing.T) {
	submitted := ""
	entry := widget.NewEntry()
	entry.OnSubmitted = func(s string) { submitted = s }
	button := widget.NewButton("b", nil)
	run(t, func(*rig) fyne.CanvasObject { return container.NewVBox(entry, button) }, func(r *rig) {
		if r.hasKeyboard() {
			t.Error("a keyboard shows while nothing has the focus")
		}
		r.tapOn(entry)
		r.pass(time.Second)
		if !r.hasKeyboard() {
			t.Fatal("no keyboard for an entry")
		}
		if height := r.w.Canvas().Size().Height; height > 640-4*10*screen.UnitsPerMM {
			t.Errorf("the canvas has %v units beside a keyboard of four rows of 10 mm", height)
		}
		r.press("▲", "H", "i", "", "123", "5", "#+=", "€", "ABC", "x", "y", "⌫")
		if entry.Text != "Hi 5€x" {
			t.Errorf("typed %q, want %q", entry.Text, "Hi 5€x")
		}
		r.press("▲", "▲", "A", "B", "▲", "c")
		if want := "Hi 5€xABc"; entry.Text != want {
			t.Errorf("typed %q, want %q", entry.Text, want)
		}
		r.press("✔")
		if submitted != entry.Text || r.hasKeyboard() || r.w.Canvas().Focused() != nil {
			t.Errorf("submitted %q; the keyboard must have gone", submitted)
		}
		if height := r.w.Canvas().Size().Height; height != 640 {
			t.Errorf("the canvas has %v units again, want 640", height)
		}
		r.tapOn(entry)
		r.press("▼")
		if r.hasKeyboard() {
			t.Error("▼ does not hide the keyboard")
		}
		r.tapOn(entry)
		r.tapOn(button)
		if r.hasKeyboard() {
			t.Error("a tap elsewhere does not hide the keyboard")
		}
	})
}

func TestHeldBackspaceRepeats(t *testing.T) {
	entry := widget.NewEntry()
	run(t, func(*rig) fyne.CanvasObject { return container.NewVBox(entry) }, func(r *rig) {
		r.do(func() {
			entry.SetText(strings.Repeat("x", 100))
			r.w.Canvas().Focus(entry)
		})
		r.keys(screen.Key{Name: fyne.KeyEnd, Down: true})
		var key fyne.CanvasObject
		r.do(func() { key = r.s.KeyboardKeys()["⌫"] })
		x, y := r.middle(key)
		r.touch(0, screen.Down, x, y)
		r.pass(400*time.Millisecond + 10*60*time.Millisecond)
		r.touch(0, screen.Up, x, y)
		if n := len(entry.Text); n != 100-12 {
			t.Errorf("%d left of 100, want 88: one at once, one after 0.4 s, and ten more", n)
		}
		r.pass(time.Second)
		if n := len(entry.Text); n != 88 {
			t.Errorf("%d left: it repeats after the finger went up", n)
		}
	})
}

// TestFieldStaysInSight: the lowest field of a full screen moves above the
// keyboard, one in a scroll is scrolled there, and a dialog stays above.
func TestFieldStaysInSight(t *testing.T) {
	low := widget.NewEntry()
	run(t, func(*rig) fyne.CanvasObject {
		return container.NewVBox(layout.NewSpacer(), widget.NewLabel(strings.Repeat("\n", 22)), low)
	}, func(r *rig) {
		r.do(func() { r.w.Canvas().Focus(low) })
		if _, y := r.middle(low); y > r.w.Canvas().Size().Height {
			t.Errorf("the field is at %v, the keyboard begins at %v", y, r.w.Canvas().Size().Height)
		}
		inScroll := widget.NewEntry()
		r.do(func() {
			r.w.SetContent(container.NewVScroll(container.NewVBox(widget.NewLabel(strings.Repeat("\n", 60)), inScroll)))
			r.w.Canvas().Focus(inScroll)
		})
		if _, y := r.middle(inScroll); y > r.w.Canvas().Size().Height || y < 0 {
			t.Errorf("the field in the scroll is at %v", y)
		}
		inDialog := widget.NewEntry()
		r.do(func() {
			r.w.SetContent(widget.NewLabel(""))
			dialog.ShowForm("Form", "OK", "Cancel", []*widget.FormItem{widget.NewFormItem("Name", inDialog)}, func(bool) {}, r.w)
			r.w.Canvas().Focus(inDialog)
		})
		r.press("o", "k")
		if inDialog.Text != "ok" {
			t.Errorf("typed %q into the dialog, want ok", inDialog.Text)
		}
		if _, y := r.middle(inDialog); y > r.w.Canvas().Size().Height {
			t.Errorf("the dialog's field is at %v, the keyboard begins at %v", y, r.w.Canvas().Size().Height)
		}
	})
}

func TestNoDrawnKeyboardBesideARealOne(t *testing.T) {
	entry := widget.NewEntry()
	runWith(t, 480, 640, func(r *rig) { r.opts.HasKeyboard = true }, func(*rig) fyne.CanvasObject { return entry }, func(r *rig) {
		r.tapOn(entry)
		r.pass(time.Second)
		if r.hasKeyboard() {
			t.Error("a keyboard is drawn")
		}
		r.keys(screen.Key{Name: fyne.KeyA, Rune: 'a', Down: true}, screen.Key{Name: fyne.KeyA}, screen.Key{Rune: '中', Down: true})
		if entry.Text != "a中" {
			t.Errorf("typed %q, want a中", entry.Text)
		}
	})
}

func down(names ...fyne.KeyName) (all []screen.Key) {
	for _, n := range names {
		all = append(all, screen.Key{Name: n, Down: true})
	}
	for _, n := range names {
		all = append(all, screen.Key{Name: n})
	}
	return all
}

func TestShortcutsAndClipboard(t *testing.T) {
	entry := widget.NewEntry()
	custom := 0
	runWith(t, 480, 640, func(r *rig) { r.opts.HasKeyboard = true }, func(r *rig) fyne.CanvasObject {
		r.w.Canvas().AddShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyP, Modifier: fyne.KeyModifierControl | fyne.KeyModifierShift},
			func(fyne.Shortcut) { custom++ })
		return entry
	}, func(r *rig) {
		r.do(func() {
			entry.SetText("text")
			r.w.Canvas().Focus(entry)
		})
		r.keys(down(desktop.KeyControlLeft, fyne.KeyA)...)
		r.keys(down(desktop.KeyControlLeft, fyne.KeyX)...)
		if entry.Text != "" || r.s.Clipboard().Content() != "text" {
			t.Errorf("after cut: entry %q, clipboard %q", entry.Text, r.s.Clipboard().Content())
		}
		r.keys(down(desktop.KeyControlRight, fyne.KeyV)...)
		r.keys(down(desktop.KeyControlRight, fyne.KeyV)...)
		if entry.Text != "texttext" {
			t.Errorf("after two pastes: %q", entry.Text)
		}
		r.do(r.w.Canvas().Unfocus)
		r.keys(down(desktop.KeyControlLeft, desktop.KeyShiftLeft, fyne.KeyP)...)
		if custom != 1 {
			t.Errorf("the canvas's shortcut ran %d times, want once", custom)
		}
		if mods := r.s.Driver().(desktop.Driver).CurrentKeyModifiers(); mods != 0 {
			t.Errorf("modifiers %v are still held", mods)
		}
	})
}

func TestFocusTraversal(t *testing.T) {
	a, b, c := widget.NewEntry(), widget.NewEntry(), widget.NewEntry()
	b.Disable()
	button := widget.NewButton("x", nil)
	runWith(t, 480, 640, func(r *rig) { r.opts.HasKeyboard = true }, func(*rig) fyne.CanvasObject {
		return container.NewVBox(a, b, c, button)
	}, func(r *rig) {
		names := map[fyne.Focusable]string{a: "a", c: "c", button: "button", nil: "none"}
		walk := func(keys []screen.Key, n int) (seen []string) {
			for range n {
				r.keys(keys...)
				seen = append(seen, names[r.w.Canvas().Focused()])
			}
			return seen
		}
		if got := strings.Join(walk(down(fyne.KeyTab), 4), " "); got != "a c button a" {
			t.Errorf("forward: %s", got)
		}
		if got := strings.Join(walk(down(desktop.KeyShiftLeft, fyne.KeyTab), 3), " "); got != "button c a" {
			t.Errorf("backward: %s", got)
		}
		inside := widget.NewEntry()
		names[inside] = "inside"
		r.do(func() { r.w.Canvas().Overlays().Add(container.NewVBox(inside)) })
		if got := strings.Join(walk(down(fyne.KeyTab), 2), " "); got != "inside inside" {
			t.Errorf("in an overlay: %s", got)
		}
		r.do(func() { r.w.Canvas().Overlays().Remove(r.w.Canvas().Overlays().Top()) })
		if r.w.Canvas().Focused() != fyne.Focusable(a) {
			t.Error("the focus below the overlay is lost")
		}
		r.do(func() { r.w.SetContent(widget.NewLabel("other")) })
		if r.w.Canvas().Focused() != nil {
			t.Error("what has gone has the focus")
		}
	})
}

func TestCanvasKeys(t *testing.T) {
	run(t, func(*rig) fyne.CanvasObject { return widget.NewLabel("") }, func(r *rig) {
		var log []string
		r.do(func() {
			canvas := r.w.Canvas()
			canvas.SetOnTypedKey(func(e *fyne.KeyEvent) { log = append(log, "key "+string(e.Name)) })
			canvas.SetOnTypedRune(func(x rune) { log = append(log, "rune "+string(x)) })
			c := canvas.(desktop.Canvas)
			c.SetOnKeyDown(func(e *fyne.KeyEvent) { log = append(log, "down "+string(e.Name)) })
			c.SetOnKeyUp(func(e *fyne.KeyEvent) { log = append(log, "up "+string(e.Name)) })
		})
		r.keys(screen.Key{Name: fyne.Key5, Rune: '5', Down: true}, screen.Key{Name: fyne.Key5})
		synctest.Wait()
		if want := []string{"down 5", "key 5", "rune 5", "up 5"}; !equal(log, want) {
			t.Errorf("%q, want %q", log, want)
		}
	})
}

// TestKeysAreInTheFont: a key whose sign the bundled font lacks shows nothing.
func TestKeysAreInTheFont(t *testing.T) {
	for _, r := range screen.KeyboardRunes() {
		if r < 0x100000 && r != ' ' && !font.Has(r) {
			t.Errorf("%q is not in the font", r)
		}
	}
}
