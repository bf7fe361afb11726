//go:build window

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/cloudpos/cloudpos/ui"
	"github.com/cloudpos/cloudpos/ui/window"
)

// windowed is the toolkit's own window.
type windowed struct{ window *window.Window }

func openWindow(s *Screen) (stage, error) {
	size, err := s.size()
	if err != nil {
		return nil, err
	}
	w, err := window.New(window.Opts{
		ID: appID, Title: screenTitle, Width: size.X, Height: size.Y, DPI: s.DPI,
		FullScreen: strings.HasSuffix(s.Output, ":"+fullWindow),
	})
	if err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	return windowed{w}, nil
}

func (w windowed) newUI(shop ui.Shop, o ui.Opts) *ui.UI {
	o.PerMM = w.window.PerMM()
	return ui.New(w.window.App(), shop, o)
}

func (w windowed) show(ctx context.Context, u *ui.UI) { w.window.Run(ctx, u.Content()) }

func (windowed) close() error { return nil }
