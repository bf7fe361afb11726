package paint

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
)

// A widget shows what its live renderer holds, and Fyne gives that out at one
// public place only: its test package, which its own software driver imports
// too. That package's init makes a test app the current one, so the program
// sets its own after it. No other file may depend on this.

// children returns what a widget shows, and whether it clips it.
func children(w fyne.Widget) (objects []fyne.CanvasObject, clips bool) {
	r := test.WidgetRenderer(w)
	if r == nil {
		return nil, false
	}
	if _, clips = w.(fyne.Scrollable); !clips {
		_, clips = r.(interface{ IsClip() })
	}
	return r.Objects(), clips
}
