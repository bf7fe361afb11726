package kernel3_test

import (
	"flag"
	"testing"

	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/quick/quicktest"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
)

var signed = flag.Bool("signed", false, "write testdata/signed-*.txt with keys that are made now and forgotten")

// TestSigned plays cards with keys that are made now; -signed keeps them as
// transcripts for the eye, and for TestTranscripts.
func TestSigned(t *testing.T) {
	const wrong = "= declined: signature wrong: data authentication"
	quicktest.Play(t, "Book C-3", func() (*quicktest.Card, taptest.Tap) {
		return quicktest.NewCard(t, contactless.Kernel3, "01AABBCCDD"), newSetup()
	}, *signed, []quicktest.Story{
		{Name: "approved", Why: "5.6. The card proves itself and approves.", Want: "= approved\n=  no CVM\n", Spoil: func(*testing.T, *quicktest.Card) {}},
		{Name: "approved-sign", Why: "5.7. The card approves and wants a signature.", Want: "= approved\n=  signature; receipt\n", Spoil: func(_ *testing.T, c *quicktest.Card) { c.CTQ = "4000" }},
		{Name: "approved-balance", Why: "5.8. What the cardholder may still spend is shown.", Want: `card read, balance 5000 of 156`, Spoil: func(_ *testing.T, c *quicktest.Card) { c.More = " 9F5D[000000005000]" }},
		{Name: "approved-device", Why: "5.7. The owner was verified by the device, and the signature covers that.", Want: "= approved\n=  verified by the device\n", Spoil: func(t *testing.T, c *quicktest.Card) {
			c.Withs = append(c.Withs, "cvm 100")
			c.CTQ, c.Related = "0080", "01AABBCCDD 0080"
			c.Issue(t)
		}},
		{Name: "device-forged", Why: "5.7. The claim was put in between card and reader: the signed copy lacks it.", Want: "= declined: cryptogram: the CTQ are not those of 9F69", Spoil: func(t *testing.T, c *quicktest.Card) {
			c.CTQ, c.Related = "0080", "01AABBCCDD 0000"
			c.Issue(t)
		}},
		{Name: "device-forged-twice", Why: "5.7. The claim was put into the copy too: the signature breaks.", Want: wrong, Spoil: func(t *testing.T, c *quicktest.Card) {
			c.CTQ, c.Related = "0080", "01AABBCCDD 0000"
			c.Issue(t)
			c.Related = "01AABBCCDD 0080"
		}},
		{Name: "device-online", Why: "5.7. The device has verified its owner, the issuer is asked, and the signature carries the claim.", Want: "\n? online, verified by the device\n", Spoil: func(t *testing.T, c *quicktest.Card) {
			c.Withs, c.CID = append(c.Withs, "cvm 100", "ttq 37004000"), "80"
			c.CTQ, c.Related, c.Followed = "0080", "01AABBCCDD 0080", "! host 00 approved"
			c.Issue(t)
		}},
		{Name: "failure-induced", Why: "5.7. Data authentication is made to fail, the card leaves it to the issuer: a CVM is required all the same.", Want: "= declined: declined by terminal: a CVM is required", Spoil: func(_ *testing.T, c *quicktest.Card) {
			c.Withs, c.CTQ = []string{"cvm 100"}, "2000"
		}},
		{Name: "amount-other", Why: "5.6. The card signed another amount.", Want: wrong, Spoil: func(t *testing.T, c *quicktest.Card) {
			c.Signs = "01234567 000000000250 0156"
			c.Issue(t)
		}},
		{Name: "currency-other", Why: "5.6. The card signed another currency.", Want: wrong, Spoil: func(t *testing.T, c *quicktest.Card) {
			c.Signs = "01234567 000000001250 0840"
			c.Issue(t)
		}},
		{Name: "replayed", Why: "5.6. A signature for another tap's number.", Want: wrong, Spoil: func(t *testing.T, c *quicktest.Card) {
			c.Signs = "01234568 000000001250 0156"
			c.Issue(t)
		}},
		{Name: "replayed-online", Why: "5.6. The same, and the card leaves it to the issuer.", Want: "\n? online, no CVM\n", Spoil: func(t *testing.T, c *quicktest.Card) {
			c.Signs, c.CTQ = "01234568 000000001250 0156", "2000"
			c.Issue(t)
			c.Followed = "! host 05 declined"
		}},
		{Name: "record-changed", Why: "5.6. A record was changed after the card was made.", Want: wrong, Spoil: func(_ *testing.T, c *quicktest.Card) {
			c.Static = "5A[" + quicktest.Account + "] 5F24[301231]"
		}},
		{Name: "key-unknown", Why: "5.6. A card of a certification authority that nobody knows.", Want: wrong, Spoil: func(_ *testing.T, c *quicktest.Card) { c.Withs = nil }},
		{Name: "tag-list", Why: "5.6. The card has the AIP signed too.", Want: "= approved\n=  no CVM\n", Spoil: func(t *testing.T, c *quicktest.Card) {
			c.Static += " 9F4A[82]"
			whole := c.Static
			c.Static += c.AIP
			c.Issue(t)
			c.Static = whole
		}},
		{Name: "gate", Why: "5.6. A gate has the card prove itself before the issuer answers.", Want: "\n? online, no CVM\n", Spoil: func(_ *testing.T, c *quicktest.Card) {
			c.Withs, c.CID, c.Followed = append(c.Withs, "ttq 37004000"), "80", "! host 00 approved"
		}},
		{Name: "gate-forged", Why: "5.6. A gate, and a card that cannot prove itself: the issuer is not asked.", Want: wrong, Spoil: func(_ *testing.T, c *quicktest.Card) {
			c.Withs, c.CID = []string{"ttq 37004000"}, "80"
		}},
		{Name: "gate-static", Why: "5.6. A gate is content with a static signature.", Want: "\n? online, no CVM\n", Spoil: func(t *testing.T, c *quicktest.Card) {
			c.Withs, c.CID, c.AIP, c.Followed = append(c.Withs, "ttq 37004000"), "80", "4000", "! host 00 approved"
			c.SignStatic(t)
		}},
		{Name: "gate-static-wrong", Why: "5.6. A gate, and a static signature over other data.", Want: wrong, Spoil: func(t *testing.T, c *quicktest.Card) {
			c.Withs, c.CID, c.AIP = append(c.Withs, "ttq 37004000"), "80", "4000"
			c.SignStatic(t)
			c.Static = "5A[" + quicktest.Account + "] 5F24[301231]"
		}},
		{Name: "gate-static-unknown", Why: "5.6. A gate, and a static signature of an issuer that nobody knows.", Want: wrong, Spoil: func(t *testing.T, c *quicktest.Card) {
			c.Withs, c.CID, c.AIP = []string{"ttq 37004000"}, "80", "4000"
			c.SignStatic(t)
		}},
	})
}
