package emv_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/oda/odatest"
)

// newSDACard is a card without a key: its issuer signed its data. CDOL1 asks
// for the data authentication code.
func newSDACard(t testing.TB) *ddaCard {
	t.Helper()
	c := newDDACard(t)
	c.withs = append(c.withs, "capabilities 2048C8")
	c.aip, c.internal = "5C00", ""
	c.cdols = strings.Replace(c.cdols, "9F4C03", "9F4502", 1)
	c.signStatic(t, "03 01 DAC0")
	return c
}

// signStatic makes 93. EMV 4.4 Book 2, table 8.
func (c *ddaCard) signStatic(t testing.TB, fields string) {
	t.Helper()
	content := unhex(t, fields)
	content = append(content, bytes.Repeat([]byte{0xBB}, c.Issuer.Size()-22-len(content))...)
	covered := append(unhex(t, c.static), unhex(t, c.aip)...)
	c.iccData = fmt.Sprintf("93[%X]", odatest.Sign(c.Issuer, content, covered))
}

// sdaStories are the cards with SDA: each of them has "SDA selected" in its TVR.
var sdaStories = []signedStory{
	{"ok", "The issuer's signature is good: TVR says that SDA was selected (B1b2) and nothing\nelse, TSI that it was done, and CDOL1 gets the data authentication code.\nBook 2, 5.4 and 5.3; Book 3, 10.3.", 0x02, func(*testing.T, *ddaCard) {}},
	{"static-changed", "A signed record was changed (a longer expiry): SDA failed (TVR B1b7).\nBook 2, 5.4.", 0x42, func(_ *testing.T, c *ddaCard) {
		c.static = strings.Replace(c.static, "281231", "291231", 1)
	}},
	{"aip-changed", "The AIP that the signature covers was changed: it no longer asks for issuer\nauthentication.\nBook 2, 5.4 and 5.1.1.", 0x42, func(_ *testing.T, c *ddaCard) {
		c.aip = "5800"
	}},
	{"signature-missing", "The card has no signed static data: failed, and data missing (TVR B1b7 and B1b6).\nBook 3, 7.2 and 10.3.", 0x62, func(_ *testing.T, c *ddaCard) {
		c.iccData = "9F47[03]"
	}},
	{"format", "What the issuer signed is no static data.\nBook 2, 5.4.", 0x42, func(t *testing.T, c *ddaCard) {
		c.signStatic(t, "05 01 DAC0")
	}},
	{"hash-algorithm", "The signature names another hash algorithm.\nBook 2, 5.4 and B3.1.", 0x42, func(t *testing.T, c *ddaCard) {
		c.signStatic(t, "03 02 DAC0")
	}},
	{"tag-list", "The static data tag list asks for more than the AIP: failed (Book 3, 10.3).\nBook 2, 5.1.1.", 0x42, func(t *testing.T, c *ddaCard) {
		c.static = strings.Replace(c.static, "9F4A[82]", "9F4A[82 84]", 1)
		c.signStatic(t, "03 01 DAC0")
	}},
	{"tag-list-empty", "The static data tag list is there and empty: failed (Book 3, 10.3).\nBook 2, 5.1.1.", 0x42, func(t *testing.T, c *ddaCard) {
		c.static = strings.Replace(c.static, "9F4A[82]", "9F4A[]", 1)
		c.signStatic(t, "03 01 DAC0")
	}},
	{"ca-key-unknown", "The terminal does not have the CA key: failed, rather than not performed.\nBook 2, 5.2.", 0x42, func(_ *testing.T, c *ddaCard) {
		c.withs = []string{"capabilities 2048C8"}
	}},
	{"terminal-without", "The terminal has DDA and CDA alone: not performed (TVR B1b8), and not selected.\nBook 3, 10.3; Book 4, A2.", 0x80, func(_ *testing.T, c *ddaCard) {
		c.withs = append(c.withs, "capabilities 204848")
	}},
	{"dda-first", "The card can do DDA too, and fails it: the terminal does not fall back to SDA.\nBook 3, 10.3.", 0x08, func(t *testing.T, c *ddaCard) {
		ssad := c.iccData
		c.aip = "7C00"
		c.issue(t)
		c.iccData, c.internal = c.iccData+" "+ssad, strings.Replace(c.internal, "80[", "80[00", 1)
	}},
}

func TestSDA(t *testing.T) { runSigned(t, "sda", newSDACard, sdaStories) }
