package database_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/database"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/emv/tlv/tlvtest"
)

// all but one object is recognised.
func recognised(t tlv.Tag) bool { return t != tlv.CardholderName }

func newBase(t testing.TB) *database.Base {
	t.Helper()
	b, err := database.New(emv.Config{Country: 156, Random: func(b []byte) { copy(b, "\x01\x23\x45\x67") }},
		emv.Transaction{AmountMinor: 1250, At: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parse(t testing.TB, s string) []byte {
	t.Helper()
	data, err := tlvtest.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func learn(t testing.TB, b *database.Base, s string) error {
	t.Helper()
	objects, err := tlv.Parse(parse(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return b.Learn(objects, recognised)
}

// TestLookup: nothing of the card replaces what the terminal says, and what is
// not recognised has no value.
func TestLookup(t *testing.T) {
	b := newBase(t)
	if err := b.LearnFCI(parse(t, `6F[84[A0000000041010] A5[50["CARD"] BF0C[9F5D[010203]]]]`), recognised); err != nil {
		t.Fatal(err)
	}
	if err := learn(t, b, `9F37[FFFFFFFF] 9F02[000000000001] 5F20["OWNER"] 5F34[07] 5F24[281231]`); err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[tlv.Tag]string{
		tlv.UnpredictableNumber: "\x01\x23\x45\x67", tlv.AmountAuthorised: "\x00\x00\x00\x00\x12\x50", tlv.EntryMode: "\x07",
		tlv.ApplicationLabel: "CARD", tlv.CardholderName: "", tlv.PANSequence: "\x07", 0x9F5D: "\x01\x02\x03",
	} {
		if got, ok := b.Lookup(tag); !ok || string(got) != want {
			t.Errorf("Lookup(%v) = %X, %v, want %X", tag, got, ok, want)
		}
	}
	if got, ok := b.Lookup(tlv.Track2); ok {
		t.Errorf("Lookup(57) = %X", got)
	}
	if got, want := b.Objects(tlv.PANSequence, tlv.Track2, tlv.CardholderName), "\x5F\x34\x01\x07"; string(got) != want {
		t.Errorf("Objects = %X, want %X", got, want)
	}
	if c := b.Known(); c.PSN != "07" || c.Expiry != "281231" || c.Label != "CARD" || len(c.AID) != 7 {
		t.Errorf("Known() = %+v", c)
	}
	b.Clear()
	if c := b.Known(); c.PSN != "" || len(c.AID) != 0 || len(c.PAN) != 0 {
		t.Errorf("after Clear, Known() = %+v", c)
	}
}

// TestLearnRefuses: twice, in the same or in another template, and a wrong
// length.
func TestLearnRefuses(t *testing.T) {
	for s, want := range map[string]string{
		"50[41] 50[42]":         "50 given twice",
		"5F20[4142] 5F20[4142]": "5F20 given twice",
		"5F34[0102]":            "5F34 of 2 bytes",
		"84[A0000000041010]":    "84 given twice",
	} {
		b := newBase(t)
		if err := b.LearnFCI(parse(t, "6F[84[A0000000041010]]"), recognised); err != nil {
			t.Fatal(err)
		}
		if err := learn(t, b, s); err == nil || err.Error() != want {
			t.Errorf("Learn(%s) = %v, want %s", s, err, want)
		}
	}
	for _, s := range []string{"", "6F05", "70[84[A0000000041010]]", "6F[A5[50]]", "6F[84[A0000000041010] A5[84[A0000000041010]]]"} {
		if err := newBase(t).LearnFCI(parse(t, s), recognised); err == nil {
			t.Errorf("LearnFCI(%s) is taken", s)
		}
	}
	if _, err := database.New(emv.Config{Random: func(b []byte) { clear(b) }}, emv.Transaction{}); err == nil {
		t.Error("zeros are taken for an unpredictable number")
	}
}

// TestReadAccount: where the account number comes from.
func TestReadAccount(t *testing.T) {
	for s, want := range map[string]string{
		"57[9999010000000018D281220100000F]":                  "9999010000000018",
		"5A[9999010000000018]":                                "9999010000000018",
		"5A[9999010000000018] 57[9999010000000018D281220100]": "9999010000000018",
		"5A[999901000000001FFF]":                              "999901000000001",
		"57[99990100D2812201]":                                "99990100",
		"50[41]":                                              "",
		"5A[9999010000000018] 57[9999010000000026D281220100]": "!57 and 5A disagree",
		"5A[9999FF]":                                          "!5A holds no account number",
		"5A[99990100000000180000]":                            "!5A holds no account number",
		"5A[9999F10000000018]":                                "!5A holds no account number",
		"57[9999D2812201]":                                    "!57 holds no account number",
		"57[9999010000000018A281220100]":                      "!57 holds no account number",
		"57[99990100000000180000D2812201]":                    "!57 holds no account number",
		"57[9999010000000018]":                                "!57 has no separator",
		"57[] 5A[]":                                           "!57 has no separator",
	} {
		b := newBase(t)
		if err := learn(t, b, s); err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := b.ReadAccount(); err != nil {
			got = "!" + err.Error()
		} else {
			got = string(b.PAN)
		}
		if got != want {
			t.Errorf("ReadAccount of %s = %s, want %s", s, got, want)
		}
	}
}

// TestLabel: what cannot be shown is not.
func TestLabel(t *testing.T) {
	for s, want := range map[string]string{
		`84[A0000000041010] 50["CARD"]`: "CARD", `84[A0000000041010] 50[43FF]`: "A0000000041010", `84[A0000000041010]`: "A0000000041010",
	} {
		b := newBase(t)
		if err := learn(t, b, s); err != nil {
			t.Fatal(err)
		}
		if got := b.Known().Label; got != want {
			t.Errorf("label of %s: %q, want %q", s, got, want)
		}
	}
}

// FuzzBase learns what a card may say: an account number has 8 to 19 digits, and
// nothing of the terminal's is replaced.
func FuzzBase(f *testing.F) {
	for _, s := range []string{
		`6F[84[A0000000041010] A5[50["CARD"] 9F38[9F3704]]]`, "57[9999010000000018D281220100000F]",
		"5A[9999010000000018] 57[9999010000000018D28122010F]", "9F37[FFFFFFFF]", "5F24[281231] 5F34[01]", "57[9999D28122010F]",
	} {
		f.Add(parse(f, s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBase(t)
		_ = b.LearnFCI(data, recognised) // wrong or not, the rest must hold
		objects, err := tlv.Parse(data)
		if err == nil {
			_ = b.Learn(objects, recognised)
		}
		if err := b.ReadAccount(); err == nil && len(b.PAN) > 0 {
			if n := len(b.PAN); n < 8 || n > 19 || strings.Trim(string(b.PAN), "0123456789") != "" {
				t.Fatalf("%d digits for an account number", n)
			}
		}
		if un, _ := b.Lookup(tlv.UnpredictableNumber); !bytes.Equal(un, []byte{0x01, 0x23, 0x45, 0x67}) {
			t.Fatalf("the card replaced the unpredictable number by %X", un)
		}
		b.Known()
		b.Clear()
	})
}
