package screen

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
)

// Fyne keeps widgets' renderers to itself. Its test package is the only public
// way to them and to the cleaning of their cache; Fyne's own software driver
// goes there too. It is used in this file only.

// renderer is the widget's live renderer. Asking for it keeps it alive.
func renderer(w fyne.Widget) fyne.WidgetRenderer { return test.WidgetRenderer(w) }

// cleanCaches drops what Fyne has not been asked for during the last minute
// (FYNE_CACHE says otherwise): renderers, icons, measured texts. Fyne itself
// cleans not more often than every ten seconds.
func cleanCaches() {
	c := test.NewCanvas()
	c.Resize(fyne.NewSquareSize(1))
	c.Capture()
}
