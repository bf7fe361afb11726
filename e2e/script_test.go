package e2e

import (
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/e2e/rig"
)

// TestScripts: the issuer's scripts reach the card, its word on them reaches the
// issuer, and what was taken is not sent again.
func TestScripts(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	type sale struct {
		cvm     string
		results string // of the scripts, without their identifiers
	}
	for _, c := range []struct {
		card     string
		commands []string // that the card was sent
		sales    []sale
	}{
		{"unblock", []string{"PIN CHANGE/UNBLOCK 84240000"}, []sale{{"none", "20"}, {"offline-pin", ""}}},
		{"newpin", []string{"PIN CHANGE/UNBLOCK 84240002"}, []sale{{"online-pin", "20"}, {"online-pin", ""}}},
		{"newlimits", []string{"PUT DATA 04DA9F14", "PUT DATA 04DA9F23"}, []sale{{"none", "20"}}},
		{"scriptfails", []string{"PIN CHANGE/UNBLOCK 84240000"}, []sale{{"none", "1111"}, {"none", "1111"}}},
	} {
		for i, want := range c.sales {
			report, err := r.Sale(t.Context(), "--amount", "12.50", "--card", c.card)
			if err != nil || report.Exit != 0 || report.Record.CVM != want.cvm {
				t.Fatalf("%s, sale %d: exit %d, %v, %+v, want the customer verified by %q", c.card, i+1, report.Exit, err, report.Record, want.cvm)
			}
			must(t, r.UntilSettled(t.Context()))
			host, err := r.Host()
			must(t, err)
			got := ""
			for at := 0; at < len(host[0].ScriptResults); at += 10 { // five bytes each
				got += host[0].ScriptResults[at : at+2]
			}
			if host[0].Account != c.card || got != want.results {
				t.Errorf("%s, sale %d: the host has %+v, want results %q", c.card, i+1, host[0], want.results)
			}
		}
		log, err := r.Shop.Log()
		must(t, err)
		for _, want := range c.commands {
			found := false
			for _, e := range log {
				found = found || e.Card == c.card && strings.HasPrefix(e.Command, want)
			}
			if !found {
				t.Errorf("%s was not sent %s", c.card, want)
			}
		}
	}
	must(t, r.Agree(t.Context()))
}
