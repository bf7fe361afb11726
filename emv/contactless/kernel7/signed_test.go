package kernel7_test

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
	const approved, pin = "= approved\n=  no CVM\n", "\n? pin 999901******0018\n"
	const entered = "! pin entered\n! host 00 approved"
	set := func(with, cid, ctq, related string) func(*testing.T, *quicktest.Card) {
		return func(t *testing.T, c *quicktest.Card) {
			if with != "" {
				c.Withs = append(c.Withs, with)
			}
			c.CID, c.CTQ, c.Related = cid, ctq, related
			c.Issue(t)
		}
	}
	then := func(followed string, first func(*testing.T, *quicktest.Card), more ...string) func(*testing.T, *quicktest.Card) {
		return func(t *testing.T, c *quicktest.Card) {
			first(t, c)
			c.Followed, c.Withs = followed, append(c.Withs, more...)
		}
	}
	amount := func(signs string) func(*testing.T, *quicktest.Card) {
		return func(t *testing.T, c *quicktest.Card) {
			c.Signs = signs
			c.Issue(t)
		}
	}
	expired := func(t *testing.T, c *quicktest.Card) {
		c.Static = "5A[" + quicktest.Account + "] 5F24[261031]"
		set("", "40", "0800", "01AABBCCDD080000")(t, c)
	}
	quicktest.Play(t, "Book C-7", func() (*quicktest.Card, taptest.Tap) {
		c := quicktest.NewCard(t, contactless.Kernel7, "01AABBCCDD000000")
		c.CTQ = "0000"
		return c, newSetup()
	}, *signed, []quicktest.Story{
		{Name: "approved", Why: "data authentication. The card proves itself and approves.", Want: approved, Spoil: func(*testing.T, *quicktest.Card) {}},
		{Name: "approved-small", Why: "cardholder verification. Below the limit the card approves alone.", Want: approved, Spoil: set("cvm 1251", "40", "0000", "01AABBCCDD000000")},
		{Name: "approved-sign", Why: "cardholder verification. The card approves and wants a signature.", Want: "= approved\n=  signature; receipt\n", Spoil: set("cvm 1250", "40", "4000", "01AABBCCDD400000")},
		{Name: "required-nothing", Why: "cardholder verification. At the limit a card that wants nothing does not approve.", Want: "= declined: declined by terminal: a CVM is required", Spoil: set("cvm 1250", "40", "0000", "01AABBCCDD000000")},
		{Name: "balance-available", Why: "electronic cash. What the cardholder may still spend is shown.", Want: "card read, balance 5000 of 156\n", Spoil: func(_ *testing.T, c *quicktest.Card) {
			c.More = " 9F5D[000000005000] 9F79[000000007000]"
		}},
		{Name: "balance-cash", Why: "electronic cash. Its balance is shown, its limits and its authorisation go along.", Want: "card read, balance 7000 of 156\n", Spoil: func(_ *testing.T, c *quicktest.Card) {
			c.More = " 9F79[000000007000] 9F77[000000100000] 9F78[000000100000] 9F6D[000000000000] 9F74[\"ECC001\"]"
		}},
		{Name: "balance-none", Why: "electronic cash. What is no amount is not shown.", Want: "* show \"approved\", card read\n", Spoil: func(_ *testing.T, c *quicktest.Card) {
			c.More = " 9F79[0000007000]"
		}},
		{Name: "approved-device", Why: "cardholder verification. The owner was verified by the device, and the signature covers that.", Want: "= approved\n=  verified by the device\n", Spoil: set("cvm 100", "40", "0080", "01AABBCCDD008000")},
		{Name: "device-instead-of-pin", Why: "cardholder verification. The card wants a PIN, there is no pad, and the device has proven its owner.", Want: "= approved\n=  verified by the device\n", Spoil: then("", set("cvm 100", "40", "8080", "01AABBCCDD808000"), "ttq 32000000")},
		{Name: "device-forged", Why: "cardholder verification. The claim was put in between card and reader: the signed copy lacks it.", Want: "= declined: cryptogram: the CTQ are not those of 9F69", Spoil: set("cvm 100", "40", "0080", "01AABBCCDD000000")},
		{Name: "device-forged-twice", Why: "cardholder verification. The claim was put into the copy too: the signature breaks, and carries nothing.", Want: wrong, Spoil: func(t *testing.T, c *quicktest.Card) {
			set("cvm 100", "40", "0080", "01AABBCCDD000000")(t, c)
			c.Related = "01AABBCCDD008000"
		}},
		{Name: "device-online", Why: "cardholder verification. The issuer is asked, and a signature carries the claim.", Want: "\n? online, verified by the device\n", Spoil: then("! host 00 approved", set("cvm 100", "80", "0080", "01AABBCCDD008000"))},
		{Name: "device-online-forged", Why: "cardholder verification. The issuer is asked, and the signature breaks: the PIN is asked for.", Want: pin, Spoil: func(t *testing.T, c *quicktest.Card) {
			then(entered, set("cvm 100", "80", "0080", "01AABBCCDD000000"))(t, c)
			c.Related = "01AABBCCDD008000"
		}},
		{Name: "failure-induced", Why: "cardholder verification. Authentication is made to fail, the card leaves it to the issuer: the PIN is asked for all the same.", Want: pin, Spoil: func(t *testing.T, c *quicktest.Card) {
			set("cvm 100", "40", "2080", "01AABBCCDD208000")(t, c)
			c.Withs, c.Followed = []string{"cvm 100"}, entered
		}},
		{Name: "amount-other", Why: "data authentication. The card signed another amount.", Want: wrong, Spoil: amount("01234567 000000000250 0156")},
		{Name: "currency-other", Why: "data authentication. The card signed another currency.", Want: wrong, Spoil: amount("01234567 000000001250 0840")},
		{Name: "replayed", Why: "data authentication. A signature for another tap's number.", Want: wrong, Spoil: amount("01234568 000000001250 0156")},
		{Name: "number-alone", Why: "data authentication. Old cards sign the number alone.", Want: wrong, Spoil: amount("01234567")},
		{Name: "record-changed", Why: "data authentication. A record was changed after the card was made.", Want: wrong, Spoil: func(_ *testing.T, c *quicktest.Card) {
			c.Static = "5A[" + quicktest.Account + "] 5F24[301231]"
		}},
		{Name: "key-unknown", Why: "data authentication. A card of an authority that nobody knows.", Want: wrong, Spoil: func(_ *testing.T, c *quicktest.Card) { c.Withs = nil }},
		{Name: "related-short", Why: "data authentication. The other reading: a 9F69 without its last byte will do.", Want: approved, Spoil: set("related-min 7", "40", "0000", "01AABBCCDD0000")},
		{Name: "expired-online", Why: "restrictions. A genuine card has expired, and leaves it to the issuer.", Want: "\n? online, no CVM\n", Spoil: then("! host 00 approved", expired)},
		{Name: "tc-online", Why: "cryptogram. The reader demands the issuer; a genuine card gives a TC.", Want: "\n? online, no CVM\n", Spoil: then("! host 00 approved", set("floor 1000", "40", "0000", "01AABBCCDD000000"))},
		{Name: "gate", Why: "data authentication. A gate has the card prove itself before the issuer answers.", Want: "\n? online, no CVM\n", Spoil: then("! host 00 approved", set("ttq 37000000", "80", "0000", "01AABBCCDD000000"))},
		{Name: "gate-forged", Why: "data authentication. A gate, and a card of an authority that nobody knows: the issuer is not asked.", Want: wrong, Spoil: func(_ *testing.T, c *quicktest.Card) {
			c.Withs, c.CID = []string{"ttq 37000000"}, "80"
		}},
	})
}
