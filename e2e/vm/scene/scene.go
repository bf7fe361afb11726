// Package scene is the cashier's screens without a terminal behind them: the
// same in the guest, where they are on a panel, and on the host, where they are
// in memory to compare with.
package scene

import (
	"time"

	"fyne.io/fyne/v2"

	"github.com/cloudpos/cloudpos/font"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/ui"
	"github.com/cloudpos/cloudpos/ui/screen"
	"github.com/cloudpos/cloudpos/ui/screen/paint"
)

// Currency is what the scenes sell for.
var Currency = money.Currency{Code: "CNY", Numeric: 156, Exponent: 2}

// fontBytes bounds the cache of glyphs.
const fontBytes = 4 << 20

// Opts are what one scene has of its own.
type Opts struct {
	Displays []screen.Display
	UI       ui.Opts
	Error    func(error)
}

// Scene is an app with the cashier's screens on its displays.
type Scene struct {
	Screen *screen.Screen
	UI     *ui.UI
	done   chan struct{}
}

// Start shows the idle screen. Time stands still in it: nothing blinks and
// nothing goes away by itself.
func Start(o Opts) (*Scene, error) {
	fonts := font.NewCache(fontBytes)
	s, err := screen.New(screen.Opts{
		ID: "cloudpos.vm", Displays: o.Displays, Still: true, OnError: o.Error,
		Painter: func() screen.Painter { return paint.New(paint.Opts{Cache: fonts}) },
		Measure: paint.Measurer(fonts),
	})
	if err != nil {
		return nil, err
	}
	o.UI.Currency = Currency
	o.UI.After = func(time.Duration, func()) func() { return func() {} }
	u := ui.New(s, closed{}, o.UI)
	w := s.NewWindow("cashier")
	w.SetPadded(false)
	w.SetContent(u.Content())
	w.Show()
	scene := &Scene{Screen: s, UI: u, done: make(chan struct{})}
	go func() {
		defer close(scene.done)
		s.Run()
	}()
	return scene, nil
}

// Stop ends the app, which closes outputs and inputs.
func (s *Scene) Stop() {
	fyne.DoAndWait(s.UI.Close)
	s.Screen.Quit()
	<-s.done
}

// closed is a shop in which nothing is sold.
type closed struct{}

func (closed) Sell(money.Amount, ui.Method) {}
func (closed) Cancel()                      {}
func (closed) Choose(int)                   {}
func (closed) History()                     {}
func (closed) Reprint(payment.ID)           {}
