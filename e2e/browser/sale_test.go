//go:build browser

package browser

import (
	"testing"

	"github.com/cloudpos/cloudpos/payment"
)

// A sale with a PIN: the amount by taps on the screen, the card and the PIN by
// clicks in the shop. The slip is on paper and on the screen.
func TestSaleWithPIN(t *testing.T) {
	s := newStory(t, "sale-with-pin", whole, nil)
	s.sees("idle")
	s.charges("New sale", "12.50", "Charge")
	s.inserts("pin")
	s.shows(payment.ScreenPIN, func(v *payment.View) { v.Cancellable = true })
	s.sees("pin")
	s.types("1", "2", "3", "4")
	s.page.until("the pad shows four dots", `document.getElementById('display').textContent.includes('●●●●')`)
	s.sees("pin-typed")
	s.types("ENTER")
	rec := s.final(payment.ScreenApproved, "approved", func(v *payment.View) { v.Code = "00" })
	rec.is(t, booked{State: payment.Approved, Amount: "CNY 12.50", Code: "00", CVM: "online-pin"})
	s.settles()
	s.paper(1, "12.50", rec.AuthCode)
	s.ledger("completed")
	s.taps("Receipt")
	s.sees("receipt")
	s.taps("icon:back")
	s.taps("New sale")
	s.sees("amount-again")
	s.taps("icon:back")
	s.sees("idle-again")
	s.ends()
}

// A wrong PIN, then the right one.
func TestWrongPIN(t *testing.T) {
	s := newStory(t, "wrong-pin", whole, nil)
	s.charges("New sale", "8.00", "Charge")
	s.inserts("pin")
	s.shows(payment.ScreenPIN, func(v *payment.View) { v.Cancellable = true })
	s.sees("pin")
	s.types("9", "9", "9", "9", "ENTER")
	s.shows(payment.ScreenPIN, func(v *payment.View) { v.Cancellable, v.Notice = true, payment.NoticeWrongPIN })
	s.sees("wrong-pin")
	s.types("1", "2", "CLEAR", "1", "2", "3", "4", "ENTER")
	rec := s.final(payment.ScreenApproved, "approved", func(v *payment.View) { v.Code = "00" })
	rec.is(t, booked{State: payment.Approved, Amount: "CNY 8.00", Code: "00", CVM: "online-pin"})
	if len(rec.STANs) != 2 {
		t.Errorf("%d attempts, want 2", len(rec.STANs))
	}
	s.ends()
}

// A card without money: declined, and the next one pays.
func TestDeclined(t *testing.T) {
	s := newStory(t, "declined", whole, nil)
	s.charges("New sale", "20.00", "Charge")
	s.inserts("decline")
	rec := s.final(payment.ScreenDeclined, "declined", func(v *payment.View) {
		v.Reason, v.Code = "declined by issuer", "51"
	})
	rec.is(t, booked{State: payment.Declined, Amount: "CNY 20.00", Reason: "declined by issuer", Code: "51", CVM: "none"})
	s.ledger("declined")

	s.charges("New sale", "20.00", "Charge")
	s.inserts("approve")
	rec = s.final(payment.ScreenApproved, "approved", func(v *payment.View) { v.Reason, v.Code = "", "00" })
	rec.is(t, booked{State: payment.Approved, Amount: "CNY 20.00", Code: "00", CVM: "none"})
	s.ends()
}

// A sale that the cashier cancels while the card is awaited, and one while the
// customer is at the PIN pad. The issuer hears of neither.
func TestCancelled(t *testing.T) {
	s := newStory(t, "cancelled", whole, nil)
	s.charges("New sale", "3.00", "Charge")
	s.taps("Cancel")
	s.shows(payment.ScreenCancelled, func(v *payment.View) { v.Reason = payment.ReasonCancelled })
	rec := s.over("cancelled")
	rec.is(t, booked{State: payment.Cancelled, Amount: "CNY 3.00", Reason: payment.ReasonCancelled})
	s.taps("Done")
	s.sees("idle")

	s.charges("New sale", "4.00", "Charge")
	s.inserts("pin")
	s.shows(payment.ScreenPIN, func(v *payment.View) { v.Cancellable = true })
	s.sees("pin")
	s.types("1", "2")
	s.taps("Cancel")
	rec = s.final(payment.ScreenCancelled, "cancelled-at-pin", func(v *payment.View) { v.Reason = payment.ReasonCancelled })
	rec.is(t, booked{State: payment.Cancelled, Amount: "CNY 4.00", Reason: payment.ReasonCancelled})
	s.page.until("the PIN pad is left in peace", `!document.getElementById('display').classList.contains('waiting')`)
	host, err := s.Host()
	must(t, err)
	if len(host) != 0 {
		t.Errorf("the issuer was asked: %+v", host)
	}
	s.ends()
}

// The language changes at once, before, within and after a sale.
func TestLanguage(t *testing.T) {
	s := newStory(t, "language", whole, nil)
	s.sees("idle-en")
	s.taps("中文")
	s.sees("idle-zh")
	s.charges("收款", "66.00", "收款")
	s.taps("English")
	s.sees("present-card-en")
	s.taps("中文")
	s.sees("present-card-zh")
	s.inserts("approve")
	rec := s.final(payment.ScreenApproved, "approved-zh", func(v *payment.View) { v.Code = "00" })
	rec.is(t, booked{State: payment.Approved, Amount: "CNY 66.00", Code: "00", CVM: "none"})
	s.taps("签购单")
	s.sees("receipt-zh")
	s.taps("English")
	s.sees("receipt-en")
	s.ends()
}

// A card with a chip that is swiped has to be inserted. One without is swiped,
// and its owner types his PIN; he has it in his hand at the end.
func TestSwiped(t *testing.T) {
	s := newStory(t, "swiped", whole, nil)
	s.page.click(`[data-card="approve"]`)
	s.page.until("the card is in the reader", `!document.getElementById('pull').disabled`)
	s.page.click("#pull")
	s.page.until("it is out again", `document.getElementById('pull').disabled`)
	s.charges("New sale", "6.00", "Charge")
	s.page.click("#swipe")
	s.shows(payment.ScreenPresentCard, func(v *payment.View) { v.Cancellable, v.Notice = true, payment.NoticeInsertChip })
	s.sees("insert-chip")
	s.inserts("approve")
	rec := s.final(payment.ScreenApproved, "approved", func(v *payment.View) { v.Code = "00" })
	rec.is(t, booked{State: payment.Approved, Amount: "CNY 6.00", Code: "00", CVM: "none"})

	s.charges("New sale", "7.00", "Charge")
	s.inserts("stripepin") // has no chip, so the page swipes it
	s.view.Label, s.view.Swiped = "", true
	s.shows(payment.ScreenPIN, func(v *payment.View) { v.Cancellable = true })
	s.sees("pin")
	s.types("1", "2", "3", "4", "ENTER")
	s.shows(payment.ScreenApproved, func(v *payment.View) { v.Code = "00" })
	rec = s.over("approved-swiped")
	rec.is(t, booked{State: payment.Approved, Amount: "CNY 7.00", Code: "00", CVM: "online-pin"})
	s.settles()
	s.paper(2, "7.00", rec.AuthCode, "Magnetic stripe")
	s.ends()
}
