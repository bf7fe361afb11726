package emv_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/oda/curvetest"
)

// xdaCard is a card with keys on elliptic curves.
type xdaCard struct {
	*ddaCard
	ca, issuer, icc *curvetest.Signer
	expiry          string // YYYYMMDD of its certificates
}

func newXDACard(t testing.TB, suite oda.Suite) *xdaCard {
	t.Helper()
	c := &xdaCard{
		ddaCard: &ddaCard{
			aip: "9C00", afl: "08010100 10010201 18010200", pdol: " 9F38[9F1A02 5F2A02]",
			static: strings.ReplaceAll(ddaStatic, " 9F4A[82]", ""), cdols: ddaCDOLs,
		},
		ca: curvetest.New(t, suite), issuer: curvetest.New(t, suite), icc: curvetest.New(t, suite), expiry: "20281231",
	}
	c.withs = []string{fmt.Sprintf("ca-curve-key F043504F53 01 %02X %X", byte(suite), c.ca.X), "capabilities 2048CC"}
	c.issue(t)
	return c
}

// issue certifies what the card holds now. EMV 4.4 Book 2, tables 35 and 36.
func (c *xdaCard) issue(t testing.TB) {
	t.Helper()
	issuer := append(unhex(t, fmt.Sprintf("12 00 999901FFFF %02X%s 000001 F043504F53 01", byte(c.issuer.Suite), c.expiry)), c.issuer.X...)
	c.issuerData = fmt.Sprintf("8F[01] 90[%X]", c.ca.Signed(t, issuer))
	hashID := "02"
	if c.icc.Suite == oda.SuiteP521 {
		hashID = "03"
	}
	data := unhex(t, c.static+" 82["+c.aip+"] 9F06[F043504F530101]"+c.pdol)
	icc := unhex(t, fmt.Sprintf("14 00 %02X%s2359 000000000002 00%s", byte(c.icc.Suite), c.expiry, hashID))
	icc = slices.Concat(icc, c.icc.Hash(data), c.icc.X)
	c.iccData = fmt.Sprintf("9F46[%X]", c.issuer.Signed(t, icc))
}

// answer is the card's answer to the GENERATE AC at which the transcript has
// come: a cryptogram type, and what is wrong with it. EMV 4.4 Book 2, 12.5.2.
func (c *xdaCard) answer(t testing.TB, text string, how []string) string {
	t.Helper()
	sent := sentValues(t, text)
	wrong := func(what string) bool { return slices.Contains(how, what) }
	ac := "1122334455667788"
	if how[0] != "80" {
		ac = "8877665544332211"
	}
	objects := fmt.Sprintf("9F27[%s] 9F36[001A] 9F26[%s] 9F10[06010A03A00000]", how[0], ac)
	covered := unhex(t, objects)
	switch {
	case wrong("bare"):
		objects = strings.Replace(objects, " 9F26["+ac+"]", "", 1)
	case wrong("cryptogram"):
		objects = strings.Replace(objects, ac, "0000000000000000", 1)
	case wrong("information"):
		covered[2] ^= 0xC0
	case wrong("data"):
		sent[4] ^= 0x01
	}
	signed := c.icc.Signed(t, slices.Concat([]byte{0x15}, sent, covered))
	sdad := append([]byte{0x15}, signed[1+len(sent)+len(covered):]...)
	if wrong("short") {
		sdad = sdad[:len(sdad)-1]
	}
	if wrong("format") {
		sdad[0] = 0x05
	}
	return fmt.Sprintf("77[%s 9F4B[%X]] 9000", objects, sdad)
}

// xdaStory is like cdaStory.
type xdaStory struct {
	name, why string
	spoil     func(t *testing.T, c *xdaCard)
	rest      []string
	want      []string
}

// with adds lines about the terminal.
func with(lines ...string) func(*testing.T, *xdaCard) {
	return func(_ *testing.T, c *xdaCard) { c.withs = append(c.withs, lines...) }
}

// offlineXDA lets the terminal ask for a TC.
func offlineXDA(lines ...string) func(*testing.T, *xdaCard) {
	return func(t *testing.T, c *xdaCard) {
		with(append(lines, "floor-limit 5000")...)(t, c)
		c.cdols = strings.Replace(c.cdols, "9F0F[F8F8F8F800]", "9F0F[0000000000]", 1)
	}
}

func noCAKey(_ *testing.T, c *xdaCard) { c.withs = c.withs[1:] }

const (
	clearARQC   = "< 77[9F27[80] 9F36[001A] 9F26[1122334455667788]] 9000"
	clearTC     = "< 77[9F27[40] 9F36[001A] 9F26[8877665544332211]] 9000"
	approvedXDA = "! host 00 approved 91[1122334455667788 3030] 71[86[84160000]] 72[86[84180000]]"
)

var xdaStories = []xdaStory{
	{"ok", "Both cryptograms are signed: TVR byte 1 says that XDA was selected and nothing else, TSI\nthat data authentication was done. The cryptogram is in the clear.\nBook 2, 12.5, 12.3 and 12.4; Book 3, 10.3.", nil,
		[]string{"signed 80", "! host 00 approved", "signed 40"},
		[]string{"> 80AE88", "0100008000", "? online", "9F26[1122334455667788]", "95[0100008000]", "> 80AE48", "= Approved", "95[0100008000]", "9B[E800]"}},
	{"offline", "A signed TC needs no issuer.\nBook 2, 12.5.", offlineXDA(),
		[]string{"signed 40"}, []string{"> 80AE48", "= Approved", `ARC "Y1"`, "95[0100000000]", "9B[E800]"}},
	{"offline-only", "The same at a terminal that asks no issuer.\nBook 2, 12.5.", offlineXDA("terminal-type 23"),
		[]string{"signed 40"}, []string{"> 80AE48", "= Approved", `ARC "Y1"`}},
	{"no-pdol", "A card without a PDOL: neither its certificate nor its signatures cover one.\nBook 2, 12.4 and 12.5.", func(t *testing.T, c *xdaCard) {
		c.pdol = ""
		c.issue(t)
	}, []string{"signed 80", "! host 00 approved", "signed 40"}, []string{"> 80A8000002830000", "= Approved", "95[0100008000]"}},
	{"aac", "The card declines where a signed ARQC was asked for: an AAC needs no signature, and data\nauthentication was not done (TSI B1b8 is zero).\nBook 2, 12.5.", nil,
		[]string{plainAAC}, []string{"> 80AE88", "= Declined: declined by card", "95[0100008000]", "9B[6800]"}},
	{"aac-signed", "An AAC with a signature in it: that is not looked at, wrong as it is.\nBook 2, 12.5.", nil,
		[]string{"signed 00 data"}, []string{"= Declined: declined by card", "95[0100008000]", "9B[6800]"}},
	{"denied", "The action codes deny: the request for an AAC asks for a signature too (Book 2, 12.5).", with("tac-denial 0000008000"),
		[]string{plainAAC}, []string{"> 80AE08", "= Declined: declined by terminal"}},
	{"declined-by-issuer", "The issuer declines.\nBook 2, 12.5.", nil,
		[]string{"signed 80", "! host 05 declined", plainAAC}, []string{"> 80AE88", "> 80AE08", "= Declined: declined by issuer"}},
	{"unable", "Unable to go online, and the action codes allow it: the second TC is signed too.\nBook 4, 6.3.8; Book 2, 12.5.", offlineXDA("forced-online", "tac-default 0000000000"),
		[]string{"signed 80", "! host offline", "signed 40"}, []string{"> 80AE88", "> 80AE48", "= Approved", `ARC "Y3"`}},
	{"unable-wrong", "The same, and that TC is wrongly signed: declined after all, Z3.\nBook 4, 6.3.8; Book 2, 12.5.", offlineXDA("forced-online", "tac-default 0000000000"),
		[]string{"signed 80", "! host offline", "signed 40 data"}, []string{"> 80AE48", "= Declined: signature wrong: XDA failed", `ARC "Z3"`, "95[0100000900]"}},
	{"ca-key-unknown", "The terminal lacks the CA key: TVR B5b3, which comes after the first cryptogram and is not\nin what the card is told. It is asked to sign all the same; the issuer, who sees the bit,\ndecides, and the second TC is not verified.\nBook 2, 12.2; Book 4, 6.3.2.2.4.", noCAKey,
		[]string{"signed 80 data", "! host 00 approved", clearTC},
		[]string{"> 80AE88", "0100008000", "? online", "95[0100008004]", "> 80AE48", "0100008004", "= Approved", "95[0100008004]", "9B[6800]"}},
	{"ca-key-rsa", "The CA key with that index is one of RSA: as good as none.\nBook 2, 12.2.", func(t *testing.T, c *xdaCard) {
		c.withs = []string{newDDACard(t).withs[0], "capabilities 2048CC"}
	}, []string{"signed 80", "! host 05 declined", plainAAC}, []string{"95[0100008004]", "= Declined: declined by issuer: ", "no usable CA key"}},
	{"ca-key-unknown-aac", "The same, and the card declines: the bit is set nonetheless.\nBook 2, 12.2.", noCAKey,
		[]string{plainAAC}, []string{"> 80AE88", "= Declined: declined by card", "95[0100008004]", "9B[6800]"}},
	{"ca-key-unknown-tc", "The same, and the card would approve by itself: the issuer is asked. Its word is the\nlast one: there is no second GENERATE AC.\nBook 4, 6.3.2.2.4; Book 2, 12.2.", func(t *testing.T, c *xdaCard) {
		offlineXDA()(t, c)
		noCAKey(t, c)
	}, []string{"signed 40", "! host 00 approved"}, []string{"> 80AE48", "? online", "9F27[40]", "95[0100000004]", "= Approved", `online true, ARC "00"`}},
	{"ca-key-unknown-denied", "The same, and the issuer's denial code has that bit: an AAC is asked for at once.\nBook 4, 6.3.2.2.4; Book 2, 12.2.", func(t *testing.T, c *xdaCard) {
		noCAKey(t, c)
		c.cdols = strings.Replace(c.cdols, "9F0E[0000000000]", "9F0E[0000000004]", 1)
	}, []string{"signed 80", plainAAC}, []string{"> 80AE88", "> 80AE08", "5A31", "= Declined: signature wrong: XDA failed", `ARC "Z1"`, "95[0100008004]"}},
	{"static-changed", "The static data was changed: the card's key cannot be recovered, TVR B5b2.\nBook 2, 12.4.", func(_ *testing.T, c *xdaCard) {
		c.static = strings.Replace(c.static, "281231", "291231", 1)
	}, []string{"signed 80", "! host 00 approved", "signed 40"}, []string{"> 80AE88", "0100008000", "? online", "95[0100008002]", "> 80AE48", "= Approved", "95[0100008002]", "9B[6800]"}},
	{"aip-changed", "Somebody added to the AIP, which the card's certificate covers.\nBook 2, 12.4.", func(_ *testing.T, c *xdaCard) {
		c.aip = "9D00"
	}, []string{"signed 80", "! host 05 declined", plainAAC}, []string{"95[0100008002]", "= Declined: declined by issuer: ", "hash differs"}},
	{"data-missing", "The card has no certificate: data missing, TVR B1b6, at once; B5b2 later.\nBook 3, 7.2; Book 2, 12.", func(_ *testing.T, c *xdaCard) {
		c.iccData = "9F47[03]"
	}, []string{clearARQC, "! host 00 approved", clearTC}, []string{"> 80AE88", "2100008000", "? online", "95[2100008002]", "= Approved"}},
	{"record-unusable", "A signed record of another file is no template: no key can be recovered.\nBook 2, 12.4.", func(_ *testing.T, c *xdaCard) {
		c.afl, c.extra = c.afl+" 60010101", "0102 9000"
	}, []string{"signed 80", "! host 05 declined", plainAAC}, []string{"95[0100008002]", "a signed record is no template"}},
	{"revoked", "The issuer's certificate is revoked.\nBook 2, 12.3 and 5.1.2.", with("revoked 000001"),
		[]string{"signed 80", "! host 05 declined", plainAAC}, []string{"95[0100008002]", "= Declined: declined by issuer: ", "revoked"}},
	{"expired", "The certificates were good until yesterday.\nBook 2, 12.3.", func(t *testing.T, c *xdaCard) {
		c.expiry = "20261122"
		c.issue(t)
	}, []string{"signed 80", "! host 05 declined", plainAAC}, []string{"95[0100008002]", "expired on 2026-11-22 UTC"}},
	{"suite-refused", "The issuer's key is one of SM2: refused by name.\nBook 2, 12.3.", func(t *testing.T, c *xdaCard) {
		c.issuer.Suite = 0x80
		c.issue(t)
	}, []string{"signed 80", "! host 05 declined", plainAAC}, []string{"95[0100008002]", "80, SM2 with SM3"}},
	{"arqc-wrong", "The card signed another amount than the one that was sent to it: TVR B4b1, after the\ncryptogram. The issuer is told and approves; the second TC is not verified any more.\nBook 4, 6.3.2.2.4; Book 2, 12.5.", nil,
		[]string{"signed 80 data", "! host 00 approved", clearTC},
		[]string{"> 80AE88", "0100008000", "? online", "95[0100008100]", "> 80AE48", "0100008100", "= Approved", "95[0100008100]", "9B[E800]"}},
	{"arqc-wrong-declined", "The same, and the issuer declines.\nBook 4, 6.3.2.2.4.", nil,
		[]string{"signed 80 data", "! host 05 declined", plainAAC}, []string{"? online", "95[0100008100]", "> 80AE08", "= Declined: declined by issuer: ", "signature differs"}},
	{"arqc-wrong-unable", "The same, and the issuer cannot be asked: declined, Z3, though the default codes would\nallow it.\nBook 4, 6.3.2.2.4 and 6.3.8.", offlineXDA("forced-online", "tac-default 0000000000"),
		[]string{"signed 80 data", "! host offline", plainAAC}, []string{"? online", "> 80AE08", "5A33", "= Declined: signature wrong: XDA failed", `ARC "Z3"`}},
	{"arqc-wrong-unable-tc", "The same, and the card gives a TC to the request for an AAC: declined all the same.\nBook 4, 6.3.2.2.4; Book 3, 9.3.", offlineXDA("forced-online", "tac-default 0000000000"),
		[]string{"signed 80 data", "! host offline", "signed 40"}, []string{"> 80AE08", "= Declined: signature wrong: XDA failed", `ARC "Z3"`}},
	{"arqc-wrong-denied", "The terminal's denial code has TVR B4b1: an AAC is asked for, without the issuer.\nBook 4, 6.3.2.2.4.", with("tac-denial 0000000100"),
		[]string{"signed 80 data", plainAAC}, []string{"> 80AE88", "> 80AE08", "5A31", "= Declined: signature wrong: XDA failed", `ARC "Z1"`, "95[0100008100]"}},
	{"arqc-wrong-card-aac", "The issuer was told and approves, the card declines: the issuer must be told again.\nBook 4, 6.3.2.2.4.", nil,
		[]string{"signed 80 data", "! host 00 approved", plainAAC}, []string{"> 80AE48", "= Declined: card declined after approval", "host must reverse"}},
	{"arqc-cryptogram", "The cryptogram was changed on its way: the signature covers it.\nBook 2, 12.5.", nil,
		[]string{"signed 80 cryptogram", "! host 05 declined", plainAAC}, []string{"95[0100008100]", "= Declined"}},
	{"arqc-information", "The signature is over a TC, the cryptogram information says ARQC.\nBook 2, 12.5.", nil,
		[]string{"signed 80 information", "! host 05 declined", plainAAC}, []string{"95[0100008100]", "= Declined"}},
	{"arqc-short", "The signature is one byte short.\nBook 2, 12.5.", nil,
		[]string{"signed 80 short", "! host 05 declined", plainAAC}, []string{"95[0100008100]", "63 bytes, want 64"}},
	{"arqc-format", "The signature has the format of an RSA one.\nBook 2, 12.5.", nil,
		[]string{"signed 80 format", "! host 05 declined", plainAAC}, []string{"95[0100008100]", "05, want 15"}},
	{"arqc-unsigned", "An ARQC in format 1, which has no room for a signature: TVR B4b1.\nBook 2, 12.5; Book 4, 6.3.2.2.4.", nil,
		[]string{plainARQC, "! host 05 declined", plainAAC}, []string{"? online", "95[0100008100]", "data missing", "9B[E800]"}},
	{"arqc-without-cryptogram", "XDA leaves the cryptogram in the clear; without it the card breaks the rules.\nBook 3, 6.5.5.", nil,
		[]string{"signed 80 bare"}, []string{"= EndApplication: card data", "9F26 is missing"}},
	{"tc-wrong", "The card would approve by itself, wrongly signed: the issuer is asked about the TC. Its\napproval is final: no EXTERNAL AUTHENTICATE and no second GENERATE AC, but both scripts.\nBook 4, 6.3.2.2.4.", offlineXDA(),
		[]string{"signed 40 data", approvedXDA, "< 9000", "< 9000"},
		[]string{"> 80AE48", "? online", "9F26[8877665544332211] 9F27[40]", "95[0100000100]", "> 84160000", "> 84180000", "= Approved", `online true, ARC "00"`, "9B[EC00]"}},
	{"tc-wrong-declined", "The same, and the issuer declines: its word counts, not the card's.\nBook 4, 6.3.2.2.4.", offlineXDA(),
		[]string{"signed 40 data", "! host 05 declined"}, []string{"? online", "= Declined: declined by issuer", `ARC "05"`}},
	{"tc-wrong-unable", "The same, and the issuer cannot be asked: declined, without a second GENERATE AC.\nBook 4, 6.3.2.2.4 and 6.3.8.", offlineXDA(),
		[]string{"signed 40 data", "! host offline"}, []string{"? online", "= Declined: signature wrong: XDA failed", `ARC "Z3"`}},
	{"tc-wrong-denied", "The same, and the denial code has TVR B4b1: declined at once.\nBook 4, 6.3.2.2.4.", offlineXDA("tac-denial 0000000100"),
		[]string{"signed 40 data"}, []string{"> 80AE48", "= Declined: signature wrong: XDA failed", `ARC "Z1"`, "95[0100000100]"}},
	{"tc-wrong-offline-only", "The same at a terminal that asks no issuer: declined.\nBook 4, 6.3.2.2.4.", offlineXDA("terminal-type 23"),
		[]string{"signed 40 data"}, []string{"> 80AE48", "= Declined: signature wrong: XDA failed", `ARC "Z3"`}},
	{"tc-unsigned", "A TC without a signature, as a yes card would answer: the issuer is asked.\nBook 4, 6.3.2.2.4.", offlineXDA(),
		[]string{clearTC, "! host 05 declined"}, []string{"> 80AE48", "? online", "95[0100000100]", "= Declined: declined by issuer"}},
	{"tc-unsigned-gone", "The same, and the card is pulled while the script before its last word runs: the issuer,\nwho approved, must be told.\nBook 4, 6.3.2.2.4.", offlineXDA(),
		[]string{clearTC, approvedXDA, "! gone"}, []string{"? online", "> 84160000", "= EndApplication: card removed", "host must reverse"}},
	{"second-wrong", "The first signature is right. The issuer approved, and the card's TC is wrongly signed:\ndeclined, and the issuer must be told.\nBook 2, 12.5; Book 3, 10.11.", nil,
		[]string{"signed 80", "! host 00 approved", "signed 40 data"},
		[]string{"> 80AE48", "= Declined: signature wrong: XDA failed", "host must reverse", "95[0100008100]"}},
	{"second-unsigned", "The same without a signature.\nBook 2, 12.5; Book 3, 10.11.", nil,
		[]string{"signed 80", "! host 00 approved", plainTC}, []string{"> 80AE48", "= Declined: signature wrong: XDA failed", "host must reverse"}},
	{"second-aac", "The issuer approved, and the card declines, without a signature.\nBook 2, 12.5; Book 3, 10.11.", nil,
		[]string{"signed 80", "! host 00 approved", plainAAC}, []string{"= Declined: card declined after approval", "host must reverse", "95[0100008000]"}},
	{"upgraded", "A signed TC where an ARQC was asked for breaks the rules, however well it is signed.\nBook 3, 9.3.", nil,
		[]string{"signed 40"}, []string{"> 80AE88", "= EndApplication: cryptogram"}},
	{"downgraded", "A TC is asked for, the card signs an ARQC.\nBook 2, 12.5.", offlineXDA(),
		[]string{"signed 80", "! host 00 approved", "signed 40"}, []string{"> 80AE48", "? online", "> 80AE48", "= Approved"}},
	{"enciphered-pin", "A PIN would be enciphered for the card: its key is not one of RSA. The method fails, and no\nPIN is asked for.\nBook 2, 7.1.", func(t *testing.T, c *xdaCard) {
		with("capabilities 2058CC")(t, c)
		c.static = strings.Replace(c.static, "1F00]", "4400 1F00]", 1)
		c.issue(t)
	}, []string{"< 9F17[03] 9000", "signed 80", "! host 00 approved", "signed 40"}, []string{"> 80AE88", "= Approved", "95[0100008000]", "9F34[1F0002]"}},
	{"terminal-without", "The terminal has no XDA, and the card nothing else: not performed (TVR B1b8).\nBook 3, 10.3; Book 4, A2.", with("capabilities 2048C8"),
		[]string{clearARQC, "! host 00 approved", clearTC}, []string{"> 80AE80", "95[8000008000]", "= Approved"}},
}

// TestXDA runs the stories, each answer signed over what the kernel has sent.
func TestXDA(t *testing.T) {
	for _, story := range xdaStories {
		t.Run(story.name, func(t *testing.T) { runXDA(t, story, newXDACard(t, oda.SuiteP256)) })
	}
	long := xdaStory{
		"p521", "The longer curve: all keys on P-521, with SHA-512.\nBook 2, B2, 12.3 and 12.5; Book 2, A2.2.", nil,
		[]string{"signed 80", "! host 00 approved", "signed 40"}, []string{"> 80AE88", "= Approved", "95[0100008000]", "9B[E800]"},
	}
	t.Run(long.name, func(t *testing.T) { runXDA(t, long, newXDACard(t, oda.SuiteP521)) })
}

func runXDA(t *testing.T, story xdaStory, c *xdaCard) {
	t.Helper()
	if story.spoil != nil {
		story.spoil(t, c)
	}
	tellSigned(t, "xda-"+story.name, c.head(story.why), c.answer, story.rest, story.want)
}

// FuzzExtendedCryptogram answers a request for a TC that is signed by XDA.
// Whatever comes, it is not approved without the issuer: nobody but the card
// can sign this transaction.
func FuzzExtendedCryptogram(f *testing.F) {
	c := newXDACard(f, oda.SuiteP256)
	offlineXDA()(nil, c)
	head := c.head("fuzz")
	for _, how := range []string{"40 data", "40 short", "40 bare", "80", "00"} {
		f.Add(unhex(f, c.answer(f, head, strings.Fields(how))))
	}
	f.Add(unhex(f, strings.TrimPrefix(clearTC, "< ")))
	f.Fuzz(func(t *testing.T, answer []byte) {
		_, m := play(t, head)
		var event emv.Event = emv.Response{Data: answer}
		for range 3 { // the cryptogram, no issuer, and the same once more
			action, err := m.kernel.Step(event)
			if err != nil {
				t.Fatal(err)
			}
			switch a := action.(type) {
			case emv.Done:
				if a.Outcome.Status == emv.Approved {
					t.Fatalf("approved by %X", answer)
				}
				return
			case emv.GoOnline:
				event = emv.HostResult{}
			default:
				event = emv.Response{Data: answer}
			}
		}
		t.Fatalf("no end after %X", answer)
	})
}
