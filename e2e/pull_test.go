package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/e2e/rig"
)

// commandsOf are the commands that a card hears in a sale that nothing
// disturbs.
func commandsOf(t *testing.T, r *rig.Rig, card string) []string {
	t.Helper()
	before, err := r.Shop.Log()
	must(t, err)
	sells(t, r, card)
	after, err := r.Shop.Log()
	must(t, err)
	var commands []string
	for _, e := range after[len(before):] {
		commands = append(commands, e.Command)
	}
	return commands
}

// TestCardPulled pulls each kind of card before each command of its sale.
// Until the host is asked that costs nothing; once it has approved, the sale
// is reversed.
func TestCardPulled(t *testing.T) {
	t.Parallel()
	for _, card := range []string{"approve", "pin", "t1", "offlinepin", "encpin"} {
		t.Run(card, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rig.Opts{})
			must(t, r.StartAgent(t.Context()))
			commands := commandsOf(t, r, card)
			if len(commands) < 10 || strings.Count(strings.Join(commands, " "), "GENERATE AC") != 2 {
				t.Fatalf("a clean sale has the commands %q", commands)
			}
			generated, ends := 0, map[string]int{}
			for i, command := range commands {
				must(t, r.Shop.PullAt(i+1))
				what := fmt.Sprintf("command %d, %s", i+1, command)
				ends[pulled(t, r, card, what, generated > 0)]++
				if strings.HasPrefix(command, "GENERATE AC") {
					generated++
				}
			}
			must(t, r.Agree(t.Context()))
			sells(t, r, card)
			t.Logf("%s pulled at %d of %d commands: %v", card, len(commands), len(commands), ends)
		})
	}
}

// pulled sells with a card that will be pulled, and tells how that ended.
func pulled(t *testing.T, r *rig.Rig, card, what string, asked bool) string {
	t.Helper()
	report, err := begin(t, r, "--card", card).End(t.Context())
	must(t, err)
	exit, state := 3, "declined"
	if asked {
		exit, state = 5, "reversing"
	}
	rec := report.Record
	if rec == nil || report.Exit != exit || rec.State != state && (!asked || rec.State != "reversed") || rec.Reason != "card removed" {
		t.Fatalf("%s: exit %d with record %+v, error %q; want exit %d, %s", what, report.Exit, rec, report.Error, exit, state)
	}
	return strings.Replace(rec.State, "reversing", "reversed", 1)
}

// TestCardPulledWhileWaiting pulls the card while the terminal waits for
// somebody else: the customer at the PIN pad, or the host.
func TestCardPulledWhileWaiting(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))

	must(t, r.Shop.Keys(sim.KeyNothing))
	s := begin(t, r, "--card", "pin").at("pin")
	must(t, r.Shop.SetCustomer(sim.Customer{})) // takes his card
	must(t, r.Shop.Keys("1234"))
	s.ends(3, "card removed")

	for _, card := range []string{"approve", "pin", "t1"} {
		must(t, r.Cloud.Pause())
		s = begin(t, r, "--card", card).at("authorising")
		must(t, r.Shop.Pull())
		must(t, r.Cloud.Resume())
		s.ends(5, "card removed")
		must(t, r.UntilSettled(t.Context()))
	}

	// A card that is out again before it was read, and one that does not
	// answer, leave the terminal waiting for a better one.
	must(t, r.Shop.SetCustomer(sim.Customer{}))
	s = begin(t, r).at("present-card")
	must(t, r.Shop.Insert("mute"))
	must(t, r.Until(t.Context(), "the card is not readable", func() (bool, error) {
		status, err := r.Status()
		return status.Notice == "card-unread", err
	}))
	must(t, r.Shop.SetCustomer(sim.Customer{Card: "approve", Auto: true}))
	must(t, r.Shop.Pull())
	s.ends(0, "")
	answered(t, r, 4)
	must(t, r.Agree(t.Context()))
}
