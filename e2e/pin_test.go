package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/e2e/rig"
	"github.com/cloudpos/cloudpos/params"
)

// hostSeconds sets the wait for the host.
func hostSeconds(n int) func(*params.Document) {
	return func(d *params.Document) { d.Timeouts.Host = time.Duration(n) * time.Second }
}

// TestPIN lets the customer do everything at the PIN pad but the right thing.
func TestPIN(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.EditParams(func(d *params.Document) { d.Timeouts.PIN = time.Second }))
	must(t, r.StartAgent(t.Context()))
	for _, c := range []struct {
		name         string
		keys         []string
		exit         int
		reason, code string
		attempts     int
	}{
		{"he goes away", []string{sim.KeyNothing}, 4, "PIN timeout", "", 0},
		{"he presses enter", []string{sim.KeyBypass}, 3, "declined by issuer", "05", 1},
		{"he presses cancel", []string{sim.KeyCancel}, 4, "PIN cancelled", "", 0},
		{"he cancels the second try", []string{"0000", sim.KeyCancel}, 4, "PIN cancelled", "", 1},
		{"he goes away from the second try", []string{"0000", sim.KeyNothing}, 4, "PIN timeout", "", 1},
		{"the right one makes good for it", []string{"1234"}, 0, "", "00", 1},
		{"wrong, then right", []string{"0000", "1234"}, 0, "", "00", 2},
		{"wrong thrice", []string{"0000", "4321", "9999"}, 3, "declined by issuer", "75", 3},
		{"the account stays blocked", []string{"1234"}, 3, "declined by issuer", "75", 1},
	} {
		must(t, r.Shop.Keys(c.keys...))
		report := begin(t, r, "--card", "pin").ends(c.exit, c.reason)
		if rec := report.Record; rec.Code != c.code || len(rec.STANs) != c.attempts {
			t.Errorf("%s: code %q in %d attempts, want %q in %d", c.name, rec.Code, len(rec.STANs), c.code, c.attempts)
		}
		must(t, r.UntilSettled(t.Context()))
	}
	must(t, r.Agree(t.Context()))
}

// TestTwoSalesAtOnce asks for a second sale while the first one runs. It is
// refused with a line, and the first is not disturbed.
func TestTwoSalesAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	must(t, r.Shop.SetCustomer(sim.Customer{}))
	s := begin(t, r).at("present-card")
	_, stderr, status, err := r.Terminal(t.Context(), "sale", "--amount", "1.00")
	must(t, err)
	if want := "terminal: a transaction is running\n"; status != 1 || stderr != want {
		t.Errorf("the second sale ends with %d and %q, want 1 and %q", status, stderr, want)
	}
	must(t, r.Shop.SetCustomer(sim.Customer{Card: "approve", Auto: true}))
	report := s.ends(0, "")
	if !strings.HasSuffix(report.Record.Amount, "12.50") {
		t.Errorf("sold %s", report.Record.Amount)
	}
	answered(t, r, 1)
	must(t, r.Agree(t.Context()))
}
