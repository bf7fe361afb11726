package emv_test

import (
	"bytes"
	"crypto/rsa"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/oda/odatest"
)

var signed = flag.Bool("signed", false, "write testdata/sda-, dda-, cda-, xda-, sm2- and enciphered-pin-*.txt with keys that are made now and forgotten")

// ddaCard is what a card with keys answers, by itself one with DDA; stories spoil it. Strings are in the
// transcripts' notation.
type ddaCard struct {
	odatest.Keys
	withs        []string
	pdol         string // in its FCI, or none
	aip, afl     string
	static       string // content of the record that is signed
	cdols        string
	issuerData   string // 8F 90 92 9F32
	iccData      string // 9F46 9F48 9F47; of a card with SDA 93
	ddol         string // 9F49, or none
	ddolData     string // what the card signs
	internal     string // the answer to INTERNAL AUTHENTICATE; "" if it is not sent
	issuerExpiry string // MMYY
	extra        string // a further record
	ends         bool   // the card breaks a rule
}

const (
	ddaStatic = `5A[9999010000000018] 5F34[01] 5F24[281231] 5F25[200101] 5F28[0156] 9F07[FF80] 9F08[0001] 9F42[0156] 8E[00000000 00000000 1F00] 9F4A[82]`
	ddaCDOLs  = `8C[9F0206 9505 9F3704 9F4C03] 8D[8A02 9F0206 9505 9F3704] 9F0D[0000000000] 9F0E[0000000000] 9F0F[F8F8F8F800]`
)

func newDDACard(t testing.TB) *ddaCard {
	t.Helper()
	s, err := odatest.New()
	if err != nil {
		t.Fatal(err)
	}
	c := &ddaCard{
		Keys: s, aip: "3C00", afl: "08010100 10010201 18010200", static: ddaStatic, cdols: ddaCDOLs,
		ddolData: "01234567", issuerExpiry: "1228",
		withs: []string{fmt.Sprintf("ca-key F043504F53 01 %X %X", odatest.Exponent(s.CA), s.CA.N.Bytes())},
	}
	c.issue(t)
	return c
}

// issue signs what the card holds now.
func (c *ddaCard) issue(t testing.TB) {
	t.Helper()
	content, err := parseNotation(c.static)
	if err != nil {
		t.Fatal(err)
	}
	content = append(content, unhex(t, c.aip)...) // for 9F4A
	signed, rest := certify(c.CA, c.Issuer, "02 999901FF "+c.issuerExpiry+" 000001", 36, nil, t)
	c.issuerData = fmt.Sprintf("8F[01] 90[%X] 92[%X] 9F32[%X]", signed, rest, odatest.Exponent(c.Issuer))
	signed, rest = certify(c.Issuer, c.ICC, "04 9999010000000018FFFF 1228 000002", 42, content, t)
	c.iccData = fmt.Sprintf("9F46[%X] 9F48[%X] 9F47[%X]", signed, rest, odatest.Exponent(c.ICC))
	dynamic := unhex(t, "05 01 04 03 A1B2C3")
	dynamic = append(dynamic, bytes.Repeat([]byte{0xBB}, c.ICC.Size()-22-len(dynamic))...)
	c.internal = fmt.Sprintf("80[%X] 9000", odatest.Sign(c.ICC, dynamic, unhex(t, c.ddolData)))
}

// certifyCard replaces the card's certificate by one with other fields.
func (c *ddaCard) certifyCard(t *testing.T, fields string) {
	t.Helper()
	signed, rest := certify(c.Issuer, c.ICC, fields, 42, append(unhex(t, c.static), unhex(t, c.aip)...), t)
	c.iccData = fmt.Sprintf("9F46[%X] 9F48[%X] 9F47[%X]", signed, rest, odatest.Exponent(c.ICC))
	c.internal = ""
}

// certify makes a certificate, with fields in the transcripts' notation.
func certify(by, key *rsa.PrivateKey, fields string, fixed int, static []byte, t testing.TB) (signed, rest []byte) {
	t.Helper()
	return odatest.Certify(by, key, unhex(t, fields), fixed, static)
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := parseNotation(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// head is a sale with the card until its data have been authenticated, without
// the kernel's lines.
func (c *ddaCard) head(why string) string {
	var b strings.Builder
	for _, line := range strings.Split(why, "\n") {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	for _, w := range c.withs {
		fmt.Fprintf(&b, "with %s\n", w)
	}
	fci := fmt.Sprintf(`< 6F[84[F043504F530101] A5[50["CLOUDPOS"]%s]] 9000`, c.pdol)
	lines := []string{
		"atr 3B650000002063CB6800", "< 6A82", fci, fci,
		fmt.Sprintf("< 77[82[%s] 94[%s]] 9000", c.aip, c.afl),
		`< 70[57[9999010000000018D281220100000F]] 9000`,
		fmt.Sprintf("< 70[%s] 9000", c.static),
		fmt.Sprintf("< 70[%s] 9000", c.cdols),
		fmt.Sprintf("< 70[%s] 9000", c.issuerData),
		fmt.Sprintf("< 70[%s%s] 9000", c.iccData, c.ddol),
	}
	for _, further := range []string{c.extra, c.internal} {
		if further != "" {
			lines = append(lines, "< "+further)
		}
	}
	return b.String() + strings.Join(lines, "\n") + "\n"
}

// transcript is the whole sale, approved online.
func (c *ddaCard) transcript(why string) string {
	if c.ends {
		return c.head(why)
	}
	return c.head(why) + "< 80[80 001A 1122334455667788 06010A03A00000] 9000\n! host 00 approved\n" +
		"< 80[40 001A 8877665544332211 06010A03A00000] 9000\n"
}

// signedStory is a card of which something is spoilt, and the first byte of the
// TVR that follows.
type signedStory struct {
	name, why string
	tvr       byte
	spoil     func(t *testing.T, c *ddaCard)
}

// runSigned runs stories with keys that are made now; -signed keeps them as
// transcripts for the eye, and for TestTranscripts.
func runSigned(t *testing.T, prefix string, newCard func(testing.TB) *ddaCard, stories []signedStory) {
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			c := newCard(t)
			story.spoil(t, c)
			text := replay(t, c.transcript(story.why))
			want, times := fmt.Sprintf(" 95[%02X00008000] ", story.tvr), 2
			if c.ends {
				want, times = "= EndApplication: ", 1
			}
			if strings.Count(text, want) != times {
				t.Errorf("%q is not %d times in\n%s", want, times, text)
			}
			sent := strings.Contains(text, "INTERNAL AUTHENTICATE\n")
			if sent != (c.internal != "") {
				t.Errorf("INTERNAL AUTHENTICATE sent: %v", sent)
			}
			keepSigned(t, prefix+"-"+story.name, text)
		})
	}
}

func keepSigned(t *testing.T, name, text string) {
	t.Helper()
	if !*signed {
		return
	}
	if err := os.WriteFile(filepath.Join("testdata", name+".txt"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
