package screen

import (
	"fmt"
	"net/url"

	"fyne.io/fyne/v2"
)

// NewWindow makes a window on the first display.
func (s *Screen) NewWindow(title string) fyne.Window { return s.NewWindowOn(0, title) }

// OpenURL refuses: there is no browser on the board.
func (s *Screen) OpenURL(u *url.URL) error {
	return fmt.Errorf("screen: open %s: there is no browser", u.Redacted())
}

// Icon is the app's icon, nil until one is set.
func (s *Screen) Icon() fyne.Resource { return s.icon }

// SetIcon sets the app's icon.
func (s *Screen) SetIcon(icon fyne.Resource) { s.icon = icon }

// Run handles events and paints until Quit. The calling goroutine becomes the
// UI goroutine.
func (s *Screen) Run() { s.loop() }

// Quit ends Run. The windows are closed first. It may be called from any
// goroutine, and more than once.
func (s *Screen) Quit() { s.over.Do(func() { close(s.quit) }) }

// Driver is the app's driver.
func (s *Screen) Driver() fyne.Driver { return s.driver }

// UniqueID is the id from the options.
func (s *Screen) UniqueID() string { return s.opts.ID }

// SendNotification hands a notification to the one that the options name.
func (s *Screen) SendNotification(n *fyne.Notification) {
	if s.opts.Notify != nil {
		s.opts.Notify(n)
	}
}

// Settings are the theme and its variant; see SetVariant.
func (s *Screen) Settings() fyne.Settings { return s.settings }

// Preferences keep small values over a restart.
func (s *Screen) Preferences() fyne.Preferences { return s.prefs }

// Storage keeps documents.
func (s *Screen) Storage() fyne.Storage { return s.storage }

// Lifecycle has the hooks for start and stop.
func (s *Screen) Lifecycle() fyne.Lifecycle { return &s.life }

// Metadata is the id; there is no FyneApp.toml.
func (s *Screen) Metadata() fyne.AppMetadata {
	return fyne.AppMetadata{ID: s.opts.ID, Icon: s.icon, Release: true, Migrations: map[string]bool{"fyneDo": true}}
}

// CloudProvider is the one that was set, or nil.
func (s *Screen) CloudProvider() fyne.CloudProvider { return s.cloud }

// SetCloudProvider replaces preferences and storage by the provider's, if it
// has them. A provider that cannot be set up changes nothing.
func (s *Screen) SetCloudProvider(p fyne.CloudProvider) {
	if s.cloud != nil {
		s.cloud.Cleanup(s)
		s.cloud = nil
	}
	if p == nil {
		return
	}
	if err := p.Setup(s); err != nil {
		s.fail(fmt.Errorf("screen: cloud provider %s: %w", p.ProviderName(), err))
		return
	}
	s.cloud = p
	if c, ok := p.(fyne.CloudProviderPreferences); ok {
		listeners := s.prefs.ChangeListeners()
		s.prefs = c.CloudPreferences(s)
		for _, l := range listeners {
			s.prefs.AddChangeListener(l)
			l()
		}
	}
	if c, ok := p.(fyne.CloudProviderStorage); ok {
		s.storage = c.CloudStorage(s)
	}
}

// Clipboard is the app's own; there is no system clipboard.
func (s *Screen) Clipboard() fyne.Clipboard { return &s.clip }

// clipboard keeps one text.
type clipboard struct{ text string }

func (c *clipboard) Content() string     { return c.text }
func (c *clipboard) SetContent(t string) { c.text = t }

// lifecycle keeps the hooks and calls them on the UI goroutine.
type lifecycle struct{ entered, exited, started, stopped func() }

func (l *lifecycle) SetOnEnteredForeground(f func()) { l.entered = f }
func (l *lifecycle) SetOnExitedForeground(f func())  { l.exited = f }
func (l *lifecycle) SetOnStarted(f func())           { l.started = f }
func (l *lifecycle) SetOnStopped(f func())           { l.stopped = f }

func call(hooks ...func()) {
	for _, f := range hooks {
		if f != nil {
			f()
		}
	}
}
