package e2e

import (
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/e2e/rig"
)

// slowly delays every answer of a device, so that a sale stays for a while at
// the step that it has reached.
func slowly(d time.Duration) sim.Fault { return sim.Fault{Kind: sim.Delay, Delay: d} }

var faultless = sim.Fault{Kind: sim.FaultNone}

// sale is one that a test has under its hands.
type sale struct {
	*rig.Selling
	t *testing.T
	r *rig.Rig
}

// begin starts a sale of 12.50 through the running terminal.
func begin(t *testing.T, r *rig.Rig, args ...string) sale {
	t.Helper()
	s, err := r.Begin(append([]string{"--amount", "12.50"}, args...)...)
	must(t, err)
	return sale{s, t, r}
}

// at waits until the sale shows a screen.
func (s sale) at(screen string) sale {
	s.t.Helper()
	must(s.t, s.r.UntilScreen(s.t.Context(), screen))
	return s
}

// ends waits for the sale's end and checks it.
func (s sale) ends(exit int, reason string) rig.Report {
	s.t.Helper()
	report, err := s.End(s.t.Context())
	must(s.t, err)
	if report.Record == nil || report.Exit != exit || report.Record.Reason != reason {
		s.t.Fatalf("exit %d with record %+v, error %q; want exit %d, reason %q", report.Exit, report.Record, report.Error, exit, reason)
	}
	return report
}

// sells makes a sale with a card that must be approved.
func sells(t *testing.T, r *rig.Rig, card string) {
	t.Helper()
	begin(t, r, "--card", card).ends(0, "")
}

// tooLate waits until the terminal has said that it is too late to cancel.
func (s sale) tooLate() {
	s.t.Helper()
	must(s.t, s.r.Until(s.t.Context(), "it is too late to cancel", func() (bool, error) {
		status, err := s.r.Status()
		return status.Notice == "too-late", err
	}))
}

// answered waits until the issuer has decided on so many attempts.
func answered(t *testing.T, r *rig.Rig, postings int) {
	t.Helper()
	must(t, r.Until(t.Context(), "the issuer has decided", func() (bool, error) {
		host, err := r.Host()
		return len(host) == postings, err
	}))
}

// cancelSteps brings a sale to each step at which it can be cancelled.
var cancelSteps = []struct {
	name string
	hold func(t *testing.T, r *rig.Rig) sale
}{
	{"waiting for a card", func(t *testing.T, r *rig.Rig) sale {
		must(t, r.Shop.SetCustomer(sim.Customer{}))
		return begin(t, r).at("present-card")
	}},
	{"reading the card", func(t *testing.T, r *rig.Rig) sale {
		must(t, r.Shop.Spoil(sim.ReaderLine, slowly(300*time.Millisecond)))
		return begin(t, r, "--card", "approve").at("card")
	}},
	{"PIN being entered", func(t *testing.T, r *rig.Rig) sale {
		must(t, r.Shop.Keys(sim.KeyNothing))
		return begin(t, r, "--card", "pin").at("pin")
	}},
}

// TestCancel cancels where that is allowed, in each way that there is. The
// issuer hears of nothing, and the next sale works.
func TestCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	approved, cancelled := 0, 0
	for _, step := range cancelSteps {
		for _, by := range []string{"cashier", "Ctrl-C"} {
			s := step.hold(t, r)
			if by == "cashier" {
				must(t, r.Cancel())
			} else {
				must(t, s.Interrupt())
			}
			must(t, r.Shop.Spoil(sim.ReaderLine, faultless))
			s.ends(4, "cancelled")
			cancelled++
			sells(t, r, "pin")
			approved++
			t.Logf("cancelled by %s: %s", by, step.name)
		}
	}
	must(t, r.Shop.Keys(sim.KeyCancel))
	begin(t, r, "--card", "pin").ends(4, "PIN cancelled")
	sells(t, r, "pin")
	approved++
	answered(t, r, approved)
	must(t, r.Agree(t.Context()))
	t.Logf("%d sales cancelled, each with a sale after it, and %d asked about", cancelled+1, approved)
}

// TestCancelAlone cancels sales that have no running terminal to go through.
func TestCancelAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	// The reader is slow from its 12th answer on, which is well within the
	// card's records.
	must(t, r.Shop.Spoil(sim.ReaderLine, sim.Fault{Kind: sim.Delay, Delay: time.Second, After: 12}))
	s := begin(t, r, "--card", "approve")
	untilShop(t, r, "the card has heard a command", func(s sim.State) bool { return s.APDUs > 2 })
	must(t, s.Interrupt())
	must(t, r.Shop.Spoil(sim.ReaderLine, faultless))
	s.ends(4, "cancelled")

	must(t, r.Shop.Keys(sim.KeyNothing))
	s = begin(t, r, "--card", "pin")
	untilShop(t, r, "the PIN pad waits", func(s sim.State) bool { return s.Waiting })
	must(t, s.Interrupt())
	s.ends(4, "cancelled")
	untilShop(t, r, "the PIN pad is left in peace", func(s sim.State) bool { return !s.Waiting })
	sells(t, r, "pin")
	answered(t, r, 1)
	must(t, r.StartAgent(t.Context()))
	must(t, r.Agree(t.Context()))
}

// untilShop waits for something to be seen in the shop.
func untilShop(t *testing.T, r *rig.Rig, what string, seen func(sim.State) bool) {
	t.Helper()
	must(t, r.Until(t.Context(), what, func() (bool, error) {
		s, err := r.Shop.State()
		return err == nil && seen(s), err
	}))
}

// TestCancelTooLate tries to cancel while the host is asked, and again while
// the card has the last word. It is refused, and the sale comes to its end.
func TestCancelTooLate(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	cancel := map[string]func(sale) error{
		"cashier": func(s sale) error { return s.r.Cancel() },
		"Ctrl-C":  func(s sale) error { return s.Interrupt() },
	}
	refused := 0
	for by, press := range cancel {
		must(t, r.Cloud.Pause())
		s := begin(t, r, "--card", "approve").at("authorising")
		must(t, press(s))
		s.tooLate()
		must(t, r.Cloud.Resume())
		s.ends(0, "")

		s = completing(t, r)
		must(t, press(s))
		s.tooLate()
		must(t, r.Shop.Spoil(sim.ReaderLine, faultless))
		s.ends(0, "")
		refused += 2
		t.Logf("too late for the %s while authorising and completing", by)
	}
	answered(t, r, refused)
	must(t, r.Agree(t.Context()))
}

// completing begins a sale which the host has approved, and for which the card
// has got its last command and takes its time.
func completing(t *testing.T, r *rig.Rig) sale {
	t.Helper()
	must(t, r.Cloud.Pause())
	s := begin(t, r, "--card", "approve").at("authorising")
	before, err := r.Shop.State()
	must(t, err)
	must(t, r.Shop.Spoil(sim.ReaderLine, sim.Fault{Kind: sim.Delay, Delay: 2 * time.Second, Count: 1}))
	must(t, r.Cloud.Resume())
	untilShop(t, r, "the card has the host's answer", func(s sim.State) bool { return s.APDUs > before.APDUs })
	return s
}
