package paint

import (
	"image"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
)

// MeasureText returns the size of a line of text in units and how far below
// its top the baseline is: what a driver answers as RenderedTextSize. There
// are two faces, regular and bold. Text that asks for monospace, italics or a
// font of its own gets one of them, measured and painted alike.
func MeasureText(fonts Fonts, text string, size float32, style fyne.TextStyle) (fyne.Size, float32) {
	width, ascent, descent := fonts.Measure(text, size, style.Bold)
	return fyne.Size{Width: width, Height: ascent + descent}, ascent
}

// Measurer is MeasureText for screen.Opts.Measure.
func Measurer(fonts Fonts) func(text string, size float32, style fyne.TextStyle) (fyne.Size, float32) {
	return func(text string, size float32, style fyne.TextStyle) (fyne.Size, float32) {
		return MeasureText(fonts, text, size, style)
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
	// A glyph may hang out of its line a little.
	o.area = grow(o.box, int(o.size/4)+1)
	p.add(&o, clip)
}

func (p *Painter) drawText(dst *image.RGBA, clip image.Rectangle, o *op) {
	_, ascent, _ := p.fonts.Measure("", o.size, o.bold)
	x, baseline := float32(o.box.Min.X), float32(o.box.Min.Y)+float32(math.Ceil(float64(ascent)))
	p.ink = o.fill
	p.fonts.Draw(dst, clip, x, baseline, o.text, o.size, o.bold, &p.ink)
}
