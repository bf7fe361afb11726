package ui

import (
	"fmt"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/receipt"
)

// panel is a screen that the terminal is sold with.
type panel struct {
	name          string
	width, height int // pixels
	dpi           float32
}

func (p panel) scale() float32 { return p.dpi / 160 }

func (p panel) size() fyne.Size {
	return fyne.NewSize(float32(p.width)/p.scale(), float32(p.height)/p.scale())
}

var panels = []panel{
	{"720x1280", 720, 1280, 267}, // 5.5 inches
	{"800x480", 800, 480, 133},   // 7 inches
	{"1280x800", 1280, 800, 151}, // 10 inches
	{"480x320", 480, 320, 165},   // 3.5 inches
}

var languages = []Language{receipt.English, receipt.Chinese}

// manualClock is Opts.After under a test's control.
type manualClock struct{ waiting []*alarm }

type alarm struct {
	after time.Duration
	do    func()
	off   bool
}

func (c *manualClock) after(d time.Duration, f func()) func() {
	a := &alarm{after: d, do: f}
	c.waiting = append(c.waiting, a)
	return func() { a.off = true }
}

// fire lets all that is armed now happen, and tells the longest wait.
func (c *manualClock) fire() time.Duration {
	var longest time.Duration
	due := c.waiting
	c.waiting = nil
	for _, a := range due {
		if !a.off {
			longest = max(longest, a.after)
			a.do()
		}
	}
	return longest
}

var cny = money.Currency{Code: "CNY", Numeric: 156, Exponent: 2}

func yuan(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: cny} }

// silent is a shop that hears and does nothing.
type silent struct{}

func (silent) Sell(money.Amount, Method) {}
func (silent) Cancel()                   {}
func (silent) Choose(int)                {}
func (silent) History()                  {}
func (silent) Reprint(payment.ID)        {}

func testSlips(r *payment.Record) []receipt.Input {
	card := r.Card()
	in := receipt.Input{
		Copy: receipt.CustomerCopy, Test: true, MerchantName: "Corner Shop 街角小店",
		MerchantAddress: "12 Nanjing Road, Shanghai", MerchantID: "104310058120001", TerminalID: "00000001",
		At: r.Opening.Started, Amount: r.Opening.Amount, Outcome: receipt.Approved,
		AuthCode: r.Ending.AuthCode, HostRef: r.Ending.HostRef, CVM: receipt.OnlinePIN,
		Masked: card.Masked, Label: card.Label, AID: "A000000333010101", AC: "A1B2C3D4E5F60718", ATC: "0042",
		TVR: "0000008000", TSI: "E800", Receipt: r.Opening.Receipt, STAN: r.Opening.STAN, Batch: 7,
	}
	if !r.Signs() {
		return []receipt.Input{in}
	}
	in.CVM = receipt.Signature
	merchants := in
	merchants.Copy = receipt.MerchantCopy
	return []receipt.Input{merchants, in}
}

func testRecord(seq uint64, state payment.State, minor int64) payment.Record {
	started := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC).Add(-time.Duration(seq) * 17 * time.Minute)
	r := payment.Record{
		ID: payment.ID{Terminal: "dev:t1", Epoch: 1, Seq: seq}, State: state, Version: 2, At: started,
		Opening: payment.Opening{Kind: payment.Sale, Amount: yuan(minor), Receipt: 1042 - uint32(seq), STAN: 2042 - uint32(seq), Started: started},
		Attempts: []payment.Attempt{{Number: 1, STAN: 2042 - uint32(seq),
			Card: payment.CardData{Masked: "622202******0018", Label: "UnionPay Debit"}}},
	}
	switch state {
	case payment.Approved:
		r.Ending = payment.Ending{AuthCode: "A73K21", HostRef: "026073094511", Code: "00"}
		r.Printed = seq%2 == 1
	case payment.Declined:
		r.Ending = payment.Ending{Reason: "declined by issuer", Code: "51", HostRef: "026073094512"}
	case payment.Cancelled:
		r.Ending = payment.Ending{Reason: payment.ReasonPINCancelled}
	case payment.Reversing, payment.Reversed:
		r.Ending = payment.Ending{Reason: payment.ReasonHostSilent}
	case payment.Authorising:
	}
	return r
}

func testRecords() []payment.Record {
	states := []payment.State{payment.Approved, payment.Declined, payment.Approved, payment.Reversing,
		payment.Cancelled, payment.Reversed, payment.Approved, payment.Approved}
	var records []payment.Record
	for i := range 24 {
		records = append(records, testRecord(uint64(i+1), states[i%len(states)], int64(1250+i*i*9973)))
	}
	return records
}

// scene is a screen with something on it. Each is reached as it is in a shop.
type scene struct {
	name string
	opts func(*Opts)
	set  func(*UI)
}

func saleView(screen payment.Screen, change func(*payment.View)) payment.View {
	v := payment.View{Screen: screen, Kind: payment.Sale, Amount: yuan(128_50)}
	if change != nil {
		change(&v)
	}
	return v
}

func endScene(name string, screen payment.Screen, change func(*payment.View)) scene {
	return scene{name, nil, func(u *UI) {
		u.Show(saleView(payment.ScreenPresentCard, nil))
		u.Show(saleView(screen, func(v *payment.View) {
			v.Masked, v.Label = "622202******0018", "UnionPay Debit"
			if change != nil {
				change(v)
			}
		}))
	}}
}

const (
	byChip   = drivers.Contact
	byTap    = drivers.Contactless
	byStripe = drivers.Stripe
)

// presentScene asks for a card, with a field that is on if it can be tapped.
func presentScene(name string, media drivers.Media, n payment.Notice) scene {
	return showScene(name, saleView(payment.ScreenPresentCard, func(v *payment.View) {
		v.Cancellable, v.Media, v.Notice = true, media, n
		if media&byTap != 0 {
			v.Lights = drivers.SignalReady
		}
	}))
}

// tapScene is a screen of a card that was held to the antenna. What a signal
// lights up one after the other is lit.
func tapScene(name string, screen payment.Screen, lights drivers.Signal, change func(*payment.View)) scene {
	v := saleView(screen, func(v *payment.View) {
		v.Tapped, v.Lights, v.Masked, v.Label = true, lights, "622202******0018", "UnionPay Debit"
		if change != nil {
			change(v)
		}
	})
	return scene{name, nil, func(u *UI) {
		u.Show(saleView(payment.ScreenPresentCard, nil))
		if u.lit.signal = lights; lights == drivers.SignalSuccess {
			u.lit.step = lightsMax - 1
		}
		u.Show(v)
	}}
}

func showScene(name string, v payment.View) scene { return scene{name, nil, func(u *UI) { u.Show(v) }} }

var faults = []Fault{
	{DevicePrinter, ProblemPaperOut, ""},
	{DeviceReader, ProblemMissing, "ccid: open /dev/ttyS1: no such device"},
	{DeviceAntenna, ProblemMissing, ""},
	{DeviceCloud, ProblemMissing, ""},
	{DevicePINPad, ProblemNoKey, ""},
	{DeviceCase, ProblemOpened, ""},
}

// scenes are all the screens, in the order of a day.
func scenes() []scene {
	approved := testRecord(1, payment.Approved, 128_50)
	signed := testRecord(1, payment.Approved, 128_50)
	signed.Ending.CVM = "signature"
	three := func(o *Opts) { o.Methods = []Method{MethodCard, MethodQR, MethodCash} }
	return []scene{
		{"idle", nil, func(u *UI) { u.ShowStatus(Status{Online: true}) }},
		{"idle-faults", nil, func(u *UI) { u.ShowStatus(Status{Faults: faults[:2], ToPrint: 2, ToCloud: 13}) }},
		{"idle-training", func(o *Opts) { o.Training = true }, func(u *UI) { u.ShowStatus(Status{Online: true}) }},
		{"amount", nil, func(u *UI) { u.amount = 128_50; u.goTo(atAmount) }},
		{"amount-large", func(o *Opts) { o.Training = true }, func(u *UI) { u.amount = amountMax; u.goTo(atAmount) }},
		{"method", three, func(u *UI) { u.amount = 128_50; u.goTo(atMethod) }},
		{"starting", nil, func(u *UI) { u.amount = 128_50; u.sell(MethodCard) }},
		presentScene("present", byChip|byTap, payment.NoticeNone),
		presentScene("present-contact", byChip, payment.NoticeNone),
		presentScene("present-tap", byTap, payment.NoticeNone),
		presentScene("present-or-swipe", byChip|byStripe, payment.NoticeNone),
		presentScene("present-tap-or-swipe", byTap|byStripe, payment.NoticeNone),
		presentScene("present-any-way", byChip|byTap|byStripe, payment.NoticeNone),
		presentScene("present-unread", byChip|byTap, payment.NoticeCardUnread),
		presentScene("present-insert-chip", byChip|byStripe, payment.NoticeInsertChip),
		presentScene("present-swipe", byChip|byStripe, payment.NoticeSwipe),
		presentScene("present-swipe-again", byChip|byStripe, payment.NoticeStripeUnread),
		presentScene("present-insert-card", byChip|byStripe, payment.NoticeInsertCard),
		presentScene("present-tap-again", byChip|byTap, payment.NoticeTapAgain),
		presentScene("present-one-card", byChip|byTap|byStripe, payment.NoticeOneCard),
		presentScene("present-see-phone", byChip|byTap, payment.NoticeSeePhone),
		showScene("card", saleView(payment.ScreenCard, func(v *payment.View) { v.Cancellable = true })),
		tapScene("card-tapped", payment.ScreenCard, drivers.SignalReady, func(v *payment.View) { v.Cancellable, v.Masked, v.Label = true, "", "" }),
		tapScene("card-read", payment.ScreenCard, drivers.SignalSuccess, nil),
		showScene("choose", saleView(payment.ScreenChoose, func(v *payment.View) {
			v.Cancellable, v.Apps = true, []string{"UnionPay Debit", "UnionPay Credit"}
		})),
		showScene("choose-many", saleView(payment.ScreenChoose, func(v *payment.View) {
			v.Cancellable = true
			v.Apps = []string{"UnionPay Debit", "UnionPay Credit", "银联电子现金", "Maestro International", "MC", "PBOC", "JCB", "Discover"}
		})),
		showScene("pin", saleView(payment.ScreenPIN, func(v *payment.View) {
			v.Cancellable, v.Masked, v.Label = true, "622202******0018", "UnionPay Debit"
		})),
		{"pin-again", nil, func(u *UI) {
			u.Show(saleView(payment.ScreenPIN, func(v *payment.View) {
				v.Cancellable, v.Masked, v.Label, v.Notice = true, "622202******0018", "UnionPay Debit", payment.NoticeWrongPIN
			}))
			u.ShowPINKeys(4)
		}},
		showScene("pin-reader", saleView(payment.ScreenPIN, func(v *payment.View) {
			v.Cancellable, v.Masked, v.Label, v.OnReader, v.PINTries = true, "622202******0018", "UnionPay Debit", true, 3
		})),
		showScene("pin-reader-last", saleView(payment.ScreenPIN, func(v *payment.View) {
			v.Cancellable, v.Masked, v.Label, v.OnReader, v.PINTries = true, "622202******0018", "UnionPay Debit", true, 1
			v.Notice = payment.NoticeWrongPIN
		})),
		showScene("authorising", saleView(payment.ScreenAuthorising, func(v *payment.View) {
			v.Masked, v.Label = "622202******0018", "UnionPay Debit"
		})),
		showScene("authorising-swiped", saleView(payment.ScreenAuthorising, func(v *payment.View) {
			v.Masked, v.Swiped = "622202******0018", true
		})),
		showScene("authorising-late", saleView(payment.ScreenAuthorising, func(v *payment.View) {
			v.Masked, v.Label, v.Notice = "622202******0018", "UnionPay Debit", payment.NoticeTooLate
		})),
		tapScene("pin-tapped", payment.ScreenPIN, drivers.SignalOff, func(v *payment.View) { v.Cancellable = true }),
		tapScene("authorising-tapped", payment.ScreenAuthorising, drivers.SignalSuccess, nil),
		tapScene("tap-again", payment.ScreenTapAgain, drivers.SignalReady, func(v *payment.View) { v.Cancellable = true }),
		tapScene("tap-again-early", payment.ScreenTapAgain, drivers.SignalAlert, func(v *payment.View) {
			v.Cancellable, v.Notice = true, payment.NoticeTapAgain
		}),
		tapScene("approved-tapped", payment.ScreenApproved, drivers.SignalSuccess, func(v *payment.View) { v.Balance = yuan(1_371_50) }),
		tapScene("declined-tapped", payment.ScreenDeclined, drivers.SignalAlert, func(v *payment.View) {
			v.Reason, v.Notice = "another interface", payment.NoticeRemoveCard
		}),
		endScene("approved-card-in", payment.ScreenApproved, func(v *payment.View) { v.Notice = payment.NoticeRemoveCard }),
		{"approved", nil, func(u *UI) {
			v := saleView(payment.ScreenApproved, func(v *payment.View) { v.Masked, v.Label = "622202******0018", "UnionPay Debit" })
			u.Ended(payment.Result{View: v, Record: approved}, nil)
		}},
		{"approved-no-paper", nil, func(u *UI) {
			v := saleView(payment.ScreenApproved, func(v *payment.View) { v.Masked, v.Label = "622202******0018", "UnionPay Debit" })
			u.ShowStatus(Status{Online: true, Faults: faults[:1], ToPrint: 1})
			u.Ended(payment.Result{View: v, Record: approved}, nil)
		}},
		endScene("declined", payment.ScreenDeclined, func(v *payment.View) {
			v.Reason, v.Code, v.Notice = "declined by issuer", "51", payment.NoticeRemoveCard
		}),
		endScene("declined-removed", payment.ScreenDeclined, func(v *payment.View) { v.Reason = "card removed" }),
		endScene("cancelled", payment.ScreenCancelled, func(v *payment.View) { v.Reason = payment.ReasonPINCancelled }),
		endScene("in-doubt", payment.ScreenInDoubt, func(v *payment.View) {
			v.Reason, v.Notice = payment.ReasonHostSilent, payment.NoticeHostSilent
		}),
		{"reversed", nil, func(u *UI) {
			v := saleView(payment.ScreenInDoubt, func(v *payment.View) { v.Reason = payment.ReasonHostSilent })
			u.Ended(payment.Result{View: v, Record: testRecord(1, payment.Reversing, 128_50)}, nil)
			u.ShowHistory([]payment.Record{testRecord(1, payment.Reversed, 128_50)})
		}},
		endScene("fault-store", payment.ScreenFault, func(v *payment.View) {
			v.Reason, v.Notice = payment.ReasonStoreFailed, payment.NoticeStoreFailed
		}),
		{"fault-refused", nil, func(u *UI) {
			u.amount = 128_50
			u.sell(MethodCard)
			u.Ended(payment.Result{}, fmt.Errorf("%w: CNY 128.50, a sale is at least CNY 0.01 and at most CNY 100.00", money.ErrAmount))
		}},
		{"history", nil, func(u *UI) { u.openHistory(); u.ShowHistory(testRecords()) }},
		{"history-empty", nil, func(u *UI) { u.openHistory(); u.ShowHistory(nil) }},
		{"record", nil, func(u *UI) { u.record = &approved; u.goTo(atRecord) }},
		{"record-reversed", nil, func(u *UI) {
			r := testRecord(6, payment.Reversed, 99_99)
			u.record = &r
			u.reprints = map[payment.ID]bool{r.ID: true}
			u.goTo(atRecord)
		}},
		endScene("approved-sign", payment.ScreenApproved, func(v *payment.View) { v.Signs = true }),
		{"receipt-sign", nil, func(u *UI) {
			u.openSlip(&signed, atHome)
			room, paper := u.scroller.Size().Height, u.scroller.Content.MinSize().Height
			u.scroller.ScrollToOffset(fyne.NewPos(0, (paper-room)/2)) // where one ends and the other begins
		}},
		{"receipt", nil, func(u *UI) { u.openSlip(&approved, atHome) }},
		{"devices", nil, func(u *UI) { u.ShowStatus(Status{Faults: faults}); u.goTo(atDevices) }},
		{"devices-well", nil, func(u *UI) { u.ShowStatus(Status{Online: true}); u.goTo(atDevices) }},
	}
}

// stage is a UI on a canvas of a panel's size.
type stage struct {
	ui     *UI
	canvas test.WindowlessCanvas
	clock  *manualClock
	panel  panel
}

func newStage(t testing.TB, p panel, shop Shop, opts Opts) *stage {
	t.Helper()
	app := newTestApp(p.scale())
	s := &stage{clock: &manualClock{}, panel: p}
	opts.After = s.clock.after
	s.ui = New(app, shop, opts)
	s.canvas = app.canvas.(test.WindowlessCanvas)
	s.canvas.SetPadded(false)
	s.canvas.SetContent(s.ui.Content())
	s.canvas.Resize(p.size())
	t.Cleanup(s.ui.Close)
	return s
}

func (s scene) stage(t testing.TB, p panel, l Language, isDark bool) *stage {
	t.Helper()
	opts := Opts{Merchant: "Corner Shop 街角小店", Currency: cny, Language: l, Dark: isDark, Slips: testSlips}
	if s.opts != nil {
		s.opts(&opts)
	}
	st := newStage(t, p, silent{}, opts)
	s.set(st.ui)
	return st
}
