package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/e2e/rig"
	"github.com/cloudpos/cloudpos/params"
)

// because checks what the journal says beside the reason.
func because(t *testing.T, report rig.Report, detail string) {
	t.Helper()
	if !strings.Contains(report.Record.Detail, detail) {
		t.Errorf("the record's detail is %q, want %q in it", report.Record.Detail, detail)
	}
}

// TestUnplugged pulls the cables of PIN pad and reader before and in the middle
// of a sale. It ends with a reason and without money, and once the cable is in
// again the next sale works; the terminal runs on.
func TestUnplugged(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	slotAlone(t, r)
	must(t, r.StartAgent(t.Context()))
	nothing := func() sale { return begin(t, r, "--card", "pin") }
	stories := []struct {
		name, device   string
		hold           func() sale // nil: unplugged before the sale
		exit           int
		reason, detail string
	}{
		{"PIN pad before the sale", sim.PINPadLine, nil, 3, "declined by issuer", "no such device"},
		{"PIN pad while a PIN is entered", sim.PINPadLine, func() sale {
			must(t, r.Shop.Keys(sim.KeyNothing))
			s := nothing().at("pin")
			untilShop(t, r, "the PIN pad waits", func(s sim.State) bool { return s.Waiting })
			return s
		}, 3, "declined by issuer", "hung up"},
		{"reader before the sale", sim.ReaderLine, nil, 1, "reader failed", "no such device"},
		{"reader while it waits for a card", sim.ReaderLine, func() sale {
			must(t, r.Shop.SetCustomer(sim.Customer{}))
			return begin(t, r).at("present-card")
		}, 1, "reader failed", "no such device"},
		{"reader while the card is read", sim.ReaderLine, func() sale {
			must(t, r.Shop.Spoil(sim.ReaderLine, slowly(300*time.Millisecond)))
			return nothing().at("card")
		}, 3, "card removed", "while selecting"},
		{"reader while the host is asked", sim.ReaderLine, func() sale {
			must(t, r.Cloud.Pause())
			return nothing().at("authorising")
		}, 5, "card removed", "while authenticating the issuer"},
	}
	for _, s := range stories {
		if s.hold == nil {
			must(t, r.Shop.Unplug(s.device))
			because(t, nothing().ends(s.exit, s.reason), s.detail)
		} else {
			running := s.hold()
			must(t, r.Shop.Unplug(s.device))
			must(t, r.Cloud.Resume())
			because(t, running.ends(s.exit, s.reason), s.detail)
		}
		must(t, r.Shop.Spoil(s.device, faultless))
		must(t, r.Shop.Replug(s.device))
		sells(t, r, "pin")
	}
	must(t, r.Agree(t.Context()))
	t.Logf("%d times unplugged, each with an outcome and a sale after it", len(stories))
}

// slotAlone leaves the antenna out, so that a sale ends with the slot's reader.
func slotAlone(t *testing.T, r *rig.Rig) {
	t.Helper()
	must(t, r.EditFile(r.Config(), func(s string) string {
		return strings.Replace(s, `antenna = "sim:../sim"`, `antenna = "none:"`, 1)
	}))
}

// TestWrongChecksums spoils each answer of reader and PIN pad in a sale, one at
// a time. All are asked for again, and the sale is approved.
func TestWrongChecksums(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	sells(t, r, "pin") // dials
	for _, device := range []string{sim.ReaderLine, sim.PINPadLine} {
		before, err := r.Shop.State()
		must(t, err)
		sells(t, r, "pin")
		after, err := r.Shop.State()
		must(t, err)
		answers := after.Answers[device] - before.Answers[device]
		if answers == 0 {
			t.Fatalf("the %s has no part in a sale", device)
		}
		for n := range answers {
			must(t, r.Shop.Spoil(device, sim.Fault{Kind: sim.WrongChecksum, Count: 1, After: n}))
			sells(t, r, "pin")
		}
		t.Logf("%s: %d of %d answers spoiled, each sale approved", device, answers, answers)
		must(t, r.Shop.Spoil(device, faultless))
	}
	must(t, r.Agree(t.Context()))
}

// place is where in a sale a fault strikes.
type place string

const (
	first      place = "the first answer"
	amidst     place = "among the records"
	last       place = "after the host's answer"
	everything place = "every answer"
)

// end is what a sale comes to.
type end struct {
	exit           int
	reason, detail string
}

var approved = end{}

// readerFaults say how a sale ends that a fault on the reader's line strikes.
var readerFaults = map[sim.FaultKind]map[place]end{
	sim.WrongChecksum: {last: approved, everything: {1, "reader failed", "unintelligible answer"}},
	sim.Garbage:       {first: approved, amidst: approved, last: approved, everything: {1, "reader failed", "does not answer"}},
	sim.HalfFrame:     {first: approved, amidst: approved, last: approved, everything: {1, "reader failed", "unintelligible answer"}},
	sim.Delay:         {first: approved, amidst: approved, last: approved, everything: approved},
	sim.Silence: {first: {1, "reader failed", "does not answer"}, amidst: {3, "card removed", "does not answer"},
		last: {5, "card removed", "does not answer"}, everything: {1, "reader failed", "does not answer"}},
}

// TestReaderFaults disturbs the reader's line in each way at several places of
// a sale. What can be asked for again is; else the sale ends by name, and the
// next one works.
func TestReaderFaults(t *testing.T) {
	t.Parallel()
	for kind, ends := range readerFaults {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rig.Opts{})
			slotAlone(t, r)
			must(t, r.StartAgent(t.Context()))
			for where, want := range ends {
				t.Run(string(where), func(t *testing.T) {
					s := struckAt(t, r, kind, where)
					because(t, s.ends(want.exit, want.reason), want.detail)
					must(t, r.Shop.Spoil(sim.ReaderLine, faultless))
					sells(t, r, "pin")
				})
			}
			must(t, r.Agree(t.Context()))
		})
	}
}

// struckAt begins a sale that a fault of the reader's line strikes at a place.
func struckAt(t *testing.T, r *rig.Rig, kind sim.FaultKind, where place) sale {
	t.Helper()
	f := sim.Fault{Kind: kind, Count: 1}
	if kind == sim.Delay {
		f.Delay = 800 * time.Millisecond
	}
	switch where {
	case first:
	case amidst:
		f.After = 12
	case everything:
		f.Count, f.Delay = 0, f.Delay/20
	case last:
		must(t, r.Cloud.Pause())
		t.Cleanup(func() { _ = r.Cloud.Resume() }) // also when the sale does not come so far
		s := begin(t, r, "--card", "pin").at("authorising")
		must(t, r.Shop.Spoil(sim.ReaderLine, f))
		must(t, r.Cloud.Resume())
		return s
	}
	must(t, r.Shop.Spoil(sim.ReaderLine, f))
	return begin(t, r, "--card", "pin")
}

// TestPINPadFaults disturbs the PIN pad's line, once and for good.
func TestPINPadFaults(t *testing.T) {
	t.Parallel()
	const noPIN = "declined by issuer"
	r := newRig(t, rig.Opts{})
	must(t, r.EditParams(func(d *params.Document) { d.Timeouts.PIN = 3 * time.Second }))
	must(t, r.StartAgent(t.Context()))
	for kind, want := range map[sim.FaultKind]struct{ once, always end }{
		sim.WrongChecksum: {approved, end{3, noPIN, "3 wrong packets"}},
		sim.Garbage:       {approved, end{3, noPIN, "3 wrong packets"}},
		sim.HalfFrame:     {approved, end{3, noPIN, "3 wrong packets"}},
		sim.Delay:         {approved, approved},
		sim.Silence:       {end{4, "PIN timeout", ""}, end{3, noPIN, "does not answer"}},
	} {
		for count, want := range []end{want.always, want.once} {
			f := sim.Fault{Kind: kind, Count: count}
			if kind == sim.Delay {
				f.Delay = 800 * time.Millisecond
			}
			must(t, r.Shop.Spoil(sim.PINPadLine, f))
			because(t, begin(t, r, "--card", "pin").ends(want.exit, want.reason), want.detail)
			must(t, r.Shop.Spoil(sim.PINPadLine, faultless))
			sells(t, r, "pin")
		}
	}
	must(t, r.Agree(t.Context()))
}

// TestPrinterFaults disturbs the printer's line, once and until somebody mends
// it. The sale does not wait for it, and the slip comes in the end.
func TestPrinterFaults(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	for _, kind := range []sim.FaultKind{sim.Garbage, sim.Silence, sim.Delay} {
		f := sim.Fault{Kind: kind, Count: 1}
		if kind == sim.Delay {
			f.Delay = 300 * time.Millisecond
		}
		must(t, r.Shop.Spoil(sim.PrinterLine, f))
		sells(t, r, "approve")
		must(t, r.UntilSettled(t.Context()))

		f.Count = 0
		must(t, r.Shop.Spoil(sim.PrinterLine, f))
		sells(t, r, "approve")
		if kind != sim.Delay {
			owes(t, r, "does not answer")
		}
		must(t, r.Shop.Spoil(sim.PrinterLine, faultless))
		must(t, r.UntilSettled(t.Context()))
	}
	must(t, r.Agree(t.Context()))
}
