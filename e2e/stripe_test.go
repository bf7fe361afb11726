package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/e2e/rig"
	"github.com/cloudpos/cloudpos/params"
)

// newest is the sale that came last, once the cloud has heard of it.
func newest(t *testing.T, r *rig.Rig) rig.Record {
	t.Helper()
	must(t, r.UntilSettled(t.Context()))
	journal, err := r.Journal(t.Context())
	must(t, err)
	return journal[0]
}

// notice waits until the cashier is told something.
func (s sale) notice(want string) sale {
	s.t.Helper()
	must(s.t, s.r.Until(s.t.Context(), "the screen says "+want, func() (bool, error) {
		status, err := s.r.Status()
		return status.Notice == want, err
	}))
	return s
}

// TestStripe: what customers do by themselves with their stripes, in words of
// the journal and of the slip.
func TestStripe(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	for _, c := range []struct{ card, entry, slip string }{
		{"stripe", "90", "Magnetic stripe"},
		{"stripepin", "90", "PIN verified online"},
		{"mute", "80", "Stripe, chip failed"},
		{"dead", "80", "Stripe, chip failed"},
		{"swiped", "05", "TVR"},
	} {
		report := begin(t, r, "--card", c.card).ends(0, "")
		if got := newest(t, r); got.State != "approved" || got.Entry != c.entry || !strings.Contains(report.Slip, c.slip) {
			t.Errorf("%s: %s, entry mode %q, slip\n%s\nwant %q and %q", c.card, got.State, got.Entry, report.Slip, c.entry, c.slip)
		}
	}
	must(t, r.Shop.Keys("0000", "1234"))
	if rec := begin(t, r, "--card", "stripepin").ends(0, "").Record; len(rec.STANs) != 2 {
		t.Errorf("a wrong PIN and a right one: %d attempts", len(rec.STANs))
	}
	must(t, r.UntilSettled(t.Context()))
	must(t, r.Agree(t.Context()))
}

// swipe draws a card through the reader until the terminal shows that it has
// noticed. Nobody can tell from outside when it listens.
func (s sale) swipe(card string, noticed func(rig.Status) bool) {
	s.t.Helper()
	const pause = 300 * time.Millisecond
	last := time.Time{}
	must(s.t, s.r.Until(s.t.Context(), "the swipe is noticed", func() (bool, error) {
		status, err := s.r.Status()
		if err != nil || noticed(status) {
			return err == nil, err
		}
		if time.Since(last) > pause {
			last, err = time.Now(), s.r.Shop.Swipe(card)
		}
		return false, err
	}))
}

// told is when the cashier is told something.
func told(notice string) func(rig.Status) bool {
	return func(s rig.Status) bool { return s.Notice == notice }
}

// TestFallbackByHand: each step of a fallback, and what the cashier is told.
func TestFallbackByHand(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	must(t, r.Shop.SetCustomer(sim.Customer{}))

	s := begin(t, r).at("present-card")
	for _, notice := range []string{"card-unread", "card-unread", "swipe"} {
		s.swipe("mute", told("insert-chip")) // which counts for nothing
		must(t, r.Shop.Insert("mute"))
		s.notice(notice)
		must(t, r.Shop.Pull())
	}
	must(t, r.Shop.Spoil(sim.StripeLine, sim.Fault{Kind: sim.HalfFrame}))
	s.swipe("mute", told("stripe-unread"))
	must(t, r.Shop.Spoil(sim.StripeLine, faultless))
	s.swipe("mute", func(s rig.Status) bool { return s.Screen != "present-card" })
	s.ends(0, "")
	if got := newest(t, r); got.Entry != "80" || got.Code != "00" {
		t.Errorf("entry mode %q, code %q", got.Entry, got.Code)
	}

	// The next sale knows nothing of those chips.
	s = begin(t, r).at("present-card")
	s.swipe("mute", told("insert-chip"))
	must(t, r.Cancel())
	s.ends(4, "cancelled")
	must(t, r.Agree(t.Context()))
}

// TestStripeNeedsTheHost: without it a swiped card does not pay, and nothing is
// kept for later; in doubt the sale is reversed.
func TestStripeNeedsTheHost(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{HostSeconds: 2})
	must(t, r.StartAgent(t.Context()))
	must(t, r.Cloud.Pause())
	begin(t, r, "--card", "stripe").ends(5, "host silent")
	must(t, r.Cloud.Resume())
	if got := newest(t, r); got.State != "reversed" || got.Entry != "90" {
		t.Errorf("%s, entry mode %q, want it reversed", got.State, got.Entry)
	}
	must(t, r.Cloud.Stop())
	for _, card := range []string{"stripe", "mute"} {
		begin(t, r, "--card", card).ends(3, "unable to go online")
		journal, err := r.Journal(t.Context())
		must(t, err)
		if got := journal[0]; got.State != "declined" || got.Pending != "" || got.Printed {
			t.Errorf("%s without a host: %+v", card, got)
		}
	}
	must(t, r.StartCloud())
	must(t, r.Agree(t.Context()))
}

// TestStripeNotAllowed: no stripe is taken unless parameters and configuration
// say so, and installations that were made before do not.
func TestStripeNotAllowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		params params.Stripe
		fitted bool
		ends   map[string]string // by card; "" is approved
	}{
		{"no fallback", params.Stripe{Allowed: true}, true, map[string]string{"mute": "card unreadable", "stripe": "", "swiped": ""}},
		{"no stripes", params.Stripe{}, true, map[string]string{"mute": "card unreadable", "stripe": "card timeout", "approve": ""}},
		{"no reader", params.Stripe{Allowed: true, Fallback: true}, false, map[string]string{"mute": "card unreadable", "stripe": "card timeout", "approve": ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rig.Opts{})
			must(t, r.EditParams(func(d *params.Document) { d.Stripe, d.Timeouts.Card = c.params, 5*time.Second }))
			if !c.fitted {
				must(t, r.EditFile(r.Config(), func(s string) string { return strings.Replace(s, "stripe = \"sim:../sim\"\n", "", 1) }))
			}
			must(t, r.StartAgent(t.Context()))
			for card, reason := range c.ends {
				exit := map[string]int{"": 0, "card unreadable": 3, "card timeout": 4}[reason]
				begin(t, r, "--card", card).ends(exit, reason)
				must(t, r.UntilSettled(t.Context()))
			}
			must(t, r.Agree(t.Context()))
		})
	}
}
