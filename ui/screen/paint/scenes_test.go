package paint

import (
	"fmt"
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// key is a large key as a till has it: it looks pressed when touched.
type key struct {
	widget.BaseWidget
	face *canvas.Rectangle
	text *canvas.Text
}

var (
	keyUp   = color.NRGBA{R: 0xe9, G: 0xec, B: 0xf1, A: 0xff}
	keyDown = color.NRGBA{R: 0xc0, G: 0xc8, B: 0xd8, A: 0xff}
	inkDark = color.NRGBA{R: 0x1b, G: 0x20, B: 0x2a, A: 0xff}
)

func newKey(label string) *key {
	k := &key{face: canvas.NewRectangle(keyUp), text: canvas.NewText(label, inkDark)}
	k.face.CornerRadius = 8
	k.text.TextSize = 28
	k.text.Alignment = fyne.TextAlignCenter
	k.ExtendBaseWidget(k)
	return k
}

func (k *key) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(container.NewStack(k.face, k.text))
}

func keypad(w, h int, scale float32) *scene {
	amount := canvas.NewText("¥0.00", inkDark)
	amount.TextSize, amount.TextStyle.Bold, amount.Alignment = 48, true, fyne.TextAlignTrailing
	grid := container.NewGridWithColumns(3)
	var keys []*key
	for _, s := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "00", "0", "⌫"} {
		k := newKey(s)
		keys = append(keys, k)
		grid.Add(k)
	}
	head := container.NewVBox(widget.NewLabel("Sale · 消费"), amount, widget.NewLabel("Enter the amount, then press OK"))
	accept := newKey("OK")
	accept.face.FillColor, accept.text.Color = color.NRGBA{R: 0x0b, G: 0x57, B: 0xd0, A: 0xff}, color.White
	s := newScene(container.NewBorder(head, accept, nil, nil, grid), w, h, scale)
	s.press = func(i int) {
		k := keys[(i/2)%9]
		k.face.FillColor = keyUp
		if i%2 == 0 {
			k.face.FillColor = keyDown
			amount.Text = fmt.Sprintf("¥%d.%02d", i%977, i%100)
		}
	}
	return s
}

func list(w, h int, scale float32) *scene {
	rows := container.NewVBox()
	for i := range 50 {
		amount := widget.NewLabelWithStyle(fmt.Sprintf("¥%d.%02d", 17*i, i), fyne.TextAlignTrailing, fyne.TextStyle{Bold: true})
		at := time.Date(2026, 3, 1, 9, i, 0, 0, time.UTC).Format("15:04")
		rows.Add(container.NewHBox(widget.NewIcon(theme.ConfirmIcon()), widget.NewLabel(at+" 消费 approved"), layout.NewSpacer(), amount))
		rows.Add(widget.NewSeparator())
	}
	scroll := container.NewVScroll(rows)
	s := newScene(scroll, w, h, scale)
	s.press = func(i int) { scroll.ScrollToOffset(fyne.NewPos(0, float32(i%40)*3)) }
	return s
}

func dialog(w, h int, scale float32) *scene {
	s := list(w, h, scale)
	text := widget.NewLabel("The printer has no paper.\nPut a roll in and close the lid.")
	button := newKey("Print again")
	box := container.NewVBox(
		container.NewHBox(widget.NewIcon(theme.WarningIcon()), widget.NewLabelWithStyle("No paper 缺纸", fyne.TextAlignLeading, fyne.TextStyle{Bold: true})),
		text, widget.NewButton("Later", func() {}), button)
	pop := widget.NewModalPopUp(box, s.canvas)
	pop.Show()
	s.overlay(pop)
	s.press = func(i int) {
		button.face.FillColor = keyUp
		if i%2 == 0 {
			button.face.FillColor = keyDown
		}
	}
	return s
}
