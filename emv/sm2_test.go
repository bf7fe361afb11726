package emv_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/keys/smtest"
)

// smCard is a card with keys of SM2. Its certificates and signatures are in the
// clear, by JR/T 0025.7.
type smCard struct {
	*ddaCard
	ca, issuer, icc *smtest.Signer
}

func newSMCard(t testing.TB) *smCard {
	t.Helper()
	c := &smCard{ddaCard: &ddaCard{
		aip: "3C00", afl: "08010100 10010201 18010200", pdol: " 9F38[9F1A02 5F2A02 DF6901]",
		static: ddaStatic, cdols: ddaCDOLs,
	}}
	for _, signer := range []**smtest.Signer{&c.ca, &c.issuer, &c.icc} {
		made, err := smtest.New(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		*signer = made
	}
	c.withs = []string{fmt.Sprintf("ca-sm2-key F043504F53 01 %X", c.ca.Public()), "capabilities 2048C8"}
	c.issue(t)
	return c
}

// signSM2 returns the data with a signature behind that covers it and more.
func signSM2(t testing.TB, by *smtest.Signer, data, more []byte) []byte {
	t.Helper()
	signature, err := by.Sign(rand.Reader, slices.Concat(data, more))
	if err != nil {
		t.Fatal(err)
	}
	return append(data, signature...)
}

// issue certifies and signs what the card holds now.
func (c *smCard) issue(t testing.TB) {
	t.Helper()
	static := unhex(t, c.static+" "+c.aip)
	issuer := append(unhex(t, "12 999901FF 1228 000001 04 00 11 40"), c.issuer.Public()...)
	c.issuerData = fmt.Sprintf("8F[01] 90[%X]", signSM2(t, c.ca, issuer, nil))
	icc := append(unhex(t, "14 9999010000000018FFFF 1228 000002 04 00 11 40"), c.icc.Public()...)
	c.iccData = fmt.Sprintf("9F46[%X]", signSM2(t, c.issuer, icc, static))
	if c.aip == "5C00" {
		c.iccData = fmt.Sprintf("93[%X]", signSM2(t, c.issuer, unhex(t, "13 DAC0"), static))
	}
	if c.internal = ""; c.aip == "3C00" {
		c.internal = fmt.Sprintf("80[%X] 9000", signSM2(t, c.icc, unhex(t, "15 04 03 A1B2C3"), unhex(t, "01234567")))
	}
}

// answer is the card's answer to GENERATE AC by CDA: a cryptogram type, and
// what is wrong with it.
func (c *smCard) answer(t testing.TB, text string, how []string) string {
	t.Helper()
	sent := sentValues(t, text)
	ac := "1122334455667788"
	if how[0] != "80" {
		ac = "8877665544332211"
	}
	if slices.Contains(how, "data") {
		sent[4] ^= 0x01
	}
	objects := fmt.Sprintf("9F27[%s] 9F36[001A] 9F10[06010A03A00000]", how[0])
	hash := keys.SM2{}.Hash(append(sent, unhex(t, objects)...))
	dynamic := append(unhex(t, "15 2C 02 C0DE"+how[0]+ac), hash...)
	return fmt.Sprintf("77[%s 9F4B[%X]] 9000", objects, signSM2(t, c.icc, dynamic, unhex(t, "01234567")))
}

// withCDA makes it a card that signs its cryptograms.
func withCDA(t *testing.T, c *smCard) {
	c.aip = "3D00"
	c.issue(t)
}

// smStories are like those of RSA, whose flow they share: what differs is that
// the card has no exponents, and asks whether the terminal knows SM2.
var smStories = []struct {
	name, why string
	spoil     func(t *testing.T, c *smCard)
	rest      []string
	want      []string
}{
	{"sda", "Static data signed with SM2. The terminal says that it has keys of it (DF69).\nBook 2, 5.4.", func(t *testing.T, c *smCard) {
		c.aip = "5C00"
		c.issue(t)
	}, []string{plainARQC, "! host 00 approved", plainTC}, []string{"80A800000783050156015601", "95[0200008000]", "= Approved", "9B[E800]"}},
	{"sda-changed", "The data was changed after the issuer had signed it.\nBook 2, 5.4.", func(t *testing.T, c *smCard) {
		c.aip = "5C00"
		c.issue(t)
		c.static = strings.Replace(c.static, "281231", "291231", 1)
	}, []string{plainARQC, "! host 05 declined", plainAAC}, []string{"95[4200008000]", "= Declined: declined by issuer: ", "signature differs"}},
	{"dda", "A number of the terminal's signed with SM2.\nBook 2, 6.5.2.", nil,
		[]string{plainARQC, "! host 00 approved", plainTC}, []string{"INTERNAL AUTHENTICATE", "95[0000008000]", "= Approved", "9B[E800]"}},
	{"dda-other-number", "The signature is over another number: a recorded one.\nBook 2, 6.5.2.", func(_ *testing.T, c *smCard) {
		c.withs = append(c.withs, "random 01234568")
	}, []string{plainARQC, "! host 05 declined", plainAAC}, []string{"INTERNAL AUTHENTICATE", "95[0800008000]", "= Declined: declined by issuer: ", "signature differs"}},
	{"dda-unknown", "The terminal has no key of SM2, and says so: a card that shows such keys all the same\nhas certificates which cannot be opened. No number is sent to it.\nBook 2, 5.3.", func(t *testing.T, c *smCard) {
		c.withs[0] = newDDACard(t).withs[0]
		c.iccData += " 9F47[03]"
		c.issuerData += " 9F32[03]"
		c.internal = ""
	}, []string{plainARQC, "! host 05 declined", plainAAC}, []string{"80A800000783050156015600", "95[0800008000]", "= Declined: declined by issuer: ", "format 12 in clear"}},
	{"cda", "Both cryptograms signed with SM2, over a hash of SM3.\nBook 2, 6.6.1 and 6.6.2.", withCDA,
		[]string{"signed 80", "! host 00 approved", "signed 40"},
		[]string{"> 80AE90", "9F26[1122334455667788]", "95[0000008000]", "> 80AE50", "= Approved", "9F26[8877665544332211]", "9B[E800]"}},
	{"cda-wrong", "The card signed another amount than the one that was sent to it: declined without the\nissuer.\nBook 2, 6.6.2; Book 4, 6.3.2.1.", withCDA,
		[]string{"signed 80 data", plainAAC}, []string{"> 80AE90", "> 80AE00", "= Declined: signature wrong", "transaction data hash differs", `ARC "Z1"`, "95[0400008000]"}},
	{"enciphered-pin", "A PIN would be enciphered with the card's key: none of SM2 is used for that. The method\nfails, and no PIN is asked for.\nBook 2, 7.1.", func(t *testing.T, c *smCard) {
		c.withs = append(c.withs, "capabilities 2058C8")
		c.static = strings.Replace(c.static, "1F00]", "4400 1F00]", 1)
		c.issue(t)
	}, []string{"< 9F17[03] 9000", plainARQC, "! host 00 approved", plainTC}, []string{"> 80AE80", "95[0000008000]", "= Approved", "9F34[1F0002]"}},
}

// TestSM2 runs the stories, each answer signed over what the kernel has sent.
func TestSM2(t *testing.T) {
	for _, story := range smStories {
		t.Run(story.name, func(t *testing.T) {
			c := newSMCard(t)
			if story.spoil != nil {
				story.spoil(t, c)
			}
			tellSigned(t, "sm2-"+story.name, c.head(story.why), c.answer, story.rest, story.want)
		})
	}
}
