package oda_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv/oda"
)

// verify goes the whole way from the CA key to the dynamic number.
func (c *chain) verify(t *testing.T, sdad, ddolData []byte) ([]byte, error) {
	t.Helper()
	issuer, err := oda.RecoverIssuer(c.caKey(), c.issuerCertificate(t), pan, today)
	if err != nil {
		return nil, err
	}
	icc, err := oda.RecoverICC(issuer, c.iccCertificate(t), pan, c.static, today)
	if err != nil {
		return nil, err
	}
	return oda.VerifyDynamic(icc, sdad, ddolData)
}

func TestChain(t *testing.T) {
	c := newChain(t)
	un := unhex(t, "01234567")
	sdad := signDynamic(c.icc, unhex(t, "03 A1B2C3"), un)
	number, err := c.verify(t, sdad, un)
	if err != nil || hex.EncodeToString(number) != "a1b2c3" {
		t.Fatalf("verify = %x, %v, want a1b2c3", number, err)
	}
	if number, err = c.verify(t, sdad, unhex(t, "01234568")); !errors.Is(err, oda.ErrFailed) {
		t.Errorf("verify with another unpredictable number = %x, %v, want ErrFailed", number, err)
	}
}

// TestChainRefused spoils one field at a time, under good signatures.
func TestChainRefused(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*chain)
		want  error
	}{
		{"other issuer", func(c *chain) { c.issuerID = "999902FF" }, oda.ErrIssuer},
		{"issuer of two digits", func(c *chain) { c.issuerID = "99FFFFFF" }, oda.ErrIssuer},
		{"issuer with a gap", func(c *chain) { c.issuerID = "99F901FF" }, oda.ErrIssuer},
		{"issuer expired", func(c *chain) { c.issuerExpiry = "1026" }, oda.ErrExpired},
		{"issuer of the last century", func(c *chain) { c.issuerExpiry = "1299" }, oda.ErrExpired},
		{"expiry is no month", func(c *chain) { c.issuerExpiry = "1326" }, oda.ErrExpiry},
		{"expiry is no number", func(c *chain) { c.issuerExpiry = "0A26" }, oda.ErrExpiry},
		{"issuer revoked", func(c *chain) { c.revoked = [][3]byte{{0, 0, 2}, {0, 0, 1}} }, oda.ErrRevoked},
		{"card expired", func(c *chain) { c.iccExpiry = "1225" }, oda.ErrExpired},
		{"other PAN", func(c *chain) { c.iccPAN = "9999010000000026FFFF" }, oda.ErrPAN},
		{"PAN is no number", func(c *chain) { c.iccPAN = "9999010000000018FFF1" }, oda.ErrPAN},
		{"hash algorithm", func(c *chain) { c.hash = 2 }, oda.ErrAlgorithm},
		{"key algorithm", func(c *chain) { c.algorithm = 3 }, oda.ErrAlgorithm},
		{"issuer key even", func(c *chain) { c.issuer = &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: even(c.issuer.N), E: 3}} }, oda.ErrKey},
		{"keys swapped", func(c *chain) { c.issuer, c.icc = c.icc, c.issuer }, oda.ErrFailed},
	}
	for _, tt := range tests {
		c := newChain(t)
		un := unhex(t, "01234567")
		sdad := signDynamic(c.icc, unhex(t, "03 A1B2C3"), un)
		tt.spoil(c)
		number, err := c.verify(t, sdad, un)
		if !errors.Is(err, oda.ErrFailed) || !errors.Is(err, tt.want) {
			t.Errorf("%s: verify = %x, %v, want ErrFailed and %v", tt.name, number, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), string(pan)) {
			t.Errorf("%s: %v shows the PAN", tt.name, err)
		}
	}
}

// even is a number beside n that no key has for a modulus.
func even(n *big.Int) *big.Int { return new(big.Int).Sub(n, big.NewInt(1)) }

// TestRevokedElsewhere: the list is of one key, and a serial number on it says
// nothing of the certificates under others.
func TestRevokedElsewhere(t *testing.T) {
	c := newChain(t)
	c.revoked = [][3]byte{{0, 0, 2}, {1, 0, 0}} // the card's certificate has 000002
	un := unhex(t, "01234567")
	if _, err := c.verify(t, signDynamic(c.icc, unhex(t, "03 A1B2C3"), un), un); err != nil {
		t.Errorf("verify: %v", err)
	}
	if err := c.caKey().Check(); err != nil {
		t.Errorf("Check: %v", err)
	}
	c.revoked = make([][3]byte, oda.RevokedMax+1)
	if err := c.caKey().Check(); !errors.Is(err, oda.ErrCAKey) {
		t.Errorf("Check of %d entries: %v, want ErrCAKey", len(c.revoked), err)
	}
}

// TestOrder: of two things that are wrong, the book's earlier check speaks.
// EMV 4.4 Book 2, 5.3.
func TestOrder(t *testing.T) {
	spoils := []struct {
		name  string
		spoil func(*chain)
		want  error
	}{
		{"hash algorithm", func(c *chain) { c.hash = 2 }, oda.ErrAlgorithm},
		{"issuer", func(c *chain) { c.issuerID = "999902FF" }, oda.ErrIssuer},
		{"expired", func(c *chain) { c.issuerExpiry = "1026" }, oda.ErrExpired},
		{"revoked", func(c *chain) { c.revoked = [][3]byte{{0, 0, 1}} }, oda.ErrRevoked},
		{"key algorithm", func(c *chain) { c.algorithm = 3 }, oda.ErrAlgorithm},
	}
	for first := range spoils {
		c := newChain(t)
		for _, s := range spoils[first:] {
			s.spoil(c)
		}
		if _, err := oda.RecoverIssuer(c.caKey(), c.issuerCertificate(t), pan, today); !errors.Is(err, spoils[first].want) {
			t.Errorf("from %s on: RecoverIssuer: %v, want %v", spoils[first].name, err, spoils[first].want)
		}
	}
}

// TestLongestKeys goes down a chain of 1984 bits with exponent 3.
func TestLongestKeys(t *testing.T) {
	c := newChain(t)
	c.ca, c.issuer, c.icc = exponent3(t, 1984), exponent3(t, 1984), exponent3(t, 1984)
	c.ca.E = 3
	un := unhex(t, "01234567")
	number, err := c.verify(t, signDynamic(c.icc, unhex(t, "03 A1B2C3"), un), un)
	if err != nil || hex.EncodeToString(number) != "a1b2c3" {
		t.Errorf("verify = %x, %v, want a1b2c3", number, err)
	}
}

// TestShortKeys: a modulus that fits into its certificate needs no remainder.
func TestShortKeys(t *testing.T) {
	c := newChain(t)
	c.issuer, c.icc = exponent3(t, 1024), exponent3(t, 640)
	if rest := len(c.issuerCertificate(t).Remainder) + len(c.iccCertificate(t).Remainder); rest != 0 {
		t.Fatalf("remainders of %d bytes", rest)
	}
	un := unhex(t, "01234567")
	if _, err := c.verify(t, signDynamic(c.icc, unhex(t, "03 A1B2C3"), un), un); err != nil {
		t.Errorf("verify: %v", err)
	}
}

// TestOtherAlgorithms: certificates of elliptic curves and of SM2 are in the
// clear, and are refused by name.
func TestOtherAlgorithms(t *testing.T) {
	c := newChain(t)
	for name, signed := range map[string][]byte{
		"elliptic curve": append(unhex(t, "12 00 999901FFFF 10 20301231 000001 F043504F53 01"), make([]byte, 97)...),
		"SM2":            append(unhex(t, "12 999901FF 1230 000001 04 00 11 40"), make([]byte, 128)...),
	} {
		_, err := oda.RecoverIssuer(c.caKey(), oda.Certificate{Signed: signed}, pan, today)
		if !errors.Is(err, oda.ErrFailed) || !errors.Is(err, oda.ErrAlgorithm) {
			t.Errorf("%s: RecoverIssuer: %v, want ErrAlgorithm", name, err)
		}
	}
}

// TestFrame signs content in wrong frames.
func TestFrame(t *testing.T) {
	c := newChain(t)
	sign := func(head, format, tail byte) []byte {
		plain := make([]byte, c.ca.Size())
		plain[0], plain[1], plain[len(plain)-1] = head, format, tail
		return new(big.Int).Exp(new(big.Int).SetBytes(plain), c.ca.D, c.ca.N).FillBytes(plain)
	}
	for _, tt := range []struct {
		head, format, tail byte
		want               error
	}{
		{0x6B, 0x04, 0xBD, oda.ErrTrailer}, {0x6B, 0x04, 0xBC, oda.ErrHeader},
		{0x6A, 0x04, 0xBC, oda.ErrFormat}, {0x6A, 0x02, 0xBC, oda.ErrAlgorithm}, // all zero behind
	} {
		cert := oda.Certificate{Signed: sign(tt.head, tt.format, tt.tail)}
		if _, err := oda.RecoverIssuer(c.caKey(), cert, pan, today); !errors.Is(err, tt.want) {
			t.Errorf("%02X %02X … %02X: RecoverIssuer: %v, want %v", tt.head, tt.format, tt.tail, err, tt.want)
		}
	}
}

// TestBytesRefused spoils what the card gave, byte by byte and in length.
func TestBytesRefused(t *testing.T) {
	c := newChain(t)
	good := c.issuerCertificate(t)
	spoilt := map[string]oda.Certificate{
		"certificate":     {Signed: flip(good.Signed, 40), Remainder: good.Remainder, Exponent: good.Exponent},
		"remainder":       {Signed: good.Signed, Remainder: flip(good.Remainder, 0), Exponent: good.Exponent},
		"exponent":        {Signed: good.Signed, Remainder: good.Remainder, Exponent: []byte{3}},
		"short":           {Signed: good.Signed[1:], Remainder: good.Remainder, Exponent: good.Exponent},
		"long":            {Signed: append([]byte{0}, good.Signed...), Remainder: good.Remainder, Exponent: good.Exponent},
		"no certificate":  {Remainder: good.Remainder, Exponent: good.Exponent},
		"no remainder":    {Signed: good.Signed, Exponent: good.Exponent},
		"nothing at all":  {},
		"all zero signed": {Signed: make([]byte, len(good.Signed)), Remainder: good.Remainder, Exponent: good.Exponent},
	}
	for name, cert := range spoilt {
		if _, err := oda.RecoverIssuer(c.caKey(), cert, pan, today); !errors.Is(err, oda.ErrFailed) {
			t.Errorf("%s: RecoverIssuer: %v, want ErrFailed", name, err)
		}
	}
	if _, err := oda.RecoverIssuer(c.caKey(), spoilt["no remainder"], pan, today); !errors.Is(err, oda.ErrMissing) {
		t.Errorf("no remainder: RecoverIssuer: %v, want ErrMissing", err)
	}
	if _, err := oda.RecoverICC(oda.PublicKey{}, good, pan, nil, today); !errors.Is(err, oda.ErrFailed) {
		t.Errorf("RecoverICC under the zero key: %v, want ErrFailed", err)
	}
}

// TestRemainderLength signs a remainder that is longer than the modulus needs.
func TestRemainderLength(t *testing.T) {
	c := newChain(t)
	fields := append([]byte{0x02}, unhex(t, "999901FF1126000001")...)
	fields = append(fields, 1, 1, byte(c.issuer.Size()), 3)
	room := c.ca.Size() - 36
	cert := oda.Certificate{Exponent: exponent(c.issuer), Remainder: append(c.issuer.N.Bytes()[room:], 0)}
	cert.Signed = sign(c.ca, append(fields, c.issuer.N.Bytes()[:room]...), cert.Remainder, cert.Exponent)
	if _, err := oda.RecoverIssuer(c.caKey(), cert, pan, today); !errors.Is(err, oda.ErrKey) {
		t.Errorf("RecoverIssuer: %v, want ErrKey", err)
	}
}

// TestDynamicRefused spoils the content under a good signature.
func TestDynamicRefused(t *testing.T) {
	c := newChain(t)
	issuer, err := oda.RecoverIssuer(c.caKey(), c.issuerCertificate(t), pan, today)
	if err != nil {
		t.Fatal(err)
	}
	icc, err := oda.RecoverICC(issuer, c.iccCertificate(t), pan, c.static, today)
	if err != nil {
		t.Fatal(err)
	}
	pad := func(head ...byte) []byte {
		return append(head, bytes.Repeat([]byte{0xBB}, icc.Size()-22-len(head))...)
	}
	for name, content := range map[string][]byte{
		"static format":       pad(0x03, 1, 4, 3, 1, 2, 3),
		"other hash":          pad(0x05, 2, 4, 3, 1, 2, 3),
		"no dynamic data":     pad(0x05, 1, 0),
		"too much":            pad(0x05, 1, 0xFF, 8),
		"number of one byte":  pad(0x05, 1, 2, 1, 1),
		"number of nine":      pad(0x05, 1, 10, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9),
		"number past the end": pad(0x05, 1, 3, 4, 1, 2),
	} {
		if number, err := oda.VerifyDynamic(icc, sign(c.icc, content), nil); !errors.Is(err, oda.ErrFailed) {
			t.Errorf("%s: VerifyDynamic = %x, %v, want ErrFailed", name, number, err)
		}
	}
}

func TestCombined(t *testing.T) {
	c := newChain(t)
	issuer, err := oda.RecoverIssuer(c.caKey(), c.issuerCertificate(t), pan, today)
	if err != nil {
		t.Fatal(err)
	}
	icc, err := oda.RecoverICC(issuer, c.iccCertificate(t), pan, c.static, today)
	if err != nil {
		t.Fatal(err)
	}
	un, data := unhex(t, "01234567"), []byte("CDOL1 values and response objects")
	hash := sha1.Sum(data)
	sdad := signDynamic(c.icc, append(unhex(t, "02 0102 80 1122334455667788"), hash[:]...), un)
	good := oda.Combined{UnpredictableNumber: un, CID: 0x80, Transaction: data}
	number, ac, err := oda.VerifyCombined(icc, sdad, good)
	if err != nil || hex.EncodeToString(number)+hex.EncodeToString(ac) != "01021122334455667788" {
		t.Errorf("VerifyCombined = %x, %x, %v", number, ac, err)
	}
	tests := []struct {
		name string
		sdad []byte
		bad  oda.Combined
		want error
	}{
		{"other number", sdad, oda.Combined{UnpredictableNumber: un[:3], CID: 0x80, Transaction: data}, oda.ErrHash},
		{"other cryptogram", sdad, oda.Combined{UnpredictableNumber: un[:3], CID: 0x40, Transaction: data}, oda.ErrCryptogramType},
		{"other transaction", sdad, oda.Combined{UnpredictableNumber: un, CID: 0x80, Transaction: data[1:]}, oda.ErrTransactionHash},
		{"short data", signDynamic(c.icc, unhex(t, "02 0102 80"), un), good, oda.ErrDynamicData},
		{"short number", signDynamic(c.icc, unhex(t, "01 01 80"), un), good, oda.ErrDynamicData},
		{"short signature", sdad[1:], good, oda.ErrLength},
	}
	for _, tt := range tests {
		if _, _, err := oda.VerifyCombined(icc, tt.sdad, tt.bad); !errors.Is(err, oda.ErrFailed) || !errors.Is(err, tt.want) {
			t.Errorf("%s: VerifyCombined: %v, want ErrFailed and %v", tt.name, err, tt.want)
		}
	}
}

func TestVerifyStatic(t *testing.T) {
	c := newChain(t)
	issuer, err := oda.RecoverIssuer(c.caKey(), c.issuerCertificate(t), pan, today)
	if err != nil {
		t.Fatal(err)
	}
	ssad := func(hash byte) []byte {
		content := append([]byte{0x03, hash, 0xDA, 0xC0}, bytes.Repeat([]byte{0xBB}, issuer.Size()-26)...)
		return sign(c.issuer, content, c.static)
	}
	if code, err := oda.VerifyStatic(issuer, ssad(1), c.static); err != nil || hex.EncodeToString(code) != "dac0" {
		t.Errorf("VerifyStatic = %x, %v, want dac0", code, err)
	}
	if _, err := oda.VerifyStatic(issuer, ssad(2), c.static); !errors.Is(err, oda.ErrAlgorithm) {
		t.Errorf("VerifyStatic with another hash: %v, want ErrAlgorithm", err)
	}
	if _, err := oda.VerifyStatic(issuer, ssad(1), []byte("other data")); !errors.Is(err, oda.ErrHash) {
		t.Errorf("VerifyStatic of other data: %v, want ErrHash", err)
	}
}

// TestSignatureRange adds the modulus, which leaves the recovered data alone.
func TestSignatureRange(t *testing.T) {
	c := newChain(t)
	good := c.issuerCertificate(t)
	sum := new(big.Int).Add(new(big.Int).SetBytes(good.Signed), c.ca.N)
	if sum.BitLen() > 8*c.ca.Size() {
		t.Skip("this run's signature plus the modulus is longer than the modulus")
	}
	good.Signed = sum.FillBytes(make([]byte, c.ca.Size()))
	if _, err := oda.RecoverIssuer(c.caKey(), good, pan, today); !errors.Is(err, oda.ErrRange) {
		t.Errorf("RecoverIssuer: %v, want ErrRange", err)
	}
}

func TestFindCA(t *testing.T) {
	rid := [5]byte{0xF0, 'C', 'P', 'O', 'S'}
	list := []oda.CAKey{
		{RID: rid, Index: 1, Expiry: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)},
		{RID: rid, Index: 2, Expiry: time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC)},
		{RID: rid, Index: 3},
	}
	for index, found := range map[byte]bool{1: true, 2: false, 3: true, 4: false} {
		k, err := oda.FindCA(list, rid, index, today)
		if (err == nil) != found || found && k.Index != index || !found && !errors.Is(err, oda.ErrCAKey) {
			t.Errorf("FindCA(%02X) = %02X, %v, want found %v", index, k.Index, err, found)
		}
	}
	if _, err := oda.FindCA(list, [5]byte{1}, 1, today); !errors.Is(err, oda.ErrCAKey) {
		t.Errorf("FindCA of another RID: %v, want ErrCAKey", err)
	}
}

func TestCAKeyCheck(t *testing.T) {
	odd := func(n int) []byte { return bytes.Repeat([]byte{0xC3}, n) }
	tests := []struct {
		name              string
		modulus, exponent []byte
		ok                bool
	}{
		{"1984 bits, 3", odd(248), []byte{3}, true},
		{"65537", odd(176), []byte{1, 0, 1}, true},
		{"1992 bits", odd(249), []byte{3}, false},
		{"very short", odd(63), []byte{3}, false},
		{"even", append(odd(127), 0xC2), []byte{3}, false},
		{"leading zero", append([]byte{0}, odd(127)...), []byte{3}, false},
		{"all zero", make([]byte, 128), []byte{3}, false},
		{"exponent 1", odd(128), []byte{1}, false},
		{"exponent 2", odd(128), []byte{2}, false},
		{"exponent huge", odd(128), odd(128), false},
		{"no exponent", odd(128), nil, false},
		{"no modulus", nil, []byte{3}, false},
	}
	for _, tt := range tests {
		err := oda.CAKey{Modulus: tt.modulus, Exponent: tt.exponent}.Check()
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, oda.ErrCAKey) {
			t.Errorf("%s: Check = %v, want ok %v", tt.name, err, tt.ok)
		}
	}
}

func TestStatic(t *testing.T) {
	records, aip := []byte{1, 2}, []byte{0x39, 0x00}
	tests := []struct {
		list []byte
		want string
		ok   bool
	}{
		{nil, "0102", true}, {[]byte{0x82}, "01023900", true},
		{[]byte{}, "", false}, {[]byte{0x82, 0x84}, "", false}, {[]byte{0x84}, "", false},
	}
	for _, tt := range tests {
		got, err := oda.Static(records, tt.list, aip)
		if (err == nil) != tt.ok || !tt.ok && !errors.Is(err, oda.ErrTagList) || hex.EncodeToString(got) != tt.want {
			t.Errorf("Static(%x) = %x, %v, want %s, ok %v", tt.list, got, err, tt.want, tt.ok)
		}
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

func FuzzRecover(f *testing.F) {
	c := newChain(f)
	cert := c.issuerCertificate(f)
	f.Add(cert.Signed, cert.Remainder, cert.Exponent)
	f.Add([]byte{}, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, signed, remainder, exponent []byte) {
		bad := oda.Certificate{Signed: signed, Remainder: remainder, Exponent: exponent}
		key, err := oda.RecoverIssuer(c.caKey(), bad, pan, today)
		if err == nil && !bytes.Equal(signed, cert.Signed) {
			t.Fatalf("a forged certificate gave a key of %d bytes", key.Size())
		}
	})
}
