package oda_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/oda/curvetest"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/keys/smtest"
)

// smChain is a card's certificates of SM2, with the layouts of JR/T 0025.7.
// Tests spoil its fields.
type smChain struct {
	ca, issuer, icc *smtest.Signer

	issuerFields, iccFields string // hex, up to the key
	static                  []byte
	revoked                 [][3]byte
}

func newSMSigner(t testing.TB) *smtest.Signer {
	t.Helper()
	s, err := smtest.New(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newSMChain(t testing.TB) *smChain {
	t.Helper()
	return &smChain{
		ca: newSMSigner(t), issuer: newSMSigner(t), icc: newSMSigner(t),
		issuerFields: "12 999901FF 1126 000001 04 00 11 40", iccFields: "14 9999010000000018FFFF 1126 000002 04 00 11 40",
		static: []byte("static data"),
	}
}

func (c *smChain) caKey() oda.CAKey {
	return oda.CAKey{RID: [5]byte{0xF0, 'C', 'P', 'O', 'S'}, Index: 1, Point: c.ca.Public(), SM2: keys.SM2{}, Revoked: c.revoked}
}

// smSigned is a body with a signature behind it that covers more.
func smSigned(t testing.TB, by *smtest.Signer, body []byte, covered []byte) []byte {
	t.Helper()
	signature, err := by.Sign(rand.Reader, append(bytes.Clone(body), covered...))
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(body), signature...)
}

func (c *smChain) issuerCertificate(t testing.TB) oda.Certificate {
	return oda.Certificate{Signed: smSigned(t, c.ca, append(unhex(t, c.issuerFields), c.issuer.Public()...), nil)}
}

func (c *smChain) iccCertificate(t testing.TB) oda.Certificate {
	return oda.Certificate{Signed: smSigned(t, c.issuer, append(unhex(t, c.iccFields), c.icc.Public()...), c.static)}
}

// keys goes from the CA key to the card's.
func (c *smChain) keys(t testing.TB) (issuer, icc oda.PublicKey, err error) {
	t.Helper()
	if issuer, err = oda.RecoverIssuer(c.caKey(), c.issuerCertificate(t), pan, today); err != nil {
		return issuer, icc, err
	}
	icc, err = oda.RecoverICC(issuer, c.iccCertificate(t), pan, c.static, today)
	return issuer, icc, err
}

func TestSM2(t *testing.T) {
	c := newSMChain(t)
	if a, b := len(c.issuerCertificate(t).Signed), len(c.iccCertificate(t).Signed); a != 142 || b != 148 {
		t.Errorf("certificates of %d and %d bytes, want 142 and 148", a, b)
	}
	issuer, icc, err := c.keys(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []oda.PublicKey{issuer, icc, {}} {
		if k.Size() != 0 || k.Modulus() != nil || k.Exponent() != nil {
			t.Errorf("size %d, modulus %X, exponent %X: there is none", k.Size(), k.Modulus(), k.Exponent())
		}
	}
	ssad := smSigned(t, c.issuer, unhex(t, "13 DAC0"), c.static)
	if code, err := oda.VerifyStatic(issuer, ssad, c.static); err != nil || hex.EncodeToString(code) != "dac0" {
		t.Errorf("VerifyStatic = %x, %v", code, err)
	}
	if _, err := oda.VerifyStatic(issuer, ssad, flip(c.static, 0)); !errors.Is(err, oda.ErrSignature) {
		t.Errorf("VerifyStatic of other data: %v, want ErrSignature", err)
	}
	sdad := smSigned(t, c.icc, unhex(t, "15 04 03 A1B2C3"), []byte("DDOL data"))
	if number, err := oda.VerifyDynamic(icc, sdad, []byte("DDOL data")); err != nil || hex.EncodeToString(number) != "a1b2c3" {
		t.Errorf("VerifyDynamic = %x, %v", number, err)
	}
	if _, err := oda.VerifyDynamic(icc, sdad, []byte("ddol data")); !errors.Is(err, oda.ErrSignature) {
		t.Errorf("VerifyDynamic of other data: %v, want ErrSignature", err)
	}
}

// TestSM2Combined: the hash over the transaction is SM3.
func TestSM2Combined(t *testing.T) {
	c := newSMChain(t)
	_, icc, err := c.keys(t)
	if err != nil {
		t.Fatal(err)
	}
	un, transaction := unhex(t, "01234567"), []byte("values sent, objects received")
	body := append(unhex(t, "15 2C 02 0102 80 1122334455667788"), keys.SM2{}.Hash(transaction)...)
	good := oda.Combined{UnpredictableNumber: un, CID: 0x80, Transaction: transaction}
	sdad := smSigned(t, c.icc, body, un)
	number, ac, err := oda.VerifyCombined(icc, sdad, good)
	if err != nil || hex.EncodeToString(number)+hex.EncodeToString(ac) != "01021122334455667788" {
		t.Errorf("VerifyCombined = %x, %x, %v", number, ac, err)
	}
	for name, tt := range map[string]struct {
		sdad   []byte
		change func(*oda.Combined)
		want   error
	}{
		"other number":      {sdad, func(c *oda.Combined) { c.UnpredictableNumber = flip(un, 0) }, oda.ErrSignature},
		"other type":        {sdad, func(c *oda.Combined) { c.CID = 0x40 }, oda.ErrCryptogramType},
		"other transaction": {sdad, func(c *oda.Combined) { c.Transaction = flip(transaction, 0) }, oda.ErrTransactionHash},
		"hash too short":    {smSigned(t, c.icc, append([]byte{0x15, 0x2B}, body[2:len(body)-1]...), un), nil, oda.ErrDynamicData},
		"length too small":  {smSigned(t, c.icc, append([]byte{0x15, 0x2B}, body[2:]...), un), nil, oda.ErrDynamicData},
		"no number":         {smSigned(t, c.icc, []byte{0x15, 0x01, 0x00}, un), nil, oda.ErrDynamicData},
		"number too long":   {smSigned(t, c.icc, []byte{0x15, 0x03, 0x08, 1, 2}, un), nil, oda.ErrDynamicData},
		"nothing in it":     {smSigned(t, c.icc, []byte{0x15, 0x00}, un), nil, oda.ErrDynamicData},
		"no length":         {smSigned(t, c.icc, []byte{0x15}, un), nil, oda.ErrDynamicData},
		"other format":      {smSigned(t, c.icc, append([]byte{0x13}, body[1:]...), un), nil, oda.ErrFormat},
		"signature alone":   {sdad[len(body):], nil, oda.ErrLength},
		"nothing at all":    {nil, nil, oda.ErrLength},
	} {
		with := good
		if tt.change != nil {
			tt.change(&with)
		}
		number, ac, err := oda.VerifyCombined(icc, tt.sdad, with)
		if !errors.Is(err, oda.ErrFailed) || !errors.Is(err, tt.want) || number != nil || ac != nil {
			t.Errorf("%s: VerifyCombined = %x, %x, %v, want %v", name, number, ac, err, tt.want)
		}
	}
}

// TestSM2Refused spoils one field at a time, under good signatures.
func TestSM2Refused(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(*smChain)
		want  error
	}{
		"issuer format":        {func(c *smChain) { c.issuerFields = "13 999901FF 1126 000001 04 00 11 40" }, oda.ErrFormat},
		"other issuer":         {func(c *smChain) { c.issuerFields = "12 999902FF 1126 000001 04 00 11 40" }, oda.ErrIssuer},
		"issuer expired":       {func(c *smChain) { c.issuerFields = "12 999901FF 1026 000001 04 00 11 40" }, oda.ErrExpired},
		"issuer revoked":       {func(c *smChain) { c.revoked = [][3]byte{{0, 0, 1}} }, oda.ErrRevoked},
		"issuer with RSA":      {func(c *smChain) { c.issuerFields = "12 999901FF 1126 000001 01 00 11 40" }, oda.ErrAlgorithm},
		"issuer's other curve": {func(c *smChain) { c.issuerFields = "12 999901FF 1126 000001 04 00 12 40" }, oda.ErrAlgorithm},
		"issuer too long":      {func(c *smChain) { c.issuerFields += "00" }, oda.ErrCertificate},
		"ICC format":           {func(c *smChain) { c.iccFields = "12 9999010000000018FFFF 1126 000002 04 00 11 40" }, oda.ErrFormat},
		"other PAN":            {func(c *smChain) { c.iccFields = "14 9999010000000026FFFF 1126 000002 04 00 11 40" }, oda.ErrPAN},
		"ICC expired":          {func(c *smChain) { c.iccFields = "14 9999010000000018FFFF 1225 000002 04 00 11 40" }, oda.ErrExpired},
		"ICC enciphers":        {func(c *smChain) { c.iccFields = "14 9999010000000018FFFF 1126 000002 04 04 11 40" }, oda.ErrAlgorithm},
		"ICC too long":         {func(c *smChain) { c.iccFields += "00" }, oda.ErrCertificate},
	} {
		c := newSMChain(t)
		tt.spoil(c)
		if _, _, err := c.keys(t); !errors.Is(err, oda.ErrFailed) || !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want ErrFailed and %v", name, err, tt.want)
		}
	}
	c, other := newSMChain(t), newSMChain(t)
	if _, err := oda.RecoverIssuer(other.caKey(), c.issuerCertificate(t), pan, today); !errors.Is(err, oda.ErrSignature) {
		t.Errorf("RecoverIssuer under another CA key: %v, want ErrSignature", err)
	}
	rsaChain := newChain(t)
	if _, err := oda.RecoverIssuer(c.caKey(), rsaChain.issuerCertificate(t), pan, today); !errors.Is(err, oda.ErrCertificate) {
		t.Errorf("RecoverIssuer of an RSA certificate: %v, want ErrCertificate", err)
	}
}

// TestSM2CAKey: an algorithm and a point, and nothing of the other kinds.
func TestSM2CAKey(t *testing.T) {
	good := newSMChain(t).caKey()
	if err := good.Check(); err != nil {
		t.Errorf("Check: %v", err)
	}
	for name, spoil := range map[string]func(*oda.CAKey){
		"no algorithm": func(k *oda.CAKey) { k.SM2 = nil },
		"no point":     func(k *oda.CAKey) { k.Point = nil },
		"short":        func(k *oda.CAKey) { k.Point = k.Point[1:] },
		"RSA too":      func(k *oda.CAKey) { k.Modulus, k.Exponent = newChain(t).caKey().Modulus, []byte{3} },
		"suite too":    func(k *oda.CAKey) { k.Suite, k.X = oda.SuiteP256, curvetest.New(t, oda.SuiteP256).X },
	} {
		k := good
		spoil(&k)
		if err := k.Check(); !errors.Is(err, oda.ErrCAKey) {
			t.Errorf("%s: Check: %v, want ErrCAKey", name, err)
		}
	}
}

// TestSM2Chain: a card with keys of SM2 has no exponents, and misses none; one
// with keys of RSA does.
func TestSM2Chain(t *testing.T) {
	c := newSMChain(t)
	chain := oda.Chain{Keys: []oda.CAKey{c.caKey()}, PAN: pan, Today: today, Objects: map[tlv.Tag][]byte{
		tlv.DFName: unhex(t, "F043504F530101"), tlv.CAKeyIndex: {1},
		tlv.IssuerCertificate: c.issuerCertificate(t).Signed, tlv.ICCCertificate: c.iccCertificate(t).Signed,
	}}
	if err := chain.Complete(tlv.ICCCertificate, tlv.ICCKeyExponent); err != nil {
		t.Errorf("Complete: %v", err)
	}
	if _, err := chain.ICC(c.static); err != nil {
		t.Errorf("ICC: %v", err)
	}
	if err := chain.Complete(tlv.SSAD); !errors.Is(err, oda.ErrMissing) {
		t.Errorf("Complete without 93: %v, want ErrMissing", err)
	}
	chain.Today = time.Time{}
	chain.Objects[tlv.CAKeyIndex] = []byte{2}
	if err := chain.Complete(); !errors.Is(err, oda.ErrMissing) {
		t.Errorf("Complete under an unknown key: %v, want ErrMissing", err)
	}
	delete(chain.Objects, tlv.CAKeyIndex)
	if err := chain.Complete(); !errors.Is(err, oda.ErrMissing) {
		t.Errorf("Complete without 8F: %v, want ErrMissing", err)
	}
}

// FuzzSM2Certificates: whatever bytes come, nothing but what was signed is taken.
func FuzzSM2Certificates(f *testing.F) {
	c := newSMChain(f)
	issuer, icc, err := c.keys(f)
	if err != nil {
		f.Fatal(err)
	}
	good := [][]byte{
		c.issuerCertificate(f).Signed, c.iccCertificate(f).Signed,
		smSigned(f, c.issuer, unhex(f, "13 DAC0"), c.static), smSigned(f, c.icc, unhex(f, "15 04 03 A1B2C3"), nil),
	}
	for _, seed := range append(good, nil, good[0][:14], flip(good[1], 20)) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		signed := oda.Certificate{Signed: b}
		_, err1 := oda.RecoverIssuer(c.caKey(), signed, pan, today)
		_, err2 := oda.RecoverICC(issuer, signed, pan, c.static, today)
		_, err3 := oda.VerifyStatic(issuer, b, c.static)
		_, err4 := oda.VerifyDynamic(icc, b, nil)
		for i, err := range []error{err1, err2, err3, err4} {
			if (err == nil) != bytes.Equal(b, good[i]) {
				t.Fatalf("%d: %X: %v", i, b, err)
			}
		}
	})
}
