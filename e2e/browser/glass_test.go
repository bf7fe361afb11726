//go:build browser

package browser

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"

	"github.com/cloudpos/cloudpos/font"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/ui"
	"github.com/cloudpos/cloudpos/ui/screen/paint"
)

// The panel that dev-init configures.
const (
	panelWidth  = 720
	panelHeight = 1280
	panelDPI    = 267
	panelScale  = float32(panelDPI) / 160
)

// glass is what ought to be on the terminal's screen: the same ui, shown the
// views of the story, drawn here and from scratch.
type glass struct {
	ui      *ui.UI
	canvas  test.WindowlessCanvas
	presses int
}

// silent is a shop that does nothing: the story tells the glass what came of a
// request.
type silent struct{}

func (silent) Sell(money.Amount, ui.Method) {}
func (silent) Cancel()                      {}
func (silent) Choose(int)                   {}
func (silent) History()                     {}
func (silent) Reprint(payment.ID)           {}

// fonts are the ones of the terminal.
var fonts = font.NewCache(8 << 20)

// likeTerminal is Fyne's test app, but for what the terminal's own driver does:
// text is measured as it is painted, and icons are made for the panel's scale.
type likeTerminal struct {
	fyne.App
	canvas fyne.Canvas
}

func (a likeTerminal) Driver() fyne.Driver { return terminalDriver{a.App.Driver(), a.canvas} }

type terminalDriver struct {
	fyne.Driver
	canvas fyne.Canvas
}

func (d terminalDriver) CanvasForObject(fyne.CanvasObject) fyne.Canvas { return d.canvas }

func (terminalDriver) RenderedTextSize(text string, size float32, style fyne.TextStyle, _ fyne.Resource) (fyne.Size, float32) {
	return paint.MeasureText(fonts, text, size, style)
}

// newGlass draws the idle screen. Nothing leaves it by itself.
func newGlass(t testing.TB, opts ui.Opts) *glass {
	opts.After = func(time.Duration, func()) func() { return func() {} }
	g := &glass{}
	app := test.NewApp()
	g.canvas = test.NewCanvas()
	g.canvas.SetScale(panelScale)
	fyne.SetCurrentApp(likeTerminal{app, g.canvas})
	g.ui = ui.New(fyne.CurrentApp(), silent{}, opts)
	g.canvas.SetPadded(false)
	g.canvas.SetContent(g.ui.Content())
	g.canvas.Resize(fyne.NewSize(panelWidth/panelScale, panelHeight/panelScale))
	t.Cleanup(g.ui.Close)
	return g
}

// paint draws it.
func (g *glass) paint() *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, panelWidth, panelHeight))
	paint.New(paint.Opts{Cache: fonts}).Paint(dst, panelScale, image.Black, []fyne.CanvasObject{g.ui.Content()})
	return dst
}

// thing is an object of the screen where it stands, in pixels.
type thing struct {
	object fyne.CanvasObject
	at     image.Rectangle
	words  string // what stands on it, without spaces and line breaks; "icon:" and its name
}

// things are all objects of the screen, from the background up. A key holds
// the words of what is drawn on it.
func (g *glass) things() []thing { return walk(nil, g.ui.Content(), fyne.Position{}) }

func walk(all []thing, o fyne.CanvasObject, offset fyne.Position) []thing {
	if !o.Visible() {
		return all
	}
	pos := o.Position().Add(offset)
	me := len(all)
	all = append(all, thing{object: o, at: inPixels(pos, o.Size())})
	switch o := o.(type) {
	case *fyne.Container:
		for _, child := range o.Objects {
			all = walk(all, child, pos)
		}
	case *container.Scroll:
		all = walk(all, o.Content, pos.Subtract(o.Offset))
	case *canvas.Text:
		all[me].words = squeezed(o.Text)
	case *canvas.Image:
		name, _, _ := strings.Cut(o.Resource.Name(), "#")
		all[me].words = "icon:" + name
	case fyne.Widget:
		for _, child := range test.WidgetRenderer(o).Objects() {
			all = walk(all, child, pos)
		}
		for _, inner := range all[me+1:] {
			if _, isText := inner.object.(*canvas.Text); isText {
				all[me].words += inner.words
			}
		}
		for _, inner := range all[me+1:] {
			if all[me].words == "" {
				all[me].words = inner.words
			}
		}
	}
	return all
}

func inPixels(pos fyne.Position, size fyne.Size) image.Rectangle {
	px := func(v float32) int { return int(math.Round(float64(v * panelScale))) }
	return image.Rect(px(pos.X), px(pos.Y), px(pos.X+size.Width), px(pos.Y+size.Height))
}

// squeezed is a text without what a line break may take away.
func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }

// shows tells whether these words are on the screen, in lines of any length.
func (g *glass) shows(words string) bool {
	var all strings.Builder
	for _, th := range g.things() {
		if _, isText := th.object.(*canvas.Text); isText {
			all.WriteString(th.words)
		}
	}
	return strings.Contains(all.String(), squeezed(words))
}

// find finds the key with these words, or with "icon:" and a name when there is
// only an icon on it. A part of the words will do if no other key has it.
func (g *glass) find(words string) (fyne.Tappable, image.Rectangle, error) {
	var whole, part []thing
	var labels []string
	for _, th := range g.things() {
		if _, ok := th.object.(fyne.Tappable); !ok {
			continue
		}
		labels = append(labels, th.words)
		switch {
		case th.words == squeezed(words):
			whole = append(whole, th)
		case strings.Contains(th.words, squeezed(words)):
			part = append(part, th)
		}
	}
	if len(whole) == 0 {
		whole = part
	}
	if len(whole) != 1 {
		return nil, image.Rectangle{}, fmt.Errorf("%d keys say %q; the keys are %q", len(whole), words, labels)
	}
	return whole[0].object.(fyne.Tappable), whole[0].at, nil
}

// nearEdge is how far within a key it must be felt, in pixels: 1 mm.
const nearEdge = 10

// press presses a key here, and returns where a finger has to go to do the
// same: to one corner of the key after the other, and to its middle.
func (g *glass) press(words string) (image.Point, error) {
	key, at, err := g.find(words)
	if err != nil {
		return image.Point{}, err
	}
	key.Tapped(&fyne.PointEvent{})
	in := at.Inset(nearEdge)
	places := []image.Point{
		in.Min, {in.Max.X, in.Min.Y}, in.Max, {in.Min.X, in.Max.Y}, in.Min.Add(in.Size().Div(2)),
	}
	g.presses++
	return places[g.presses%len(places)], nil
}

// moving are the places where something moves by itself: lights blink, and a
// disc breathes.
func (g *glass) moving() []image.Rectangle {
	var all []image.Rectangle
	for _, th := range g.things() {
		if _, ok := th.object.(*canvas.Circle); ok {
			all = append(all, th.at.Inset(-2))
		}
	}
	return all
}

// different counts the pixels that are not the same, outside of some places.
func different(got, want *image.RGBA, but []image.Rectangle) int {
	if got.Rect != want.Rect {
		return max(got.Rect.Dx()*got.Rect.Dy(), want.Rect.Dx()*want.Rect.Dy(), 1)
	}
	n := 0
	for y := range got.Rect.Dy() {
		row := got.PixOffset(0, y)
		if end := row + 4*got.Rect.Dx(); bytes.Equal(got.Pix[row:end], want.Pix[row:end]) {
			continue
		}
		for x := range got.Rect.Dx() {
			i := got.PixOffset(x, y)
			if [4]byte(got.Pix[i:i+4]) != [4]byte(want.Pix[i:i+4]) &&
				!slices.ContainsFunc(but, image.Pt(x, y).In) {
				n++
			}
		}
	}
	return n
}
