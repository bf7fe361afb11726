package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/cloudpos/cloudpos/font"
	"github.com/cloudpos/cloudpos/ui"
	"github.com/cloudpos/cloudpos/ui/screen"
	"github.com/cloudpos/cloudpos/ui/screen/paint"
	"github.com/cloudpos/cloudpos/ui/screen/web"
)

// appID names the terminal to the toolkit.
const appID = "com.github.cloudpos.terminal"

// glyphBytesMax bounds the cache of letters that were drawn before.
const glyphBytesMax = 2 << 20

// stage is what the screens are shown on: a bare panel, or a window.
type stage interface {
	newUI(ui.Shop, ui.Opts) *ui.UI
	// show shows the screens until ctx ends, or somebody closes the window. The
	// calling goroutine is the UI's meanwhile. It closes the stage.
	show(context.Context, *ui.UI)
	// close is for a stage that is not shown.
	close() error
}

// errBesideWindow is a window with what belongs to a bare panel.
var errBesideWindow = errors.New("output: a window has its own pixels and fingers; remove web, touch and rotation")

// openStage opens what the configuration names, and the page for browsers, if
// there is to be one.
func openStage(cfg *Config, log *slog.Logger) (stage, *web.Screen, error) {
	u, err := cfg.Screen.output()
	if err != nil {
		return nil, nil, fmt.Errorf("output: %w", err)
	}
	if u.Scheme == schemeWindow {
		if s := cfg.Screen; s.Web != "" || len(s.Touch) > 0 || s.Rotation != 0 {
			return nil, nil, errBesideWindow
		}
		w, err := openWindow(&cfg.Screen)
		return w, nil, err
	}
	display, page, err := openDisplay(cfg, log)
	if err != nil {
		return nil, nil, err
	}
	letters := font.NewCache(glyphBytesMax)
	app, err := screen.New(screen.Opts{
		ID: appID, Displays: []screen.Display{display},
		Painter: func() screen.Painter { return paint.New(paint.Opts{Cache: letters}) },
		Measure: paint.Measurer(letters),
		OnError: func(err error) { log.Warn("screen", "error", err) },
	})
	if err != nil {
		return nil, nil, errors.Join(err, closeDisplay(display))
	}
	return &bare{app, display}, page, nil
}

// bare is our own driver on the panel.
type bare struct {
	app     *screen.Screen
	display screen.Display
}

func (b *bare) newUI(shop ui.Shop, o ui.Opts) *ui.UI { return ui.New(b.app, shop, o) }

func (b *bare) show(ctx context.Context, u *ui.UI) {
	window := b.app.NewWindow(screenTitle)
	window.SetPadded(false)
	window.SetContent(u.Content())
	window.Show()
	stop := context.AfterFunc(ctx, b.app.Quit)
	defer stop()
	b.app.Run()
}

func (b *bare) close() error { return closeDisplay(b.display) }
