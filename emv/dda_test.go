package emv_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/oda/odatest"
)

// ddaStories are the cards with DDA.
var ddaStories = []signedStory{
	{"ok", "The card proves itself: TVR byte 1 stays zero, TSI says that data authentication\nwas done, and CDOL1 gets the ICC dynamic number that the card signed.\nBook 2, 6.5, 6.4, 5.3 and 6.5.2; Book 3, 10.3.", 0x00, func(*testing.T, *ddaCard) {}},
	{"format2", "The signature comes in a template 77.\nBook 3, 6.5.9.", 0x00, func(_ *testing.T, c *ddaCard) {
		c.internal = "77[9F4B" + strings.TrimPrefix(strings.TrimSuffix(c.internal, " 9000"), "80") + "] 9000"
	}},
	{"card-ddol", "The card has a DDOL of its own: number and amount are signed.\nBook 2, 6.5.1.", 0x00, func(t *testing.T, c *ddaCard) {
		c.ddol, c.ddolData = " 9F49[9F3704 9F0206]", "01234567 000000001250"
		c.issue(t)
	}},
	{"failed", "The card signed another unpredictable number, as a replayed signature would have:\nTVR B1b4, and the sale goes on, online.\nBook 2, 6.5.2.", 0x08, func(t *testing.T, c *ddaCard) {
		c.ddolData = "01234566"
		c.issue(t)
	}},
	{"static-changed", "A signed record was changed (a longer expiry): the ICC certificate fails, and no\nINTERNAL AUTHENTICATE is sent.\nBook 2, 6.4 and 6.5.", 0x08, func(_ *testing.T, c *ddaCard) {
		c.static, c.internal = strings.Replace(c.static, "281231", "291231", 1), ""
	}},
	{"tag-list", "The static data tag list asks for more than the AIP: failed (Book 3, 10.3).\nBook 2, 5.1.1.", 0x08, func(t *testing.T, c *ddaCard) {
		c.static = strings.Replace(c.static, "9F4A[82]", "9F4A[82 84]", 1)
		c.issue(t)
		c.internal = ""
	}},
	{"ca-key-unknown", "The terminal does not have the CA key: failed, rather than not performed.\nBook 2, 5.2; Book 3, 10.3.", 0x08, func(_ *testing.T, c *ddaCard) {
		c.withs, c.internal = nil, ""
	}},
	{"certificate-missing", "The card has no ICC certificate: failed, and data missing (TVR B1b4 and B1b6).\nBook 3, 10.3 and 7.2; Book 2, 6.5.", 0x28, func(_ *testing.T, c *ddaCard) {
		c.iccData, c.internal = "9F47[03]", ""
	}},
	{"remainder-missing", "The rest of the issuer's modulus is missing: failed, and data missing.\nBook 2, 5.3; Book 3, 7.2.", 0x28, func(t *testing.T, c *ddaCard) {
		signed, _ := certify(c.CA, c.Issuer, "02 999901FF 1228 000001", 36, nil, t)
		c.issuerData, c.internal = fmt.Sprintf("8F[01] 90[%X] 9F32[%X]", signed, odatest.Exponent(c.Issuer)), ""
	}},
	{"issuer-expired", "The issuer's certificate is expired since the end of last month.\nBook 2, 5.3.", 0x08, func(t *testing.T, c *ddaCard) {
		c.issuerExpiry = "1026"
		c.issue(t)
		c.internal = ""
	}},
	{"issuer-last-month", "The issuer's certificate is good until the end of this month.\nBook 2, 5.3.", 0x00, func(t *testing.T, c *ddaCard) {
		c.issuerExpiry = "1126"
		c.issue(t)
	}},
	{"issuer-last-day", "The issuer's certificate is good on the last day of its month too.\nBook 2, 5.3.", 0x00, func(t *testing.T, c *ddaCard) {
		c.issuerExpiry, c.withs = "1126", append(c.withs, "date 261130")
		c.issue(t)
	}},
	{"ddol-without-number", "The card's DDOL lacks the unpredictable number: failed, without a fall back to the\ndefault one (Book 2, 6.5.1).", 0x08, func(_ *testing.T, c *ddaCard) {
		c.ddol, c.internal = " 9F49[9F0206]", ""
	}},
	{"no-ddol", "Neither card nor terminal has a DDOL: failed.\nBook 2, 6.5.1.", 0x08, func(_ *testing.T, c *ddaCard) {
		c.withs, c.internal = append(c.withs, "no-default-ddol"), ""
	}},
	{"signature-missing", "The answer to INTERNAL AUTHENTICATE is a template without 9F4B.\nBook 3, 6.5.9 and 7.2.", 0x28, func(_ *testing.T, c *ddaCard) {
		c.internal = "77[9F4C[010203]] 9000"
	}},
	{"status", "INTERNAL AUTHENTICATE answered by an error: terminated (Book 3, 6.3.5).", 0, func(_ *testing.T, c *ddaCard) {
		c.internal, c.ends = "6F00", true
	}},
	{"malformed", "INTERNAL AUTHENTICATE answered by neither format: terminated.\nBook 3, 6.5.9.", 0, func(_ *testing.T, c *ddaCard) {
		c.internal, c.ends = "70[9F4B[00]] 9000", true
	}},
	{"issuer-file", "A signed record of a file beyond EMV's own (SFI 12) counts as a whole, template\nincluded (Book 3, 10.3).\nBook 3, 5.3.2.2; Book 2, 5.1.1.", 0x00, func(t *testing.T, c *ddaCard) {
		content := c.static
		c.static += " 70[DF01[0102]]" // as a part of what is signed
		c.issue(t)
		c.static, c.afl, c.extra = content, c.afl+" 60010101", "70[DF01[0102]] 9000"
	}},
	{"record-unusable", "A signed record of such a file is no template: data authentication has failed,\nthe sale goes on.\nBook 3, 10.3.", 0x08, func(_ *testing.T, c *ddaCard) {
		c.afl, c.extra, c.internal = c.afl+" 60010101", "0102 9000", ""
	}},
	{"terminal-without", "The terminal has no DDA: not performed (TVR B1b8).\nBook 3, 10.3; Book 4, A2.", 0x80, func(_ *testing.T, c *ddaCard) {
		c.withs, c.internal = append(c.withs, "capabilities 204800"), ""
	}},
	{"card-with-sda-alone", "The card has SDA alone, which this terminal does not do: not performed.\nBook 3, 10.3 and C1.", 0x80, func(t *testing.T, c *ddaCard) {
		c.aip = "5C00"
		c.issue(t)
		c.internal = ""
	}},
	{"issuer-revoked", "The issuer's certificate is on the revocation list, by its serial number.\nBook 2, 5.1.2; Book 4, 10.2.", 0x08, func(_ *testing.T, c *ddaCard) {
		c.withs, c.internal = append(c.withs, "revoked 000002", "revoked 000001"), ""
	}},
	{"issuer-other", "The issuer's certificate is good, and another issuer's.\nBook 2, 5.3.", 0x08, func(t *testing.T, c *ddaCard) {
		signed, rest := certify(c.CA, c.Issuer, "02 999902FF 1228 000001", 36, nil, t)
		c.issuerData = fmt.Sprintf("8F[01] 90[%X] 92[%X] 9F32[%X]", signed, rest, odatest.Exponent(c.Issuer))
		c.internal = ""
	}},
	{"card-expired", "The card's certificate is expired.\nBook 2, 6.4.", 0x08, func(t *testing.T, c *ddaCard) {
		c.certifyCard(t, "04 9999010000000018FFFF 1026 000002")
	}},
	{"card-other-pan", "The card's certificate is good, and another card's.\nBook 2, 6.4.", 0x08, func(t *testing.T, c *ddaCard) {
		c.certifyCard(t, "04 9999010000000026FFFF 1228 000002")
	}},
	{"ca-key-length", "The terminal's CA key of this index has another length than the certificate.\nBook 2, 5.3 and A2.1.", 0x08, func(_ *testing.T, c *ddaCard) {
		c.withs = []string{fmt.Sprintf("ca-key F043504F53 01 %X %X", odatest.Exponent(c.Issuer), c.Issuer.N.Bytes())}
		c.internal = ""
	}},
	{"no-signed-records", "The AFL marks no record: the certificate covers the AIP alone.\nBook 2, 5.1.1 and 6.4.", 0x00, func(t *testing.T, c *ddaCard) {
		c.afl = "08010100 10010200 18010200"
		content := c.static
		c.static = ""
		c.issue(t)
		c.static = content
	}},
	{"odd-pan", "The account number has an odd number of digits, with an F behind in record and\ncertificate.\nBook 2, 6.4.", 0x00, func(t *testing.T, c *ddaCard) {
		c.static = strings.Replace(c.static, "5A[9999010000000018]", "5A[999901000000001F]", 1)
		c.certifyCard(t, "04 999901000000001FFFFF 1228 000002")
		c.internal = newDDACard(t).internal
	}},
	{"elliptic-curve", "The issuer's certificate is one of an elliptic curve, which this terminal does not\nclaim: failed.\nBook 2, 5.3 and A2.1.", 0x08, func(_ *testing.T, c *ddaCard) {
		c.issuerData = "8F[01] 90[1200999901FFFF1020301231000001F043504F5301" + strings.Repeat("00", 96) + "] 9F32[03]"
		c.internal = ""
	}},
}

func TestDDA(t *testing.T) { runSigned(t, "dda", newDDACard, ddaStories) }
