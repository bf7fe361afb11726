package hostsim_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// Accounts whose cards have a stripe: of a chip card, of a card without a chip,
// and of one that wants a PIN.
const (
	panChip     = "9999010000009156"
	panPlain    = "9999010000009164"
	panPlainPIN = "9999010000009180"
)

var stripeAccounts = []hostsim.Account{
	{Name: "chip", PAN: panChip, PSN: "01", BalanceMinor: 100_000, Stripe: "3112201"},
	{Name: "plain", PAN: panPlain, PSN: "00", BalanceMinor: 100_000, Stripe: "3112101"},
	{Name: "plainpin", PAN: panPlainPIN, PSN: "00", PIN: canary, BalanceMinor: 100_000, Stripe: "3112120"},
}

// swipe makes a request of a swiped card.
func (b *bench) swipe(pan, entry, stripe string, change func(*sale, *wire.Request)) wire.Request {
	s := b.sale(pan, 1250)
	s.psn, s.track = "", pan+"d"+stripe+"0000000000"
	s.alter = func(r *wire.Request) {
		r.Entry, r.Card.Chip = entry, nil
		if change != nil {
			change(s, r)
		}
	}
	return b.request(s)
}

// TestStripe: what a track says is compared, and how it was read.
func TestStripe(t *testing.T) {
	for name, c := range map[string]struct {
		pan, entry, stripe string
		change             func(*bench, *sale, *wire.Request)
		code, reason       string
	}{
		"no chip":             {panPlain, "90", "3112101", nil, "00", ""},
		"fallback":            {panChip, "80", "3112201", nil, "00", ""},
		"chip card swiped":    {panChip, "90", "3112201", nil, "05", "chip-card-swiped"},
		"fallback of no chip": {panPlain, "80", "3112101", nil, "30", "entry-mode"},
		"service altered":     {panChip, "90", "3112101", nil, "05", "track"},
		"expiry altered":      {panPlain, "90", "3212101", nil, "05", "track"},
		"account and track differ": {panPlain, "90", "3112101", func(b *bench, _ *sale, r *wire.Request) {
			r.Card.Account = b.seal(r, keys.PartAccount, []byte(`{"pan":"`+panPlain+`","expiry":"321231"}`))
		}, "05", "track"},
		"short track":            {panPlain, "90", "311210", func(b *bench, _ *sale, r *wire.Request) { r.Card.Track = b.track(r, panPlain+"d311210") }, "05", "track"},
		"no track":               {panPlain, "90", "3112101", func(_ *bench, _ *sale, r *wire.Request) { r.Card.Track = nil }, "14", "track"},
		"no separator":           {panPlain, "90", "", func(b *bench, _ *sale, r *wire.Request) { r.Card.Track = b.track(r, panPlain) }, "14", "track"},
		"another's":              {panPlain, "90", "", func(b *bench, _ *sale, r *wire.Request) { r.Card.Track = b.track(r, panChip+"d3112101") }, "14", "track"},
		"account without stripe": {panRich, "80", "3112201", nil, "05", "track"},
		"with a cryptogram": {panPlain, "90", "3112101", func(b *bench, s *sale, r *wire.Request) {
			r.Card.Chip = b.seal(r, keys.PartChip, b.chip(s))
		}, "30", "chip"},
		"a chip's sequence number":  {panPlain, "05", "3112101", nil, "14", "account"},
		"a stripe as a chip":        {panPlain, "05", "3112101", func(b *bench, _ *sale, r *wire.Request) { r.Card.Account = b.account(r, panPlain, "00") }, "30", "chip"},
		"contactless with a stripe": {panPlain, "91", "3112101", func(b *bench, _ *sale, r *wire.Request) { r.Card.Account = b.account(r, panPlain, "00") }, "30", "entry-mode"},
		"PIN wanted":                {panPlainPIN, "90", "3112120", nil, "05", "pin-not-verified"},
		"amount":                    {panPlain, "90", "3112101", func(_ *bench, _ *sale, r *wire.Request) { r.AmountMinor = 1005 }, "05", "amount-ending"},
		"funds":                     {panPlain, "90", "3112101", func(_ *bench, _ *sale, r *wire.Request) { r.AmountMinor = 100_001 }, "51", "funds"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &hostsim.Memory{})
			req := b.swipe(c.pan, c.entry, c.stripe, func(s *sale, r *wire.Request) {
				if c.change != nil {
					c.change(b, s, r)
				}
			})
			d := b.want(req, c.code, c.reason)
			b.want(req, c.code, c.reason) // the same again
			if held := b.held(); (held == 1250) != (c.code == "00") {
				t.Errorf("the host holds %d", held)
			}
			if len(d.IssuerAuth) > 0 {
				t.Error("tag 91 for a card without a chip")
			}
		})
	}
}

// track seals digits as tag 57.
func (b *bench) track(r *wire.Request, digits string) []byte {
	track, err := hex.DecodeString(digits + strings.Repeat("f", len(digits)%2))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.seal(r, keys.PartTrack, track)
}

func (b *bench) account(r *wire.Request, pan, psn string) []byte {
	return b.seal(r, keys.PartAccount, []byte(`{"pan":"`+pan+`","psn":"`+psn+`","expiry":"311231"}`))
}

// TestStripePIN: a PIN beside a stripe is checked as one beside a chip is.
func TestStripePIN(t *testing.T) {
	b := newBench(t, &hostsim.Memory{})
	for pin, want := range map[string][2]string{"0000": {"55", "pin"}, canary: {"00", ""}} {
		req := b.swipe(panPlainPIN, "90", "3112120", func(s *sale, r *wire.Request) {
			s.pin, r.CVM = pin, "online-pin"
			b.enterPIN(r, s)
		})
		b.want(req, want[0], want[1])
	}
}

// TestStripeReversed: the money of a swiped card comes back, and what comes late
// is declined.
func TestStripeReversed(t *testing.T) {
	b := newBench(t, &hostsim.Memory{})
	req := b.swipe(panChip, "80", "3112201", nil)
	b.want(req, "00", "")
	for range 2 {
		if err := b.host.Reverse(t.Context(), ingest.SaleOf(req.Key)); err != nil {
			t.Fatal(err)
		}
	}
	if b.held() != 0 {
		t.Errorf("the host holds %d", b.held())
	}
	req.Key.Attempt = 2
	b.want(req, "12", "reversed")
}
