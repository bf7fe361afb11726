package e2e

import (
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/e2e/rig"
	"github.com/cloudpos/cloudpos/params"
)

// TestPINAtTheReader lets the customer do everything at the reader's keys, where
// the card verifies his PIN, but the right thing; and the right thing.
func TestPINAtTheReader(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.EditParams(func(d *params.Document) { d.Timeouts.PIN = 2 * time.Second }))
	must(t, r.StartAgent(t.Context()))
	for _, c := range []struct {
		name, card   string
		keys         []string
		exit         int
		reason, code string
		cvm          string // 9F34
	}{
		{"he goes away", "offlinepin", []string{sim.KeyNothing}, 4, "PIN timeout", "", ""},
		{"he presses cancel", "offlinepin", []string{sim.KeyCancel}, 4, "PIN cancelled", "", ""},
		{"enter alone does nothing, so he cancels", "offlinepin", []string{sim.KeyBypass, sim.KeyCancel}, 4, "PIN cancelled", "", ""},
		{"wrong, then right", "offlinepin", []string{"0000", "1234"}, 0, "", "00", "010002"},
		{"wrong, then he cancels", "offlinepin", []string{"0000", sim.KeyCancel}, 4, "PIN cancelled", "", ""},
		{"enciphered", "encpin", []string{"1234"}, 0, "", "00", "040002"},
		{"enciphered, wrong, then right", "encpin", []string{"9999", "1234"}, 0, "", "00", "040002"},
		{"enciphered, enter alone", "encpin", []string{sim.KeyBypass}, 3, "declined by issuer", "05", "040001"},
		{"and a signature", "pinsign", []string{"1234"}, 0, "", "00", "030000"},
		{"wrong with what was left", "offlinepin", []string{"0000", "4321"}, 3, "declined by issuer", "75", "010001"},
		{"the card remembers", "offlinepin", []string{"1234"}, 3, "declined by issuer", "75", "010001"},
	} {
		must(t, r.Shop.Keys(c.keys...))
		report := begin(t, r, "--card", c.card).ends(c.exit, c.reason)
		rec := report.Record
		if rec.Code != c.code {
			t.Errorf("%s: code %q, want %q", c.name, rec.Code, c.code)
		}
		must(t, r.UntilSettled(t.Context()))
		journal, err := r.Journal(t.Context())
		must(t, err)
		if chip := journal[0].Chip; c.cvm != "" && (chip == nil || chip.CVM != c.cvm) {
			t.Errorf("%s: chip %+v, want CVM results %s", c.name, chip, c.cvm)
		}
	}
	must(t, r.Shop.Keys())
	must(t, r.Agree(t.Context()))
}

// TestReaderWaitsForPIN: what may happen while the reader waits for the
// customer. The card is pulled, the cashier cancels, the cable is pulled; each
// time the next sale goes through.
func TestReaderWaitsForPIN(t *testing.T) {
	t.Parallel()
	for _, card := range []string{"offlinepin", "encpin"} {
		t.Run(card, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rig.Opts{})
			must(t, r.StartAgent(t.Context()))
			waits := func(s sim.State) bool { return s.Waiting }
			for _, c := range []struct {
				name   string
				do     func() error
				exit   int
				reason string
			}{
				{"the card is pulled", r.Shop.Pull, 3, "card removed"},
				{"the cashier cancels", r.Cancel, 4, "cancelled"},
				{"the cable is pulled", func() error { return r.Shop.Unplug(sim.ReaderLine) }, 3, "card removed"},
			} {
				must(t, r.Shop.Keys(sim.KeyNothing))
				s := begin(t, r, "--card", card).at("pin")
				untilShop(t, r, "the reader waits", waits)
				must(t, c.do())
				s.ends(c.exit, c.reason)
				untilShop(t, r, "nobody is asked any more", func(s sim.State) bool { return !s.Waiting })
				if state, err := r.Shop.State(); err == nil && len(state.Unplugged) > 0 {
					must(t, r.Shop.Replug(sim.ReaderLine))
				}
				must(t, r.Shop.Keys("1234"))
				begin(t, r, "--card", card).ends(0, "")
				must(t, r.UntilSettled(t.Context()))
			}
			must(t, r.Agree(t.Context()))
		})
	}
}

// TestKilledWhileReaderAsks: the terminal is killed while the reader asks for a
// PIN. The next one takes the question back and sells.
func TestKilledWhileReaderAsks(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	must(t, r.Shop.SetCustomer(sim.Customer{Card: "offlinepin", Auto: true}))
	must(t, r.Shop.Keys(sim.KeyNothing))
	s := begin(t, r).at("pin")
	untilShop(t, r, "the reader asks", func(s sim.State) bool { return s.Waiting })
	must(t, r.Agent.Kill())
	if report, err := s.End(t.Context()); err == nil && report.Exit == 0 {
		t.Errorf("approved by a killed terminal: %+v", report)
	}
	must(t, r.StartAgent(t.Context()))
	must(t, r.Shop.Keys("1234"))
	begin(t, r).ends(0, "")
	must(t, r.UntilSettled(t.Context()))
	must(t, r.Agree(t.Context()))
}

// TestReaderWithoutKeys: what the address does not claim, the card is not told,
// and nobody is asked.
func TestReaderWithoutKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	for _, c := range []struct {
		pad, card    string
		capabilities string // 9F33, byte 2
		exit         int
	}{
		{"", "offlinepin", "68", 3},
		{"", "encpin", "68", 3},
		{"?pad=plain", "offlinepin", "E8", 0},
		{"?pad=plain", "encpin", "E8", 3},
		{"?pad=enciphered", "encpin", "F8", 0},
	} {
		report, err := r.Sale(t.Context(), "--amount", "12.50", "--card", c.card, "--reader", "ccid:"+r.Path("sim", "reader")+c.pad)
		if err != nil || report.Exit != c.exit || report.Record == nil {
			t.Fatalf("%s at a reader with %q: exit %d, %v, want %d: %+v", c.card, c.pad, report.Exit, err, c.exit, report)
		}
		if got := report.Record.Snapshot.Capabilities[2:4]; got != c.capabilities {
			t.Errorf("a reader with %q: 9F33 byte 2 is %s, want %s", c.pad, got, c.capabilities)
		}
	}
	if state, err := r.Shop.State(); err != nil || state.Waiting {
		t.Errorf("somebody waits: %+v, %v", state, err)
	}
}

// TestWedge: something before the chip says yes to any PIN. Terminal and card are
// told different things, and the issuer, who hears of both, declines.
func TestWedge(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))
	must(t, r.Shop.Keys("9876"))
	begin(t, r, "--card", "wedge").ends(3, "declined by issuer")
	must(t, r.UntilSettled(t.Context()))
	journal, err := r.Journal(t.Context())
	must(t, err)
	if chip := journal[0].Chip; chip == nil || chip.CVM != "010002" || chip.TVR != "0000008000" {
		t.Errorf("the terminal was told otherwise: %+v", chip)
	}
	host, err := r.Host()
	must(t, err)
	if len(host) != 1 || host[0].Code != "05" || host[0].Reason != "pin-wedge" {
		t.Errorf("the issuer's books: %+v", host)
	}
	must(t, r.Agree(t.Context()))
}
