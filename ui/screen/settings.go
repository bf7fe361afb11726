package screen

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// settings are the app's own; no file of a desktop is read.
type settings struct {
	s         *Screen
	theme     fyne.Theme
	variant   fyne.ThemeVariant
	animate   bool
	listeners []func(fyne.Settings)
	channels  []chan fyne.Settings
}

var _ fyne.Settings = (*settings)(nil)

func newSettings(s *Screen, t fyne.Theme, v fyne.ThemeVariant, animate bool) *settings {
	if t == nil {
		t = theme.DefaultTheme()
	}
	return &settings{s: s, theme: t, variant: v, animate: animate}
}

func (s *settings) Theme() fyne.Theme               { return s.theme }
func (s *settings) ThemeVariant() fyne.ThemeVariant { return s.variant }
func (s *settings) Scale() float32                  { return 1 }
func (s *settings) PrimaryColor() string            { return theme.ColorBlue }
func (s *settings) BuildType() fyne.BuildType       { return fyne.BuildRelease }
func (s *settings) ShowAnimations() bool            { return s.animate }

func (s *settings) AddListener(f func(fyne.Settings)) { s.listeners = append(s.listeners, f) }

func (s *settings) AddChangeListener(c chan fyne.Settings) { s.channels = append(s.channels, c) }

// SetTheme changes the theme and repaints everything.
func (s *settings) SetTheme(t fyne.Theme) {
	s.s.onUI(func() {
		if t == nil {
			t = theme.DefaultTheme()
		}
		s.theme = t
		s.apply()
	})
}

// SetVariant chooses between the light and the dark colours of the theme.
func (s *Screen) SetVariant(v fyne.ThemeVariant) {
	s.onUI(func() {
		s.settings.variant = v
		s.settings.apply()
	})
}

// resetThemeCaches makes Fyne forget the icons that it has coloured and the
// texts that it has measured. Overriding the theme of a widget is the only
// public way there; a new widget each time, for its cached renderer expires.
func resetThemeCaches(t fyne.Theme) { container.NewThemeOverride(widget.NewSeparator(), t) }

// apply lays out and refreshes every object of every window, then tells the
// listeners.
func (s *settings) apply() {
	resetThemeCaches(s.theme)
	for _, w := range s.s.windows {
		for _, root := range w.canvas.roots() {
			retheme(root)
		}
		w.canvas.layoutRoots()
	}
	for _, d := range s.s.displays {
		d.stale = true
	}
	for _, f := range s.listeners {
		f(s)
	}
	for _, c := range s.channels {
		select {
		case c <- s:
		default: // who does not listen asks when it does
		}
	}
}

// retheme refreshes a tree from the leaves up and lays it out for the theme's
// new sizes.
func retheme(o fyne.CanvasObject) {
	if o == nil { // an overlay that another's refresh has removed
		return
	}
	for _, child := range children(o) {
		retheme(child)
	}
	layOut(o)
	o.Refresh()
}
