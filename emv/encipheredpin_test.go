package emv_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/oda/odatest"
)

// encipheredStories are cards that want their PIN enciphered: what they hold,
// the conversation about the PIN, and 9F34 and TVR byte 3 that follow.
var encipheredStories = []struct {
	name, why, rules string
	pin              string
	results          string
	tvr              byte
	spoil            func(t *testing.T, c *ddaCard)
}{
	{"ok", "The card has a key for PINs: the device gets it with the card's number, and VERIFY\nhas P2 88 (Book 2, 7.2). 9F34 says successful.\nBook 3, 6.5.6, 6.5.12 and 10.5.1; Book 4, 6.3.4.5.", "0400",
		"9F17[03] 9000 | 0011223344556677 9000 | 9000", "040002", 0x00, nil},
	{"card-key", "Without one, the key with which the card signs is taken (Book 2, 7.1).", "0400",
		"9F17[03] 9000 | 0011223344556677 9000 | 9000", "040002", 0x00, func(_ *testing.T, c *ddaCard) { c.extra = "" }},
	{"wrong", "A wrong PIN is asked for again, with another number.\nBook 2, 7.2; Book 3, 10.5.1.", "0400",
		"9F17[03] 9000 | 0011223344556677 9000 | 63C2 | 8899AABBCCDDEEFF 9000 | 9000", "040002", 0x00, nil},
	{"blocked", "The last try is wrong: TVR B3b6, then no CVM.\nBook 3, 10.5.1; Book 2, 7.2.", "44001F00",
		"9F17[01] 9000 | 0011223344556677 9000 | 63C0", "1F0002", 0x20, nil},
	{"signature", "With a signature, which is to come: 9F34 says unknown.\nBook 4, 6.3.4.5.", "0500",
		"9F17[03] 9000 | 0011223344556677 9000 | 9000", "050000", 0x00, nil},
	{"challenge-short", "A number of seven bytes: the method has failed, without a bit of its own.\nBook 3, 6.5.6; Book 2, 7.2.", "44001F00",
		"9F17[03] 9000 | 00112233445566 9000", "1F0002", 0x00, nil},
	{"challenge-status", "A card that gives no number: the same.\nBook 3, 6.5.6; Book 2, 7.2.", "44001F00",
		"9F17[03] 9000 | 6D00", "1F0002", 0x00, nil},
	{"key-changed", "The certificate of the key for PINs is spoilt: the method has failed, and the other\nkey is not taken instead.\nBook 2, 7.1.", "44001F00",
		"9F17[03] 9000", "1F0002", 0x00, func(_ *testing.T, c *ddaCard) {
			c.extra = strings.Replace(c.extra, "9F2E[010001]", "9F2E[03]", 1)
		}},
	{"ca-key-unknown", "The terminal does not have the CA key.\nBook 2, 7.1 and 5.2.", "44001F00",
		"9F17[03] 9000", "1F0002", 0x00, func(_ *testing.T, c *ddaCard) { c.withs = nil }},
	{"issuer-missing", "The card has no issuer certificate.\nBook 2, 7.1.", "44001F00",
		"9F17[03] 9000", "1F0002", 0x00, func(_ *testing.T, c *ddaCard) { c.issuerData = "8F[01]" }},
	{"no-key", "The card has no key at all.\nBook 2, 7.1.", "44001F00",
		"9F17[03] 9000", "1F0002", 0x00, func(_ *testing.T, c *ddaCard) { c.iccData, c.extra = "9F47[03]", "" }},
	{"then-plain", "There is no key, and the next rule takes the PIN as it is: the counter is read once.\nBook 3, 10.5.1; Book 2, 7.1.", "44000100",
		"9F17[03] 9000 | 9000", "010002", 0x00, func(_ *testing.T, c *ddaCard) { c.iccData, c.extra = "9F47[03]", "" }},
}

// TestEncipheredPIN runs the stories with keys that are made now.
func TestEncipheredPIN(t *testing.T) {
	for _, story := range encipheredStories {
		t.Run(story.name, func(t *testing.T) {
			c := newDDACard(t)
			c.internal = ""
			c.static = strings.Replace(c.static, "1F00]", story.rules+"]", 1)
			c.issue(t)
			c.internal = ""
			pinKey := c.Issuer // any other key that is no longer than the issuer's will do
			signed, rest := certify(c.Issuer, pinKey, "04 9999010000000018FFFF 1228 000003", 42, nil, t)
			c.extra = fmt.Sprintf("70[9F2D[%X] 9F2F[%X] 9F2E[%X]] 9000", signed, rest, odatest.Exponent(pinKey))
			c.afl += " 20010100"
			if story.spoil != nil {
				story.spoil(t, c)
			}
			if c.extra == "" {
				c.afl = strings.TrimSuffix(c.afl, " 20010100")
				pinKey = c.ICC
			}
			c.withs = append(c.withs, "capabilities 20F800") // and no data authentication
			text := replay(t, c.withPIN(story.why, story.pin))
			for _, want := range []string{
				fmt.Sprintf(" 9F34[%s] ", story.results), fmt.Sprintf(" 95[8000%02X8000] ", story.tvr), "= Approved\n",
			} {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			key := fmt.Sprintf("? verify 00200088, tries left %s, key of %d bytes %X..., challenge 0011223344556677\n",
				strings.TrimPrefix(story.pin[:7], "9F17[0")[:1], pinKey.Size(), pinKey.N.Bytes()[:4])
			asked := strings.Contains(story.pin, "0011223344556677")
			if strings.Contains(text, key) != asked {
				t.Errorf("%q asked: want %v in\n%s", key, asked, text)
			}
			keepSigned(t, "enciphered-pin-"+story.name, text)
		})
	}
}

// withPIN is the sale with a conversation about a PIN, whose answers stand
// between bars.
func (c *ddaCard) withPIN(why, answers string) string {
	text := c.head(why) + "< " + strings.ReplaceAll(answers, " | ", "\n< ") + "\n"
	return text + strings.TrimPrefix(c.transcript(why), c.head(why))
}
