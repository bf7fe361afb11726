package cards_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers/sim/cards"
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
	{"tap3", small, "approved by issuer, no CVM", "present card, card read, authorising"},
	{"tap3", large, "declined: declined by terminal", "card read, not authorised"}, // the card allows no CVM
	{"tap3", limitMinor, "other interface: another interface", "insert or swipe"},
	{"tap3pin", small, "approved by issuer, no CVM", "card read, authorising"},
	{"tap3pin", large, "approved by issuer, PIN", "card read"},
	{"tap3sign", large, "approved by issuer, signature", "card read"},
	{"tap3offline", small, "approved, no CVM", "card read, approved"},
	{"tap3offline", large, "declined: declined by terminal", "not authorised"},
	{"tap3switch", small, "approved, no CVM", "card read, approved"},
	{"tap3ask", small, "approved, no CVM", "card read, approved"},
	{"tap3phone", small, "approved by issuer, no CVM", "card read"},
	{"tap3phone", large, "approved by issuer, device", "see phone, see phone, card read"},
	{"tap3update", small, "approved by issuer, no CVM", "authorising, present card again, approved"},
	{"tap3no", small, "declined: declined by card", "not authorised"},
	{"tap3forged", small, "declined: signature wrong", "not authorised"},

	// A verification that nobody made does not spare anybody the PIN.
	{"tap3claim", large, "declined: cryptogram", "not authorised"},
	{"tap3copy", large, "declined: signature wrong", "not authorised"},
	{"tap3bypass", large, "declined: cryptogram", "not authorised"},
	{"tap3unsigned", large, "declined: signature wrong", "not authorised"},
	// Application and account are of one scheme.
	{"tap3mixup", small, "declined: card data", "not authorised"},
	// Who cannot be authenticated is not approved here, nor by a phone's word.
	{"tap3unknownca", small, "declined: signature wrong", "not authorised"},
	{"tap3switchca", small, "other interface: another interface", "insert card"},
	{"tap3askca", small, "approved by issuer, no CVM", "authorising"},
	{"tap3phoneca", large, "declined: signature wrong", "see phone, not authorised"},
	{"tap3yes", small, "declined: signature wrong", "not authorised"},
	// The signature covers amount and number, but not the type of the cryptogram:
	// what is left for that is the floor limit. See tapSalesOnline.
	{"tap3turned", small, "approved, no CVM", "approved"},
	{"tap3stripe", small, "ended: card data", "insert"},

	{"tap3early", small, "approved, no CVM", "present card, present card again, card read, approved"},
	{"tap3gone", small, "approved by issuer, no CVM", "present card, present card again, card read, authorising"},
	{"tap3wallet", small, "approved by issuer, no CVM", "present card, present one card only, present card, card read"},
}

// tapSalesOnline are sales at a reader whose floor limit is zero, as it comes.
var tapSalesOnline = []aTap{
	{"tap3offline", small, "approved by issuer, no CVM", "authorising"},
	{"tap3forged", small, "declined: signature wrong", "not authorised"},
	{"tap3yes", small, "declined by issuer", "authorising"},
	{"tap3turned", small, "declined by issuer", "authorising"},
	{"tap3askca", small, "declined: signature wrong", "not authorised"},
}

// TestTaps sells with each card, through the Entry Point and its kernels.
func TestTaps(t *testing.T) {
	for name, shop := range map[string]struct {
		floorMinor int64
		sales      []aTap
	}{"floor": {floorMinor, tapSales}, "online": {0, tapSalesOnline}} {
		for _, tt := range shop.sales {
			t.Run(fmt.Sprintf("%s/%s-%d", name, tt.card, tt.amountMinor), func(t *testing.T) {
				card, p := tapped(t, tt.card)
				a := antenna{amountMinor: tt.amountMinor, floorMinor: shop.floorMinor}
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
	check := func(name, title string) {
		if seen[name] || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || !strings.HasPrefix(name, "tap") {
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
	card, p := tapped(t, "tap3update")
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

// A balance falls by what is spent, and what it does not bear the issuer is
// asked for.
func TestTapBalance(t *testing.T) {
	card, p := tapped(t, "tap3offline")
	a := antenna{amountMinor: 2500, floorMinor: floorMinor}
	for sale, want := range []string{"000000007500", "000000005000", "000000002500", "000000000000"} {
		s := a.sell(t, card, p)
		left, _ := tlv.Find(s.Discretionary, tlv.AvailableOffline)
		if s.String() != "approved, no CVM" || fmt.Sprintf("%X", left) != want {
			t.Errorf("sale %d: %s, %X left, want %s", sale+1, s, left, want)
		}
	}
	if s := a.sell(t, card, p); s.String() != "approved by issuer, no CVM" {
		t.Errorf("with nothing left: %s", s)
	}
}

// A phone that was unlocked is locked again after the sale.
func TestTapPhoneLocks(t *testing.T) {
	card, p := tapped(t, "tap3phone")
	a := antenna{amountMinor: large, floorMinor: floorMinor}
	for sale := range 2 {
		if s := a.sell(t, card, p); s.String() != "approved by issuer, device" || s.taps != 2 {
			t.Errorf("sale %d: %s after %d taps", sale+1, s, s.taps)
		}
	}
}

// Without the PIN that was promised the issuer is not asked.
func TestTapWithoutPIN(t *testing.T) {
	card, p := tapped(t, "tap3pin")
	a := antenna{amountMinor: large, floorMinor: floorMinor, bypassed: true}
	if s := a.sell(t, card, p); s.String() != "declined: declined by terminal" || s.asked || !s.typed {
		t.Errorf("%s", s)
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
