package cards_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

var update = flag.Bool("update", false, "rewrite the table in docs/security.md")

// A trial is a sale with an attacked card, or with one card after the other.
type trial struct {
	hand        []string // a card for each tap; the last one stays
	amountMinor int64
	reader      string // of readers
	ends        string
}

// readers are those that are tried. The first is as it comes: the issuer is
// asked for every sale, and cards are authenticated all the same.
var readers = map[string]antenna{
	"":                                {},
	"with a floor limit":              {floorMinor: floorMinor},
	"that authenticates no requests":  {trusting: true},
	"whose action codes deny nothing": {lenient: true},
}

// on is a sale with one card.
func on(card string, amountMinor int64, ends string) trial {
	return trial{[]string{card}, amountMinor, "", ends}
}

// at is the same at another reader.
func (tr trial) at(reader string) trial {
	tr.reader = reader
	return tr
}

const (
	trusting = "that authenticates no requests"
	lenient  = "whose action codes deny nothing"
	floored  = "with a floor limit"
)

// attacks are those on taps that are known, what stands against each, and the
// sales that show it.
var attacks = []struct {
	name, defence string
	trials        []trial
}{
	{"The card's wishes changed: a PIN bypassed (9F6C, AIP)",
		"That a device has verified its owner counts under a signature that covers it alone; CTQ that are not those of their signed copy decline; a wish for less than the PIN counts, over the CVM limit, if the card is proven",
		[]trial{
			on("tap-2-claim", large, "other interface: another interface"),
			on("tap-3-claim", large, "declined: cryptogram"), on("tap-7-claim", large, "declined: cryptogram"),
			on("tap-3-copy", large, "declined: signature wrong"), on("tap-7-copy", large, "declined: signature wrong"),
			on("tap-3-unsigned", large, "declined: signature wrong"), on("tap-7-unsigned", large, "declined: signature wrong"),
			on("tap-3-slip", large, "declined by issuer"), on("tap-7-slip", large, "declined: signature wrong"),
			on("tap-3-wishless", large, "declined by issuer"), on("tap-7-wishless", large, "declined: signature wrong"),
			on("tap-3-copy", large, "approved by issuer, PIN").at(trusting), on("tap-7-copy", large, "approved by issuer, PIN").at(trusting),
			on("tap-3-unsigned", large, "approved by issuer, PIN").at(trusting), on("tap-7-unsigned", large, "approved by issuer, PIN").at(trusting),
		}},
	{"The reader's wishes changed (9F66)",
		"What the card made of them is compared with what the reader wanted: a CVM is required all the same, and the issuer asked",
		[]trial{
			on("tap-3-bypass", large, "declined: cryptogram"), on("tap-7-bypass", large, "declined: cryptogram"),
			on("tap-3-alone", small, "approved by issuer, no CVM"), on("tap-7-alone", small, "approved by issuer, no CVM"),
			on("tap-3-alone", large, "declined: declined by terminal"), on("tap-7-alone", large, "declined: declined by terminal"),
		}},
	{"Brand mix-up", "The application's scheme and the account number must agree",
		[]trial{on("tap-3-mixup", small, "declined: card data")}},
	{"The directory changed: another kernel", "An application runs under the kernel that the terminal has for its name, or not at all",
		[]trial{
			on("tap-2-kernel", small, "ended: no application"), on("tap-3-kernel", small, "ended: no application"),
			on("tap-7-kernel", small, "ended: no application"),
		}},
	{"Data authentication made to fail (8F, AFL, AIP)",
		"A failure relaxes no verification of the cardholder: over the CVM limit the issuer is not asked with less than a PIN",
		[]trial{
			on("tap-2-unknownca", large, "other interface: another interface"), on("tap-2-phoneca", large, "declined: declined by terminal"),
			on("tap-2-bare", large, "other interface: another interface"), on("tap-2-short", small, "other interface: another interface"),
			on("tap-3-unknownca", small, "declined: signature wrong"), on("tap-7-unknownca", small, "declined: signature wrong"),
			on("tap-3-switchca", small, "declined: signature wrong"), on("tap-7-switchca", small, "declined: signature wrong"),
			on("tap-3-askca", small, "declined: signature wrong"), on("tap-7-askca", small, "declined: signature wrong"),
			on("tap-3-phoneca", large, "declined: signature wrong"), on("tap-7-phoneca", large, "declined: signature wrong"),
			on("tap-3-short", small, "ended: card data"), on("tap-7-short", small, "declined: signature wrong"),
			on("tap-2-unknownca", large, "approved by issuer, PIN").at(lenient), on("tap-2-phoneca", large, "declined: declined by terminal").at(lenient),
			on("tap-2-bare", large, "other interface: another interface").at(lenient),
			on("tap-3-phoneca", large, "approved by issuer, PIN").at(trusting), on("tap-7-phoneca", large, "approved by issuer, PIN").at(trusting),
		}},
	{"The list of verification methods replaced (8E)", "It is signed with the card's key; where that fails, nobody is spared the PIN for it",
		[]trial{
			on("tap-2-nocvm", large, "other interface: another interface"),
			on("tap-2-nocvm", large, "other interface: another interface").at(lenient),
		}},
	{"Relay, and the issuer's action codes taken away (9F0D to 9F0F)",
		"Kernel 2 races the card, by the time that the reader's driver measures with each answer; times and numbers are signed; the terminal's own codes refuse who is late",
		[]trial{
			on("tap-2-relayed", small, "other interface: another interface"), on("tap-2-hurried", small, "ended: signature wrong"),
			on("tap-2-codes", small, "other interface: another interface"),
		}},
	{"Downgrade to the magnetic stripe", "Magnetic stripe mode is off; a tap without a cryptogram is none",
		[]trial{
			on("tap-2-stripe", small, "ended: service not allowed"), on("tap-2-phonestripe", large, "ended: service not allowed"),
			on("tap-3-stripe", small, "ended: card data"), on("tap-7-stripe", small, "ended: card data"),
		}},
	{"Yes card", "Nothing is approved but under a dynamic signature of this sale; the floor limit is zero as it comes",
		[]trial{
			on("tap-2-yes", small, "ended: signature wrong"), on("tap-3-yes", small, "declined by issuer"), on("tap-7-yes", small, "declined: signature wrong"),
			on("tap-2-forged", small, "ended: signature wrong"), on("tap-3-forged", small, "declined: signature wrong"),
			on("tap-7-forged", small, "declined: signature wrong"),
			on("tap-2-unsigned", small, "ended: signature wrong"), on("tap-2-turned", small, "ended: cryptogram"),
			on("tap-3-turned", small, "declined by issuer"), on("tap-7-turned", small, "declined by issuer"),
			on("tap-2-yes", small, "ended: signature wrong").at(floored), on("tap-3-yes", small, "declined: signature wrong").at(floored),
			on("tap-7-yes", small, "declined: signature wrong").at(floored),
		}},
	{"Pre-play", "The unpredictable number is drawn for each tap, and signature and cryptogram are for it",
		[]trial{
			on("tap-2-preplay", small, "ended: signature wrong"), on("tap-3-preplay", small, "declined: signature wrong"),
			on("tap-7-preplay", small, "declined: signature wrong"),
			on("tap-3-preplay", small, "declined by issuer").at(trusting), on("tap-7-preplay", small, "declined by issuer").at(trusting),
		}},
	{"Amount or currency changed on their way to the card", "Signature and cryptogram are for those of the sale",
		[]trial{
			on("tap-2-cheap", small, "ended: signature wrong"), on("tap-3-cheap", small, "declined: signature wrong"),
			on("tap-7-cheap", small, "declined: signature wrong"),
			on("tap-2-abroad", small, "ended: signature wrong"), on("tap-3-abroad", small, "declined: signature wrong"),
			on("tap-7-abroad", small, "declined: signature wrong"),
			on("tap-3-cheap", small, "declined by issuer").at(trusting), on("tap-7-cheap", small, "declined by issuer").at(trusting),
			on("tap-3-abroad", small, "declined by issuer").at(trusting), on("tap-7-abroad", small, "declined by issuer").at(trusting),
		}},
	{"Another card at the second tap", "What the first card or phone has said counts for it alone",
		[]trial{
			{[]string{"tap-2-phone", "tap-2-claim"}, large, "", "other interface: another interface"},
			{[]string{"tap-3-phone", "tap-3-claim"}, large, "", "declined: cryptogram"},
			{[]string{"tap-3-phone", "tap-3"}, large, "", "declined: declined by terminal"},
			{[]string{"tap-7-phone", "tap-7-bypass"}, large, "", "declined: cryptogram"},
			{[]string{"tap-2-cut", "tap-2-forged"}, small, floored, "ended: signature wrong"},
			{[]string{"tap-3-update", "tap-3-offline"}, small, "", "approved by issuer, no CVM"},
		}},
}

// genuine are sales that an attack leaves as they would have been: the issuer is
// asked, as he is for all at that reader, and believes a true card. What he sends
// for it is of no use to another one, see TestTapUpdateElsewhere.
var genuine = []string{"tap-3-alone", "tap-7-alone", "tap-3-update"}

// TestAttacks tries each attack: none is approved, if not by an issuer who was
// asked with a PIN, and docs/security.md has the table of it.
func TestAttacks(t *testing.T) {
	for _, a := range attacks {
		for _, tr := range a.trials {
			t.Run(strings.Join(tr.hand, "+")+"-"+tr.reader, func(t *testing.T) { tr.run(t) })
		}
	}
	compareTable(t)
}

func (tr trial) run(t *testing.T) {
	r := readers[tr.reader]
	r.amountMinor = tr.amountMinor
	var hand []held
	for _, name := range tr.hand {
		card, p := tapped(t, name)
		hand = append(hand, held{card, p})
	}
	s := r.sellTo(t, hand)
	if s.String() != tr.ends {
		t.Errorf("%s (%s), want %s", s, s.Detail, tr.ends)
	}
	fair := s.asked && (s.typed && s.CVM == emv.CVMOnlinePIN || slices.Contains(genuine, tr.hand[0]) && tr.amountMinor < cvmMinor)
	if s.Status == emv.Approved && !fair {
		t.Errorf("%s, issuer asked %v, PIN typed %v", s, s.asked, s.typed)
	}
	if s.asked && tr.amountMinor >= cvmMinor && !s.typed {
		t.Error("over the CVM limit the issuer was asked without a PIN")
	}
}

const (
	document      = "../../../docs/security.md"
	documentBegin = "<!-- The table is written by go test ./drivers/sim/cards -run TestAttacks -update -->\n"
	documentEnd   = "<!-- end of the table -->\n"
)

// compareTable looks whether the document has the table, or writes it.
func compareTable(t *testing.T) {
	t.Helper()
	var table strings.Builder
	table.WriteString("| attack | what stands against it | tried with, and its end |\n|---|---|---|\n")
	for _, a := range attacks {
		fmt.Fprintf(&table, "| %s | %s | %s |\n", a.name, a.defence, strings.Join(endings(a.trials), "<br>"))
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begins := strings.Cut(string(text), documentBegin)
	_, tail, ends := strings.Cut(rest, documentEnd)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", document)
	}
	want := head + documentBegin + table.String() + documentEnd + tail
	switch {
	case want == string(text):
	case *update && !t.Failed():
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is stale: go test ./drivers/sim/cards -run TestAttacks -update", document)
	}
}

// endings are the cards by how their sales end, and where.
func endings(trials []trial) []string {
	var heads []string
	tried := map[string][]string{}
	for _, tr := range trials {
		head := strings.Replace(tr.ends, "other interface: another interface", "sent to another interface", 1)
		if tr.reader != "" {
			head += ", at a reader " + tr.reader
		}
		if !slices.Contains(heads, head) {
			heads = append(heads, head)
		}
		name := "`" + strings.Join(tr.hand, "`, then `") + "`"
		tried[head] = append(tried[head], fmt.Sprintf("%s (%d.%02d)", name, tr.amountMinor/100, tr.amountMinor%100))
	}
	var all []string
	for _, head := range heads {
		all = append(all, head+": "+strings.Join(tried[head], ", "))
	}
	return all
}

// Each tap has an unpredictable number of its own, and each race one more.
func TestTapNumbers(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range []string{"tap-2", "tap-3", "tap-7", "tap-2-relayed"} {
		for range 50 {
			card, p := tapped(t, name)
			s := (&antenna{amountMinor: small}).sell(t, card, p)
			number, _ := tlv.Find(s.Record, tlv.UnpredictableNumber)
			if key := hex.EncodeToString(number); len(number) != 4 || key == "00000000" || seen[key] {
				t.Fatalf("%s: the number %q is none, or was drawn before", name, key)
			} else {
				seen[key] = true
			}
			for _, raced := range s.raced {
				if raced != hex.EncodeToString(number) && seen[raced] {
					t.Fatalf("%s: the number of a race was drawn before", name)
				}
				seen[raced] = true
			}
		}
	}
}

// TestSecurityNames: the tests that docs/security.md names are there.
func TestSecurityNames(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test[A-Za-z]+)` in `([a-z/]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) == 0 {
		t.Error("no test is named")
	}
	for _, n := range named {
		files, err := filepath.Glob("../../../" + n[2] + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(files, func(file string) bool {
			source, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(source), "\nfunc "+n[1]+"(t *testing.T)")
		}) {
			t.Errorf("there is no %s in %s", n[1], n[2])
		}
	}
}
