package oda_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/hex"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/secret"
)

// today is the day on which the tests run, whatever the day is.
var today = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var pan = secret.PAN("9999010000000018")

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rsaKeys are made once for all tests of a run and never stored.
var rsaKeys = sync.OnceValues(func() ([3]*rsa.PrivateKey, error) {
	var made [3]*rsa.PrivateKey
	for i, bits := range []int{1408, 1152, 1024} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			return made, err
		}
		made[i] = key
	}
	return made, nil
})

// chain is a card's certificates, made at run time with the layouts of
// EMV 4.4 Book 2, tables 2, 12 and 15. Tests spoil its fields.
type chain struct {
	ca, issuer, icc *rsa.PrivateKey

	issuerID, issuerExpiry string // hex
	iccPAN, iccExpiry      string // hex
	hash, algorithm        byte
	static                 []byte
	revoked                [][3]byte
}

func newChain(t testing.TB) *chain {
	t.Helper()
	made, err := rsaKeys()
	if err != nil {
		t.Fatal(err)
	}
	return &chain{
		ca: made[0], issuer: made[1], icc: made[2],
		issuerID: "999901FF", issuerExpiry: "1126",
		iccPAN: "9999010000000018FFFF", iccExpiry: "1126",
		hash: 1, algorithm: 1,
		static: []byte("static data"),
	}
}

func (c *chain) caKey() oda.CAKey {
	return oda.CAKey{
		RID: [5]byte{0xF0, 'C', 'P', 'O', 'S'}, Index: 1, Modulus: c.ca.N.Bytes(), Exponent: exponent(c.ca), Revoked: c.revoked,
	}
}

func (c *chain) issuerCertificate(t testing.TB) oda.Certificate {
	fields := append([]byte{0x02}, unhex(t, c.issuerID+c.issuerExpiry+"000001")...)
	fields = append(fields, c.hash, c.algorithm, byte(c.issuer.Size()), byte(len(exponent(c.issuer))))
	return certify(c.ca, c.issuer, fields, 36, nil)
}

func (c *chain) iccCertificate(t testing.TB) oda.Certificate {
	fields := append([]byte{0x04}, unhex(t, c.iccPAN+c.iccExpiry+"000002")...)
	fields = append(fields, c.hash, c.algorithm, byte(c.icc.Size()), byte(len(exponent(c.icc))))
	return certify(c.issuer, c.icc, fields, 42, c.static)
}

// certify signs the public half of key with signer's key.
func certify(signer, key *rsa.PrivateKey, fields []byte, fixed int, static []byte) oda.Certificate {
	modulus, room := key.N.Bytes(), signer.Size()-fixed
	left := modulus[:min(room, len(modulus))]
	cert := oda.Certificate{Remainder: modulus[len(left):], Exponent: exponent(key)}
	content := append(bytes.Clone(fields), left...)
	content = append(content, bytes.Repeat([]byte{0xBB}, room-len(left))...)
	cert.Signed = sign(signer, content, cert.Remainder, cert.Exponent, static)
	return cert
}

// sign makes a signature with message recovery. EMV 4.4 Book 2, A2.1.2.
func sign(key *rsa.PrivateKey, content []byte, extra ...[]byte) []byte {
	hash := sha1.Sum(append(bytes.Clone(content), bytes.Join(extra, nil)...))
	plain := append([]byte{0x6A}, content...)
	plain = append(append(plain, hash[:]...), 0xBC)
	s := new(big.Int).Exp(new(big.Int).SetBytes(plain), key.D, key.N)
	return s.FillBytes(make([]byte, key.Size()))
}

// signDynamic makes signed dynamic application data over data.
func signDynamic(key *rsa.PrivateKey, data []byte, extra []byte) []byte {
	content := append([]byte{0x05, 0x01, byte(len(data))}, data...)
	content = append(content, bytes.Repeat([]byte{0xBB}, key.Size()-22-len(content))...)
	return sign(key, content, extra)
}

func exponent(k *rsa.PrivateKey) []byte { return big.NewInt(int64(k.E)).Bytes() }

// exponent3 makes a key whose public exponent is 3, which package rsa does not
// make: no prime may be 1 modulo 3.
func exponent3(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	three, one := big.NewInt(3), big.NewInt(1)
	prime := func() *big.Int {
		for {
			p, err := rand.Prime(rand.Reader, bits/2)
			if err != nil {
				t.Fatal(err)
			}
			if new(big.Int).Mod(p, three).Int64() == 2 {
				return p
			}
		}
	}
	p, q := prime(), prime()
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	return &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 3}, D: new(big.Int).ModInverse(three, phi),
	}
}
