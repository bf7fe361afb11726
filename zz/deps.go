// Package zz holds module requirements until they are used.
package zz

import (
	_ "fyne.io/fyne/v2/container"
	_ "fyne.io/fyne/v2/data/binding"
	_ "fyne.io/fyne/v2/dialog"
	_ "fyne.io/fyne/v2/driver/software"
	_ "fyne.io/fyne/v2/lang"
	_ "fyne.io/fyne/v2/test"
	_ "fyne.io/fyne/v2/theme"
	_ "fyne.io/fyne/v2/widget"
	_ "github.com/go-text/typesetting/font"
	_ "github.com/go-text/typesetting/shaping"
	_ "github.com/gorilla/websocket"
	_ "golang.org/x/image/draw"
	_ "golang.org/x/image/font/opentype"
	_ "golang.org/x/image/math/fixed"
	_ "golang.org/x/image/vector"
)
