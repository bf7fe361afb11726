package sim

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// afterARQC brings a card to its first cryptogram, and gives the issuer who has
// seen that.
func afterARQC(t *testing.T, c *Card) *issuer.Scripter {
	t.Helper()
	upTo(t, c, selectAID, gpo)
	return scripter(c, find(t, ask(t, c, gac1, "9000"), 0x77, 0x9F26))
}

func scripter(c *Card, ac []byte) *issuer.Scripter {
	return issuer.NewScripter(issuer.DeriveICC(testMAC, c.p.PAN, c.p.PSN), issuer.DeriveICC(testEncipher, c.p.PAN, c.p.PSN), [8]byte(ac))
}

func hexOf(command []byte) string { return fmt.Sprintf("%X", command) }

// tell sends the command that an issuer has made.
func tell(t *testing.T, c *Card, command []byte, sw string) {
	t.Helper()
	ask(t, c, hexOf(command), sw)
}

func changed(t *testing.T, host *issuer.Scripter, pin string) []byte {
	t.Helper()
	command, err := host.ChangePIN(pin)
	if err != nil {
		t.Fatal(err)
	}
	return command
}

// The tries of a PIN are used up; the issuer gives them back, in the middle of
// a transaction.
func TestCardPINUnblock(t *testing.T) {
	c := newCard(t, "pin")
	upTo(t, c, selectAID, gpo)
	for _, sw := range []string{"63C2", "63C1", "63C0", "6983"} {
		ask(t, c, "0020008008240000FFFFFFFFFF", sw)
	}
	host := scripter(c, find(t, ask(t, c, gac1, "9000"), 0x77, 0x9F26))
	tell(t, c, host.UnblockPIN(), "9000")
	equal(t, "tries", ask(t, c, "80CA9F1700", "9000"), unhex(t, "9F170103"))
	ask(t, c, "0020008008241234FFFFFFFFFF", "9000")
}

// The PIN is changed, and kept without power.
func TestCardPINChange(t *testing.T) {
	c := newCard(t, "pin")
	host := afterARQC(t, c)
	tell(t, c, changed(t, host, "987654"), "9000")
	c.ATR()
	upTo(t, c, selectAID, gpo)
	ask(t, c, "0020008008241234FFFFFFFFFF", "63C2")
	ask(t, c, "002000800826987654FFFFFFFF", "9000")

	state, err := json.Marshal(c.Counters())
	if err != nil {
		t.Fatal(err)
	}
	if shown := fmt.Sprintf("%v %+v %#v", c.Counters(), c.Counters(), c.Counters()); strings.Contains(shown, "987654") {
		t.Errorf("the PIN is shown: %s", shown)
	}
	var kept Counters
	if err := json.Unmarshal(state, &kept); err != nil {
		t.Fatal(err)
	}
	again := newCard(t, "pin")
	again.Restore(kept)
	upTo(t, again, selectAID, gpo)
	ask(t, again, "002000800826987654FFFFFFFF", "9000")
}

// With P2 01 the new block comes xored with the old one.
func TestCardPINChangeFromOld(t *testing.T) {
	c := newCard(t, "pin")
	upTo(t, c, selectAID, gpo)
	ac := [8]byte(find(t, ask(t, c, gac1, "9000"), 0x77, 0x9F26))
	mixed := unhex(t, "0265438800000000") // 241234FFFFFFFFFF and 26777777FFFFFFFF
	key := issuer.ScriptKey(issuer.DeriveICC(testEncipher, c.p.PAN, c.p.PSN), ac)
	tell(t, c, signed(c, ac, "84240001", issuer.EncipherScript(key, mixed)), "9000")
	ask(t, c, "002000800826777777FFFFFFFF", "9000")
}

// signed is a command as the test itself secures it, the first of a
// transaction.
func signed(c *Card, ac [8]byte, header string, data []byte) []byte {
	command, err := hex.DecodeString(header)
	if err != nil {
		panic(err)
	}
	command = append(command, byte(len(data)+8))
	command = append(command, data...)
	mac := issuer.ScriptMAC(issuer.ScriptKey(issuer.DeriveICC(testMAC, c.p.PAN, c.p.PSN), ac), append(ac[:], command...))
	return append(command, mac[:]...)
}

// A blocked application warns when it is selected, and gives no cryptogram but
// an AAC, after which the issuer may yet unblock it.
func TestCardApplicationBlock(t *testing.T) {
	c := newCard(t, "approve")
	tell(t, c, afterARQC(t, c).BlockApplication(), "9000")
	equal(t, "second CID", find(t, ask(t, c, gac2, "9000"), 0x77, 0x9F27), []byte{0})

	c.ATR()
	equal(t, "DF name", find(t, ask(t, c, selectAID, "6283"), 0x6F, 0x84), issuer.AID)
	upTo(t, c, gpo)
	first := ask(t, c, gac1, "9000")
	equal(t, "first CID", find(t, first, 0x77, 0x9F27), []byte{0})
	tell(t, c, scripter(c, find(t, first, 0x77, 0x9F26)).UnblockApplication(), "9000")
	c.ATR()
	afterARQC(t, c)
}

// One application is blocked, the other is as good as before.
func TestCardBlocksOneOfTwo(t *testing.T) {
	c := newCard(t, "twoapps")
	upTo(t, c, selectAID, gpo)
	tell(t, c, scripter(c, find(t, ask(t, c, gac1, "9000"), 0x77, 0x9F26)).BlockApplication(), "9000")
	ask(t, c, "00A4040008F043504F5301010100", "6283")
	upTo(t, c, "00A4040008F043504F5301010200", gpo)
	equal(t, "CID", find(t, ask(t, c, gac1, "9000"), 0x77, 0x9F27), []byte{0x80})
}

// A blocked card knows no SELECT any more.
func TestCardBlock(t *testing.T) {
	c := newCard(t, "approve")
	tell(t, c, afterARQC(t, c).BlockCard(), "9000")
	equal(t, "second CID", find(t, ask(t, c, gac2, "9000"), 0x77, 0x9F27), []byte{0})
	c.ATR()
	ask(t, c, selectPSE, "6A81")
	ask(t, c, selectAID, "6A81")
}

// A script is one chain: what is missing, out of its place, altered or said
// twice is refused, and changes nothing.
func TestCardRefusesScripts(t *testing.T) {
	c := newCard(t, "pin")
	upTo(t, c, selectAID, gpo)
	before := c.Counters()
	ask(t, c, "84240000080000000000000000", "6985") // before any cryptogram
	host := scripter(c, find(t, ask(t, c, gac1, "9000"), 0x77, 0x9F26))
	first, second := host.UnblockPIN(), host.BlockCard()
	tell(t, c, second, "6988")
	ask(t, c, "8424000000", "6987")
	ask(t, c, "842400000711223344556677", "6987")
	ask(t, c, "8024000000", "6987")
	ask(t, c, "801E0000", "6987")
	altered := append([]byte{}, first...)
	altered[3] ^= 0x02
	tell(t, c, altered, "6988")
	altered = append([]byte{}, first...)
	altered[len(altered)-1] ^= 0x01
	tell(t, c, altered, "6988")
	if c.Counters() != before {
		t.Errorf("refused commands changed %v to %v", before, c.Counters())
	}
	tell(t, c, first, "9000")
	tell(t, c, first, "6988")
	tell(t, c, second, "9000")
}

// What a right MAC does not make sensible.
func TestCardScriptParameters(t *testing.T) {
	tests := map[string]struct {
		card, header string
		data, sw     string
	}{
		"application block with P2": {"approve", "841E0001", "", "6A86"},
		"card block with data":      {"approve", "84160000", "00", "6700"},
		"unblock with data":         {"pin", "84240000", "00", "6700"},
		"change, unknown P2":        {"pin", "84240003", "", "6A86"},
		"change without a PIN":      {"approve", "84240000", "", "6A86"},
		"change, not enciphered":    {"pin", "84240002", "241234FFFFFFFFFF", "6988"},
		"put an unknown object":     {"approve", "04DA9F36", "0001", "6A88"},
		"put a limit it lacks":      {"approve", "04DA9F14", "01", "6A88"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCard(t, tt.card)
			upTo(t, c, selectAID, gpo)
			ac := [8]byte(find(t, ask(t, c, gac1, "9000"), 0x77, 0x9F26))
			tell(t, c, signed(c, ac, tt.header, unhex(t, tt.data)), tt.sw)
		})
	}
	c := newCard(t, "pin")
	upTo(t, c, selectAID, gpo)
	ac := [8]byte(find(t, ask(t, c, gac1, "9000"), 0x77, 0x9F26))
	key := issuer.ScriptKey(issuer.DeriveICC(testEncipher, c.p.PAN, c.p.PSN), ac)
	tell(t, c, signed(c, ac, "84240002", issuer.EncipherScript(key, unhex(t, "231234FFFFFFFFFF"))), "6A80")
}

// A card of a deck that was made without keys for scripts takes none.
func TestCardWithoutScriptKeys(t *testing.T) {
	p := profile(t, "approve")
	p.MACKey, p.EncipherKey = nil, nil
	c, err := NewCard(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask(t, c, "84240000080000000000000000", "6D00")
}

func TestPINOf(t *testing.T) {
	for block, want := range map[string]string{
		"241234FFFFFFFFFF": "1234", "2C123456789012FF": "123456789012", "26987654FFFFFFFF": "987654",
		"23123FFFFFFFFFFF": "", "2D1234567890123F": "", "041234FFFFFFFFFF": "", "24123AFFFFFFFFFF": "", "2412345FFFFFFFFF": "",
	} {
		if got, ok := pinOf(unhex(t, block)); got != want || ok != (want != "") {
			t.Errorf("%s is %q, %t, want %q", block, got, ok, want)
		}
	}
}

// FuzzScript: whatever an issuer or a thief sends, with a right MAC or without,
// the chip survives, and its tries stay within their bounds.
func FuzzScript(f *testing.F) {
	c := newCard(f, "pin")
	f.Add(byte(0x24), byte(0), byte(2), []byte("0123456789abcdef"), true)
	f.Add(byte(0x24), byte(0), byte(0), []byte{}, true)
	f.Add(byte(0xDA), byte(0x9F), byte(0x14), []byte{7}, true)
	f.Add(byte(0x16), byte(0), byte(0), []byte{}, false)
	f.Fuzz(func(t *testing.T, ins, p1, p2 byte, data []byte, secure bool) {
		c.Restore(Counters{PINTries: pinTriesMax})
		c.ATR()
		upTo(t, c, selectAID, gpo, gac1)
		if len(data) > 200 {
			data = data[:200]
		}
		command := append([]byte{0x84, ins, p1, p2, byte(len(data))}, data...)
		if secure {
			command = signed(c, c.firstAC, fmt.Sprintf("84%02X%02X%02X", ins, p1, p2), data)
		}
		if r := c.Exchange(command); len(r) < 2 {
			t.Fatalf("% X answered by % X", command, r)
		}
		if k := c.Counters(); k.PINTries < 0 || k.PINTries > pinTriesMax || !secure && (k.CardBlocked || k.Blocked != 0 || k.PIN != "") {
			t.Fatalf("% X leaves %v", command, k)
		}
		if _, err := json.Marshal(c.Counters()); err != nil {
			t.Fatal(err)
		}
		_, _ = tlv.Parse(c.Exchange(unhex(t, gac2)))
	})
}
