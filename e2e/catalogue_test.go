package e2e

import (
	"testing"

	"github.com/cloudpos/cloudpos/drivers/sim/cards"
	"github.com/cloudpos/cloudpos/e2e/rig"
	"github.com/cloudpos/cloudpos/payment"
)

// TestCatalogue sells with each card of the catalogue, in one shop, and demands
// the end that the catalogue tells. None of them may leave the books in
// disorder, or spoil the sale with the next.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	for _, c := range cards.All() {
		for _, want := range c.Ends {
			catalogueSale(t, r, c, cards.Small, want)
		}
		for _, want := range c.Large {
			catalogueSale(t, r, c, cards.Large, want)
		}
	}
	must(t, r.Agree(t.Context()))
}

// catalogueSale sells with one card.
func catalogueSale(t *testing.T, r *rig.Rig, c cards.Card, amount string, want cards.Ending) {
	t.Helper()
	screens := map[string]payment.Screen{
		"approved": payment.ScreenApproved, "declined": payment.ScreenDeclined,
		"cancelled": payment.ScreenCancelled, "reversed": payment.ScreenInDoubt,
	}
	exits := map[string]int{"approved": 0, "declined": 3, "cancelled": 4, "reversed": 5}
	report, err := r.Sale(t.Context(), "--amount", amount, "--card", c.Name)
	if err != nil || report.Exit != exits[want.State] || report.Record == nil || report.Screen != string(screens[want.State]) {
		t.Errorf("%s, %s: exit %d, screen %q, %+v, %v, want %v", c.Name, amount, report.Exit, report.Screen, report.Record, err, want)
		return
	}
	must(t, r.UntilSettled(t.Context()))
	journal, err := r.Journal(t.Context())
	must(t, err)
	got := cards.Ending{State: journal[0].State, Reason: journal[0].Reason, Code: journal[0].Code}
	if journal[0].Chip != nil && want.TVR != "" {
		got.TVR = journal[0].Chip.TVR
	}
	if got != want {
		t.Errorf("%s, %s: %#v (%s), want %#v", c.Name, amount, got, journal[0].Detail, want)
	}
	if c.Tap && want.State == "approved" && journal[0].Entry != payment.EntryTap {
		t.Errorf("%s, %s: read by %q, want a tap", c.Name, amount, journal[0].Entry)
	}
}
