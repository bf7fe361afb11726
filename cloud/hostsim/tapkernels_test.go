package hostsim_test

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cloudpos/cloudpos/cloud/devset"
	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/drivers/sim/cards"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/secret"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// Amounts around the development set's limit for taps without verification.
const tapSmall, tapLarge = 12_50, 150_00

// counter is a terminal of a development set with an antenna, and the set's
// issuer.
type counter struct {
	*bench
	terminal payment.Terminal
	deck     []issuer.Profile
	chips    map[string]*sim.Tapped // which count their transactions
	asked    *wire.Request
	answer   hostsim.Posting
}

// madeSet are the files of a development set by their paths. It is made once:
// RSA keys are slow.
var madeSet = sync.OnceValues(func() (files map[string][]byte, err error) {
	dir, err := os.MkdirTemp("", "hostsim-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	files = map[string][]byte{
		"cloud/issuer.json": nil, "cloud/acquirer.key": nil, "sim/cards.json": nil, "t1/params.pub": nil, "t1/params.json": nil,
	}
	if err := devset.Make(filepath.Join(dir, "var"), devset.Opts{Now: today}); err != nil {
		return nil, err
	}
	for path := range files {
		if files[path], err = os.ReadFile(filepath.Join(dir, "var", path)); err != nil {
			return nil, err
		}
	}
	return files, nil
})

func newCounter(t *testing.T) *counter {
	t.Helper()
	set, err := madeSet()
	check(t, err)
	c := &counter{chips: map[string]*sim.Tapped{}}
	cfg, err := hostsim.ParseConfig(set["cloud/issuer.json"])
	check(t, err)
	check(t, json.Unmarshal(set["sim/cards.json"], &c.deck))
	key, err := keys.ParsePrivate(strings.TrimSpace(string(set["cloud/acquirer.key"])))
	check(t, err)
	pub, err := hex.DecodeString(strings.TrimSpace(string(set["t1/params.pub"])))
	check(t, err)
	envelope, err := wire.Verify(pub, wire.SignedParams, set["t1/params.json"], today, 1)
	check(t, err)
	doc, err := params.Parse(envelope.Payload)
	check(t, err)
	c.bench = newBenchOf(t, &hostsim.Memory{}, key, cfg)
	c.terminal = payment.Terminal{
		Params: doc, Sealer: tokens{}, Random: func(b []byte) { _, _ = rand.Read(b) },
		Fitted: payment.Fitted{Reader: "ccid:", Antenna: "ccid:", PINPad: "visapad:", Printer: "escpos:"},
	}
	return c
}

// tokens is a sealer for nothing but tokens: the counter seals by itself.
type tokens struct{ payment.Sealer }

func (tokens) Token(secret.PAN) string { return "token" }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// chipOf makes the chip of a card, be it the deck's or one that misbehaves.
func (c *counter) chipOf(name string) (*sim.Tapped, issuer.Profile) {
	c.t.Helper()
	variant := sim.TapVariant{Of: name}
	for _, v := range cards.Taps() {
		if v.Name == name {
			variant = v
		}
	}
	at := slices.IndexFunc(c.deck, func(p issuer.Profile) bool { return p.Name == variant.Of })
	if at < 0 {
		c.t.Fatalf("no card %q", name)
	}
	if c.chips[variant.Of] == nil {
		var err error
		c.chips[variant.Of], err = sim.NewTapped(c.deck[at], rand.Reader)
		check(c.t, err)
	}
	return c.chips[variant.Of].Variant(variant), c.deck[at]
}

// sell taps a card as often as it is asked for, and tells how that ended.
func (c *counter) sell(chip *sim.Tapped, p issuer.Profile, minor int64) emv.Outcome {
	c.t.Helper()
	cny, err := money.Lookup("CNY")
	check(c.t, err)
	cfg, err := c.terminal.Config(payment.Numbers{STAN: 1, Receipt: 1})
	check(c.t, err)
	m, err := cfg.Tap(emv.Transaction{AmountMinor: minor, Sequence: 1, At: today}, cny)
	check(c.t, err)
	c.asked, c.answer = nil, hostsim.Posting{}
	s := c.sale(p.PAN, minor)
	var event emv.Event = emv.Begin{}
	const stepsMax = 200
	for range stepsMax {
		action, err := m.Step(event)
		check(c.t, err)
		switch act := action.(type) {
		case emv.AwaitCard:
			event = emv.Collision{}
			if chip.Enter() {
				event = emv.Start{}
			}
		case emv.AwaitClear:
			event = emv.Cleared{}
		case emv.Transmit:
			answer, took := chip.Exchange(act.Command)
			event = emv.Response{Data: answer, Elapsed: took}
			if answer == nil {
				event = emv.CardGone{}
			}
		case emv.EnterPIN:
			s.pin = p.PIN
			event = emv.PINResult{Status: emv.PINEntered}
		case emv.GoOnline:
			event = c.ask(s, act)
		case emv.Done:
			return act.Outcome
		default: // Show, Field, Reenter
			event = emv.Performed{}
		}
	}
	c.t.Fatalf("%s: no end after %d steps", p.Name, stepsMax)
	return emv.Outcome{}
}

// words for the wire.
var cvmWords = map[emv.CVM]string{
	emv.CVMNone: "none", emv.CVMOnlinePIN: "online-pin", emv.CVMSignature: "signature", emv.CVMDevice: "device",
}

// message is what the wire has of a tap.
func (c *counter) message(s *sale, card emv.Card, cvm emv.CVM, data []byte) wire.Request {
	s.alter = func(r *wire.Request) {
		account, err := json.Marshal(wire.Account{PAN: string(card.PAN), PSN: card.PSN, Expiry: card.Expiry})
		check(c.t, err)
		r.Entry, r.CVM = wire.EntryTap, cvmWords[cvm]
		r.Card.Account, r.Card.Chip = c.seal(r, keys.PartAccount, account), c.seal(r, keys.PartChip, data)
		if len(card.Track2) > 0 {
			r.Card.Track = c.seal(r, keys.PartTrack, card.Track2)
		}
	}
	return c.request(s)
}

// ask has the host decide.
func (c *counter) ask(s *sale, q emv.GoOnline) emv.HostResult {
	c.t.Helper()
	req := c.message(s, q.Card, q.CVM, q.Data)
	d, err := c.host.Authorise(c.t.Context(), req)
	check(c.t, err)
	all, err := c.host.Postings(c.t.Context())
	check(c.t, err)
	c.asked, c.answer = &req, all[0]
	return emv.HostResult{Online: true, ARC: d.Code, Approved: d.Approved, IssuerAuth: d.IssuerAuth, Scripts: d.Scripts}
}

// TestTapsOfTheSet: what cards and phones send through each kernel the host can
// judge, every card that there is for an amount without verification and one
// with it. "" is a sale that the host does not hear of.
func TestTapsOfTheSet(t *testing.T) {
	c := newCounter(t)
	const byPIN, byDevice = "00 online-pin", "00 device"
	want := map[string][2]string{ // small, large
		"tap-2": {"00 none", "00 none"}, "tap-2-pin": {"00 none", byPIN}, "tap-2-sign": {"00 none", "00 signature"},
		"tap-2-offline": {"00 none", "00 none"}, "tap-2-phone": {"00 none", byDevice}, "tap-2-race": {"00 none", "00 none"},
		"tap-2-torn": {"00 none", "00 none"}, "tap-2-no": {}, "tap-2-forged": {},
		"tap-3": {"00 none", ""}, "tap-3-pin": {"00 none", byPIN}, "tap-3-sign": {"00 none", "00 signature"},
		"tap-3-offline": {"00 none", ""}, "tap-3-switch": {"00 none", ""}, "tap-3-ask": {"00 none", ""},
		"tap-3-phone": {"00 none", byDevice}, "tap-3-no": {}, "tap-3-forged": {}, "tap-3-update": {"00 none", ""},
		"tap-7": {"00 none", ""}, "tap-7-pin": {"00 none", byPIN}, "tap-7-sign": {"00 none", "00 signature"},
		"tap-7-offline": {"00 none", ""}, "tap-7-switch": {"00 none", ""}, "tap-7-ask": {"00 none", ""},
		"tap-7-phone": {"00 none", byDevice}, "tap-7-no": {}, "tap-7-forged": {},

		// What somebody made of their word on the way.
		"tap-3-turned": {"05 none", ""}, "tap-7-turned": {"05 none", ""},
	}
	for _, listed := range issuer.TapList() {
		if _, there := want[listed.Name]; !there {
			t.Errorf("nobody sells with %s", listed.Name)
		}
	}
	for name, ends := range want {
		for i, minor := range []int64{tapSmall, tapLarge} {
			chip, p := c.chipOf(name)
			o := c.sell(chip, p, minor)
			got := ""
			if c.asked != nil {
				got = c.answer.Code + " " + c.asked.CVM
			}
			if got != ends[i] || (o.Status == emv.Approved) != strings.HasPrefix(got, "00") {
				t.Errorf("%s, %d: the host says %q (%s), want %q; the tap ended with status %d, %s", name, minor, got, c.answer.Reason, ends[i], o.Status, o.Detail)
			}
		}
	}
}

// TestTapAdvised: what a card approves by itself the host can verify, once, and
// what was made of an ARQC on its way takes no money.
func TestTapAdvised(t *testing.T) {
	c := newCounter(t)
	for i := range c.terminal.Params.Contactless.Applications {
		for code, limits := range c.terminal.Params.Contactless.Applications[i].Limits {
			limits.FloorMinor = limits.CVMMinor
			c.terminal.Params.Contactless.Applications[i].Limits[code] = limits
		}
	}
	for name, doubt := range map[string]string{
		"tap-2-offline": "", "tap-2-torn": "", "tap-2-cut": "", "tap-3-offline": "", "tap-3-switch": "", "tap-7-offline": "",
		// Their signature covers the amount and the number, not the type.
		"tap-3-turned": "cryptogram", "tap-7-turned": "cryptogram",
	} {
		chip, p := c.chipOf(name)
		o := c.sell(chip, p, tapSmall)
		if c.asked != nil || o.Status != emv.Approved {
			t.Errorf("%s: asked %v, status %d (%s), want an approval without the host", name, c.asked != nil, o.Status, o.Detail)
			continue
		}
		s := c.sale(p.PAN, tapSmall)
		account := p.Name
		for _, want := range []string{doubt, cmp.Or(doubt, "atc")} { // it comes twice
			if want != "" {
				account = ""
			}
			req := c.message(s, o.Card, o.CVM, o.Record)
			req.Key.Leg = wire.LegAdvise
			check(t, c.host.Advise(t.Context(), req))
			all, err := c.host.Postings(t.Context())
			check(t, err)
			if got := all[0]; got.Reason != want || got.Account != account {
				t.Errorf("%s: posted to %q with doubt %q, want %q", name, got.Account, got.Reason, want)
			}
		}
	}
}

// TestTapReplayed: the same cryptogram in another sale.
func TestTapReplayed(t *testing.T) {
	c := newCounter(t)
	for _, name := range []string{"tap-2", "tap-3", "tap-7"} {
		chip, p := c.chipOf(name)
		o := c.sell(chip, p, tapSmall)
		d, err := c.host.Authorise(t.Context(), c.message(c.sale(p.PAN, tapSmall), o.Card, o.CVM, o.Record))
		if err != nil || d.Code != "05" {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
		if o := c.sell(chip, p, tapSmall); o.Status != emv.Approved {
			t.Errorf("%s: a new one ends with status %d", name, o.Status)
		}
	}
}

// TestTapUpdated: the issuer's answer and its script come to the card at a second
// tap, what became of them comes back, and the script is not sent again.
func TestTapUpdated(t *testing.T) {
	c := newCounter(t)
	chip, p := c.chipOf("tap-3-update")
	for _, want := range []string{"20", ""} {
		o := c.sell(chip, p, tapSmall)
		if o.Status != emv.Approved || c.answer.Reason != "" {
			t.Fatalf("status %d, %+v", o.Status, c.answer)
		}
		if k := chip.Counters(); k.LastOnline != k.ATC || k.PIN != p.PIN {
			t.Error("the card has not heard the issuer")
		}
		results, _ := tlv.Find(o.Record, tlv.ScriptResults)
		if got := hex.EncodeToString(results); !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("script results %s, want %q", got, want)
		}
		done := *c.asked
		done.Key.Leg, done.Version = wire.LegComplete, 2
		done.Card.Chip = c.seal(&done, keys.PartChip, o.Record)
		check(t, c.host.Complete(t.Context(), done))
		all, err := c.host.Postings(t.Context())
		check(t, err)
		if got := all[0].ScriptResults; got != hex.EncodeToString(results) {
			t.Errorf("the host has results %q, the card gave %X", got, results)
		}
	}
}
