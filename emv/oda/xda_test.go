package oda_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/oda/curvetest"
)

// curveChain is a card's certificates on elliptic curves, EMV 4.4 Book 2,
// tables 35 and 36. Tests spoil its fields.
type curveChain struct {
	ca, issuer, icc *curvetest.Signer

	issuerHead, issuerSuite, issuerExpiry, issuerCA string // hex
	iccHead, iccSuite, iccExpiry, iccEncoding       string // hex
	hashID                                          byte
	data                                            []byte
	revoked                                         [][3]byte
}

func newCurveChain(t testing.TB, ca, issuer, icc oda.Suite) *curveChain {
	t.Helper()
	return &curveChain{
		ca: curvetest.New(t, ca), issuer: curvetest.New(t, issuer), icc: curvetest.New(t, icc),
		issuerHead: "1200 999901FFFF", issuerSuite: fmt.Sprintf("%02X", byte(issuer)), issuerExpiry: "20261123", issuerCA: "F043504F53 01",
		iccHead: "1400", iccSuite: fmt.Sprintf("%02X", byte(icc)), iccExpiry: "20261123 1200", iccEncoding: "00",
		hashID: 2, data: []byte("what the issuer vouches for"),
	}
}

func (c *curveChain) caKey() oda.CAKey {
	return oda.CAKey{RID: [5]byte{0xF0, 'C', 'P', 'O', 'S'}, Index: 1, Suite: c.ca.Suite, X: c.ca.X, Revoked: c.revoked}
}

func (c *curveChain) issuerCertificate(t testing.TB) []byte {
	t.Helper()
	fields := unhex(t, c.issuerHead+c.issuerSuite+c.issuerExpiry+"000001"+c.issuerCA)
	return c.ca.Signed(t, append(fields, c.issuer.X...))
}

func (c *curveChain) iccCertificate(t testing.TB) []byte {
	t.Helper()
	fields := append(unhex(t, c.iccHead+c.iccSuite+c.iccExpiry+"000000000002"+c.iccEncoding), c.hashID)
	hash := sha256.Sum256(c.data)
	sum := hash[:]
	if c.hashID == 3 {
		long := sha512.Sum512(c.data)
		sum = long[:]
	}
	return c.issuer.Signed(t, append(append(fields, sum...), c.icc.X...))
}

func (c *curveChain) sdad(t testing.TB, transaction []byte) []byte {
	t.Helper()
	signed := c.icc.Signed(t, append([]byte{0x15}, transaction...))
	return append([]byte{0x15}, signed[1+len(transaction):]...)
}

// verify goes the whole way from the CA key to a signed transaction.
func (c *curveChain) verify(t testing.TB, sdad, transaction []byte) error {
	t.Helper()
	issuer, err := oda.RecoverIssuerCurve(c.caKey(), c.issuerCertificate(t), pan, today)
	if err != nil {
		return err
	}
	icc, err := oda.RecoverICCCurve(issuer, c.iccCertificate(t), c.data, today)
	if err != nil {
		return err
	}
	return oda.VerifyExtended(icc, sdad, transaction)
}

// TestExtended goes down chains of both curves, and of a mixed one. Lengths are
// those of EMV 4.4 Book 2, tables 35 to 37.
func TestExtended(t *testing.T) {
	for _, tt := range []struct {
		ca, issuer, icc oda.Suite
		hashID          byte
		lengths         string
	}{
		{oda.SuiteP256, oda.SuiteP256, oda.SuiteP256, 2, "117 145 65"},
		{oda.SuiteP521, oda.SuiteP521, oda.SuiteP521, 3, "217 277 131"},
		{oda.SuiteP521, oda.SuiteP256, oda.SuiteP256, 3, "183 177 65"},
	} {
		for range 4 { // the key has the larger y every second time
			c := newCurveChain(t, tt.ca, tt.issuer, tt.icc)
			c.hashID = tt.hashID
			transaction := []byte("values sent, objects received")
			sdad := c.sdad(t, transaction)
			lengths := fmt.Sprint(len(c.issuerCertificate(t)), len(c.iccCertificate(t)), len(sdad))
			if lengths != tt.lengths {
				t.Errorf("%02X %02X %02X: lengths %s, want %s", tt.ca, tt.issuer, tt.icc, lengths, tt.lengths)
			}
			if err := c.verify(t, sdad, transaction); err != nil {
				t.Errorf("%02X %02X %02X: verify: %v", tt.ca, tt.issuer, tt.icc, err)
			}
			err := c.verify(t, sdad, []byte("values sent, objects returned"))
			if !errors.Is(err, oda.ErrFailed) || !errors.Is(err, oda.ErrSignature) {
				t.Errorf("%02X %02X %02X: verify of another transaction: %v, want ErrSignature", tt.ca, tt.issuer, tt.icc, err)
			}
		}
	}
}

// TestExtendedRefused spoils one field at a time, under good signatures.
func TestExtendedRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(*curveChain)
		want  error
	}{
		"issuer format":             {func(c *curveChain) { c.issuerHead = "1300 999901FFFF" }, oda.ErrFormat},
		"issuer encoding":           {func(c *curveChain) { c.issuerHead = "1201 999901FFFF" }, oda.ErrEncoding},
		"other issuer":              {func(c *curveChain) { c.issuerHead = "1200 999902FFFF" }, oda.ErrIssuer},
		"issuer of two digits":      {func(c *curveChain) { c.issuerHead = "1200 99FFFFFFFF" }, oda.ErrIssuer},
		"issuer is no number":       {func(c *curveChain) { c.issuerHead = "1200 99F901FFFF" }, oda.ErrIssuer},
		"issuer expired":            {func(c *curveChain) { c.issuerExpiry = "20261122" }, oda.ErrExpired},
		"issuer's last day is none": {func(c *curveChain) { c.issuerExpiry = "20261131" }, oda.ErrExpiry},
		"issuer's expiry in hex":    {func(c *curveChain) { c.issuerExpiry = "2027010A" }, oda.ErrExpiry},
		"other RID":                 {func(c *curveChain) { c.issuerCA = "F043504F52 01" }, oda.ErrOtherCA},
		"other index":               {func(c *curveChain) { c.issuerCA = "F043504F53 02" }, oda.ErrOtherCA},
		"revoked":                   {func(c *curveChain) { c.revoked = [][3]byte{{0, 0, 2}, {0, 0, 1}} }, oda.ErrRevoked},
		"issuer with SHA-3":         {func(c *curveChain) { c.issuerSuite = "12" }, oda.ErrSuite},
		"issuer with SM2":           {func(c *curveChain) { c.issuerSuite = "80" }, oda.ErrSuite},
		"issuer of no suite":        {func(c *curveChain) { c.issuerSuite = "00" }, oda.ErrSuite},
		"issuer of another length":  {func(c *curveChain) { c.issuerSuite = "11" }, oda.ErrCertificate},
		"issuer key is no point":    {func(c *curveChain) { c.issuer.X = noPoint(c.issuer.X) }, oda.ErrPoint},
		"signed by another":         {func(c *curveChain) { c.ca.D = new(big.Int).Add(c.ca.D, big.NewInt(1)) }, oda.ErrSignature},
		"ICC format":                {func(c *curveChain) { c.iccHead = "1200" }, oda.ErrFormat},
		"ICC encoding":              {func(c *curveChain) { c.iccHead = "1401" }, oda.ErrEncoding},
		"data encoding":             {func(c *curveChain) { c.iccEncoding = "01" }, oda.ErrEncoding},
		"ICC expired yesterday":     {func(c *curveChain) { c.iccExpiry = "20261122 2359" }, oda.ErrExpired},
		"ICC expired a minute ago":  {func(c *curveChain) { c.iccExpiry = "20261123 1159" }, oda.ErrExpired},
		"ICC expires at no minute":  {func(c *curveChain) { c.iccExpiry = "20271123 1260" }, oda.ErrExpiry},
		"ICC with SHA-3":            {func(c *curveChain) { c.iccSuite = "13" }, oda.ErrSuite},
		"ICC data in SHA-1":         {func(c *curveChain) { c.hashID = 1 }, oda.ErrSuite},
		"ICC data in SHA-3":         {func(c *curveChain) { c.hashID = 4 }, oda.ErrSuite},
		"ICC of another length":     {func(c *curveChain) { c.iccSuite = "11" }, oda.ErrCertificate},
		"ICC key is no point":       {func(c *curveChain) { c.icc.X = noPoint(c.icc.X) }, oda.ErrPoint},
	} {
		c := newCurveChain(t, oda.SuiteP256, oda.SuiteP256, oda.SuiteP256)
		sdad := c.sdad(t, nil)
		if err := c.verify(t, sdad, nil); err != nil {
			t.Fatalf("before: %v", err)
		}
		tt.spoil(c)
		err := c.verify(t, sdad, nil)
		if !errors.Is(err, oda.ErrFailed) || !errors.Is(err, tt.want) {
			t.Errorf("%s: verify: %v, want ErrFailed and %v", name, err, tt.want)
		}
	}
}

// noPoint is an x beside the given one that has no y on P-256.
func noPoint(x []byte) []byte {
	x = bytes.Clone(x)
	for {
		x[len(x)-1]++
		if px, _ := elliptic.UnmarshalCompressed(elliptic.P256(), append([]byte{2}, x...)); px == nil {
			return x
		}
	}
}

// TestExtendedUntil: the last day and the last minute count, in UTC wherever
// the terminal stands.
func TestExtendedUntil(t *testing.T) {
	c := newCurveChain(t, oda.SuiteP256, oda.SuiteP256, oda.SuiteP256)
	shanghai := time.FixedZone("", 8*3600)
	cert := c.issuerCertificate(t)
	for at, good := range map[time.Time]bool{
		time.Date(2026, 11, 23, 23, 59, 59, 0, time.UTC): true, time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC): false,
		time.Date(2026, 11, 24, 7, 59, 59, 0, shanghai): true, time.Date(2026, 11, 24, 8, 0, 0, 0, shanghai): false,
	} {
		issuer, err := oda.RecoverIssuerCurve(c.caKey(), cert, pan, at)
		if (err == nil) != good || err != nil && !errors.Is(err, oda.ErrExpired) {
			t.Errorf("issuer certificate at %v: %v, want good %v", at, err, good)
		}
		if err != nil {
			continue
		}
		last := time.Date(2026, 11, 23, 12, 0, 59, 0, time.UTC)
		if _, err := oda.RecoverICCCurve(issuer, c.iccCertificate(t), c.data, last); err != nil {
			t.Errorf("ICC certificate in its last minute: %v", err)
		}
		if _, err := oda.RecoverICCCurve(issuer, c.iccCertificate(t), c.data, last.Add(time.Second)); !errors.Is(err, oda.ErrExpired) {
			t.Errorf("ICC certificate a second later: %v, want ErrExpired", err)
		}
	}
}

// TestExtendedBytes spoils certificates and signature byte by byte and in
// length, and the data under the card's certificate.
func TestExtendedBytes(t *testing.T) {
	c := newCurveChain(t, oda.SuiteP256, oda.SuiteP256, oda.SuiteP256)
	certIssuer, certICC, transaction := c.issuerCertificate(t), c.iccCertificate(t), []byte{1, 2, 3}
	issuer, err := oda.RecoverIssuerCurve(c.caKey(), certIssuer, pan, today)
	if err != nil {
		t.Fatal(err)
	}
	icc, err := oda.RecoverICCCurve(issuer, certICC, c.data, today)
	if err != nil {
		t.Fatal(err)
	}
	sdad := c.sdad(t, transaction)
	for name, tt := range map[string]struct {
		good []byte
		try  func([]byte) error
	}{
		"issuer certificate": {certIssuer, func(b []byte) error {
			_, err := oda.RecoverIssuerCurve(c.caKey(), b, pan, today)
			return err
		}},
		"ICC certificate": {certICC, func(b []byte) error {
			_, err := oda.RecoverICCCurve(issuer, b, c.data, today)
			return err
		}},
		"signature": {sdad, func(b []byte) error { return oda.VerifyExtended(icc, b, transaction) }},
	} {
		if err := tt.try(tt.good); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i := range tt.good {
			if err := tt.try(flip(tt.good, i)); !errors.Is(err, oda.ErrFailed) {
				t.Errorf("%s with byte %d changed: %v, want ErrFailed", name, i, err)
			}
			if err := tt.try(tt.good[:i]); !errors.Is(err, oda.ErrFailed) {
				t.Errorf("%s of %d bytes: %v, want ErrFailed", name, i, err)
			}
		}
		if err := tt.try(append(bytes.Clone(tt.good), 0)); !errors.Is(err, oda.ErrFailed) {
			t.Errorf("%s with a byte behind: %v, want ErrFailed", name, err)
		}
	}
	if err := oda.VerifyExtended(icc, nil, transaction); !errors.Is(err, oda.ErrMissing) {
		t.Errorf("VerifyExtended without a signature: %v, want ErrMissing", err)
	}
	if _, err := oda.RecoverICCCurve(issuer, certICC, flip(c.data, 0), today); !errors.Is(err, oda.ErrHash) {
		t.Errorf("RecoverICCCurve with other data: %v, want ErrHash", err)
	}
	if err := oda.VerifyExtended(oda.CurveKey{}, sdad, transaction); !errors.Is(err, oda.ErrSuite) {
		t.Errorf("VerifyExtended with the zero key: %v, want ErrSuite", err)
	}
	if _, err := oda.RecoverICCCurve(oda.CurveKey{}, certICC, c.data, today); !errors.Is(err, oda.ErrSuite) {
		t.Errorf("RecoverICCCurve under the zero key: %v, want ErrSuite", err)
	}
}

// TestExtendedNumbers: numbers out of range, and a signature whose point is at
// infinity, which needs the private key.
func TestExtendedNumbers(t *testing.T) {
	for _, suite := range []oda.Suite{oda.SuiteP256, oda.SuiteP521} {
		c := newCurveChain(t, oda.SuiteP256, oda.SuiteP256, suite)
		issuer, err := oda.RecoverIssuerCurve(c.caKey(), c.issuerCertificate(t), pan, today)
		if err != nil {
			t.Fatal(err)
		}
		icc, err := oda.RecoverICCCurve(issuer, c.iccCertificate(t), c.data, today)
		if err != nil {
			t.Fatal(err)
		}
		field, one := len(c.icc.X), big.NewInt(1)
		size := len(c.icc.Signed(t, nil)) - field
		r, s := bytes.Repeat([]byte{0x5A}, size), new(big.Int)
		s.Mod(s.Mul(s.SetBytes(r), c.icc.D), c.icc.Order)
		for name, signature := range map[string][]byte{
			"infinity":         append(bytes.Clone(r), s.FillBytes(make([]byte, field))...),
			"s is zero":        append(bytes.Clone(r), make([]byte, field)...),
			"s is the order":   append(bytes.Clone(r), c.icc.Order.FillBytes(make([]byte, field))...),
			"s is all ones":    append(bytes.Clone(r), bytes.Repeat([]byte{0xFF}, field)...),
			"r is zero":        append(make([]byte, size), one.FillBytes(make([]byte, field))...),
			"all of it zero":   make([]byte, size+field),
			"r above the rest": append(bytes.Repeat([]byte{0xFF}, size), one.FillBytes(make([]byte, field))...),
		} {
			err := oda.VerifyExtended(icc, append([]byte{0x15}, signature...), nil)
			if !errors.Is(err, oda.ErrSignature) {
				t.Errorf("%02X, %s: VerifyExtended: %v, want ErrSignature", suite, name, err)
			}
		}
		if suite == oda.SuiteP256 { // a hash may be the order, which is zero
			zero := append(c.icc.Order.FillBytes(make([]byte, size)), one.FillBytes(make([]byte, field))...)
			if err := oda.VerifyExtended(icc, append([]byte{0x15}, zero...), nil); !errors.Is(err, oda.ErrSignature) {
				t.Errorf("r is the order: VerifyExtended: %v, want ErrSignature", err)
			}
		}
	}
}

// TestCurveCAKey: a CA key is of RSA or of a curve, never of both, and one kind
// does not open the other's certificates.
func TestCurveCAKey(t *testing.T) {
	rsaChain, c := newChain(t), newCurveChain(t, oda.SuiteP521, oda.SuiteP256, oda.SuiteP256)
	good := c.caKey()
	if err := good.Check(); err != nil {
		t.Errorf("Check: %v", err)
	}
	for name, spoil := range map[string]func(*oda.CAKey){
		"modulus too":  func(k *oda.CAKey) { k.Modulus = rsaChain.caKey().Modulus },
		"exponent too": func(k *oda.CAKey) { k.Exponent = []byte{3} },
		"no x":         func(k *oda.CAKey) { k.X = nil },
		"short x":      func(k *oda.CAKey) { k.X = k.X[1:] },
		"x is zero":    func(k *oda.CAKey) { k.X = bytes.Repeat([]byte{0xFF}, len(k.X)) },
		"other curve":  func(k *oda.CAKey) { k.Suite = oda.SuiteP256 },
		"SHA-3":        func(k *oda.CAKey) { k.Suite = 0x12 },
		"SM2":          func(k *oda.CAKey) { k.Suite = 0x80 },
		"unknown":      func(k *oda.CAKey) { k.Suite = 0x0F },
	} {
		k := good
		spoil(&k)
		if err := k.Check(); !errors.Is(err, oda.ErrCAKey) {
			t.Errorf("%s: Check: %v, want ErrCAKey", name, err)
		}
	}
	if _, err := oda.RecoverIssuerCurve(rsaChain.caKey(), c.issuerCertificate(t), pan, today); !errors.Is(err, oda.ErrCAKey) {
		t.Errorf("RecoverIssuerCurve under an RSA key: %v, want ErrCAKey", err)
	}
	if _, err := oda.RecoverIssuer(good, rsaChain.issuerCertificate(t), pan, today); !errors.Is(err, oda.ErrCAKey) {
		t.Errorf("RecoverIssuer under a key of a curve: %v, want ErrCAKey", err)
	}
}

func TestCertified(t *testing.T) {
	records, aip, aid := []byte{1, 2}, []byte{0x80, 0x00}, []byte{0xF0, 1, 2, 3, 4}
	for want, pdol := range map[string][]byte{
		"010282028000" + "9f0605f001020304":                  nil,
		"010282028000" + "9f0605f001020304" + "9f3800":       {},
		"010282028000" + "9f0605f001020304" + "9f38039f3704": {0x9F, 0x37, 0x04},
	} {
		if got := hex.EncodeToString(oda.Certified(records, aip, aid, pdol)); got != want {
			t.Errorf("Certified with PDOL %x = %s, want %s", pdol, got, want)
		}
	}
	if records[0] != 1 || cap(records) != 2 {
		t.Error("Certified changed the records")
	}
}

// FuzzRecoverIssuerCurve, and the two below: whatever bytes come, nothing but
// what was signed is taken.
func FuzzRecoverIssuerCurve(f *testing.F) {
	c := newCurveChain(f, oda.SuiteP256, oda.SuiteP256, oda.SuiteP256)
	good := c.issuerCertificate(f)
	for _, seed := range [][]byte{good, good[:20], append(bytes.Clone(good), 0), flip(good, 7), nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := oda.RecoverIssuerCurve(c.caKey(), b, pan, today); (err == nil) != bytes.Equal(b, good) {
			t.Fatalf("%X: %v", b, err)
		}
	})
}

func FuzzRecoverICCCurve(f *testing.F) {
	c := newCurveChain(f, oda.SuiteP256, oda.SuiteP256, oda.SuiteP256)
	issuer, err := oda.RecoverIssuerCurve(c.caKey(), c.issuerCertificate(f), pan, today)
	if err != nil {
		f.Fatal(err)
	}
	good := c.iccCertificate(f)
	for _, seed := range [][]byte{good, good[:16], append(bytes.Clone(good), 0), flip(good, 2), flip(good, 16), nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := oda.RecoverICCCurve(issuer, b, c.data, today); (err == nil) != bytes.Equal(b, good) {
			t.Fatalf("%X: %v", b, err)
		}
	})
}

func FuzzVerifyExtended(f *testing.F) {
	c := newCurveChain(f, oda.SuiteP256, oda.SuiteP256, oda.SuiteP521)
	issuer, err := oda.RecoverIssuerCurve(c.caKey(), c.issuerCertificate(f), pan, today)
	if err != nil {
		f.Fatal(err)
	}
	icc, err := oda.RecoverICCCurve(issuer, c.iccCertificate(f), c.data, today)
	if err != nil {
		f.Fatal(err)
	}
	transaction := []byte("values sent, objects received")
	good := c.sdad(f, transaction)
	for _, seed := range [][]byte{good, good[:1], append(bytes.Clone(good), 0), flip(good, 0), flip(good, 130), nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := oda.VerifyExtended(icc, b, transaction); (err == nil) != bytes.Equal(b, good) {
			t.Fatalf("%X: %v", b, err)
		}
	})
}
