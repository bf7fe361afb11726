package ui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/test"

	"github.com/cloudpos/cloudpos/font"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/receipt"
)

// heard is a shop that tells what it was asked.
type heard struct{ said chan string }

func newHeard() heard { return heard{make(chan string, 64)} }

func (h heard) Sell(a money.Amount, m Method) { h.said <- fmt.Sprintf("sell %v by %s", a, m) }
func (h heard) Cancel()                       { h.said <- "cancel" }
func (h heard) Choose(i int)                  { h.said <- fmt.Sprintf("choose %d", i) }
func (h heard) History()                      { h.said <- "history" }
func (h heard) Reprint(id payment.ID)         { h.said <- "reprint " + id.String() }

func (h heard) expect(t *testing.T, want string) {
	t.Helper()
	if got := <-h.said; got != want {
		t.Errorf("the shop heard %q, want %q", got, want)
	}
}

// texts are the texts on the screen, from the top.
func (s *stage) texts() []string {
	var all []string
	for _, o := range walkStage(s).all {
		if text, ok := o.object.(*canvas.Text); ok {
			all = append(all, text.Text)
		}
	}
	return all
}

func (s *stage) shows(t *testing.T, want string) {
	t.Helper()
	if all := strings.Join(s.texts(), " "); !strings.Contains(all, want) {
		t.Errorf("the screen does not show %q but %q", want, all)
	}
}

// tap taps the key with a text or an icon on it.
func (s *stage) tap(t *testing.T, label string) {
	t.Helper()
	k := s.key(label)
	if k == nil {
		t.Fatalf("no key %q among %q", label, s.texts())
	}
	k.TouchDown(&mobile.TouchEvent{})
	k.TouchUp(&mobile.TouchEvent{})
	k.Tapped(&fyne.PointEvent{})
}

func (s *stage) key(label string) *key {
	var last *key
	said := ""
	for _, o := range walkStage(s).all {
		switch o := o.object.(type) {
		case *key:
			last, said = o, ""
		case *canvas.Text:
			said = strings.TrimSpace(said + " " + o.Text)
			if last != nil && said == label {
				return last
			}
		case *canvas.Image:
			if last != nil && strings.HasPrefix(o.Resource.Name(), label+"#") {
				return last
			}
		}
	}
	return nil
}

func testStage(t *testing.T, change func(*Opts)) (*stage, heard) {
	t.Helper()
	shop := newHeard()
	opts := Opts{Merchant: "Shop", Currency: cny, Slips: testSlips}
	if change != nil {
		change(&opts)
	}
	return newStage(t, panels[0], shop, opts), shop
}

func TestSale(t *testing.T) {
	s, shop := testStage(t, nil)
	s.tap(t, "New sale")
	for _, digit := range []string{"1", "2", "8", "erase", "8", "5", "0"} {
		s.tap(t, digit)
	}
	s.shows(t, "128.50")
	s.tap(t, "Charge")
	shop.expect(t, "sell CNY 128.50 by card")
	s.shows(t, "One moment …")
	s.ui.Show(saleView(payment.ScreenPresentCard, func(v *payment.View) { v.Cancellable, v.Media = true, byChip|byTap }))
	s.shows(t, "Insert or tap the card")
	s.tap(t, "中文")
	s.shows(t, "请插卡或挥卡")
	s.tap(t, "取消")
	shop.expect(t, "cancel")
	s.tap(t, "English")
	s.ui.Show(saleView(payment.ScreenCancelled, func(v *payment.View) { v.Reason = payment.ReasonCancelled }))
	s.shows(t, "Nothing was charged.")
	s.ui.Show(payment.View{Screen: payment.ScreenIdle})
	s.shows(t, "CANCELLED")
	s.tap(t, "Done")
	s.shows(t, "No connection")
}

func TestNothingIsSoldForNothing(t *testing.T) {
	s, shop := testStage(t, nil)
	s.tap(t, "New sale")
	s.tap(t, "Charge")
	s.tap(t, "1")
	s.tap(t, "Clear")
	s.tap(t, "00")
	s.tap(t, "Charge")
	s.tap(t, "1")
	s.tap(t, "Charge")
	shop.expect(t, "sell CNY 0.01 by card")
}

func TestAmountHasABound(t *testing.T) {
	for _, c := range []struct {
		amount int64
		digits string
		want   int64
	}{
		{0, "00", 0}, {1, "00", 100}, {amountMax, "1", amountMax}, {999_999_999, "9", amountMax}, {999_999_999, "00", 9_999_999_990},
	} {
		if got := keyIn(c.amount, c.digits); got != c.want {
			t.Errorf("keyIn(%d, %q) = %d, want %d", c.amount, c.digits, got, c.want)
		}
	}
}

func TestMethods(t *testing.T) {
	s, shop := testStage(t, func(o *Opts) { o.Methods = []Method{MethodCard, MethodCash} })
	s.tap(t, "New sale")
	s.tap(t, "5")
	s.tap(t, "Charge")
	s.shows(t, "How is it paid?")
	s.tap(t, "cash")
	shop.expect(t, "sell CNY 0.05 by cash")
}

func TestChoice(t *testing.T) {
	s, shop := testStage(t, nil)
	s.ui.Show(saleView(payment.ScreenChoose, func(v *payment.View) { v.Apps = []string{"Debit", "Credit"} }))
	s.tap(t, "Credit")
	shop.expect(t, "choose 1")
	s.tap(t, "None of these")
	shop.expect(t, "choose -1")
	s.ui.Show(saleView(payment.ScreenChoose, func(v *payment.View) {
		v.Apps, v.Notice = []string{"Credit"}, payment.NoticeTryAgain
	}))
	s.shows(t, "try again")
	s.tap(t, "Credit")
	shop.expect(t, "choose 0")
}

func TestNoCancelOnceItIsTooLate(t *testing.T) {
	s, _ := testStage(t, nil)
	s.ui.Show(saleView(payment.ScreenAuthorising, nil))
	if s.key("Cancel") != nil {
		t.Error("a sale that cannot be cancelled has a key for it")
	}
	s.shows(t, "can no longer be cancelled")
}

// A sale that was not begun on the screen takes it over, and gives it back.
func TestSaleFromElsewhere(t *testing.T) {
	s, shop := testStage(t, nil)
	s.tap(t, "History")
	shop.expect(t, "history")
	s.ui.Show(saleView(payment.ScreenPIN, nil))
	s.shows(t, "Customer enters PIN")
	s.ui.ShowPINKeys(3)
	dots := 0
	for _, o := range walkStage(s).all {
		if _, ok := o.object.(*canvas.Circle); ok {
			dots++
		}
	}
	if dots != 3 {
		t.Errorf("%d dots, want 3", dots)
	}
}

// The end of a sale stays after it, and leaves by itself unless it is in doubt.
func TestEndLeaves(t *testing.T) {
	for _, c := range []struct {
		screen payment.Screen
		word   string
		stays  time.Duration
	}{
		{payment.ScreenApproved, "APPROVED", approvedStays},
		{payment.ScreenDeclined, "DECLINED", otherStays},
		{payment.ScreenInDoubt, "NOT PAID", 0},
	} {
		s, _ := testStage(t, nil)
		s.ui.Show(saleView(payment.ScreenCard, nil))
		s.clock.fire()
		s.ui.Show(saleView(c.screen, nil))
		if s.clock.waiting = slices.DeleteFunc(s.clock.waiting, func(a *alarm) bool { return a.off }); len(s.clock.waiting) != 0 {
			t.Errorf("%s leaves while the card is in", c.screen)
		}
		s.ui.Ended(payment.Result{View: saleView(c.screen, nil)}, nil)
		s.shows(t, c.word)
		if got := s.clock.fire(); got != c.stays {
			t.Errorf("%s stays %v, want %v", c.screen, got, c.stays)
		}
		if c.stays > 0 {
			s.shows(t, "New sale")
		} else {
			s.shows(t, c.word)
		}
	}
}

// Whoever does not wait for the card to be pulled is not bothered again.
func TestDismiss(t *testing.T) {
	s, shop := testStage(t, nil)
	approved := saleView(payment.ScreenApproved, func(v *payment.View) { v.Notice = payment.NoticeRemoveCard })
	s.ui.Show(approved)
	s.shows(t, "Please take the card.")
	s.tap(t, "New sale")
	shop.expect(t, "cancel")
	s.shows(t, "Charge")
	s.ui.Show(approved)
	s.ui.Ended(payment.Result{View: approved}, nil)
	s.ui.Show(payment.View{Screen: payment.ScreenIdle})
	s.shows(t, "Charge")
	s.ui.Ended(payment.Result{View: approved}, nil)
	s.shows(t, "APPROVED")
	if all := strings.Join(s.texts(), " "); strings.Contains(all, "take the card") {
		t.Error("the card is out, and still asked for")
	}
}

// What failed before it began says why.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("%w: too much", money.ErrAmount), "another amount"},
		{fmt.Errorf("%w: disk", payment.ErrStore), "could not be stored"},
		{payment.ErrBusy, "Another sale is running"},
		{errors.New("key file is missing"), "key file is missing"},
	} {
		s, _ := testStage(t, nil)
		s.ui.amount = 1
		s.ui.sell(MethodCard)
		s.ui.Ended(payment.Result{}, c.err)
		s.shows(t, c.want)
	}
}

func TestHistory(t *testing.T) {
	s, shop := testStage(t, nil)
	s.tap(t, "History")
	shop.expect(t, "history")
	s.shows(t, "Looking …")
	s.ui.ShowHistory(testRecords())
	s.shows(t, "Being reversed")
	s.tap(t, "check")
	s.shows(t, "A73K21")
	s.tap(t, "Print again")
	shop.expect(t, "reprint dev:t1/1/1")
	s.shows(t, "Sent to the printer")
	s.tap(t, "Receipt")
	s.shows(t, "000000333010101")
	s.tap(t, "back")
	s.tap(t, "back")
	s.tap(t, "back")
	s.shows(t, "New sale")
}

// A key shows at once that it was felt, and nothing happens until it is tapped.
func TestPressedLook(t *testing.T) {
	s, _ := testStage(t, nil)
	s.tap(t, "New sale")
	k := s.key("7")
	face := func() any { return walkFace(k) }
	plain := face()
	k.TouchDown(&mobile.TouchEvent{})
	if face() == plain {
		t.Error("the key looks the same under a finger")
	}
	k.TouchCancel(&mobile.TouchEvent{})
	if face() != plain || s.ui.amount != 0 {
		t.Error("a finger that went away has typed")
	}
	k.Tapped(&fyne.PointEvent{})
	if s.ui.amount != 7 {
		t.Errorf("amount %d after one tap on 7", s.ui.amount)
	}
}

// stuck is a shop that never answers.
type stuck struct{ release chan struct{} }

func (s stuck) Sell(money.Amount, Method) { <-s.release }
func (s stuck) Cancel()                   { <-s.release }
func (s stuck) Choose(int)                { <-s.release }
func (s stuck) History()                  { <-s.release }
func (s stuck) Reprint(payment.ID)        { <-s.release }

// A stuck shop does not stop the screen, however often it is asked: this test
// would not end.
func TestStuckShop(t *testing.T) {
	shop := stuck{make(chan struct{})}
	defer close(shop.release)
	s := newStage(t, panels[0], shop, Opts{Merchant: "Shop", Currency: cny})
	for range 3 * requestsMax {
		s.ui.Show(payment.View{Screen: payment.ScreenIdle})
		s.tap(t, "New sale")
		s.tap(t, "5")
		s.tap(t, "Charge")
		s.tap(t, "Cancel")
		s.ui.Show(saleView(payment.ScreenChoose, func(v *payment.View) { v.Apps = []string{"Debit"} }))
		s.tap(t, "Debit")
		s.ui.Show(saleView(payment.ScreenApproved, nil))
		s.tap(t, "Done")
		s.tap(t, "History")
		s.ui.goTo(atHome)
	}
	s.ui.SetLanguage(receipt.Chinese)
	s.shows(t, "收款")
}

// A view that names a screen which we do not know is a sale that goes on.
func TestUnknownScreen(t *testing.T) {
	s, _ := testStage(t, nil)
	s.ui.Show(payment.View{Screen: "dancing", Amount: yuan(100)})
	s.shows(t, "One moment …")
}

func walkFace(k *key) any {
	return test.WidgetRenderer(k).Objects()[0].(*canvas.Rectangle).FillColor
}

// TestRedrawWaitsForTheFinger: what changes on a screen does not take the key
// from under the finger that holds it, and is there when the finger has gone.
func TestRedrawWaitsForTheFinger(t *testing.T) {
	s, _ := testStage(t, nil)
	k := s.key("New sale")
	k.TouchDown(&mobile.TouchEvent{})
	s.ui.ShowStatus(Status{Online: true})
	if s.key("New sale") != k {
		t.Fatal("the key under the finger was drawn anew")
	}
	k.TouchCancel(&mobile.TouchEvent{}) // it slid off
	s.shows(t, "Connected")
	k = s.key("New sale")
	k.TouchDown(&mobile.TouchEvent{})
	s.ui.ShowStatus(Status{Online: false})
	k.TouchUp(&mobile.TouchEvent{})
	k.Tapped(&fyne.PointEvent{})
	s.shows(t, "Key in the amount")
}

// TestAnotherScreenDoesNotWait: a finger on a key does not hold up the sale, and
// its key taps nothing of the new screen.
func TestAnotherScreenDoesNotWait(t *testing.T) {
	s, _ := testStage(t, nil)
	k := s.key("New sale")
	k.TouchDown(&mobile.TouchEvent{})
	s.ui.Show(saleView(payment.ScreenPIN, func(*payment.View) {}))
	s.shows(t, "Customer enters PIN")
	s.ui.ShowPINKeys(2) // the old key holds nothing here
	if got := s.ui.pinKeys; got != 2 {
		t.Errorf("%d PIN keys, want 2", got)
	}
	if s.ui.stale {
		t.Error("the PIN's progress waits for a key of another screen")
	}
	k.TouchUp(&mobile.TouchEvent{})
}

// TestListStaysWhereItWasScrolled while its rows change.
func TestListStaysWhereItWasScrolled(t *testing.T) {
	s, shop := testStage(t, nil)
	s.tap(t, "History")
	shop.expect(t, "history")
	records := testRecords()
	s.ui.ShowHistory(records)
	s.ui.scroller.ScrollToOffset(fyne.NewPos(0, 20))
	records[0].State = payment.Reversed
	s.ui.ShowHistory(records)
	if got := s.ui.scroller.Offset.Y; got != 20 {
		t.Errorf("the list is at %v, want it left at 20", got)
	}
	s.tap(t, "back")
	s.tap(t, "History")
	if got := s.ui.scroller.Offset.Y; got != 0 {
		t.Errorf("the list is at %v, want its top when it is opened", got)
	}
}

// A card's own name is shown in all letters that the terminal claims to have.
func TestNameOfTheCard(t *testing.T) {
	const name = "Prüfkarte Köln"
	for _, screen := range []payment.Screen{payment.ScreenPIN, payment.ScreenAuthorising, payment.ScreenApproved} {
		s, _ := testStage(t, nil)
		s.ui.Show(saleView(screen, func(v *payment.View) { v.Masked, v.Label = "999901******0018", name }))
		s.shows(t, name)
	}
	for r := rune(0xA1); r <= 0xFF; r++ { // ISO 8859-1
		if r != 0xAD && !font.Has(r) {
			t.Errorf("the faces have no %q", r)
		}
	}
}

// A sale that the customer signs is not over when it is approved: the screen
// says what to do, longer than else, and what the slip waits for.
func TestSignature(t *testing.T) {
	s, _ := testStage(t, nil)
	s.ui.Show(saleView(payment.ScreenApproved, func(v *payment.View) { v.Signs = true }))
	s.shows(t, "The customer signs the receipt.")
	s.shows(t, "Compare the signature")
	s.ui.Show(payment.View{Screen: payment.ScreenIdle}) // the card is out
	if got := s.clock.fire(); got != otherStays {
		t.Errorf("the screen stays for %v, want %v", got, otherStays)
	}
	s.ui.Show(saleView(payment.ScreenPresentCard, nil))
	s.ui.Show(saleView(payment.ScreenApproved, func(v *payment.View) { v.Signs = true }))
	s.ui.ShowStatus(Status{ToPrint: 1, Faults: []Fault{{DevicePrinter, ProblemPaperOut, ""}}})
	s.shows(t, "The customer signs the receipt.")
	s.shows(t, "The receipt waits for the printer.")
}
