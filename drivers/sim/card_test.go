package sim

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"math/big"
	"testing"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

const (
	selectPSE = "00A404000E315041592E5359532E444446303100"
	selectAID = "00A4040007F043504F53010100"
	gpo       = "80A800000683040156015600"
	// CDOL1: 12.50, country and currency 156, TVR, date, type, number.
	cdol1Data = "000000001250 000000000000 0156 8000008000 0156 260314 00 CAFEBABE"
	cdol2Data = "3030 000000001250 000000000000 0156 8000008000 0156 260314 00 CAFEBABE"
	gac1      = "80AE80001D" + cdol1Data + "00"
	gac2      = "80AE40001F" + cdol2Data + "00"
)

// ask sends one command and expects a status word.
func ask(t *testing.T, c *Card, command, sw string) []byte {
	t.Helper()
	r := c.Exchange(unhex(t, command))
	if got := fmt.Sprintf("%X", r[len(r)-2:]); got != sw {
		t.Fatalf("%.10s... answered %s, want %s", command, got, sw)
	}
	return r[:len(r)-2]
}

// upTo brings a card to a point of a transaction.
func upTo(t *testing.T, c *Card, commands ...string) {
	t.Helper()
	for _, command := range commands {
		ask(t, c, command, "9000")
	}
}

func find(t *testing.T, data []byte, path ...tlv.Tag) []byte {
	t.Helper()
	v, ok := tlv.Find(data, path...)
	if !ok {
		t.Fatalf("no %v in %X", path, data)
	}
	return v
}

// sessionKey is the issuer's view of a card's transaction.
func sessionKey(t *testing.T, c *Card) [16]byte {
	t.Helper()
	return issuer.SessionKey(issuer.DeriveICC(testIMK, c.p.PAN, c.p.PSN), c.Counters().ATC)
}

// expected computes a cryptogram from bytes written in this test.
func expected(t *testing.T, c *Card, terminal, cvr string) [8]byte {
	t.Helper()
	data := unhex(t, terminal+"3C00"+fmt.Sprintf("%04X", c.Counters().ATC)+cvr)
	return issuer.Cryptogram(sessionKey(t, c), data)
}

func TestCardWholeTransaction(t *testing.T) {
	c := newCard(t, "pin")
	pse := ask(t, c, selectPSE, "9000")
	equal(t, "SFI of the directory", find(t, pse, tlv.FCI, tlv.FCIProprietary, tlv.SFI), []byte{1})
	entry := ask(t, c, "00B2010C00", "9000")
	equal(t, "AID in the directory", find(t, entry, 0x70, 0x61, 0x4F), issuer.AID)
	ask(t, c, "00B2020C00", "6A83")

	fci := ask(t, c, selectAID, "9000")
	equal(t, "DF name", find(t, fci, 0x6F, 0x84), issuer.AID)
	equal(t, "PDOL", find(t, fci, 0x6F, 0xA5, 0x9F38), unhex(t, "9F1A025F2A02"))
	afl := find(t, ask(t, c, gpo, "9000"), 0x77, 0x94)
	equal(t, "AFL", afl, unhex(t, "08010100 10010200 18010101"))
	ask(t, c, gpo, "6985")
	account := ask(t, c, "00B2011C00", "9000")
	equal(t, "CVM list", find(t, account, 0x70, 0x8E), unhex(t, "0000000000000000 0200"))

	sdad := find(t, ask(t, c, "0088000004CAFEBABE00", "9000"), 0x77, 0x9F4B)
	checkSignature(t, c, sdad, unhex(t, "CAFEBABE"))

	first := ask(t, c, gac1, "9000")
	equal(t, "CID", find(t, first, 0x77, 0x9F27), []byte{0x80})
	equal(t, "ATC", find(t, first, 0x77, 0x9F36), []byte{0, 1})
	equal(t, "IAD", find(t, first, 0x77, 0x9F10), unhex(t, "06011203A00000"))
	arqc := expected(t, c, cdol1Data, "03A00000")
	equal(t, "ARQC", find(t, first, 0x77, 0x9F26), arqc[:])

	arc := [2]byte{'0', '0'}
	arpc := issuer.ARPC1(sessionKey(t, c), arqc, arc)
	ask(t, c, fmt.Sprintf("008200000A%X3030", arpc), "9000")
	ask(t, c, fmt.Sprintf("008200000A%X3030", arpc), "6985")

	second := ask(t, c, gac2, "9000")
	equal(t, "second CID", find(t, second, 0x77, 0x9F27), []byte{0x40})
	tc := expected(t, c, cdol2Data[4:], "03600000")
	equal(t, "TC", find(t, second, 0x77, 0x9F26), tc[:])
	ask(t, c, gac2, "6985")
	equal(t, "last online ATC", ask(t, c, "80CA9F1300", "9000"), unhex(t, "9F13020001"))
}

// A card with two applications lists them in its directory, and gives them one
// after the other to a partial name; each has files of its own.
func TestCardWithTwoApplications(t *testing.T) {
	const debit, credit = "F043504F53010101", "F043504F53010102"
	c := newCard(t, "twoapps")
	upTo(t, c, selectPSE)
	equal(t, "directory", ask(t, c, "00B2010C00", "9000"), unhex(t, "703F"+
		"611D 4F08"+debit+"500E"+fmt.Sprintf("%X", "CLOUDPOS DEBIT")+"870101"+
		"611E 4F08"+credit+"500F"+fmt.Sprintf("%X", "CLOUDPOS CREDIT")+"870102"))
	ask(t, c, "00B2020C00", "6A83")

	ask(t, c, "00A4040207F043504F53010100", "6A82") // next, but nothing is first
	equal(t, "first", find(t, ask(t, c, selectAID, "9000"), 0x6F, 0x84), unhex(t, debit))
	second := ask(t, c, "00A4040207F043504F53010100", "9000")
	equal(t, "second", find(t, second, 0x6F, 0x84), unhex(t, credit))
	equal(t, "its priority", find(t, second, 0x6F, 0xA5, 0x87), []byte{2})
	ask(t, c, "00A4040207F043504F53010100", "6A82")
	ask(t, c, "00A4040207F043504F53010100", "6A82")

	accounts := map[string]string{}
	for _, name := range []string{debit, credit} {
		upTo(t, c, "00A4040008"+name+"00", gpo)
		accounts[name] = fmt.Sprintf("%X", find(t, ask(t, c, "00B2011C00", "9000"), 0x70, 0x5A))
	}
	p := profile(t, "twoapps")
	if accounts[debit] != p.PAN || accounts[credit] != p.Others[0].PAN {
		t.Error("an application gives the other's account number")
	}
	if c.Name() != "twoapps" || c.Counters().ATC != 2 {
		t.Errorf("card %q has counted %d transactions, want 2 of both applications", c.Name(), c.Counters().ATC)
	}
}

// checkSignature recovers a signature with the card's public key. EMV 4.4
// Book 2, 6.5.2.
func checkSignature(t *testing.T, c *Card, sdad, terminal []byte) {
	t.Helper()
	pub := c.key.PublicKey
	x := new(big.Int).SetBytes(sdad)
	b := x.Exp(x, big.NewInt(int64(pub.E)), pub.N).FillBytes(make([]byte, pub.Size()))
	n := len(b)
	hash := sha1.Sum(append(append([]byte{}, b[1:n-21]...), terminal...))
	if b[0] != 0x6A || b[1] != 0x05 || b[n-1] != 0xBC || !bytes.Equal(hash[:], b[n-21:n-1]) {
		t.Errorf("signature does not recover: %X…, hash %X, want %X", b[:4], b[n-21:n-1], hash)
	}
}

func TestCardDeclines(t *testing.T) {
	for name, tc := range map[string]struct {
		card     string
		response string // to EXTERNAL AUTHENTICATE: the code that the issuer authenticates, or ""
		spoil    bool
		authSW   string
		gac      string
		cvr      byte
	}{
		"no issuer":        {card: "approve", gac: gac2, cvr: 0x20},
		"issuer said 51":   {card: "approve", response: "51", authSW: "9000", gac: gac2, cvr: 0x20},
		"wrong ARPC":       {card: "approve", response: "00", spoil: true, authSW: "6300", gac: gac2, cvr: 0x28},
		"terminal wants":   {card: "approve", response: "00", authSW: "9000", gac: "80AE00001F" + cdol2Data + "00", cvr: 0x20},
		"the card says no": {card: "cardsaysno", response: "00", authSW: "9000", gac: gac2, cvr: 0x20},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCard(t, tc.card)
			upTo(t, c, selectAID, gpo, gac1)
			if tc.response != "" {
				arpc := issuer.ARPC1(sessionKey(t, c), c.arqc, [2]byte([]byte(tc.response)))
				if tc.spoil {
					arpc[3] ^= 1
				}
				ask(t, c, fmt.Sprintf("008200000A%X%X", arpc, tc.response), tc.authSW)
			}
			r := ask(t, c, tc.gac, "9000")
			equal(t, "CID", find(t, r, 0x77, 0x9F27), []byte{0})
			equal(t, "CVR", find(t, r, 0x77, 0x9F10)[3:5], []byte{3, tc.cvr})
		})
	}
}

func TestCardDecidesFirst(t *testing.T) {
	for p1, want := range map[string]byte{"00": 0x00, "40": 0x80, "80": 0x80} {
		c := newCard(t, "approve")
		upTo(t, c, selectAID, gpo)
		r := ask(t, c, "80AE"+p1+"001D"+cdol1Data+"00", "9000")
		equal(t, "CID for P1 "+p1, find(t, r, 0x77, 0x9F27), []byte{want})
	}
}

func TestCardFormat1(t *testing.T) {
	c := newCard(t, "t1")
	upTo(t, c, selectAID)
	r := ask(t, c, gpo, "9000")
	equal(t, "GPO", r, unhex(t, "800E 3C00 08010100 10010200 18010101"))
	signed := ask(t, c, "0088000004CAFEBABE00", "9000")
	checkSignature(t, c, find(t, signed, 0x80), unhex(t, "CAFEBABE"))
	ac := expected(t, c, cdol1Data, "03A00000")
	r = ask(t, c, gac1, "9000")
	equal(t, "GENERATE AC", r, append(append(unhex(t, "8012 80 0001"), ac[:]...), unhex(t, "06011203A00000")...))
}

func TestCardRefuses(t *testing.T) {
	application := []string{selectAID}
	initiated := []string{selectAID, gpo}
	for name, tc := range map[string]struct {
		card    string
		before  []string
		command string
		sw      string
	}{
		"blocked":                   {card: "blocked", command: selectPSE, sw: "6A81"},
		"no PSE":                    {card: "nopse", command: selectPSE, sw: "6A82"},
		"no PSE, but application":   {card: "nopse", command: selectAID, sw: "9000"},
		"partial name":              {card: "pin", command: "00A4040005F043504F5300", sw: "9000"},
		"select next":               {card: "pin", command: "00A4040207F043504F53010100", sw: "6A82"},
		"other application":         {card: "pin", command: "00A4040007A000000333010100", sw: "6A82"},
		"record too early":          {card: "pin", before: application, command: "00B2010C00", sw: "6985"},
		"record missing":            {card: "pin", before: initiated, command: "00B2020C00", sw: "6A83"},
		"file missing":              {card: "pin", before: initiated, command: "00B2015400", sw: "6A82"},
		"GPO without select":        {card: "pin", command: gpo, sw: "6985"},
		"GPO with short data":       {card: "pin", before: application, command: "80A80000048302015600", sw: "6700"},
		"GPO with trailing bytes":   {card: "pin", before: application, command: "80A8000004015601560000", sw: "6700"},
		"GPO with another template": {card: "pin", before: application, command: "80A80000068404 0156015600", sw: "6A80"},
		"GENERATE AC too early":     {card: "pin", before: application, command: gac1, sw: "6985"},
		"GENERATE AC short":         {card: "pin", before: initiated, command: "80AE80000100 00", sw: "6700"},
		"GENERATE AC with CDA":      {card: "pin", before: initiated, command: "80AE90001D" + cdol1Data + "00", sw: "6A86"},
		"GENERATE AC with XDA":      {card: "cda", before: initiated, command: "80AE88001D" + cdol1Data + "00", sw: "6A86"},
		"INTERNAL AUTH without key": {card: "sda", before: initiated, command: "0088000004CAFEBABE00", sw: "6D00"},
		"EXTERNAL AUTH too early":   {card: "pin", before: initiated, command: "008200000A00000000000000003030", sw: "6985"},
		"INTERNAL AUTH wrong size":  {card: "pin", before: initiated, command: "0088000003CAFEBA00", sw: "6700"},
		"GET DATA unknown":          {card: "pin", before: application, command: "80CA9F4F00", sw: "6A88"},
		"unknown instruction":       {card: "pin", command: "00EE0000", sw: "6D00"},
		"unknown class":             {card: "pin", command: "B0A40400", sw: "6E00"},
		"too short":                 {card: "pin", command: "00A404", sw: "6700"},
		"wrong length":              {card: "pin", command: "00A404000A010203", sw: "6700"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCard(t, tc.card)
			upTo(t, c, tc.before...)
			ask(t, c, tc.command, tc.sw)
		})
	}
}

func TestCardCountsPINTries(t *testing.T) {
	c := newCard(t, "pin")
	upTo(t, c, selectAID, gpo)
	const right, wrong = "0020008008241234FFFFFFFFFF", "0020008008240000FFFFFFFFFF"
	ask(t, c, wrong, "63C2")
	ask(t, c, right, "9000")
	ask(t, c, wrong, "63C2")
	ask(t, c, wrong, "63C1")
	equal(t, "try counter", ask(t, c, "80CA9F1700", "9000"), unhex(t, "9F170101"))
	ask(t, c, wrong, "63C0")
	ask(t, c, right, "6983")
}

func TestCardPowerDownEndsTransaction(t *testing.T) {
	c := newCard(t, "pin")
	upTo(t, c, selectAID, gpo, gac1)
	equal(t, "ATR", c.ATR(), unhex(t, "3B600000"))
	ask(t, c, gac2, "6985")
	upTo(t, c, selectAID, gpo)
	if got := c.Counters().ATC; got != 2 {
		t.Errorf("ATC = %d, want 2", got)
	}
	if atr := newCard(t, "mute").ATR(); atr != nil {
		t.Errorf("mute card answers %X", atr)
	}
	if atr := newCard(t, "t1").ATR(); xor(atr[1:]) != 0 || atr[4] != 0x81 {
		t.Errorf("T=1 answer to reset %X is malformed", atr)
	}
}

func FuzzCard(f *testing.F) {
	p := profile(f, "pin")
	for _, s := range []string{selectPSE, selectAID, gpo, gac1, gac2, "0020008008241234FFFFFFFFFF"} {
		f.Add(unhex(f, s), unhex(f, gpo))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		c, err := NewCard(p, bytes.NewReader(make([]byte, 1024)))
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]byte{a, b} {
			if r := c.Exchange(command); len(r) < 2 || len(r) > 258 {
				t.Errorf("answer of %d bytes to %X", len(r), command)
			}
		}
	})
}
