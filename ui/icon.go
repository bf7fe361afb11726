package ui

import (
	"bytes"
	"embed"
	"fmt"
	"image/color"
	"sync"

	"fyne.io/fyne/v2"
)

// The icons are our own. They are drawn in black, on a grid of 24.
//
//go:embed icons/*.svg
var iconFiles embed.FS

// icons holds one resource for each icon and colour. Fyne keeps pictures by
// the resource's name, so the colour is part of it; both palettes together
// bound the number.
var icons sync.Map

// icon gives an icon in a colour.
func icon(name string, c color.NRGBA) fyne.Resource {
	hex := fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)
	file := name + hex + ".svg"
	if r, ok := icons.Load(file); ok {
		return r.(fyne.Resource)
	}
	svg, err := iconFiles.ReadFile("icons/" + name + ".svg")
	if err != nil {
		svg = []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"/>`) // a test shows that there is none
	}
	r := fyne.NewStaticResource(file, bytes.ReplaceAll(svg, []byte("#000000"), []byte(hex)))
	icons.Store(file, r)
	return r
}
