package e2e

import (
	"testing"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/e2e/rig"
)

// ways in which a cloud goes down.
var ways = []struct {
	name string
	down func(*rig.Process) error
}{
	{"SIGTERM", (*rig.Process).Stop},
	{"SIGKILL", (*rig.Process).Kill},
}

// TestCloudDownBefore sells while there is no cloud. Nothing is sent, the sale
// is declined, and the issuer never hears of it.
func TestCloudDownBefore(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rig.Opts{HostSeconds: 3})
			must(t, r.StartAgent(t.Context()))
			must(t, way.down(r.Cloud))
			must(t, r.Until(t.Context(), "the terminal knows", func() (bool, error) {
				s, err := r.Status()
				return !s.Online, err
			}))
			because(t, begin(t, r, "--card", "approve").ends(3, "unable to go online"), "nothing was sent")

			must(t, r.Agent.Stop()) // and a terminal that starts without its cloud
			must(t, r.StartAgent(t.Context()))
			because(t, begin(t, r, "--card", "pin").ends(3, "unable to go online"), "nothing was sent")

			must(t, r.StartCloud())
			must(t, r.UntilOnline(t.Context()))
			answered(t, r, 0)
			sells(t, r, "pin")
			must(t, r.Agree(t.Context()))
		})
	}
}

// TestCloudHangs stops the cloud in its tracks while it is asked. A sale that
// got no answer in time is in doubt and reversed once the cloud goes on,
// although the cloud then reads the request first.
func TestCloudHangs(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{HostSeconds: 3})
	must(t, r.StartAgent(t.Context()))
	for _, card := range []string{"approve", "pin", "decline"} {
		must(t, r.Cloud.Pause())
		begin(t, r, "--card", card).ends(5, "host silent")
		must(t, r.Cloud.Resume())
		reversed(t, r)
	}
	must(t, r.Cloud.Pause())
	s := begin(t, r, "--card", "pin").at("authorising")
	must(t, r.Cloud.Resume())
	s.ends(0, "")
	must(t, r.Agree(t.Context()))
}

// reversed waits until all is settled, and checks that the newest sale was
// reversed.
func reversed(t *testing.T, r *rig.Rig) {
	t.Helper()
	must(t, r.UntilSettled(t.Context()))
	journal, err := r.Journal(t.Context())
	must(t, err)
	if journal[0].State != "reversed" {
		t.Errorf("the sale is %s (%s), want reversed", journal[0].State, journal[0].Reason)
	}
}

// TestCloudDownWhileAuthorising ends the cloud while it is asked. The sale is
// in doubt and reversed when it is back, or, when it is back in time, the same
// message is sent again and answered.
func TestCloudDownWhileAuthorising(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rig.Opts{HostSeconds: 4})
			must(t, r.StartAgent(t.Context()))
			must(t, r.Cloud.Pause())
			s := begin(t, r, "--card", "pin").at("authorising")
			must(t, way.down(r.Cloud))
			report, err := s.End(t.Context())
			must(t, err)
			// Asked politely, it may yet answer what it has read.
			if report.Exit != 5 && (report.Exit != 0 || way.name == "SIGKILL") {
				t.Fatalf("exit %d with record %+v", report.Exit, report.Record)
			}
			must(t, r.StartCloud())
			must(t, r.UntilOnline(t.Context()))
			if report.Exit == 5 {
				reversed(t, r)
			}
			must(t, r.Agree(t.Context()))

			must(t, r.Agent.Stop())
			must(t, r.EditParams(hostSeconds(30)))
			must(t, r.StartAgent(t.Context()))
			must(t, r.Cloud.Pause())
			s = begin(t, r, "--card", "pin").at("authorising")
			must(t, way.down(r.Cloud))
			must(t, r.StartCloud())
			s.ends(0, "")
			must(t, r.Agree(t.Context()))
		})
	}
}

// TestCloudDownAfterwards ends the cloud when it has approved and the terminal
// has not told it yet how the sale ended. The card still decides: the sale is
// approved, or reversed, and the cloud hears of it when it is back.
func TestCloudDownAfterwards(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rig.Opts{})
			for _, pulled := range []bool{false, true} {
				must(t, r.StartAgent(t.Context()))
				s := completing(t, r)
				must(t, way.down(r.Cloud))
				if pulled {
					must(t, r.Shop.Pull())
				}
				must(t, r.Shop.Spoil(sim.ReaderLine, faultless))
				report := ended(t, s, pulled)
				must(t, r.Until(t.Context(), "the slip is printed", func() (bool, error) {
					status, err := r.Status()
					return status.ToPrint == 0, err
				}))
				if report.Record.Pending == "" {
					t.Errorf("the sale is %s, and the cloud is said to know", report.Record.State)
				}
				// The terminal goes down as well, and comes back first.
				must(t, r.Agent.Kill())
				must(t, r.StartAgent(t.Context()))
				must(t, r.StartCloud())
				must(t, r.Agree(t.Context()))
				must(t, r.Agent.Stop())
			}
			must(t, r.StartAgent(t.Context()))
			must(t, r.Agree(t.Context()))
		})
	}
}

// ended waits for the end of a sale that the host has approved.
func ended(t *testing.T, s sale, pulled bool) rig.Report {
	t.Helper()
	if pulled {
		return s.ends(5, "card removed")
	}
	return s.ends(0, "")
}

// TestCloudRestarts stops and kills the cloud between sales, and compares the
// books each time.
func TestCloudRestarts(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	for range 2 {
		for _, way := range ways {
			must(t, r.StartAgent(t.Context()))
			sells(t, r, "pin")
			must(t, way.down(r.Cloud)) // the completion may be on its way
			must(t, r.StartCloud())
			must(t, r.UntilOnline(t.Context()))
			sells(t, r, "approve")
			must(t, r.Agree(t.Context()))
			must(t, r.Agent.Stop())
		}
	}
	must(t, r.StartAgent(t.Context()))
	answered(t, r, 8)
	must(t, r.Agree(t.Context()))
}
