package kernel3_test

import (
	"crypto/rand"
	"crypto/rsa"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv/tlvtest"
)

var signed = flag.Bool("signed", false, "write testdata/signed-*.txt with keys that are made now and forgotten")

const account = "9999010000000018"

// keys are a certification authority with an issuer, and a card's key. They are
// made at run time and never stored: transcripts hold public keys, certificates
// and signatures alone.
type keys struct {
	authority *issuer.Authority
	icc       *rsa.PrivateKey
}

var makeKeys = sync.OnceValues(func() (keys, error) {
	authority, err := issuer.NewAuthority([5]byte{0xF0, 'C', 'P', 'O', 'S'}, 1, "999901", expiry)
	if err != nil {
		return keys{}, err
	}
	icc, err := rsa.GenerateKey(rand.Reader, 1024)
	return keys{authority, icc}, err
})

var expiry = time.Date(2028, 12, 31, 0, 0, 0, 0, time.UTC)

// dynamicCard is a card that approves by itself and signs; stories spoil it.
// Strings are in the transcripts' notation.
type dynamicCard struct {
	keys
	withs    []string
	aip      string
	cid      string
	ctq      string // or none
	related  string // 9F69
	static   string // content of the signed record
	signs    string // what the card signs beside 9F69: 9F37, 9F02 and 5F2A
	more     string // in the answer to GET PROCESSING OPTIONS
	issuer   string // its certificate
	card     string // the card's certificate
	dynamic  string // 9F4B
	followed string // what comes after the card
}

func newDynamicCard(t *testing.T) *dynamicCard {
	t.Helper()
	made, err := makeKeys()
	if err != nil {
		t.Fatal(err)
	}
	ca := made.authority.Public()[0]
	c := &dynamicCard{
		keys: made, aip: "2000", cid: "40", related: "01AABBCCDD", static: "5A[" + account + "] 5F24[281231]",
		signs: "01234567 000000001250 0156",
		withs: []string{fmt.Sprintf("ca-key %X %02X %X %X", ca.RID, ca.Index, ca.Exponent, ca.Modulus)},
	}
	c.issue(t)
	return c
}

// issue signs what the card holds now.
func (c *dynamicCard) issue(t *testing.T) {
	t.Helper()
	own, err := c.authority.Card(c.icc, account, expiry, [3]byte{0, 0, 2}, notation(t, c.static))
	if err != nil {
		t.Fatal(err)
	}
	c.issuer = "8F[01] " + certificate(c.authority.Issuer(), "90", "92", "9F32")
	c.card = certificate(own, "9F46", "9F48", "9F47")
	signature, err := issuer.SignDynamic(c.icc, []byte{0x00, 0x15}, notation(t, c.signs+c.related))
	if err != nil {
		t.Fatal(err)
	}
	c.dynamic = fmt.Sprintf("9F4B[%X]", signature)
}

func certificate(c issuer.Certificate, signed, remainder, exponent string) string {
	s := fmt.Sprintf("%s[%X] %s[%X]", signed, c.Signed, exponent, c.Exponent)
	if len(c.Remainder) > 0 {
		s += fmt.Sprintf(" %s[%X]", remainder, c.Remainder)
	}
	return s
}

func notation(t *testing.T, s string) []byte {
	t.Helper()
	b, err := tlvtest.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// transcript is the whole tap.
func (c *dynamicCard) transcript(why string) string {
	lines := []string{"# " + why}
	for _, w := range c.withs {
		lines = append(lines, "with "+w)
	}
	qualifiers := c.more
	if c.ctq != "" {
		qualifiers += " 9F6C[" + c.ctq + "]"
	}
	lines = append(lines, "! begin", "! card",
		`< 6F[84["2PAY.SYS.DDF01"] A5[BF0C[61[4F[F043504F5303] 87[01] 9F2A[03]]]]] 9000`,
		`< 6F[84[F043504F5303] A5[50["CLOUDPOS TAP"] 9F38[9F6604 9F0206 5F2A02 9F3704]]] 9000`,
		fmt.Sprintf("< 77[82[%s] 94[08010101 10010200] 9F36[0015] 9F26[1122334455667788] 9F10[06011103900000] 57[%sD281220100000F] 5F34[01] 9F27[%s]%s] 9000",
			c.aip, account, c.cid, qualifiers),
		fmt.Sprintf("< 70[%s] 9000", c.static),
		fmt.Sprintf("< 70[%s] 9000", c.issuer),
		fmt.Sprintf("< 70[%s 9F69[%s] %s] 9000", c.card, c.related, c.dynamic))
	if c.followed != "" {
		lines = append(lines, c.followed)
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestSigned plays cards with keys that are made now; -signed keeps them as
// transcripts for the eye, and for TestTranscripts.
func TestSigned(t *testing.T) {
	const wrong = "= declined: signature wrong: data authentication"
	for _, story := range []struct {
		name, why, want string
		spoil           func(*testing.T, *dynamicCard)
	}{
		{"approved", "5.6. The card proves itself and approves.", "= approved\n=  no CVM\n", func(*testing.T, *dynamicCard) {}},
		{"approved-sign", "5.7. The card approves and wants a signature.", "= approved\n=  signature; receipt\n", func(_ *testing.T, c *dynamicCard) { c.ctq = "4000" }},
		{"approved-balance", "5.8. What the cardholder may still spend is shown.", `card read, balance 5000 of 156`, func(_ *testing.T, c *dynamicCard) { c.more = " 9F5D[000000005000]" }},
		{"approved-device", "5.7. The owner was verified by the device, and the signature covers that.", "= approved\n=  verified by the device\n", func(t *testing.T, c *dynamicCard) {
			c.withs = append(c.withs, "cvm 100")
			c.ctq, c.related = "0080", "01AABBCCDD 0080"
			c.issue(t)
		}},
		{"device-forged", "5.7. The claim was put in between card and reader: the signed copy lacks it.", "= declined: cryptogram: the CTQ are not those of 9F69", func(t *testing.T, c *dynamicCard) {
			c.ctq, c.related = "0080", "01AABBCCDD 0000"
			c.issue(t)
		}},
		{"device-forged-twice", "5.7. The claim was put into the copy too: the signature breaks.", wrong, func(t *testing.T, c *dynamicCard) {
			c.ctq, c.related = "0080", "01AABBCCDD 0000"
			c.issue(t)
			c.related = "01AABBCCDD 0080"
		}},
		{"device-online", "5.7. The device has verified its owner, the issuer is asked, and the signature carries the claim.", "\n? online, verified by the device\n", func(t *testing.T, c *dynamicCard) {
			c.withs, c.cid = append(c.withs, "cvm 100", "ttq 37004000"), "80"
			c.ctq, c.related, c.followed = "0080", "01AABBCCDD 0080", "! host 00 approved"
			c.issue(t)
		}},
		{"failure-induced", "5.7. Data authentication is made to fail, the card leaves it to the issuer: a CVM is required all the same.", "= declined: declined by terminal: a CVM is required", func(_ *testing.T, c *dynamicCard) {
			c.withs, c.ctq = []string{"cvm 100"}, "2000"
		}},
		{"amount-other", "5.6. The card signed another amount.", wrong, func(t *testing.T, c *dynamicCard) {
			c.signs = "01234567 000000000250 0156"
			c.issue(t)
		}},
		{"currency-other", "5.6. The card signed another currency.", wrong, func(t *testing.T, c *dynamicCard) {
			c.signs = "01234567 000000001250 0840"
			c.issue(t)
		}},
		{"replayed", "5.6. A signature for another tap's number.", wrong, func(t *testing.T, c *dynamicCard) {
			c.signs = "01234568 000000001250 0156"
			c.issue(t)
		}},
		{"replayed-online", "5.6. The same, and the card leaves it to the issuer.", "\n? online, no CVM\n", func(t *testing.T, c *dynamicCard) {
			c.signs, c.ctq = "01234568 000000001250 0156", "2000"
			c.issue(t)
			c.followed = "! host 05 declined"
		}},
		{"record-changed", "5.6. A record was changed after the card was made.", wrong, func(_ *testing.T, c *dynamicCard) {
			c.static = "5A[" + account + "] 5F24[301231]"
		}},
		{"key-unknown", "5.6. A card of a certification authority that nobody knows.", wrong, func(_ *testing.T, c *dynamicCard) { c.withs = nil }},
		{"tag-list", "5.6. The card has the AIP signed too.", "= approved\n=  no CVM\n", func(t *testing.T, c *dynamicCard) {
			c.static += " 9F4A[82]"
			whole := c.static
			c.static += c.aip
			c.issue(t)
			c.static = whole
		}},
		{"gate", "5.6. A gate has the card prove itself before the issuer answers.", "\n? online, no CVM\n", func(_ *testing.T, c *dynamicCard) {
			c.withs, c.cid, c.followed = append(c.withs, "ttq 37004000"), "80", "! host 00 approved"
		}},
		{"gate-forged", "5.6. A gate, and a card that cannot prove itself: the issuer is not asked.", wrong, func(_ *testing.T, c *dynamicCard) {
			c.withs, c.cid = []string{"ttq 37004000"}, "80"
		}},
		{"gate-static", "5.6. A gate is content with a static signature.", "\n? online, no CVM\n", func(t *testing.T, c *dynamicCard) {
			c.withs, c.cid, c.aip, c.followed = append(c.withs, "ttq 37004000"), "80", "4000", "! host 00 approved"
			c.signStatic(t)
		}},
		{"gate-static-wrong", "5.6. A gate, and a static signature over other data.", wrong, func(t *testing.T, c *dynamicCard) {
			c.withs, c.cid, c.aip = append(c.withs, "ttq 37004000"), "80", "4000"
			c.signStatic(t)
			c.static = "5A[" + account + "] 5F24[301231]"
		}},
		{"gate-static-unknown", "5.6. A gate, and a static signature of an issuer that nobody knows.", wrong, func(t *testing.T, c *dynamicCard) {
			c.withs, c.cid, c.aip = []string{"ttq 37004000"}, "80", "4000"
			c.signStatic(t)
		}},
	} {
		t.Run(story.name, func(t *testing.T) {
			c := newDynamicCard(t)
			story.spoil(t, c)
			text, ended := taptest.Play(t, c.transcript("Book C-3, "+story.why), newSetup())
			if !ended || strings.Count(text, story.want) != 1 {
				t.Errorf("%q is not in\n%s", story.want, text)
			}
			if *signed {
				if err := os.WriteFile(filepath.Join("testdata", "signed-"+story.name+".txt"), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// signStatic gives the card a signature of its issuer instead of its own.
func (c *dynamicCard) signStatic(t *testing.T) {
	t.Helper()
	signature, err := c.authority.SignStatic([2]byte{0xDA, 0xC0}, notation(t, c.static))
	if err != nil {
		t.Fatal(err)
	}
	c.dynamic = fmt.Sprintf("93[%X]", signature)
}
