package screen

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/driver/mobile"

	_ "github.com/cloudpos/cloudpos/ui/locale" // before the toolkit is initialised
)

// doubleTapWithin is how soon the second tap must follow the first.
const doubleTapWithin = 300 * time.Millisecond

// driver is the fyne.Driver of a Screen.
type driver struct {
	s      *Screen
	device device
}

var (
	_ fyne.Driver    = (*driver)(nil)
	_ desktop.Driver = (*driver)(nil)
	_ mobile.Driver  = (*driver)(nil)
	_ mobile.Device  = (*device)(nil)
	_ fyne.Device    = (*device)(nil)
)

func (d *driver) CreateWindow(title string) fyne.Window { return d.s.NewWindow(title) }

// CreateSplashWindow makes a window without padding; none has borders.
func (d *driver) CreateSplashWindow() fyne.Window {
	w := d.s.NewWindow("")
	w.SetPadded(false)
	return w
}

func (d *driver) AllWindows() []fyne.Window {
	all := make([]fyne.Window, len(d.s.windows))
	for i, w := range d.s.windows {
		all[i] = w
	}
	return all
}

// RenderedTextSize knows the bundled font only, so the source does not matter.
func (d *driver) RenderedTextSize(text string, size float32, style fyne.TextStyle, _ fyne.Resource) (fyne.Size, float32) {
	return d.s.opts.Measure(text, size, style)
}

// CanvasForObject finds an object in the trees as they were after the last
// batch of events. With one panel an object that was added since, or will be,
// can be on no other canvas than what shows there, and Fyne draws its icons
// for that scale at once; as in Fyne's driver for phones.
func (d *driver) CanvasForObject(o fyne.CanvasObject) fyne.Canvas {
	if c := d.s.canvasOf(o); c != nil {
		return c
	}
	if len(d.s.displays) == 1 {
		if w := d.s.displays[0].top(); w != nil {
			return w.canvas
		}
	}
	return nil
}

func (s *Screen) canvasOf(o fyne.CanvasObject) *screenCanvas {
	for _, w := range s.windows {
		if w.canvas.tree.has(o) {
			return w.canvas
		}
	}
	return nil
}

func (d *driver) AbsolutePositionForObject(o fyne.CanvasObject) fyne.Position {
	if c := d.s.canvasOf(o); c != nil {
		pos, _ := positionIn(c.roots(), o)
		return pos
	}
	return fyne.Position{}
}

func (d *driver) Device() fyne.Device { return &d.device }
func (d *driver) Run()                { d.s.Run() }
func (d *driver) Quit()               { d.s.Quit() }

func (d *driver) StartAnimation(a *fyne.Animation) {
	d.s.onUI(func() {
		if !d.s.settings.animate || a.Duration <= 0 {
			a.Tick(1)
			return
		}
		d.s.anims.stop(a)
		d.s.anims.start(a, newPlayer(a, time.Now()).step)
	})
}

func (d *driver) StopAnimation(a *fyne.Animation) {
	d.s.onUI(func() { d.s.anims.stop(a) })
}

// onUI runs f at once on the UI goroutine, and later for any other.
func (s *Screen) onUI(f func()) {
	if s.queue.owned() {
		f()
		return
	}
	s.queue.post(f)
}

func (d *driver) DoubleTapDelay() time.Duration { return doubleTapWithin }

// SetDisableScreenBlanking does nothing: nothing blanks the panel.
func (d *driver) SetDisableScreenBlanking(bool) {}

func (d *driver) DoFromGoroutine(f func(), wait bool) {
	if wait {
		d.s.queue.postAndWait(f)
		return
	}
	d.s.queue.post(f)
}

// CurrentKeyModifiers are those that are held on the keyboard used last.
func (d *driver) CurrentKeyModifiers() fyne.KeyModifier {
	var mods fyne.KeyModifier
	for _, x := range d.s.displays {
		mods |= x.mods
	}
	return mods
}

// GoBack closes the topmost overlay of the first display's window. Without one
// it is a wish to close the window, which only the window's interceptor may
// grant: going back must not end the terminal.
func (d *driver) GoBack() {
	w := d.s.displays[0].top()
	if w == nil {
		return
	}
	if top := w.canvas.overlays.Top(); top != nil {
		w.canvas.overlays.Remove(top)
		return
	}
	call(w.intercept)
}

// device tells Fyne's widgets that fingers use them.
type device struct{ s *Screen }

func (d *device) Orientation() fyne.DeviceOrientation {
	if size := d.s.displays[0].pixels; size.X > size.Y {
		return fyne.OrientationHorizontalLeft
	}
	return fyne.OrientationVertical
}

// IsMobile is true: it makes lists and scrolls follow a finger.
func (d *device) IsMobile() bool  { return true }
func (d *device) IsBrowser() bool { return false }
func (d *device) HasKeyboard() bool {
	return d.s.opts.HasKeyboard
}

func (d *device) SystemScaleForWindow(w fyne.Window) float32 {
	if w, ok := w.(*window); ok {
		return w.display.scale
	}
	return d.s.displays[0].scale
}

func (d *device) Locale() fyne.Locale {
	if d.s.opts.Locale == "" {
		return "en"
	}
	return d.s.opts.Locale
}

// ShowVirtualKeyboard draws the keyboard whatever is focused.
func (d *device) ShowVirtualKeyboard() { d.ShowVirtualKeyboardType(mobile.DefaultKeyboard) }

func (d *device) ShowVirtualKeyboardType(t mobile.KeyboardType) {
	if w := d.s.displays[0].top(); w != nil {
		w.canvas.showKeyboard(t)
	}
}

func (d *device) HideVirtualKeyboard() {
	if w := d.s.displays[0].top(); w != nil {
		w.canvas.hideKeyboard()
	}
}
