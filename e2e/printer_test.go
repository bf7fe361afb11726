package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/e2e/rig"
)

// owes waits until the terminal has found that a slip cannot be printed, and
// says why.
func owes(t *testing.T, r *rig.Rig, why string) {
	t.Helper()
	must(t, r.Until(t.Context(), "a slip is owed: "+why, func() (bool, error) {
		s, err := r.Status()
		return s.ToPrint == 1 && strings.Contains(s.Printer, why), err
	}))
}

// slipsOf are the pieces of paper that have a sale's receipt number, and those
// of them that are complete.
func slipsOf(t *testing.T, r *rig.Rig, report rig.Report) (pieces, complete, copies int) {
	t.Helper()
	paper, err := r.Shop.Paper()
	must(t, err)
	for _, p := range paper {
		if !rig.HasReceipt(p.Lines, report.Record.Receipt) {
			continue
		}
		pieces++
		if p.Complete {
			complete++
			if strings.Contains(strings.Join(p.Lines, "\n"), "*** COPY ***") {
				copies++
			}
		}
	}
	return pieces, complete, copies
}

// TestPaperOut ends the roll before a slip, and at places all over it. The sale is approved
// and told all the same, and on new paper its slip is printed once and whole.
func TestPaperOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	sells(t, r, "approve")
	must(t, r.UntilSettled(t.Context()))
	paper, err := r.Shop.Paper()
	must(t, err)
	lines := len(paper[0].Lines)
	if lines < 10 || !paper[0].Complete {
		t.Fatalf("the first slip has %d lines, complete: %t", lines, paper[0].Complete)
	}
	broken, tried := 0, 0
	for n := 0; n <= lines; n += 5 {
		must(t, r.Shop.PaperOut(n))
		report := begin(t, r, "--card", "approve").ends(0, "")
		owes(t, r, "out of paper")
		must(t, r.Shop.PaperIn())
		must(t, r.UntilSettled(t.Context()))
		pieces, complete, copies := slipsOf(t, r, report)
		if complete != 1 || copies != 0 {
			t.Errorf("paper out after %d lines: %d slips, %d complete, %d copies", n, pieces, complete, copies)
		}
		tried++
		broken += pieces - complete
	}
	must(t, r.Agree(t.Context()))
	t.Logf("paper out at %d places of a slip of %d lines; it left %d broken pieces with a receipt number", tried, lines, broken)
}

// TestPaperOutBetweenSlips ends the roll all over the two slips of a sale that
// the customer signs: whatever is whole on paper is not printed again, and what
// is not is owed.
func TestPaperOutBetweenSlips(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	sells(t, r, "signature")
	must(t, r.UntilSettled(t.Context()))
	paper, err := r.Shop.Paper()
	must(t, err)
	if len(paper) != 2 || !strings.Contains(strings.Join(paper[0].Lines, " "), "Signature:") || strings.Contains(strings.Join(paper[1].Lines, " "), "Signature:") {
		t.Fatalf("on paper are %d slips, want one to sign and then the customer's", len(paper))
	}
	first, lines := len(paper[0].Lines), len(paper[0].Lines)+len(paper[1].Lines)
	for n := 0; n <= lines; n += 7 {
		must(t, r.Shop.PaperOut(n))
		report := begin(t, r, "--card", "signature").ends(0, "")
		owes(t, r, "out of paper")
		must(t, r.Shop.PaperIn())
		must(t, r.UntilSettled(t.Context()))
		if pieces, complete, copies := slipsOf(t, r, report); complete != 2 || copies != 0 {
			t.Errorf("paper out after %d lines: %d slips, %d complete, %d copies", n, pieces, complete, copies)
		}
	}
	must(t, r.Shop.PaperOut(first+3)) // in the customer's slip
	report := begin(t, r, "--card", "signature").ends(0, "")
	owes(t, r, "out of paper")
	must(t, r.Agent.Kill())
	must(t, r.StartAgent(t.Context()))
	owes(t, r, "out of paper")
	must(t, r.Shop.PaperIn())
	must(t, r.UntilSettled(t.Context()))
	if _, complete, copies := slipsOf(t, r, report); complete != 2 || copies != 1 {
		t.Errorf("killed in the customer's slip: %d complete, %d copies, want the slip to sign once and a copy of the other", complete, copies)
	}
	must(t, r.Agree(t.Context()))
}

// TestPrinterStops opens the cover, jams the cutter and pulls the cable, before
// a slip and in its middle. A slip of which the printer has got all, but not
// told its end, may come out whole: what is printed instead is a copy.
func TestPrinterStops(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	for _, c := range []struct {
		name, why  string
		stop, mend func() error
	}{
		{"cover", "cover is open", func() error { return r.Shop.Cover(true) }, func() error { return r.Shop.Cover(false) }},
		{"cutter", "reports a fault", func() error { return r.Shop.Jam(true) }, func() error { return r.Shop.Jam(false) }},
		{"cable", "no such device", func() error { return r.Shop.Unplug(sim.PrinterLine) }, func() error { return r.Shop.Replug(sim.PrinterLine) }},
	} {
		must(t, c.stop())
		report := begin(t, r, "--card", "approve").ends(0, "")
		owes(t, r, c.why)
		must(t, c.mend())
		must(t, r.UntilSettled(t.Context()))
		if pieces, complete, copies := slipsOf(t, r, report); pieces != 1 || complete != 1 || copies != 0 {
			t.Errorf("%s, before the slip: %d slips, %d complete, %d copies", c.name, pieces, complete, copies)
		}

		must(t, r.Shop.Slow(100*time.Millisecond))
		report = begin(t, r, "--card", "approve").ends(0, "")
		must(t, r.Until(t.Context(), "the slip has begun", func() (bool, error) {
			paper, err := r.Shop.Paper()
			return len(paper) > 0 && rig.HasReceipt(paper[len(paper)-1].Lines, report.Record.Receipt), err
		}))
		must(t, c.stop())
		must(t, r.Shop.Slow(0))
		owes(t, r, c.why)
		must(t, c.mend())
		must(t, r.UntilSettled(t.Context()))
		pieces, complete, copies := slipsOf(t, r, report)
		if copies != 1 || complete > 2 || pieces != 2 {
			t.Errorf("%s, in mid-slip: %d slips, %d complete, %d copies", c.name, pieces, complete, copies)
		}
		t.Logf("%s: in mid-slip, %d of 2 pieces of paper are complete, one of them a copy", c.name, complete)
	}
	must(t, r.Agree(t.Context()))
}

// TestSlipOwedOverRestart stops and kills the terminal with a slip owed. It may
// be on paper already for all that the next one knows, so it is a copy.
func TestSlipOwedOverRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	for name, end := range map[string]func() error{
		"stopped": func() error { return r.Agent.Stop() },
		"killed":  func() error { return r.Agent.Kill() },
	} {
		must(t, r.Shop.PaperOut(0))
		report := begin(t, r, "--card", "pin").ends(0, "")
		owes(t, r, "out of paper")
		must(t, end())
		must(t, r.StartAgent(t.Context()))
		owes(t, r, "out of paper")
		must(t, r.Shop.PaperIn())
		must(t, r.UntilSettled(t.Context()))
		if pieces, complete, copies := slipsOf(t, r, report); pieces != 1 || complete != 1 || copies != 1 {
			t.Errorf("%s: %d slips, %d complete, %d copies; want one copy", name, pieces, complete, copies)
		}
	}
	must(t, r.Agree(t.Context()))
	paper, err := r.Shop.Paper()
	must(t, err)
	if !slices.ContainsFunc(paper, func(p sim.Slip) bool { return p.Complete }) {
		t.Error("nothing was printed")
	}
}
