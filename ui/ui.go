package ui

import (
	"errors"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/receipt"
)

// Opts are what the screens need to know besides views.
type Opts struct {
	Merchant string // stands on the idle screen
	Currency money.Currency
	Language Language
	Dark     bool
	// Training puts a banner on every screen.
	Training bool
	// ContactOnly leaves out the four lights while there is no sale.
	ContactOnly bool
	// Methods are the ways to pay, card if empty. With one there is nothing to
	// choose.
	Methods []Method
	// Zone is where times are shown, UTC if nil.
	Zone *time.Location
	// Slips makes of a record what its receipt tells, for the receipt on the
	// screen: more than one piece of paper where the customer signs. It must be
	// quick and do no I/O. Without it there is no such screen. The language is
	// the screen's own.
	Slips func(*payment.Record) []receipt.Input
	// PerMM is the number of Fyne's units in a millimetre; 160/25.4 if zero,
	// which is right when the canvas' scale is dpi/160.
	PerMM float32
	// After calls f on the UI goroutine after a time, unless it is stopped
	// before. It is time.AfterFunc with fyne.Do if nil.
	After func(d time.Duration, f func()) (stop func())
}

// methodsMax bounds the method screen.
const methodsMax = 4

func (o Opts) withDefaults() Opts {
	if len(o.Methods) == 0 {
		o.Methods = []Method{MethodCard}
	}
	o.Methods = o.Methods[:min(len(o.Methods), methodsMax)]
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.PerMM <= 0 {
		o.PerMM = perMMDefault
	}
	if o.After == nil {
		o.After = func(d time.Duration, f func()) func() {
			t := time.AfterFunc(d, func() { fyne.Do(f) })
			return func() { t.Stop() }
		}
	}
	return o
}

// place is where the cashier has gone while no sale is on the screen.
type place uint8

const (
	atHome place = iota
	atAmount
	atMethod
	atStarting // a sale is asked for, and its first view has not come yet
	atHistory
	atRecord
	atSlip
	atDevices
)

// UI is the cashier's screen.
type UI struct {
	app    fyne.App
	shop   *requests
	opts   Opts
	style  style
	root   *fyne.Container
	size   fyne.Size
	status Status

	view      payment.View
	dismissed bool // the cashier does not want to see this sale's end any more
	pinKeys   int  // -1 when the pad does not tell
	ended     *ended

	at       place
	from     place // where atSlip goes back to
	amount   int64 // keyed in, in minor units
	records  []payment.Record
	known    bool // records were shown
	record   *payment.Record
	reprints map[payment.ID]bool // asked for on this visit of the history

	ticks     []ticks
	stopTicks []func() // one for each
	lit       lightShow
	drawn     spot
	hold      *hold
	stale     bool // draws anew once no finger holds a key
	scroller  *container.Scroll
	drawing   int // counts screens, so that an old one's timer does nothing
}

// ended is a sale's end, which stays on the screen after the sale.
type ended struct {
	view   payment.View
	record *payment.Record
	detail string
}

// New makes the screens. It sets the app's theme.
func New(app fyne.App, shop Shop, opts Opts) *UI {
	u := &UI{
		app: app, shop: newRequests(shop), opts: opts.withDefaults(),
		view: payment.View{Screen: payment.ScreenIdle}, pinKeys: -1,
	}
	u.root = &fyne.Container{Layout: &fill{u}}
	u.restyle(u.opts.Language, u.opts.Dark)
	return u
}

// Content is what a window holds.
func (u *UI) Content() fyne.CanvasObject { return u.root }

// Do runs f on the UI goroutine, soon. It never blocks.
func (u *UI) Do(f func()) { fyne.Do(f) }

// Close stops timers and requests.
func (u *UI) Close() {
	u.drawing++
	u.stop()
	u.shop.close()
}

// SetLanguage switches at once, whatever is on the screen.
func (u *UI) SetLanguage(l Language) {
	u.restyle(l, u.opts.Dark)
	u.draw()
}

// Language is the one in use.
func (u *UI) Language() Language { return u.style.words.language }

// SetDark chooses between the two palettes.
func (u *UI) SetDark(isDark bool) {
	u.restyle(u.opts.Language, isDark)
	u.draw()
}

func (u *UI) restyle(l Language, isDark bool) {
	theme := NewTheme(isDark, u.opts.PerMM)
	if u.style.colours != theme.colours {
		u.app.Settings().SetTheme(theme)
	}
	u.opts.Language, u.opts.Dark = l, isDark
	u.style = style{words: vocabularyOf(l), colours: theme.colours}
}

// Show tells the latest view of the sale. A final one stays on the screen
// after the idle one that follows it, until it is dismissed or times out.
func (u *UI) Show(v payment.View) {
	if v.Screen != payment.ScreenPIN {
		u.pinKeys = -1
	}
	u.view = v
	switch {
	case !running(v):
	case !v.Final():
		u.ended, u.dismissed, u.at = nil, false, atHome
	case !u.dismissed:
		if u.ended == nil || u.ended.view.Screen != v.Screen {
			u.ended = &ended{}
		}
		u.ended.view, u.at = v, atHome
	}
	u.draw()
}

// Ended tells what a sale came to: the result of payment.Runner.Run and its
// error. It adds the record to the final view, and it is the only one to tell
// of a sale that never began.
func (u *UI) Ended(res payment.Result, err error) {
	if errors.Is(err, payment.ErrBusy) && running(u.view) {
		return
	}
	u.view = payment.View{Screen: payment.ScreenIdle}
	if u.dismissed {
		u.dismissed = false
		u.draw()
		return
	}
	e := &ended{view: res.View}
	if !res.View.Final() {
		if err == nil {
			return
		}
		e.view = payment.View{Screen: payment.ScreenFault, Reason: reasonOf(err)}
		if e.view.Reason == reasonAmount {
			e.view.Screen = payment.ScreenCancelled
		}
	}
	e.view.Notice = lasting(e.view.Notice)
	if err != nil {
		e.detail = err.Error()
	}
	if res.Record.Version > 0 {
		e.record = &res.Record
	}
	u.ended = e
	if u.at == atStarting || u.at == atSlip && u.from == atHome {
		u.at = atHome
	}
	u.draw()
}

// lasting is a notice that still holds when the sale is over.
func lasting(n payment.Notice) payment.Notice {
	if n == payment.NoticeRemoveCard {
		return payment.NoticeNone
	}
	return n
}

// The flow's reasons know nothing of a sale that was never begun.
const (
	reasonAmount = "amount refused"
	reasonBusy   = "busy"
)

func reasonOf(err error) string {
	switch {
	case errors.Is(err, payment.ErrStore):
		return payment.ReasonStoreFailed
	case errors.Is(err, money.ErrAmount), errors.Is(err, money.ErrCurrency):
		return reasonAmount
	case errors.Is(err, payment.ErrBusy):
		return reasonBusy
	}
	return ""
}

// ShowPINKeys tells how many keys the customer has pressed, if the pad says.
func (u *UI) ShowPINKeys(n int) {
	const keysMax = 12
	if u.view.Screen == payment.ScreenPIN {
		u.pinKeys = min(max(n, 0), keysMax)
		u.draw()
	}
}

// ShowStatus tells how the terminal is. Screens of a sale are not disturbed.
func (u *UI) ShowStatus(s Status) {
	s.Faults = slices.Clone(s.Faults[:min(len(s.Faults), faultsMax)])
	if s.Equal(u.status) {
		return
	}
	u.status = s
	if u.at != atAmount && !u.selling() {
		u.draw()
	}
}

// historyMax bounds the list.
const historyMax = 50

// ShowHistory tells the latest records, newest first. An end on the screen,
// and a record that is looked at, are brought up to date with it: a reversal
// may have got through.
func (u *UI) ShowHistory(records []payment.Record) {
	u.records, u.known = append([]payment.Record(nil), records[:min(len(records), historyMax)]...), true
	for i := range u.records {
		r := &u.records[i]
		if u.record != nil && u.record.ID == r.ID {
			u.record = r
		}
		if u.ended != nil && u.ended.record != nil && u.ended.record.ID == r.ID {
			u.ended.record = r
		}
	}
	if u.at != atAmount && !u.selling() {
		u.draw()
	}
}

// selling tells whether a sale is on the screen and not yet decided.
func (u *UI) selling() bool { return u.view.Undecided() }

func running(v payment.View) bool { return v.Screen != payment.ScreenIdle && v.Screen != "" }

// goTo leaves for another place.
func (u *UI) goTo(at place) {
	u.at = at
	u.draw()
}

// dismiss takes the end of a sale from the screen. If the card is still in the
// reader, nobody waits for it any more.
func (u *UI) dismiss(to place) {
	if running(u.view) {
		u.dismissed = true
		u.shop.ask(func(s Shop) { s.Cancel() })
	}
	u.ended = nil
	if to == atAmount {
		u.amount = 0
	}
	u.goTo(to)
}
