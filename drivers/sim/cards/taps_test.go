package cards_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers/sim/cards"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Amounts on either side of the reader's limits.
const (
	small = cvmMinor - 1
	large = cvmMinor
)

// aTap is a sale with a card, and its end.
type aTap struct {
	card        string
	amountMinor int64
	ends        string
	shown       string // messages that come, in this order, others between them
}

// tapSales are sales where some may be approved by the card alone.
var tapSales = []aTap{
	{"tap-2", small, "approved by issuer, no CVM", "present card, no message, authorising"},
	{"tap-2", limitMinor, "other interface: another interface", "insert or swipe"},
	{"tap-2-pin", small, "approved by issuer, no CVM", "no message"},
	{"tap-2-pin", large, "approved by issuer, PIN", "no message"},
	{"tap-2-sign", large, "approved by issuer, signature", "no message"},
	{"tap-2-offline", small, "approved, no CVM", "no message, approved"},
	{"tap-2-phone", small, "approved by issuer, no CVM", "no message"},
	{"tap-2-phone", large, "approved by issuer, device", "see phone, see phone, no message"},
	{"tap-2-race", small, "approved by issuer, no CVM", "no message"},
	{"tap-2-torn", small, "approved, no CVM", "no message, approved"},
	{"tap-2-no", small, "other interface: another interface", "insert card"},
	{"tap-2-forged", small, "ended: signature wrong", "insert"},

	{"tap-2-relayed", small, "other interface: another interface", "insert card"},
	{"tap-2-hurried", small, "ended: signature wrong", "insert"},
	// What was changed is signed, and without its signature a card that could give
	// one is not approved, nor the issuer asked.
	{"tap-2-claim", large, "other interface: another interface", "insert card"},
	{"tap-2-nocvm", large, "other interface: another interface", "insert card"},
	{"tap-2-unknownca", small, "other interface: another interface", "insert card"},
	{"tap-2-unknownca", large, "other interface: another interface", "insert card"},
	{"tap-2-phoneca", large, "declined: declined by terminal", "not authorised"},
	{"tap-2-yes", small, "ended: signature wrong", "insert"},
	{"tap-2-turned", small, "ended: signature wrong", "insert"},
	{"tap-2-unsigned", small, "ended: signature wrong", "insert"},
	{"tap-2-stripe", small, "ended: service not allowed", "insert"},

	{"tap-2-early", small, "approved by issuer, no CVM", "present card, present card again, no message, authorising"},
	{"tap-2-cut", small, "approved, no CVM", "present card, present card again, no message, approved"},
	{"tap-2-lost", small, "approved, no CVM", "present card, present card again, no message, approved"},

	{"tap-3", small, "approved by issuer, no CVM", "present card, card read, authorising"},
	{"tap-3", large, "declined: declined by terminal", "card read, not authorised"}, // the card allows no CVM
	{"tap-3", limitMinor, "other interface: another interface", "insert or swipe"},
	{"tap-3-pin", small, "approved by issuer, no CVM", "card read, authorising"},
	{"tap-3-pin", large, "approved by issuer, PIN", "card read"},
	{"tap-3-sign", large, "approved by issuer, signature", "card read"},
	{"tap-3-offline", small, "approved, no CVM", "card read, approved"},
	{"tap-3-offline", large, "declined: declined by terminal", "not authorised"},
	{"tap-3-switch", small, "approved, no CVM", "card read, approved"},
	{"tap-3-ask", small, "approved, no CVM", "card read, approved"},
	{"tap-3-phone", small, "approved by issuer, no CVM", "card read"},
	{"tap-3-phone", large, "approved by issuer, device", "see phone, see phone, card read"},
	{"tap-3-update", small, "approved by issuer, no CVM", "authorising, present card again, approved"},
	{"tap-3-no", small, "declined: declined by card", "not authorised"},
	{"tap-3-forged", small, "declined: signature wrong", "not authorised"},

	// A verification that nobody made does not spare anybody the PIN.
	{"tap-3-claim", large, "declined: cryptogram", "not authorised"},
	{"tap-3-copy", large, "declined: signature wrong", "not authorised"},
	{"tap-3-bypass", large, "declined: cryptogram", "not authorised"},
	{"tap-3-unsigned", large, "declined: signature wrong", "not authorised"},
	// Application and account are of one scheme.
	{"tap-3-mixup", small, "declined: card data", "not authorised"},
	// Who cannot be authenticated is not approved here, nor by a phone's word.
	{"tap-3-unknownca", small, "declined: signature wrong", "not authorised"},
	{"tap-3-switchca", small, "other interface: another interface", "insert card"},
	{"tap-3-askca", small, "approved by issuer, no CVM", "authorising"},
	{"tap-3-phoneca", large, "declined: signature wrong", "see phone, not authorised"},
	{"tap-3-yes", small, "declined: signature wrong", "not authorised"},
	// The signature covers amount and number, but not the type of the cryptogram:
	// what is left for that is the floor limit. See tapSalesOnline.
	{"tap-3-turned", small, "approved, no CVM", "approved"},
	{"tap-3-stripe", small, "ended: card data", "insert"},

	{"tap-3-early", small, "approved, no CVM", "present card, present card again, card read, approved"},
	{"tap-3-gone", small, "approved by issuer, no CVM", "present card, present card again, card read, authorising"},
	{"tap-3-wallet", small, "approved by issuer, no CVM", "present card, present one card only, present card, card read"},

	// Kernel 7, alike.
	{"tap-7", small, "approved by issuer, no CVM", "present card, card read, authorising"},
	{"tap-7", large, "declined: declined by terminal", "card read, not authorised"}, // the card allows no CVM
	{"tap-7", limitMinor, "other interface: another interface", "insert or swipe"},
	{"tap-7-pin", small, "approved by issuer, no CVM", "card read, authorising"},
	{"tap-7-pin", large, "approved by issuer, PIN", "card read"},
	{"tap-7-sign", large, "approved by issuer, signature", "card read"},
	{"tap-7-offline", small, "approved, no CVM", "card read, approved"},
	{"tap-7-offline", large, "declined: declined by terminal", "not authorised"},
	{"tap-7-switch", small, "approved, no CVM", "card read, approved"},
	{"tap-7-ask", small, "approved, no CVM", "card read, approved"},
	{"tap-7-phone", small, "approved by issuer, no CVM", "card read"},
	{"tap-7-phone", large, "approved by issuer, device", "see phone, see phone, card read"},
	{"tap-7-no", small, "declined: declined by card", "not authorised"},
	{"tap-7-forged", small, "declined: signature wrong", "not authorised"},
	{"tap-7-claim", large, "declined: cryptogram", "not authorised"},
	{"tap-7-copy", large, "declined: signature wrong", "not authorised"},
	{"tap-7-bypass", large, "declined: cryptogram", "not authorised"},
	{"tap-7-unsigned", large, "declined: signature wrong", "not authorised"},
	{"tap-7-unknownca", small, "declined: signature wrong", "not authorised"},
	{"tap-7-switchca", small, "other interface: another interface", "insert card"},
	{"tap-7-askca", small, "approved by issuer, no CVM", "authorising"},
	{"tap-7-phoneca", large, "declined: signature wrong", "see phone, not authorised"},
	{"tap-7-yes", small, "declined: signature wrong", "not authorised"},
	{"tap-7-turned", small, "approved, no CVM", "approved"},
	{"tap-7-stripe", small, "ended: card data", "insert"},
	{"tap-7-early", small, "approved, no CVM", "present card, present card again, card read, approved"},
	{"tap-7-gone", small, "approved by issuer, no CVM", "present card, present card again, card read, authorising"},
}

// tapSalesOnline are sales at a reader whose floor limit is zero, as it comes.
var tapSalesOnline = []aTap{
	{"tap-2-offline", small, "approved by issuer, no CVM", "authorising"},
	{"tap-2-yes", small, "ended: signature wrong", "insert"},
	{"tap-2-unknownca", small, "other interface: another interface", "insert card"},
	{"tap-3-offline", small, "approved by issuer, no CVM", "authorising"},
	{"tap-3-forged", small, "declined: signature wrong", "not authorised"},
	{"tap-3-yes", small, "declined by issuer", "authorising"},
	{"tap-3-turned", small, "declined by issuer", "authorising"},
	{"tap-3-askca", small, "declined: signature wrong", "not authorised"},
	{"tap-7-offline", small, "approved by issuer, no CVM", "authorising"},
	{"tap-7-forged", small, "declined: signature wrong", "not authorised"},
	{"tap-7-yes", small, "declined: signature wrong", "not authorised"},
	{"tap-7-turned", small, "declined by issuer", "authorising"},
	{"tap-7-askca", small, "declined: signature wrong", "not authorised"},
}

// tapSalesTrusting are sales at a reader that leaves it to the issuer whether a
// card is genuine: there a claim that is not signed gets no further than one
// that nobody made, for the PIN is asked for. What approves by itself is
// authenticated there too.
var tapSalesTrusting = []aTap{
	{"tap-3-phone", large, "approved by issuer, PIN", "see phone, card read"},
	{"tap-3-claim", large, "declined: cryptogram", "not authorised"},
	{"tap-3-copy", large, "approved by issuer, PIN", "card read"},
	{"tap-3-bypass", large, "declined: cryptogram", "not authorised"},
	{"tap-3-unsigned", large, "approved by issuer, PIN", "card read"},
	{"tap-3-phoneca", large, "approved by issuer, PIN", "card read"},
	{"tap-3-yes", small, "declined: signature wrong", "not authorised"},
	{"tap-7-phone", large, "approved by issuer, device", "see phone, card read"}, // a claim is proven there in any case
	{"tap-7-claim", large, "declined: cryptogram", "not authorised"},
	{"tap-7-copy", large, "approved by issuer, PIN", "card read"},
	{"tap-7-bypass", large, "declined: cryptogram", "not authorised"},
	{"tap-7-unsigned", large, "approved by issuer, PIN", "card read"},
	{"tap-7-phoneca", large, "approved by issuer, PIN", "card read"},
	{"tap-7-yes", small, "declined: signature wrong", "not authorised"},
}

// tapSalesLenient are sales at a reader whose action codes deny nothing: it asks
// the issuer instead. What nothing proves still spares nobody the PIN.
var tapSalesLenient = []aTap{
	{"tap-2-relayed", small, "approved by issuer, no CVM", "authorising"},
	{"tap-2-unknownca", small, "approved by issuer, no CVM", "authorising"},
	{"tap-2-unknownca", large, "approved by issuer, PIN", "authorising"},
	{"tap-2-nocvm", small, "approved by issuer, no CVM", "authorising"},
	{"tap-2-nocvm", large, "other interface: another interface", "insert card"},
	{"tap-2-claim", large, "other interface: another interface", "insert card"},
	{"tap-2-phoneca", large, "declined: declined by terminal", "not authorised"},
	{"tap-2-yes", small, "ended: signature wrong", "insert"},
}

// TestTaps sells with each card, through the Entry Point and its kernels.
func TestTaps(t *testing.T) {
	for name, shop := range map[string]struct {
		reader antenna
		sales  []aTap
	}{
		"floor":    {antenna{floorMinor: floorMinor}, tapSales},
		"online":   {antenna{}, tapSalesOnline},
		"trusting": {antenna{floorMinor: floorMinor, trusting: true}, tapSalesTrusting},
		"lenient":  {antenna{floorMinor: floorMinor, lenient: true}, tapSalesLenient},
	} {
		for _, tt := range shop.sales {
			t.Run(fmt.Sprintf("%s/%s-%d", name, tt.card, tt.amountMinor), func(t *testing.T) {
				card, p := tapped(t, tt.card)
				a := shop.reader
				a.amountMinor = tt.amountMinor
				s := a.sell(t, card, p)
				if s.String() != tt.ends {
					t.Errorf("%s (%s), want %s", s, s.Detail, tt.ends)
				}
				if !s.shown(strings.Split(tt.shown, ", ")...) {
					t.Errorf("messages %q, want %s", s.messages, tt.shown)
				}
			})
		}
	}
}

// Every row of deck and catalogue has a name of its own, a sentence and a sale.
func TestTapRows(t *testing.T) {
	seen := map[string]bool{}
	var sold []string
	for _, tt := range tapSales {
		sold = append(sold, tt.card)
	}
	for _, a := range attacks {
		for _, tr := range a.trials {
			sold = append(sold, tr.hand...)
		}
	}
	check := func(name, title string) {
		if seen[name] || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || !strings.HasPrefix(name, "tap-") {
			t.Errorf("%q is given twice, or no name of a card that is tapped", name)
		}
		seen[name] = true
		if !strings.HasSuffix(title, ".") || strings.ToUpper(title[:1]) != title[:1] {
			t.Errorf("%s: the title %q is no sentence", name, title)
		}
		if !slices.Contains(sold, name) {
			t.Errorf("%s: nobody sells with it", name)
		}
	}
	for _, listed := range issuer.TapList() {
		check(listed.Name, listed.Title)
	}
	for _, v := range cards.Taps() {
		check(v.Name, v.Title)
	}
}

// The issuer's answer reaches the card at the second tap: it believes it, and
// obeys the script, whose MAC it checks.
func TestTapUpdate(t *testing.T) {
	card, p := tapped(t, "tap-3-update")
	a := antenna{amountMinor: small, floorMinor: floorMinor, scripted: func(arqc [8]byte) []byte {
		s := issuer.NewScripter([16]byte(p.MACKey), [16]byte(p.EncipherKey), arqc)
		return issuer.Script(tlv.Script2, [4]byte{1, 2, 3, 4}, s.BlockApplication())
	}}
	s := a.sell(t, card, p)
	if s.String() != "approved by issuer, no CVM" || s.taps != 2 {
		t.Fatalf("%s after %d taps (%s)", s, s.taps, s.Detail)
	}
	results, _ := tlv.Find(s.Record, tlv.ScriptResults)
	if len(results) == 0 || results[0] != 0x20 {
		t.Errorf("script results %X, want one that was obeyed", results)
	}
	if k := card.Counters(); k.LastOnline != k.ATC || k.Blocked == 0 {
		t.Errorf("the card knows %+v: the answer did not come to it", k)
	}
	if s := a.sell(t, card, p); s.String() != "ended: no application" {
		t.Errorf("with the application blocked: %s (%s)", s, s.Detail)
	}
}

// What an issuer sends to one card does nothing to another, and the sale with
// the first stands.
func TestTapUpdateElsewhere(t *testing.T) {
	card, p := tapped(t, "tap-3-update")
	other, q := tapped(t, "tap-3")
	a := antenna{amountMinor: small, scripted: func(arqc [8]byte) []byte {
		s := issuer.NewScripter([16]byte(p.MACKey), [16]byte(p.EncipherKey), arqc)
		return issuer.Script(tlv.Script2, [4]byte{1, 2, 3, 4}, s.BlockApplication())
	}}
	before := other.Counters()
	s := a.sellTo(t, []held{{card, p}, {other, q}})
	if s.String() != "approved by issuer, no CVM" || s.taps != 2 || string(s.Card.PAN) != p.PAN {
		t.Errorf("%s after %d taps (%s)", s, s.taps, s.Detail)
	}
	if after := other.Counters(); after != before {
		t.Errorf("the other card knows %+v, before %+v", after, before)
	}
}

// A balance falls by what is spent, and what it does not bear the issuer is
// asked for.
func TestTapBalance(t *testing.T) {
	for _, name := range []string{"tap-2-offline", "tap-3-offline", "tap-7-offline"} {
		card, p := tapped(t, name)
		a := antenna{amountMinor: 2500, floorMinor: floorMinor}
		for sale, want := range []int64{7500, 5000, 2500, 0} {
			s := a.sell(t, card, p)
			if code, _ := tlv.Find(s.Record, tlv.CashAuthorisation); (string(code) == "ECC001") != (p.Tap.Kernel == issuer.Kernel7) {
				t.Errorf("%s, sale %d: electronic cash authorisation %q", name, sale+1, code)
			}
			if s.String() != "approved, no CVM" || s.UIOnOutcome == nil || s.UIOnOutcome.Qualifier != emv.ValueBalance || s.UIOnOutcome.ValueMinor != want {
				t.Errorf("%s, sale %d: %s, %+v shown, want %d left", name, sale+1, s, s.UIOnOutcome, want)
			}
		}
		if s := a.sell(t, card, p); s.String() != "approved by issuer, no CVM" {
			t.Errorf("%s with nothing left: %s", name, s)
		}
	}
}

// The race tells cards that are near from those that are not: what is between
// them takes time, three times over.
func TestTapRelay(t *testing.T) {
	const performed, tooLong = 0x02, 0x04 // TVR, byte 5: EMV Contactless Book C-2, Annex A
	for name, want := range map[string]struct {
		tvr   byte
		races int
	}{"tap-2-race": {performed, 1}, "tap-2-relayed": {performed | tooLong, 3}} {
		card, p := tapped(t, name)
		s := (&antenna{amountMinor: small, floorMinor: floorMinor}).sell(t, card, p)
		tvr, _ := tlv.Find(s.Record, tlv.TVR)
		if races := strings.Count(string(s.commands), "\xEA"); len(tvr) != 5 || tvr[4] != want.tvr || races != want.races {
			t.Errorf("%s: TVR %X after %d races, want %02X after %d", name, tvr, races, want.tvr, want.races)
		}
	}
}

// A cryptogram that nobody heard is asked for again, if the card can: that of
// the first tap. Another card makes a new one.
func TestTapTorn(t *testing.T) {
	for name, want := range map[string]struct {
		atc      string
		commands string // of the second tap
	}{
		"tap-2-cut":  {"0001", "A4A4A8B2B2B2B2D0"},
		"tap-2-lost": {"0002", "A4A4A8B2B2B2B2AECA"}, // it has a balance, too
	} {
		card, p := tapped(t, name)
		s := (&antenna{amountMinor: small, floorMinor: floorMinor}).sell(t, card, p)
		atc, _ := tlv.Find(s.Record, tlv.ATC)
		if got := fmt.Sprintf("%X", atc); s.taps != 2 || got != want.atc || !strings.HasSuffix(fmt.Sprintf("%X", s.commands), "AE"+want.commands) {
			t.Errorf("%s: counter %s after %d taps and commands %X, want %s and …%s", name, got, s.taps, s.commands, want.atc, want.commands)
		}
	}
}

// A phone that was unlocked is locked again after the sale.
func TestTapPhoneLocks(t *testing.T) {
	for _, name := range []string{"tap-2-phone", "tap-3-phone", "tap-7-phone"} {
		card, p := tapped(t, name)
		a := antenna{amountMinor: large, floorMinor: floorMinor}
		for sale := range 2 {
			if s := a.sell(t, card, p); s.String() != "approved by issuer, device" || s.taps != 2 {
				t.Errorf("%s, sale %d: %s after %d taps", name, sale+1, s, s.taps)
			}
		}
	}
}

// Without the PIN that was promised the issuer is not asked.
func TestTapWithoutPIN(t *testing.T) {
	for _, name := range []string{"tap-2-pin", "tap-3-pin", "tap-7-pin"} {
		card, p := tapped(t, name)
		a := antenna{amountMinor: large, floorMinor: floorMinor, bypassed: true}
		if s := a.sell(t, card, p); s.String() != "declined: declined by terminal" || s.asked || !s.typed {
			t.Errorf("%s: %s", name, s)
		}
	}
}

// No card in a field may break down, whatever a reader sends: each answers every
// command by data and a status word, or is gone.
func FuzzTap(f *testing.F) {
	names := []string{}
	for _, listed := range issuer.TapList() {
		names = append(names, listed.Name)
	}
	for _, v := range cards.Taps() {
		names = append(names, v.Name)
	}
	f.Add([]byte("\x00\xA4\x04\x00\x0E2PAY.SYS.DDF01\x00"), []byte("\x00\xB2\x01\x0C\x00"))
	f.Add([]byte("\x00\xA4\x04\x00\x07\xF0CPOS\x03\x03\x00"), append([]byte("\x80\xA8\x00\x00\x23\x83\x21\x36\x00\x40\x00"), make([]byte, 30)...))
	f.Add([]byte("\x00\xA4\x04\x00\x07\xF0CPOS\x03\x02\x00"), []byte("\x80\xA8\x00\x00\x06\x83\x04\x01\x56\x01\x56\x00"))
	f.Add([]byte("\x80\xEA\x00\x00\x04\x01\x02\x03\x04\x00"), []byte("\x80\xD0\x00\x00\x04\x01\x02\x03\x04\x00"))
	f.Add([]byte("\x00\xA4\x04\x00\x07\xF0CPOS\x03\x03\x00"), []byte("\x00\x82\x00\x00\x0A\x01\x02\x03\x04\x05\x06\x07\x08\x30\x30"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, name := range names {
			card, _ := tapped(t, name)
			card.Enter()
			for _, command := range [][]byte{first, second, second} {
				if answer, took := card.Exchange(command); answer != nil && len(answer) < 2 || took <= 0 {
					t.Fatalf("%s answers % X by % X in %v", name, command, answer, took)
				}
			}
		}
	})
}
