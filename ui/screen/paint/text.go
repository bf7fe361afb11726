package paint

import (
	"image"
	"math"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
)

// tabWidth is what Fyne gives a tab, in units: four of its spaces.
const tabWidth = 40

// MeasureText returns the size of a line of text in units and how far below
// its top the baseline is: a driver's RenderedTextSize. There are two faces,
// regular and bold; text that asks for another style gets one of them.
func MeasureText(fonts Fonts, text string, size float32, style fyne.TextStyle) (fyne.Size, float32) {
	width, ascent, descent := measure(fonts, text, size, style.Bold, 1)
	return fyne.NewSize(width, ascent+descent), ascent
}

func measure(fonts Fonts, text string, sizePx float32, bold bool, scale float32) (width, ascent, descent float32) {
	if !strings.ContainsAny(text, "\t\r") {
		return fonts.Measure(text, sizePx, bold)
	}
	_, ascent, descent = fonts.Measure("", sizePx, bold)
	pieces(fonts, text, sizePx, bold, scale, func(piece string, x float32) {
		w, _, _ := fonts.Measure(piece, sizePx, bold)
		width = x + w
	})
	return width, ascent, descent
}

// pieces cuts text at its tabs and tells where each piece begins.
func pieces(fonts Fonts, text string, sizePx float32, bold bool, scale float32, visit func(piece string, x float32)) {
	x, stop := float32(0), tabWidth*scale
	for i, piece := range strings.Split(strings.ReplaceAll(text, "\r", ""), "\t") {
		if i > 0 {
			x = stop * float32(math.Floor(float64(x/stop))+1)
		}
		visit(piece, x)
		width, _, _ := fonts.Measure(piece, sizePx, bold)
		x += width
	}
}

func (p *Painter) text(t *canvas.Text, pos fyne.Position, clip image.Rectangle) {
	if t.Text == "" || !(t.TextSize > 0) {
		return
	}
	color := t.Color
	if color == nil {
		color = theme.Color(theme.ColorNameForeground)
	}
	o := op{kind: kindText, fill: rgba(color), text: t.Text, bold: t.TextStyle.Bold}
	o.size = min(t.TextSize*p.scale, coordMax)
	if o.fill.A == 0 {
		return
	}
	line, _ := MeasureText(p.fonts, t.Text, t.TextSize, t.TextStyle)
	size := t.Size()
	switch t.Alignment {
	case fyne.TextAlignTrailing:
		pos.X += size.Width - line.Width
	case fyne.TextAlignCenter:
		pos.X += (size.Width - line.Width) / 2
	case fyne.TextAlignLeading:
	}
	if size.Height > line.Height {
		pos.Y += (size.Height - line.Height) / 2
	}
	o.box = p.place(pos, line)
	// A glyph may lean or hang out of its line a little.
	o.area = grow(o.box, int(o.size/4)+1)
	p.add(&o, clip)
}

func (p *Painter) drawText(dst *image.RGBA, clip image.Rectangle, o *op) {
	_, ascent, _ := p.fonts.Measure("", o.size, o.bold)
	x, baseline := float32(o.box.Min.X), float32(o.box.Min.Y)+float32(math.Ceil(float64(ascent)))
	p.ink = o.fill
	if !strings.ContainsAny(o.text, "\t\r") {
		p.fonts.Draw(dst, clip, x, baseline, o.text, o.size, o.bold, &p.ink)
		return
	}
	pieces(p.fonts, o.text, o.size, o.bold, p.scale, func(piece string, dx float32) {
		p.fonts.Draw(dst, clip, x+dx, baseline, piece, o.size, o.bold, &p.ink)
	})
}
