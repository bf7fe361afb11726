package e2e

import (
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/e2e/rig"
)

// TestSales sells with each card of the deck and compares the books.
func TestSales(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	for _, c := range []struct {
		card, amount string
		exit         int
		state        string
		code, cvm    string
	}{
		{"approve", "12.50", 0, "approved", "00", "none"},
		{"pin", "12.50", 0, "approved", "00", "online-pin"},
		{"wrongpin", "12.50", 0, "approved", "00", "online-pin"},
		{"signature", "12.50", 0, "approved", "00", "signature"},
		{"nopse", "12.50", 0, "approved", "00", "none"},
		{"static", "12.50", 0, "approved", "00", "none"},
		{"status", "12.50", 0, "approved", "00", "none"},
		{"decline", "12.50", 3, "declined", "51", "none"},
		{"approve", "10.05", 3, "declined", "05", "none"},
		{"referral", "12.50", 3, "declined", "01", "none"},
		{"mute", "12.50", 0, "approved", "00", "signature"},
		{"stripe", "12.50", 0, "approved", "00", "signature"},
		{"stripepin", "12.50", 0, "approved", "00", "online-pin"},
		{"swiped", "12.50", 0, "approved", "00", "none"},
		{"blocked", "12.50", 3, "declined", "", "none"},
		{"cardsaysno", "12.50", 5, "reversed", "00", "none"},
	} {
		report, err := r.Sale(t.Context(), "--amount", c.amount, "--card", c.card)
		if err != nil || report.Exit != c.exit {
			t.Errorf("%s %s: exit %d, %v, want %d", c.card, c.amount, report.Exit, err, c.exit)
			continue
		}
		must(t, r.UntilSettled(t.Context()))
		journal, err := r.Journal(t.Context())
		must(t, err)
		if got := journal[0]; got.State != c.state || got.Code != c.code || c.cvm != "" && got.CVM != c.cvm {
			t.Errorf("%s %s: state %q code %q cvm %q, want %q %q %q", c.card, c.amount, got.State, got.Code, got.CVM, c.state, c.code, c.cvm)
		}
	}
	must(t, r.Agree(t.Context()))
}

// TestForcedOnline: the merchant's wish is in the TVR, which is on the slip.
func TestForcedOnline(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	for args, tvr := range map[string]string{"": "0000008000", "--online": "0000008800"} {
		report, err := r.Sale(t.Context(), append([]string{"--amount", "12.50", "--card", "approve"}, strings.Fields(args)...)...)
		if err != nil || report.Exit != 0 || !strings.Contains(report.Slip, tvr) {
			t.Errorf("%q: exit %d, %v, want TVR %s on the slip:\n%s", args, report.Exit, err, tvr, report.Slip)
		}
	}
}
