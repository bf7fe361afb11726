package screen

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"fyne.io/fyne/v2"
)

// UnitsPerMM is how many Fyne units make a millimetre: a display's scale is its
// dpi over 160, so a unit is the same length on every panel (unless a Scale is
// given).
const UnitsPerMM = 160 / 25.4

const baseDPI = 160

// Opts are the parts and choices of a Screen.
type Opts struct {
	// ID is the app's unique id.
	ID string
	// Dir holds preferences and documents. Empty keeps preferences in memory
	// and refuses documents.
	Dir string
	// Displays are the panels; at least one. A window is shown on the first
	// unless NewWindowOn says otherwise.
	Displays []Display
	// Theme is used from the start; nil is Fyne's. Variant is light or dark.
	Theme   fyne.Theme
	Variant fyne.ThemeVariant
	// Locale is the language for Fyne's own words, "en" if empty.
	Locale fyne.Locale
	// HasKeyboard says that real keys are always there, so none are drawn.
	HasKeyboard bool
	// Still turns animations off.
	Still bool
	// Painter makes a display's painter. Measure tells how large a text will
	// be for layout: its box, and its baseline from the top.
	Painter func() Painter
	Measure func(text string, size float32, style fyne.TextStyle) (fyne.Size, float32)
	// OnFrame is told of every painted frame, OnError of what went wrong where
	// nobody waits for an answer. Both are called on the UI goroutine. Without
	// OnError, errors go to Fyne's log.
	OnFrame func(Frame)
	OnError func(error)
	// Notify shows a notification; without it they are dropped.
	Notify func(*fyne.Notification)
}

// Display is a panel: what shows its pixels and what watches its fingers.
type Display struct {
	Output Output
	Inputs []Input
	// Mirrors have the size of the picture: Rotation.Picture of the panel's.
	Mirrors []Mirror
	// DPI gives the scale: dots per inch, 160 if zero. Scale, if not zero,
	// overrides it.
	DPI, Scale float32
	Rotation   Rotation
}

// Frame is what a painted frame cost.
type Frame struct {
	Display int
	// Input is the time of the oldest event that the frame answers, zero if it
	// answers none. Painted is when its last output had it.
	Input, Painted time.Time
	// Paint is the time spent on layout and painting, Present on the outputs.
	Paint, Present time.Duration
	// Pixels is how many were damaged, in Parts rectangles.
	Pixels, Parts int
}

// Screen is a fyne.App and its driver.
type Screen struct {
	opts     Opts
	displays []*display
	driver   *driver
	settings *settings
	prefs    fyne.Preferences
	storage  fyne.Storage
	cloud    fyne.CloudProvider
	clip     clipboard
	life     lifecycle
	icon     fyne.Resource

	queue  queue
	clock  timers
	anims  animations
	events chan displayEvent

	windows []*window
	clean   *timer // the next cleaning of Fyne's caches, if one is due
	tidy    bool   // nothing has happened since they were cleaned

	quit  chan struct{} // closed when the loop shall end
	over  sync.Once
	pumps sync.WaitGroup
}

var _ fyne.App = (*Screen)(nil)

// displayEvent is an event and where it happened.
type displayEvent struct {
	display int
	event   Event
}

// eventsMax bounds the events that wait; a faster input is held back.
const eventsMax = 256

// New makes the app and makes it Fyne's current one. The calling goroutine
// counts as the UI goroutine until Run is called.
func New(o Opts) (*Screen, error) {
	if len(o.Displays) == 0 {
		return nil, errors.New("screen: no display")
	}
	if o.Painter == nil || o.Measure == nil {
		return nil, errors.New("screen: no painter")
	}
	s := &Screen{opts: o, events: make(chan displayEvent, eventsMax), quit: make(chan struct{})}
	s.driver = &driver{s: s, device: device{s: s}}
	s.settings = newSettings(s, o.Theme, o.Variant, !o.Still)
	s.queue.init()
	for i, d := range o.Displays {
		if d.Output == nil || !d.Rotation.valid() {
			return nil, fmt.Errorf("screen: display %d: no output, or a rotation of %d degrees", i, d.Rotation)
		}
		for _, m := range d.Mirrors {
			if got, want := m.Size(), d.Rotation.Picture(d.Output.Size()); got != want {
				return nil, fmt.Errorf("screen: display %d: a mirror of %v shows a picture of %v", i, got, want)
			}
		}
		s.displays = append(s.displays, newDisplay(s, i, d))
	}
	p, err := newPreferences(s, o.Dir)
	if err != nil {
		return nil, err
	}
	s.prefs = p
	s.storage = newDocuments(o.Dir)
	// fyne/test, which the renderers come from, has made an app of its own
	// current in its init.
	fyne.SetCurrentApp(s)
	return s, nil
}

// Send hands in an event from any goroutine but the UI goroutine, as an Input
// of the display would. It waits while too many are waiting, and gives up once
// the app has quit.
func (s *Screen) Send(display int, e Event) {
	select {
	case s.events <- displayEvent{display, e}:
	case <-s.quit:
	}
}

// pump passes an input's events on, as seen says, until it closes or the app
// quits.
func (s *Screen) pump(display int, in Input, seen func(Event) Event) {
	events := in.Events()
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			s.Send(display, seen(e))
		case <-s.quit:
			return
		}
	}
}

// fail reports an error that nobody waits for.
func (s *Screen) fail(err error) {
	if s.opts.OnError != nil {
		s.opts.OnError(err)
		return
	}
	fyne.LogError("screen", err)
}

// NewWindowOn makes a window that is shown on this display, such as the one
// that faces the customer. An unknown display is the first.
func (s *Screen) NewWindowOn(display int, title string) fyne.Window {
	if display < 0 || display >= len(s.displays) {
		display = 0
	}
	w := newWindow(s, s.displays[display], title)
	s.windows = append(s.windows, w)
	return w
}

// Invalidate makes every display paint everything, once, as after the panel
// was off.
func (s *Screen) Invalidate() {
	fyne.Do(func() {
		for _, d := range s.displays {
			d.stale = true
		}
	})
}
