package main

import (
	"fmt"
	"image"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/font"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/receipt"
	"github.com/cloudpos/cloudpos/ui"
	"github.com/cloudpos/cloudpos/ui/screen"
	"github.com/cloudpos/cloudpos/ui/screen/paint"
)

// The panel of all figures: 5.5 inches, as dev-init configures it.
const (
	panelWidth, panelHeight = 720, 1280
	panelDPI                = 267
	panelScale              = float32(panelDPI) / 160
	glyphBytes              = 2 << 20
	historyLength           = 50
)

// stage is the terminal's screens in this process, on a panel in memory.
type stage struct {
	app     *screen.Screen
	panel   *screen.Memory
	ui      *ui.UI
	shop    *shop
	letters *font.Cache
}

// newStage makes it and shows nothing yet.
func newStage(onFrame func(screen.Frame)) (*stage, error) {
	s := &stage{panel: screen.NewMemory(panelWidth, panelHeight), letters: font.NewCache(glyphBytes), shop: &shop{}}
	var err error
	s.app, err = screen.New(screen.Opts{
		ID: "bench", Displays: []screen.Display{{Output: s.panel, DPI: panelDPI}},
		Painter: func() screen.Painter { return s.painter() },
		Measure: paint.Measurer(s.letters), OnFrame: onFrame,
	})
	if err != nil {
		return nil, err
	}
	s.ui = ui.New(s.app, s.shop, ui.Opts{
		Merchant: "Corner Shop", Currency: cny, Training: true, ContactOnly: true,
		Language: receipt.English, Slips: slipsOf,
	})
	s.shop.ui = s.ui
	return s, nil
}

func (s *stage) painter() *paint.Painter { return paint.New(paint.Opts{Cache: s.letters}) }

// show puts the screens into a window of the app.
func (s *stage) show() {
	w := s.app.NewWindow("")
	w.SetPadded(false)
	w.SetContent(s.ui.Content())
	w.Show()
}

var cny = money.Currency{Code: "CNY", Numeric: 156, Exponent: 2}

// shop answers what is tapped as a terminal does, at once: each sale goes
// through its screens and is approved.
type shop struct{ ui *ui.UI }

func (s *shop) Sell(amount money.Amount, _ ui.Method) {
	for _, at := range []payment.Screen{payment.ScreenPresentCard, payment.ScreenCard, payment.ScreenPIN, payment.ScreenAuthorising, payment.ScreenApproved, payment.ScreenIdle} {
		view := payment.View{Screen: at, Kind: payment.Sale, Amount: amount, Masked: "622202******0018", Label: "UnionPay Debit", Media: drivers.Contact}
		s.ui.Do(func() { s.ui.Show(view) })
	}
}

func (s *shop) Cancel()            {}
func (s *shop) Choose(int)         {}
func (s *shop) Reprint(payment.ID) {}
func (s *shop) History()           { s.ui.Do(func() { s.ui.ShowHistory(records()) }) }

// records are a day's sales.
func records() []payment.Record {
	states := []payment.State{payment.Approved, payment.Declined, payment.Approved, payment.Cancelled, payment.Reversed}
	all := make([]payment.Record, historyLength)
	for i := range all {
		at := time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC).Add(-time.Duration(i) * 11 * time.Minute)
		all[i] = payment.Record{
			ID: payment.ID{Terminal: "dev:t1", Epoch: 1, Seq: uint64(historyLength - i)}, State: states[i%len(states)], Version: 2, At: at,
			Opening:  payment.Opening{Kind: payment.Sale, Amount: money.Amount{Minor: int64(1250 + i*9973), Currency: cny}, Receipt: uint32(1000 - i), Started: at},
			Attempts: []payment.Attempt{{Number: 1, Card: payment.CardData{Masked: "622202******0018", Label: "UnionPay Debit"}}},
		}
	}
	return all
}

func slipsOf(r *payment.Record) []receipt.Input {
	return []receipt.Input{{
		Test: true, MerchantName: "Corner Shop", MerchantAddress: "12 Nanjing Road, Shanghai", TerminalID: "00000001",
		At: r.Opening.Started, Amount: r.Opening.Amount, Outcome: receipt.Approved, Receipt: r.Opening.Receipt,
		Masked: r.Card().Masked, Label: r.Card().Label,
	}}
}

// spot is something that can be tapped, and what shows of it.
type spot struct {
	object fyne.Tappable
	at     image.Rectangle
	words  string // what stands on it: its texts, or the name of its icon
}

func (s *spot) middle() image.Point { return s.at.Min.Add(s.at.Size().Div(2)) }

// spots are all of a tree. To be called on the UI goroutine.
func spots(root fyne.CanvasObject) []spot {
	return walk(nil, root, fyne.Position{}, image.Rect(0, 0, panelWidth, panelHeight))
}

func walk(all []spot, o fyne.CanvasObject, offset fyne.Position, clip image.Rectangle) []spot {
	if !o.Visible() {
		return all
	}
	pos := o.Position().Add(offset)
	at := inPixels(pos, o.Size()).Intersect(clip)
	switch o := o.(type) {
	case *fyne.Container:
		for _, child := range o.Objects {
			all = walk(all, child, pos, clip)
		}
	case *container.Scroll:
		all = walk(all, o.Content, pos.Subtract(o.Offset), at)
	case fyne.Widget:
		if key, ok := o.(fyne.Tappable); ok && !at.Empty() {
			return append(all, spot{key, at, strings.Join(wordsOn(nil, o), " ")})
		}
		for _, child := range test.WidgetRenderer(o).Objects() {
			all = walk(all, child, pos, clip)
		}
	}
	return all
}

func wordsOn(all []string, o fyne.CanvasObject) []string {
	switch o := o.(type) {
	case *canvas.Text:
		return append(all, o.Text)
	case *canvas.Image:
		name, _, _ := strings.Cut(o.Resource.Name(), "#")
		return append(all, "<"+name+">")
	case *fyne.Container:
		for _, child := range o.Objects {
			all = wordsOn(all, child)
		}
	case fyne.Widget:
		for _, child := range test.WidgetRenderer(o).Objects() {
			all = wordsOn(all, child)
		}
	}
	return all
}

func inPixels(pos fyne.Position, size fyne.Size) image.Rectangle {
	px := func(v float32) int { return int(v*panelScale + 0.5) }
	return image.Rect(px(pos.X), px(pos.Y), px(pos.X+size.Width), px(pos.Y+size.Height))
}

// find finds the first key that says something.
func find(root fyne.CanvasObject, words string) (spot, error) {
	var all []string
	for _, s := range spots(root) {
		if s.words == words || strings.HasPrefix(s.words, words+" ") || strings.HasSuffix(s.words, " "+words) {
			return s, nil
		}
		all = append(all, s.words)
	}
	return spot{}, fmt.Errorf("no key says %q, there are %q", words, all)
}

// press taps a key, and tells where it is.
func (s *stage) press(words string) (image.Point, error) {
	key, err := find(s.ui.Content(), words)
	if err == nil {
		key.object.Tapped(&fyne.PointEvent{})
	}
	return key.middle(), err
}
