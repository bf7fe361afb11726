package ui

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2/canvas"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/receipt"
)

// lit tells which of the four lights are lit: "1000", or "" when there are none.
func (s *stage) lit() string {
	on := ""
	for _, o := range walkStage(s).all {
		if dot, ok := o.object.(*canvas.Circle); ok {
			switch dot.FillColor {
			case s.ui.style.colours[RoleLightOn]:
				on += "1"
			case s.ui.style.colours[RoleLightOff]:
				on += "0"
			}
		}
	}
	return on
}

func tapView(screen payment.Screen, lights drivers.Signal) payment.View {
	return saleView(screen, func(v *payment.View) { v.Tapped, v.Lights = true, lights })
}

// Each signal is seen as a panel shows it: EMV Contactless Book A, 9.
func TestSignals(t *testing.T) {
	for _, c := range []struct {
		signal drivers.Signal
		want   []string
	}{
		{drivers.SignalOff, []string{"0000 for good"}},
		{drivers.SignalIdle, []string{"1000 200ms", "0000 4.8s", "1000 200ms", "0000 4.8s", "1000 200ms", "0000 4.8s"}},
		{drivers.SignalReady, []string{"1000 for good"}},
		{drivers.SignalSuccess, []string{"1000 125ms", "1100 125ms", "1110 125ms", "1111 875ms", "0000 for good"}},
		{drivers.SignalAlert, []string{"0000 for good"}},
		{99, []string{"0000 for good"}},
	} {
		s, _ := testStage(t, nil)
		s.ui.Show(tapView(payment.ScreenPIN, c.signal)) // on which nothing else moves
		var seen []string
		for range 6 {
			on, wait := s.lit(), s.clock.fire()
			if wait == 0 {
				seen = append(seen, on+" for good")
				break
			}
			seen = append(seen, fmt.Sprint(on, " ", wait))
		}
		if !slices.Equal(seen, c.want) {
			t.Errorf("signal %d: %q, want %q", c.signal, seen, c.want)
		}
	}
}

// A card that was read is authorised on the next screen, and PIN keys draw anew:
// the lights go on from where they were. The same signal after another one
// begins at its first light.
func TestLightsGoOnOverScreens(t *testing.T) {
	s, _ := testStage(t, nil)
	steps := []struct {
		do   func()
		want string
	}{
		{func() { s.ui.Show(tapView(payment.ScreenCard, drivers.SignalSuccess)) }, "1000"},
		{func() { s.clock.fire() }, "1100"},
		{func() { s.ui.Show(tapView(payment.ScreenPIN, drivers.SignalSuccess)) }, "1100"},
		{func() { s.clock.fire() }, "1110"},
		{func() { s.ui.ShowPINKeys(1) }, "1110"},
		{func() { s.clock.fire() }, "1111"},
		{func() { s.ui.Show(tapView(payment.ScreenAuthorising, drivers.SignalSuccess)) }, "1111"},
		{func() { s.clock.fire() }, "0000"},
		{func() { s.clock.fire() }, "0000"},
		{func() { s.ui.Show(tapView(payment.ScreenTapAgain, drivers.SignalReady)) }, "1000"},
		{func() { s.ui.Show(tapView(payment.ScreenApproved, drivers.SignalSuccess)) }, "1000"},
		{func() { s.clock.fire() }, "1100"},
	}
	for i, step := range steps {
		if step.do(); s.lit() != step.want {
			t.Errorf("step %d: lights %s, want %s", i, s.lit(), step.want)
		}
	}
}

// Where nothing can be tapped there are no lights.
func TestLightsOnlyForTaps(t *testing.T) {
	for _, c := range []struct {
		view payment.View
		want string
	}{
		{saleView(payment.ScreenPresentCard, func(v *payment.View) { v.Media = drivers.Contact | drivers.Stripe }), ""},
		{saleView(payment.ScreenPresentCard, func(v *payment.View) { v.Media = drivers.Contact | drivers.Contactless }), "0000"},
		{saleView(payment.ScreenPresentCard, func(v *payment.View) { v.Media, v.Lights = drivers.Contact, drivers.SignalReady }), ""},
		{saleView(payment.ScreenCard, func(v *payment.View) { v.Lights = drivers.SignalReady }), ""},
		{saleView(payment.ScreenPIN, nil), ""},
		{saleView(payment.ScreenAuthorising, nil), ""},
		{saleView(payment.ScreenTapAgain, nil), "0000"},
		{saleView(payment.ScreenApproved, nil), ""},
		{tapView(payment.ScreenDeclined, drivers.SignalAlert), "0000"},
	} {
		s, _ := testStage(t, nil)
		if s.ui.Show(c.view); s.lit() != c.want {
			t.Errorf("%s, media %d, signal %d: lights %q, want %q", c.view.Screen, c.view.Media, c.view.Lights, s.lit(), c.want)
		}
	}
	s, _ := testStage(t, func(o *Opts) { o.ContactOnly = true })
	if s.lit() != "" {
		t.Errorf("a terminal without an antenna shows lights %q", s.lit())
	}
}

// On the end of a sale the lights go out, and the screen leaves nevertheless.
func TestLightsAndLeaving(t *testing.T) {
	s, _ := testStage(t, nil)
	v := tapView(payment.ScreenApproved, drivers.SignalSuccess)
	s.ui.Show(v)
	s.ui.Ended(payment.Result{View: v, Record: testRecord(1, payment.Approved, 128_50)}, nil)
	s.shows(t, "APPROVED")
	var longest time.Duration
	for _, a := range s.clock.waiting {
		if !a.off {
			longest = max(longest, a.after)
		}
	}
	if longest != approvedStays {
		t.Errorf("the screen stays for %v, want %v", longest, approvedStays)
	}
	if s.clock.fire(); s.ui.ended != nil {
		t.Error("the end is still to be seen")
	}
}

// The second tap can be left out, in both languages and also where the sale
// itself can no longer be cancelled.
func TestTapAgain(t *testing.T) {
	for language, label := range map[Language]string{receipt.English: "Without it", receipt.Chinese: "不再挥卡"} {
		s, shop := testStage(t, func(o *Opts) { o.Language = language })
		s.ui.Show(tapView(payment.ScreenTapAgain, drivers.SignalReady))
		s.shows(t, s.ui.style.words.tapAgain)
		s.tap(t, label)
		shop.expect(t, "cancel")
	}
}

// What the customer is told follows the card: where it is, and whether it has
// been read.
func TestWhatToDoWithTheCard(t *testing.T) {
	w := &english
	for _, c := range []struct {
		view payment.View
		want string
	}{
		{saleView(payment.ScreenCard, nil), w.leaveCard},
		{tapView(payment.ScreenCard, drivers.SignalReady), w.holdStill},
		{tapView(payment.ScreenCard, drivers.SignalSuccess), w.takeAway},
		{saleView(payment.ScreenAuthorising, nil), w.askingHint},
		{saleView(payment.ScreenAuthorising, func(v *payment.View) { v.Swiped = true }), w.askingSwiped},
		{tapView(payment.ScreenAuthorising, drivers.SignalOff), w.askingTapped},
	} {
		s, _ := testStage(t, nil)
		s.ui.Show(c.view)
		s.shows(t, c.want)
	}
}

// A balance is told on an approved screen when the card has told it.
func TestBalance(t *testing.T) {
	s, _ := testStage(t, nil)
	v := tapView(payment.ScreenApproved, drivers.SignalSuccess)
	v.Balance = yuan(0)
	s.ui.Show(v)
	s.shows(t, "Left on the card: CNY 0.00")
}
