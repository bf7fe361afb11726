package e2e

import (
	"testing"

	"github.com/cloudpos/cloudpos/e2e/rig"
)

// TestApprovedAlone: while the cloud is down, a card that may approve by itself
// sells, and one that may not does not. The cloud hears of it afterwards, once.
func TestApprovedAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{HostSeconds: 2})
	must(t, r.StartAgent(t.Context()))
	must(t, r.Cloud.Stop())
	for _, c := range []struct {
		card, amount string
		exit         int
	}{
		{"offlinecda", "12.50", 0},
		{"offlinecda", "250.00", 3}, // over the floor limit
		{"approve", "12.50", 3},
	} {
		report, err := r.Sale(t.Context(), "--amount", c.amount, "--card", c.card)
		if err != nil || report.Exit != c.exit {
			t.Fatalf("%s %s: exit %d, %v, %+v, want %d", c.card, c.amount, report.Exit, err, report.Record, c.exit)
		}
	}
	must(t, r.StartCloud())
	must(t, r.UntilOnline(t.Context()))
	must(t, r.Agree(t.Context()))
	ledger, err := r.Ledger()
	must(t, err)
	host, err := r.Host()
	must(t, err)
	if len(ledger) != 1 || ledger[0].State != "advised" || ledger[0].HeldMinor != 1250 {
		t.Errorf("the ledger has %+v", ledger)
	}
	if len(host) != 1 || host[0].Code != "Y1" || host[0].Account != "offlinecda" || !host[0].Approved {
		t.Errorf("the host has %+v", host)
	}
}
