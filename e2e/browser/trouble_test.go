//go:build browser

package browser

import (
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/ui"
)

// The paper is out when a sale is approved. The screen says so, the slip comes
// with the new roll, and another one when the cashier asks for it.
func TestPaperOut(t *testing.T) {
	s := newStory(t, "paper-out", whole, nil)
	s.page.click("#paper-out")
	s.page.until("the paper is out", `document.getElementById('paper-hint').textContent.includes('No paper')`)
	noPaper := ui.Status{Online: true, Faults: []ui.Fault{{Device: ui.DevicePrinter, Problem: ui.ProblemPaperOut}}}
	s.status(noPaper)
	s.sees("idle-no-paper")
	s.taps("Needs attention: 1")
	s.sees("devices")
	s.taps("icon:back")
	s.charges("New sale", "5.00", "Charge")
	s.inserts("approve")
	noPaper.ToPrint = 1
	s.status(noPaper)
	rec := s.final(payment.ScreenApproved, "approved-no-paper", func(v *payment.View) { v.Code = "00" })
	rec.is(t, booked{State: payment.Approved, Amount: "CNY 5.00", Code: "00", CVM: "none"})
	if rec.Printed {
		t.Error("printed without paper")
	}

	s.page.click("#paper-out") // the same button puts a new roll in
	s.settles()
	s.paper(1, "5.00", rec.AuthCode)
	s.status(ui.Status{Online: true})
	s.sees("approved-printed")

	s.taps("Receipt")
	s.taps("icon:back")
	s.taps("New sale")
	s.taps("icon:back")
	s.taps("History")
	s.glass.ui.ShowHistory([]payment.Record{s.latest().record(s)})
	s.sees("history")
	s.taps("CNY 5.00")
	s.sees("record")
	s.taps("Print again")
	s.sees("sent-to-printer")
	s.paper(2, "COPY", rec.AuthCode)
	s.keep("copy")
	s.ends()
}

// The cable to the cloud is pulled while the issuer is asked. The issuer has
// said yes and nobody hears it: the sale is in doubt, and reversed as soon as
// the cable is back.
func TestCablePulled(t *testing.T) {
	s := newStory(t, "cable-pulled", whole, func(s *story) {
		s.edit(func(d *params.Document) { d.Timeouts.Host = 3 * time.Second })
	})
	s.charges("New sale", "9.90", "Charge")
	must(t, s.Cloud.Pause())
	s.inserts("approve")
	s.shows(payment.ScreenAuthorising, nil)
	s.sees("authorising")
	s.page.click("#cable")
	s.page.until("the cable is out", `document.getElementById('cable-line').classList.contains('pulled')`)
	must(t, s.Cloud.Resume())
	s.status(offline)
	s.shows(payment.ScreenInDoubt, func(v *payment.View) {
		v.Reason, v.Notice = payment.ReasonHostSilent, payment.NoticeHostSilent
	})
	s.sees("in-doubt-card-in")
	s.page.click("#pull")
	rec := s.over("in-doubt")
	rec.is(t, booked{State: payment.Reversing, Amount: "CNY 9.90", Reason: payment.ReasonHostSilent})

	s.page.click("#cable")
	s.settles()
	s.status(ui.Status{Online: true})
	rec = s.latest()
	s.glass.ui.ShowHistory([]payment.Record{rec.record(s)})
	s.sees("reversed")
	rec.is(t, booked{State: payment.Reversed, Amount: "CNY 9.90", Reason: payment.ReasonHostSilent})
	s.ledger("reversed")
	s.paper(0)

	s.charges("New sale", "9.90", "Charge")
	s.inserts("approve")
	rec = s.final(payment.ScreenApproved, "approved", func(v *payment.View) { v.Reason, v.Code = "", "00" })
	rec.is(t, booked{State: payment.Approved, Amount: "CNY 9.90", Code: "00", CVM: "none"})
	s.ends()
}

// The power fails while the issuer is asked. The page, which has the screen in
// a frame, finds the terminal again by itself, and the sale is reversed.
func TestPowerCut(t *testing.T) {
	s := newStory(t, "power-cut", whole, nil)
	s.charges("New sale", "7.70", "Charge")
	must(t, s.Cloud.Pause())
	s.inserts("approve")
	s.shows(payment.ScreenAuthorising, nil)
	s.sees("authorising")
	must(t, s.Agent.Kill())
	s.page.until("the screen is lost", `document.getElementById('frame').contentDocument.body.classList.contains('lost')`)
	s.keep("dark")
	must(t, s.Cloud.Resume())
	must(t, s.StartAgent(t.Context()))
	s.settles()
	s.renewGlass() // what it has seen it has forgotten, but for what is on disk
	rec := s.latest()
	rec.is(t, booked{State: payment.Reversed, Amount: "CNY 7.70", Reason: payment.ReasonRestart})
	s.glass.ui.ShowHistory([]payment.Record{rec.record(s)})
	s.sees("idle-again")
	s.page.click("#pull")
	s.taps("History")
	s.sees("history")
	s.taps("CNY 7.70")
	s.sees("record")
	s.paper(0)
	s.ends()
}

// offline is a terminal whose cloud does not answer and has yet to hear of one
// transaction.
var offline = ui.Status{ToCloud: 1, Faults: []ui.Fault{{Device: ui.DeviceCloud, Problem: ui.ProblemMissing}}}
