package emv_test

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/oda/odatest"
)

// newCDACard is a card that signs its cryptograms. It has a PDOL, for the
// signature covers what was sent for it.
func newCDACard(t testing.TB) *ddaCard {
	t.Helper()
	c := newDDACard(t)
	c.withs = append(c.withs, "capabilities 2048C8")
	c.aip, c.pdol = "3D00", " 9F38[9F1A02 5F2A02]"
	c.issue(t)
	c.internal = ""
	return c
}

// cdaStory is a card with CDA from the first GENERATE AC on. Lines of the rest
// are a transcript's, or begin with "signed": the card's answer to the last
// command, which signedAnswer makes.
type cdaStory struct {
	name, why string
	spoil     func(t *testing.T, c *ddaCard)
	rest      []string
	want      []string // parts of the transcript, in this order
}

// Answers without a signature.
const (
	plainAAC  = "< 80[00 001A 8877665544332211 06010A03A00000] 9000"
	plainARQC = "< 80[80 001A 1122334455667788 06010A03A00000] 9000"
	plainTC   = "< 80[40 001A 8877665544332211 06010A03A00000] 9000"
)

func cdaMode(mode string) func(*testing.T, *ddaCard) {
	return func(_ *testing.T, c *ddaCard) { c.withs = append(c.withs, "cda-mode "+mode) }
}

// withFloor lets the terminal ask for a TC.
func withFloor(mode string) func(*testing.T, *ddaCard) {
	return func(_ *testing.T, c *ddaCard) {
		c.withs = append(c.withs, "cda-mode "+mode, "floor-limit 5000")
		c.cdols = strings.Replace(c.cdols, "9F0F[F8F8F8F800]", "9F0F[0000000000]", 1)
	}
}

var (
	requestCDA = "> 80AE90"
	secondCDA  = "> 80AE50"
)

var cdaStories = []cdaStory{
	{"ok", "Both cryptograms are signed (CDA mode 1): the issuer gets the one that was inside the\nsignature, TVR byte 1 stays zero, and TSI says that data authentication was done.\nBook 2, 6.6, 6.6.1 and 6.6.2; Book 3, 10.3.", nil,
		[]string{"signed 80", "! host 00 approved", "signed 40"},
		[]string{requestCDA, "? online", "9F26[1122334455667788]", "95[0000008000]", secondCDA, "= Approved", "9F26[8877665544332211]", "9B[E800]"}},
	{"offline", "A TC without the issuer is signed in each mode, here 3.\nBook 4, 6.3.2.1.", withFloor("03"),
		[]string{"signed 40"}, []string{"> 80AE50", "= Approved", `ARC "Y1"`, "9F26[8877665544332211]"}},
	{"mode-2", "Mode 2: the ARQC is signed, the TC after the issuer's approval is not.\nBook 4, 6.3.2.1.", cdaMode("02"),
		[]string{"signed 80", "! host 00 approved", plainTC}, []string{requestCDA, "> 80AE40", "= Approved", "9B[E800]"}},
	{"mode-3", "Mode 3: neither is signed. Data authentication was not done (TSI B1b8 is zero).\nBook 4, 6.3.2.1.", cdaMode("03"),
		[]string{plainARQC, "! host 00 approved", plainTC}, []string{"> 80AE80", "> 80AE40", "= Approved", "9B[6800]"}},
	{"mode-4", "Mode 4: the TC after the issuer's approval is signed, the ARQC is not.\nBook 4, 6.3.2.1.", cdaMode("04"),
		[]string{plainARQC, "! host 00 approved", "signed 40"}, []string{"> 80AE80", secondCDA, "= Approved", "9B[E800]"}},
	{"unable", "Unable to go online, and the action codes allow it: the TC is signed in each mode,\nhere 2.\nBook 4, 6.3.2.1 and 6.3.8.", withFloorForced,
		[]string{"signed 80", "! host offline", "signed 40"}, []string{requestCDA, secondCDA, "= Approved", `ARC "Y3"`}},
	{"unable-failed", "The same with a wrong signature: declined after all, Z3.\nBook 4, 6.3.2.1 and 6.3.8; Book 2, 6.6.2.", withFloorForced,
		[]string{"signed 80", "! host offline", "signed 40 number"}, []string{secondCDA, "= Declined: signature wrong", `ARC "Z3"`, "95[0400000800]"}},
	{"declined-by-issuer", "The issuer declines: an AAC is asked for, without a signature.\nBook 4, 6.3.2.1.", nil,
		[]string{"signed 80", "! host 05 declined", plainAAC}, []string{"> 80AE00", "= Declined: declined by issuer"}},
	{"aac", "The card declines where a signed ARQC was asked for: an AAC is never signed, and data\nauthentication was not done (TSI B1b8 is zero).\nBook 4, 6.3.2.1.", nil,
		[]string{plainAAC}, []string{requestCDA, "= Declined: declined by card", "95[0000008000]", "9B[6800]"}},
	{"aac-with-signature", "An AAC with a signature in it: that is not looked at, wrong as it is.\nBook 4, 6.3.2.1.", nil,
		[]string{"signed 00 number clear"}, []string{"= Declined: declined by card", "95[0000008000]"}},
	{"aac-without-cryptogram", "An AAC that holds no cryptogram in clear breaks the rules.\nBook 3, 6.5.5.", nil,
		[]string{"signed 00"}, []string{"= EndApplication: card data", "9F26 is missing"}},
	{"denied", "The action codes deny: an AAC is asked for, without a signature.\nBook 4, 6.3.2.1.", func(_ *testing.T, c *ddaCard) {
		c.withs = append(c.withs, "tac-denial 0000008000")
	}, []string{plainAAC}, []string{"> 80AE00", "= Declined: declined by terminal"}},
	{"downgraded", "A TC is asked for, the card signs an ARQC.\nBook 2, 6.6.1 and 6.6.2; Book 3, 10.8.", withFloor("01"),
		[]string{"signed 80", "! host 00 approved", "signed 40"}, []string{"> 80AE50", "? online", secondCDA, "= Approved"}},
	{"long-length", "The card writes a length in two bytes, and pads between objects: the signature covers\nits objects as they came, without the padding.\nBook 2, 6.6.1; Book 3, B1 and B2.", nil,
		[]string{"signed 80 long", "! host 00 approved", "signed 40 long"}, []string{requestCDA, "= Approved"}},
	{"arqc-number", "The ARQC is signed with another unpredictable number, as a replayed one would be: CDA\nfailed, the issuer is not asked, an AAC is asked for without a signature (Book 4,\n6.3.2.1).\nBook 2, 6.6.2.", nil,
		[]string{"signed 80 number", plainAAC}, []string{requestCDA, "> 80AE00", "5A31", "= Declined: signature wrong", "hash differs", `ARC "Z1"`, "95[0400008000]", "9B[E800]"}},
	{"arqc-not-aac", "The same, and the card gives a TC to the request for an AAC: declined all the same.\nBook 4, 6.3.2.1; Book 3, 9.3.", nil,
		[]string{"signed 80 number", plainTC}, []string{"> 80AE00", "= Declined: signature wrong"}},
	{"arqc-data", "The card signed another amount than the one that was sent to it.\nBook 2, 6.6.2 and 6.6.1.", nil,
		[]string{"signed 80 data", plainAAC}, []string{"> 80AE00", "= Declined: signature wrong", "transaction data hash differs"}},
	{"arqc-information", "The signature is over a TC, the cryptogram information in clear says ARQC.\nBook 2, 6.6.2.", nil,
		[]string{"signed 80 information", plainAAC}, []string{"> 80AE00", "= Declined: signature wrong", "cryptogram information"}},
	{"arqc-short", "The signature is shorter than the card's key.\nBook 2, 6.6.2.", nil,
		[]string{"signed 80 short", plainAAC}, []string{"> 80AE00", "= Declined: signature wrong", "not as long as the key"}},
	{"arqc-unsigned", "An ARQC in format 1 where a signed one was asked for: CDA failed.\nBook 2, 6.6.1; Book 4, 6.3.2.1.", nil,
		[]string{plainARQC, plainAAC}, []string{"> 80AE00", "= Declined: signature wrong", "not signed", "95[0400008000]"}},
	{"arqc-in-clear", "An ARQC in clear, in format 2, without a signature: CDA failed.\nBook 2, 6.6.1 and 6.6.2.", nil,
		[]string{"< 77[9F27[80] 9F36[001A] 9F26[1122334455667788]] 9000", plainAAC}, []string{"> 80AE00", "= Declined: signature wrong", "not signed"}},
	{"tc-wrong", "The TC that needs no issuer is wrongly signed: declined at once, without a second\nGENERATE AC (Book 4, 6.3.2.1).\nBook 2, 6.6.2.", withFloor("01"),
		[]string{"signed 40 number"}, []string{"> 80AE50", "= Declined: signature wrong", `ARC "Z1"`, "95[0400000000]"}},
	{"tc-unsigned", "The TC that needs no issuer is not signed, as a yes card would answer: declined.\nBook 4, 6.3.2.1; Book 2, 6.6.1.", withFloor("01"),
		[]string{plainTC}, []string{"> 80AE50", "= Declined: signature wrong", "not signed"}},
	{"second-wrong", "The issuer approved, and the card's TC is wrongly signed: declined, and the issuer must\nbe told. Its script 72 is sent first.\nBook 4, 6.3.2.1; Book 2, 6.6.2; Book 3, 10.11.", nil,
		[]string{"signed 80", "! host 00 approved 72[86[84160000]]", "signed 40 data", "< 9000"},
		[]string{secondCDA, "84160000", "= Declined: signature wrong", "host must reverse", "95[0400008000]"}},
	{"second-unsigned", "The issuer approved, and the card's TC is not signed: declined, and the issuer must be\ntold.\nBook 4, 6.3.2.1; Book 3, 10.11.", nil,
		[]string{"signed 80", "! host 00 approved", plainTC}, []string{secondCDA, "= Declined: signature wrong", "host must reverse"}},
	{"second-aac", "The issuer approved, and the card declines, without a signature.\nBook 4, 6.3.2.1; Book 3, 10.11.", nil,
		[]string{"signed 80", "! host 00 approved", plainAAC}, []string{secondCDA, "= Declined: card declined after approval", "host must reverse"}},
	{"upgraded", "A signed TC where an ARQC was asked for breaks the rules, however well it is signed.\nBook 3, 9.3.", nil,
		[]string{"signed 40"}, []string{requestCDA, "= EndApplication: cryptogram"}},
	{"keys-wrong", "The static data was changed: CDA failed (TVR B1b3) before the cryptogram, none is asked\nto be signed, and the issuer sees it.\nBook 2, 6.6 and 6.4.", func(_ *testing.T, c *ddaCard) {
		c.static = strings.Replace(c.static, "281231", "291231", 1)
	}, []string{plainARQC, "! host 00 approved", plainTC}, []string{"> 80AE80", "95[0400008000]", "> 80AE40", "= Approved", "9B[E800]"}},
	{"keys-missing", "The card has no certificate: CDA failed, and data missing (TVR B1b3 and B1b6).\nBook 2, 6.6; Book 3, 7.2.", func(_ *testing.T, c *ddaCard) {
		c.iccData = "9F47[03]"
	}, []string{plainARQC, "! host 00 approved", plainTC}, []string{"> 80AE80", "95[2400008000]", "= Approved"}},
	{"keys-revoked", "The issuer's certificate is revoked.\nBook 2, 5.1.2 and 6.6.", func(_ *testing.T, c *ddaCard) {
		c.withs = append(c.withs, "revoked 000001")
	}, []string{plainARQC, "! host 05 declined", plainAAC}, []string{"> 80AE80", "95[0400008000]", "= Declined: declined by issuer: ", "revoked"}},
	{"terminal-without", "The terminal has no CDA: DDA, with the same card.\nBook 3, 10.3; Book 4, A2.", func(t *testing.T, c *ddaCard) {
		c.withs = append(c.withs, "capabilities 2048C0")
		c.issue(t)
	}, []string{plainARQC, "! host 00 approved", plainTC}, []string{"> 0088", "> 80AE80", "95[0000008000]", "= Approved", "9B[E800]"}},
}

// withFloorForced goes online because the merchant wants it, and may approve
// without the issuer.
func withFloorForced(t *testing.T, c *ddaCard) {
	withFloor("02")(t, c)
	c.withs = append(c.withs, "forced-online", "tac-default 0000000000")
}

// TestCDA runs the stories, each answer signed over what the kernel has sent.
func TestCDA(t *testing.T) {
	for _, story := range cdaStories {
		t.Run(story.name, func(t *testing.T) {
			c := newCDACard(t)
			if story.spoil != nil {
				story.spoil(t, c)
			}
			tellSigned(t, "cda-"+story.name, c.head(story.why), c.signedAnswer, story.rest, story.want)
		})
	}
}

// tellSigned goes on from the head of a story. Lines of the rest that begin
// with "signed" are the card's answers, which answer makes of how.
func tellSigned(t *testing.T, name, text string, answer func(t testing.TB, text string, how []string) string, rest, want []string) {
	t.Helper()
	for _, line := range rest {
		if how, ok := strings.CutPrefix(line, "signed "); ok {
			line = "< " + answer(t, text, strings.Fields(how))
		}
		text += line + "\n"
	}
	text = replay(t, text)
	left := text
	for _, part := range want {
		_, after, found := strings.Cut(left, part)
		if !found {
			t.Fatalf("%q is not there, or not in its place, in\n%s", part, text)
		}
		left = after
	}
	keepSigned(t, name, text)
}

// signedAnswer is a card's answer to the GENERATE AC at which the transcript
// has come: a cryptogram type, and what is wrong with it. EMV 4.4 Book 2, 6.6.1.
func (c *ddaCard) signedAnswer(t testing.TB, text string, how []string) string {
	t.Helper()
	sent := sentValues(t, text)
	wrong := func(what string) bool { return slices.Contains(how, what) }
	cid, number, ac := how[0], "01234567", "1122334455667788"
	if cid != "80" {
		ac = "8877665544332211"
	}
	objects := fmt.Sprintf("9F27[%s] 9F36[001A] 9F10[06010A03A00000]", cid)
	covered := unhex(t, objects)
	if wrong("long") {
		covered = append(covered, unhex(t, "DF7F8102AABB")...)
		objects += " 0000 DF7F8102AABB"
	}
	if wrong("clear") {
		objects += " 9F26[" + ac + "]"
	}
	if wrong("data") {
		sent[4] ^= 0x01
	}
	if wrong("number") {
		number = "01234566"
	}
	if wrong("information") {
		cid = "40"
	}
	hash := sha1.Sum(append(sent, covered...))
	dynamic := append(unhex(t, "05 01 20 02 C0DE"+cid+ac), hash[:]...)
	dynamic = append(dynamic, bytes.Repeat([]byte{0xBB}, c.ICC.Size()-22-len(dynamic))...)
	signature := odatest.Sign(c.ICC, dynamic, unhex(t, number))
	if wrong("short") {
		signature = append([]byte{0x6A}, signature[2:]...) // 12 to 15 would be an elliptic curve's
	}
	return fmt.Sprintf("77[%s 9F4B[%X]] 9000", objects, signature)
}

// sentValues are what the kernel has sent for PDOL, CDOL1 and CDOL2.
func sentValues(t testing.TB, text string) (sent []byte) {
	t.Helper()
	played, _ := play(t, text)
	for _, line := range strings.Split(played, "\n") {
		command, _, _ := strings.Cut(strings.TrimPrefix(line, "> "), " ")
		switch {
		case strings.HasPrefix(line, "> 80A8"):
			sent = append(sent, unhex(t, command)[5+2:5+unhex(t, command)[4]]...) // behind 83 and a length
		case strings.HasPrefix(line, "> 80AE"):
			b := unhex(t, command)
			sent = append(sent, b[5:len(b)-1]...)
		}
	}
	return sent
}

// FuzzSignedCryptogram answers a request for a signed TC. Whatever comes, it is
// not approved: nobody but the card can sign this transaction.
func FuzzSignedCryptogram(f *testing.F) {
	c := newCDACard(f)
	withFloor("01")(nil, c)
	head := c.head("fuzz")
	for _, how := range []string{"40 number", "40 data", "40 short long", "80", "00 clear"} {
		f.Add(unhex(f, c.signedAnswer(f, head, strings.Fields(how))))
	}
	f.Add(unhex(f, strings.TrimPrefix(plainTC, "< ")))
	f.Fuzz(func(t *testing.T, answer []byte) {
		_, m := play(t, head)
		action, err := m.kernel.Step(emv.Response{Data: answer})
		if err != nil {
			t.Fatal(err)
		}
		if done, ok := action.(emv.Done); ok && done.Outcome.Status == emv.Approved {
			t.Fatalf("approved by %X", answer)
		}
	})
}
