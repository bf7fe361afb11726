package e2e

import (
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/e2e/rig"
	"github.com/cloudpos/cloudpos/params"
)

// sent counts how often a card was sent a command.
func sent(t *testing.T, r *rig.Rig, card, command string) (n int) {
	t.Helper()
	log, err := r.Shop.Log()
	must(t, err)
	for _, e := range log {
		if e.Card == card && strings.HasPrefix(e.Command, command) {
			n++
		}
	}
	return n
}

// TestTaps: what customers do by themselves with what they tap, in words of
// journal, slip and the issuer's book.
func TestTaps(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	for _, c := range []struct {
		card, amount, cvm, slip string
		options                 int    // how often the card was told of the sale
		script                  string // result of what the issuer sent
	}{
		{"tap-2", "12.50", "none", "No verification", 1, ""},
		{"tap-2-pin", "150.00", "online-pin", "PIN verified online", 1, ""},
		{"tap-3-sign", "150.00", "signature", "With signature", 1, ""},
		{"tap-3-phone", "150.00", "device", "Verified by customer's device", 2, ""},
		{"tap-2-phone", "150.00", "device", "Verified by customer's device", 2, ""},
		{"tap-7", "12.50", "none", "No verification", 1, ""},
		{"tap-3-update", "12.50", "none", "No verification", 1, "20"},
		{"tap-3-update", "12.50", "none", "No verification", 2, ""},
	} {
		report, err := r.Sale(t.Context(), "--amount", c.amount, "--card", c.card)
		if err != nil || report.Exit != 0 {
			t.Fatalf("%s: exit %d, %v: %+v", c.card, report.Exit, err, report.Record)
		}
		got := newest(t, r)
		if got.State != "approved" || got.Entry != "07" || got.CVM != c.cvm || got.Code != "00" {
			t.Errorf("%s: %s, entry mode %q, verified by %q", c.card, got.State, got.Entry, got.CVM)
		}
		for _, want := range []string{"Contactless", c.slip} {
			if !strings.Contains(report.Slip, want) {
				t.Errorf("%s: the slip lacks %q:\n%s", c.card, want, report.Slip)
			}
		}
		if n := sent(t, r, c.card, "GET PROCESSING OPTIONS"); n != c.options {
			t.Errorf("%s: told of the sale %d times, want %d", c.card, n, c.options)
		}
		host, err := r.Host()
		must(t, err)
		if results := host[0].ScriptResults; host[0].Account != c.card || !strings.HasPrefix(results, c.script) || (results == "") != (c.script == "") {
			t.Errorf("%s: the host has %+v, want script results %q", c.card, host[0], c.script)
		}
	}
	if n := sent(t, r, "tap-3-update", "EXTERNAL AUTHENTICATE"); n != 2 {
		t.Errorf("the issuer's answer came to the card %d times, want 2", n)
	}
	must(t, r.Agree(t.Context()))
}

// TestTapAndInsert: what cannot be tapped goes into the slot, in the same sale.
func TestTapAndInsert(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	must(t, r.Shop.SetCustomer(sim.Customer{}))
	s := begin(t, r).at("present-card")
	must(t, r.Shop.Tap("tap-2-no"))
	s.notice("insert-card")
	must(t, r.Shop.Lift())
	must(t, r.Shop.Insert("approve"))
	s.at("approved")
	must(t, r.Shop.Pull())
	s.ends(0, "")
	if got := newest(t, r); got.Entry != "05" || got.Code != "00" {
		t.Errorf("entry mode %q, code %q", got.Entry, got.Code)
	}
	must(t, r.Agree(t.Context()))
}

// TestTapAgainWithout: the customer has gone with his card before the issuer's
// answer. The sale ends as that says, and the script comes with the next one.
func TestTapAgainWithout(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	must(t, r.Shop.SetCustomer(sim.Customer{}))
	must(t, r.Cloud.Pause())
	s := begin(t, r).at("present-card")
	must(t, r.Shop.Tap("tap-3-update"))
	s.at("authorising")
	must(t, r.Shop.Lift())
	must(t, r.Cloud.Resume())
	s.at("tap-again")
	must(t, r.Cancel())
	s.ends(0, "")
	for i, want := range []string{"", "20"} {
		if i > 0 {
			begin(t, r, "--card", "tap-3-update").ends(0, "")
		}
		if got := newest(t, r); got.State != "approved" || got.Entry != "07" {
			t.Errorf("sale %d: %s, entry mode %q", i+1, got.State, got.Entry)
		}
		host, err := r.Host()
		must(t, err)
		if results := host[0].ScriptResults; !strings.HasPrefix(results, want) || (results == "") != (want == "") {
			t.Errorf("sale %d: script results %q, want %q", i+1, results, want)
		}
	}
	must(t, r.Agree(t.Context()))
}

// TestTapAgainInterrupted: the issuer has approved, and the terminal waits for the
// second tap. Without its antenna the sale ends as the issuer said; without power
// nobody was told so, and the restart reverses it.
func TestTapAgainInterrupted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		interrupt func(*rig.Rig, sale) error
		state     string
	}{
		"antenna unplugged": {func(r *rig.Rig, s sale) error {
			if err := r.Shop.Unplug(sim.AntennaLine); err != nil {
				return err
			}
			s.ends(0, "")
			return nil
		}, "approved"},
		"terminal killed": {func(r *rig.Rig, _ sale) error {
			if err := r.Agent.Kill(); err != nil {
				return err
			}
			return r.StartAgent(t.Context())
		}, "reversed"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rig.Opts{})
			must(t, r.StartAgent(t.Context()))
			must(t, r.Shop.SetCustomer(sim.Customer{}))
			must(t, r.Cloud.Pause())
			s := begin(t, r).at("present-card")
			must(t, r.Shop.Tap("tap-3-update"))
			s.at("authorising")
			must(t, r.Shop.Lift())
			must(t, r.Cloud.Resume())
			s.at("tap-again")
			must(t, c.interrupt(r, s))
			must(t, r.Agree(t.Context()))
			if got := newest(t, r); got.State != c.state || got.Entry != "07" {
				t.Errorf("%s, entry mode %q, want it %s", got.State, got.Entry, c.state)
			}
		})
	}
}

// TestTapReversed: without an answer what was tapped is reversed, and the next
// tap pays.
func TestTapReversed(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{HostSeconds: 2})
	must(t, r.StartAgent(t.Context()))
	must(t, r.Cloud.Pause())
	begin(t, r, "--card", "tap-7").ends(5, "host silent")
	must(t, r.Cloud.Resume())
	if got := newest(t, r); got.State != "reversed" || got.Entry != "07" {
		t.Errorf("%s, entry mode %q, want it reversed", got.State, got.Entry)
	}
	begin(t, r, "--card", "tap-7").ends(0, "")
	must(t, r.Agree(t.Context()))
}

// TestTapAlone: a card that approves by itself pays without the cloud, which
// hears of it later and believes it; one that asks does not.
func TestTapAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.EditParams(func(d *params.Document) {
		for _, a := range d.Contactless.Applications {
			for code, l := range a.Limits {
				l.FloorMinor = l.CVMMinor
				a.Limits[code] = l
			}
		}
	}))
	must(t, r.StartAgent(t.Context()))
	must(t, r.Cloud.Stop())
	alone := []string{"tap-2-offline", "tap-3-offline", "tap-7-offline"}
	for _, card := range alone {
		if report := begin(t, r, "--card", card).ends(0, ""); !strings.Contains(report.Slip, "Contactless") {
			t.Errorf("%s: the slip says\n%s", card, report.Slip)
		}
	}
	begin(t, r, "--card", "tap-2").ends(3, "unable to go online")
	must(t, r.StartCloud())
	must(t, r.Agree(t.Context()))
	host, err := r.Host()
	must(t, err)
	lines, err := r.Ledger()
	must(t, err)
	if len(host) != len(alone) || len(lines) != len(alone) {
		t.Fatalf("the host has %+v, the ledger %+v", host, lines)
	}
	for i := range alone {
		if host[i].Account == "" || lines[i].State != "advised" || lines[i].Entry != "07" {
			t.Errorf("the host has %+v, the ledger %+v", host[i], lines[i])
		}
	}
}

// TestOneOfTwoReaders: a cable that is out of one reader leaves the other, and
// once it is in again both are as good as before.
func TestOneOfTwoReaders(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	for _, c := range []struct{ out, card string }{
		{sim.ReaderLine, "tap-2"}, {sim.AntennaLine, "approve"}, {sim.StripeLine, "tap-7"},
	} {
		must(t, r.Shop.Unplug(c.out))
		sells(t, r, c.card)
		must(t, r.Shop.Replug(c.out))
		sells(t, r, "approve")
		sells(t, r, "tap-3")
	}
	must(t, r.Agree(t.Context()))
}
