package quicktest

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv/tlvtest"
)

// Account is the card's.
const Account = "9999010000000018"

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

// A Card approves by itself and signs; stories spoil it. Strings are in the
// transcripts' notation.
type Card struct {
	keys
	kernel   contactless.KernelID
	Withs    []string
	AIP      string
	CID      string
	CTQ      string // or none
	Related  string // 9F69
	Static   string // content of the signed record
	Signs    string // what the card signs beside 9F69: 9F37, 9F02 and 5F2A
	More     string // in the answer to GET PROCESSING OPTIONS
	Issuer   string // its certificate
	Own      string // the card's certificate
	Dynamic  string // 9F4B
	Followed string // what comes after the card
}

// NewCard makes one for a kernel, whose 9F69 is given.
func NewCard(t *testing.T, kernel contactless.KernelID, related string) *Card {
	t.Helper()
	made, err := makeKeys()
	if err != nil {
		t.Fatal(err)
	}
	ca := made.authority.Public()[0]
	c := &Card{
		keys: made, kernel: kernel, AIP: "2000", CID: "40", Related: related, Static: "5A[" + Account + "] 5F24[281231]",
		Signs: "01234567 000000001250 0156",
		Withs: []string{fmt.Sprintf("ca-key %X %02X %X %X", ca.RID, ca.Index, ca.Exponent, ca.Modulus)},
	}
	c.Issue(t)
	return c
}

// Issue signs what the card holds now.
func (c *Card) Issue(t *testing.T) {
	t.Helper()
	own, err := c.authority.Card(c.icc, Account, expiry, [3]byte{0, 0, 2}, notation(t, c.Static))
	if err != nil {
		t.Fatal(err)
	}
	c.Issuer = "8F[01] " + certificate(c.authority.Issuer(), "90", "92", "9F32")
	c.Own = certificate(own, "9F46", "9F48", "9F47")
	signature, err := issuer.SignDynamic(c.icc, []byte{0x00, 0x15}, notation(t, c.Signs+c.Related))
	if err != nil {
		t.Fatal(err)
	}
	c.Dynamic = fmt.Sprintf("9F4B[%X]", signature)
}

// SignStatic gives the card a signature of its issuer instead of its own.
func (c *Card) SignStatic(t *testing.T) {
	t.Helper()
	signature, err := c.authority.SignStatic([2]byte{0xDA, 0xC0}, notation(t, c.Static))
	if err != nil {
		t.Fatal(err)
	}
	c.Dynamic = fmt.Sprintf("93[%X]", signature)
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
func (c *Card) transcript(why string) string {
	lines := []string{"# " + why}
	for _, w := range c.Withs {
		lines = append(lines, "with "+w)
	}
	qualifiers := c.More
	if c.CTQ != "" {
		qualifiers += " 9F6C[" + c.CTQ + "]"
	}
	name := fmt.Sprintf("F043504F53%02X", uint32(c.kernel))
	lines = append(lines, "! begin", "! card",
		fmt.Sprintf(`< 6F[84["2PAY.SYS.DDF01"] A5[BF0C[61[4F[%s] 87[01] 9F2A[%v]]]]] 9000`, name, c.kernel),
		fmt.Sprintf(`< 6F[84[%s] A5[50["CLOUDPOS TAP"] 9F38[9F6604 9F0206 5F2A02 9F3704]]] 9000`, name),
		fmt.Sprintf("< 77[82[%s] 94[08010101 10010200] 9F36[0015] 9F26[1122334455667788] 9F10[06011103900000] 57[%sD281220100000F] 5F34[01] 9F27[%s]%s] 9000",
			c.AIP, Account, c.CID, qualifiers),
		fmt.Sprintf("< 70[%s] 9000", c.Static),
		fmt.Sprintf("< 70[%s] 9000", c.Issuer),
		fmt.Sprintf("< 70[%s 9F69[%s] %s] 9000", c.Own, c.Related, c.Dynamic))
	if c.Followed != "" {
		lines = append(lines, c.Followed)
	}
	return strings.Join(lines, "\n") + "\n"
}

// A Story is a signed tap: what is done to the card before, and what must be in
// its transcript, once.
type Story struct {
	Name, Why, Want string
	Spoil           func(*testing.T, *Card)
}

// Play plays stories with keys that are made now. With keep they are written to
// testdata, for the eye, and for taptest.Transcripts.
func Play(t *testing.T, book string, fresh func() (*Card, taptest.Tap), keep bool, stories []Story) {
	t.Helper()
	for _, story := range stories {
		t.Run(story.Name, func(t *testing.T) {
			c, tap := fresh()
			story.Spoil(t, c)
			text, ended := taptest.Play(t, c.transcript(book+", "+story.Why), tap)
			if !ended || strings.Count(text, story.Want) != 1 {
				t.Errorf("%q is not in\n%s", story.Want, text)
			}
			if keep {
				if err := os.WriteFile(filepath.Join("testdata", "signed-"+story.Name+".txt"), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
