package sim

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// madeTapsOnce is made once: RSA keys are slow.
var madeTapsOnce = sync.OnceValue(func() madeDeck {
	cards, ca, err := issuer.TapDeck(rand.Reader, issuer.MasterKeys{AC: testIMK, MAC: testMAC, Encipher: testEncipher}, time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC))
	return madeDeck{cards, ca, err}
})

func newTapped(t testing.TB, name string) *Tapped {
	t.Helper()
	d := madeTapsOnce()
	if d.err != nil {
		t.Fatal(d.err)
	}
	for _, p := range d.cards {
		if p.Name == name {
			c, err := NewTapped(p, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			c.Enter()
			return c
		}
	}
	t.Fatalf("no card %q", name)
	return nil
}

// optionsFor is GET PROCESSING OPTIONS for 12.50, with the second byte of the
// reader's qualifiers.
func optionsFor(wants string) string {
	return "80A8000023 8321 36" + wants + "4000 000000001250 000000000000 0156 0000000000 0156 260314 00 01020304 00"
}

// generateFor is GENERATE AC, with P1, the number and how the holder was verified.
func generateFor(p1, un, results string) string {
	return "80AE" + p1 + "0020 000000001250 000000000000 0156 0000000000 0156 260314 00 " + un + results + "00"
}

const (
	selectTap2  = "00A4040007 F043504F530302 00"
	optionsTap2 = "80A8000006 8304 0156 0156 00"
	raceTap2    = "80EA000004 01020304 00"
	number1     = "01020304"
	nobody      = "1F0002"
	byDevice    = "010002"
)

const (
	selectTap3 = "00A4040007 F043504F530303 00"
	selectTap7 = "00A4040007 F043504F530307 00"
)

// TestTappedConversation: what a card in a field answers, and what it refuses.
func TestTappedConversation(t *testing.T) {
	type exchange struct{ command, status string }
	for name, tt := range map[string]struct {
		card      string
		exchanges []exchange
	}{
		"directories": {"tap-3", []exchange{
			{"00A404000E 325041592E5359532E4444463031 00", "9000"},
			{"00A404000E 315041592E5359532E4444463031 00", "6A82"},
			{"00A4040007 A0000000031010 00", "6A82"},
		}},
		"not selected":   {"tap-3", []exchange{{optionsFor("00"), "6985"}}},
		"no contacts":    {"tap-3", []exchange{{selectTap3, "9000"}, {"80AE800000", "6D00"}, {"0088000004 01020304 00", "6D00"}}},
		"other class":    {"tap-3", []exchange{{"D0A8000000", "6E00"}, {"00", "6700"}}},
		"wrong list":     {"tap-3", []exchange{{selectTap3, "9000"}, {"80A8000002 8300 00", "6700"}, {"80A8000002 8400 00", "6A80"}}},
		"once":           {"tap-3", []exchange{{selectTap3, "9000"}, {optionsFor("00"), "9000"}, {optionsFor("00"), "6985"}}},
		"records":        {"tap-3", []exchange{{selectTap3, "9000"}, {"00B2010C00", "6985"}, {optionsFor("00"), "9000"}, {"00B2010C00", "9000"}}},
		"locked phone":   {"tap-3-phone", []exchange{{selectTap3, "9000"}, {optionsFor("40"), "6986"}, {optionsFor("40"), "9000"}}},
		"small amount":   {"tap-3-phone", []exchange{{selectTap3, "9000"}, {optionsFor("00"), "9000"}}},
		"nothing asked":  {"tap-3-update", []exchange{{selectTap3, "9000"}, {"008200000A 01020304050607083030", "6985"}}},
		"wrong answer":   {"tap-3-update", []exchange{{selectTap3, "9000"}, {optionsFor("00"), "9000"}, {selectTap3, "9000"}, {"008200000A 01020304050607083030", "6300"}}},
		"without update": {"tap-3", []exchange{{selectTap3, "9000"}, {optionsFor("00"), "9000"}, {selectTap3, "9000"}, {"008200000A 01020304050607083030", "6985"}}},

		"other kernel":   {"tap-3", []exchange{{selectTap3, "9000"}, {raceTap2, "6D00"}, {"80D0000004 01020304 00", "6D00"}, {"80CA9F5000", "6D00"}}},
		"race":           {"tap-2-race", []exchange{{selectTap2, "9000"}, {raceTap2, "6985"}, {optionsTap2, "9000"}, {"80EA000003 010203 00", "6700"}, {raceTap2, "9000"}}},
		"no race":        {"tap-2", []exchange{{selectTap2, "9000"}, {optionsTap2, "9000"}, {raceTap2, "6D00"}}},
		"generate early": {"tap-2", []exchange{{selectTap2, "9000"}, {generateFor("90", number1, nobody), "6985"}}},
		"generate": {"tap-2", []exchange{
			{selectTap2, "9000"}, {optionsTap2, "9000"}, {"80AE900001 00 00", "6700"}, {generateFor("90", number1, nobody), "9000"}, {generateFor("90", number1, nobody), "6985"},
		}},
		"nothing to recover": {"tap-2-torn", []exchange{{selectTap2, "9000"}, {optionsTap2, "9000"}, {"80D0000004 01020304 00", "6985"}}},
		"recovers": {"tap-2-torn", []exchange{
			{selectTap2, "9000"}, {optionsTap2, "9000"}, {generateFor("50", number1, nobody), "9000"}, {"80D0000004 01020304 00", "6985"},
			{selectTap2, "9000"}, {optionsTap2, "9000"}, {"80D0000004 01020305 00", "6985"}, {"80D0000004 01020304 00", "9000"},
			{generateFor("50", number1, nobody), "6985"},
		}},
		"recovers nothing": {"tap-2", []exchange{{selectTap2, "9000"}, {optionsTap2, "9000"}, {generateFor("50", number1, nobody), "9000"}, {selectTap2, "9000"}, {optionsTap2, "9000"}, {"80D0000004 01020304 00", "6D00"}}},
		"balance":          {"tap-2-offline", []exchange{{"80CA9F5000", "6985"}, {selectTap2, "9000"}, {"80CA9F5000", "9000"}, {"80CA9F3600", "9000"}, {"80CA9F7900", "6A88"}}},
		"no balance":       {"tap-2", []exchange{{selectTap2, "9000"}, {"80CA9F5000", "6A88"}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTapped(t, tt.card)
			for _, x := range tt.exchanges {
				answer, _ := c.Exchange(unhex(t, x.command))
				if got := fmt.Sprintf("%X", answer[len(answer)-2:]); got != x.status {
					t.Fatalf("%s: %s, want %s", x.command, got, x.status)
				}
			}
		})
	}
}

// TestTappedDecides: the type of the cryptogram and the qualifiers, by what the
// reader wants.
func TestTappedDecides(t *testing.T) {
	for _, tt := range []struct{ card, wants, cid, qualifiers string }{
		{"tap-3", "00", "80", "0000"},
		{"tap-3-no", "00", "00", "0000"},
		{"tap-3-offline", "00", "40", "0000"},
		{"tap-3-offline", "80", "80", "0000"},
		{"tap-3-pin", "00", "80", "0000"},
		{"tap-3-pin", "40", "80", "8000"},
		{"tap-3-sign", "40", "80", "4000"},
		{"tap-3-ask", "40", "40", "2000"},
		{"tap-3-update", "40", "80", "0040"},
		{"tap-7", "00", "80", "0000"},
		{"tap-7-offline", "00", "40", "0000"},
		{"tap-7-sign", "40", "80", "4000"},
	} {
		c := newTapped(t, tt.card)
		c.Exchange(unhex(t, map[byte]string{'3': selectTap3, '7': selectTap7}[tt.card[len("tap-")]]))
		answer, _ := c.Exchange(unhex(t, optionsFor(tt.wants)))
		get := func(tag tlv.Tag) []byte { v, _ := tlv.Find(answer[:len(answer)-2], tlv.ResponseFormat2, tag); return v }
		if got := fmt.Sprintf("%X %X", get(tlv.CryptogramInformation), get(tlv.CTQ)); got != tt.cid+" "+tt.qualifiers {
			t.Errorf("%s at %s: %s, want %s %s", tt.card, tt.wants, got, tt.cid, tt.qualifiers)
		}
		related, size := get(tlv.CardRelatedData), map[byte]int{'3': 7, '7': 8}[tt.card[len("tap-")]]
		if len(related) != size || !bytes.Equal(related[5:7], get(tlv.CTQ)) || bytes.Equal(related[1:5], make([]byte, 4)) {
			t.Errorf("%s: 9F69 is %X", tt.card, related)
		}
		if tells := tt.card[len("tap-")] == '7'; tells != (get(tlv.Track2) != nil) {
			t.Errorf("%s: tells its track: %t, want %t", tt.card, !tells, tells)
		}
	}
}

func TestTappedVariant(t *testing.T) {
	c := newTapped(t, "tap-3").Variant(TapVariant{Beside: 1, Delay: time.Second})
	if c.Enter() || !c.Enter() {
		t.Error("not beside another card once, or not alone then")
	}
	if _, took := c.Exchange(unhex(t, selectTap3)); took != time.Second+answerTime {
		t.Errorf("took %v", took)
	}
}

func TestTappedNeedsAntenna(t *testing.T) {
	if _, err := NewTapped(profile(t, "approve"), rand.Reader); !errors.Is(err, issuer.ErrProfile) {
		t.Errorf("a card with contacts in a field: %v", err)
	}
}

// TestTappedGenerates: the type of the cryptogram, whether it is signed, and
// what the phone wants, by what the reader asks for.
func TestTappedGenerates(t *testing.T) {
	for _, tt := range []struct {
		card, p1, results string
		cid               string
		signed            bool
		phone             string
	}{
		{"tap-2", "50", nobody, "80", true, ""},
		{"tap-2", "80", nobody, "80", false, ""},
		{"tap-2", "10", nobody, "00", false, ""},
		{"tap-2-no", "50", nobody, "00", false, ""},
		{"tap-2-offline", "50", nobody, "40", true, ""},
		{"tap-2-offline", "90", nobody, "80", true, ""},
		{"tap-2-phone", "90", nobody, "80", true, ""},
		{"tap-2-phone", "90", byDevice, "00", false, "000100"},
	} {
		c := newTapped(t, tt.card)
		var answer []byte
		for _, command := range []string{selectTap2, optionsTap2, generateFor(tt.p1, number1, tt.results)} {
			answer, _ = c.Exchange(unhex(t, command))
		}
		get := func(tag tlv.Tag) []byte { v, _ := tlv.Find(answer[:len(answer)-2], tlv.ResponseFormat2, tag); return v }
		got := fmt.Sprintf("%X %t %X", get(tlv.CryptogramInformation), get(tlv.SDAD) != nil, get(tagInteraction))
		if want := fmt.Sprintf("%s %t %s", tt.cid, tt.signed, tt.phone); got != want {
			t.Errorf("%s at %s: %s, want %s", tt.card, tt.p1, got, want)
		}
	}
}

// The race takes the time that the card says it takes, in the middle.
func TestTappedRace(t *testing.T) {
	c := newTapped(t, "tap-2-race")
	for _, command := range []string{selectTap2, optionsTap2} {
		c.Exchange(unhex(t, command))
	}
	answer, took := c.Exchange(unhex(t, raceTap2))
	if want := raceWay + 35*raceUnit; took != want || len(answer) != 14 || !bytes.Equal(answer[6:], unhex(t, "0014 0032 0018 9000")) {
		t.Errorf("%X in %v, want it in %v", answer, took, want)
	}
}
