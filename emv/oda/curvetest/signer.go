// Package curvetest signs with EC-SDSA, for tests of XDA. It goes another way
// than package oda, which verifies: keys and points come from crypto/ecdh.
//
//	issuer := curvetest.New(t, oda.SuiteP256)
//	signed := issuer.Signed(t, message)
package curvetest

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/rand"
	_ "crypto/sha256" // for Hash
	_ "crypto/sha512"
	"math/big"
	"slices"
	"testing"

	"github.com/cloudpos/cloudpos/emv/oda"
)

// A Signer has a private key. Tests may spoil it.
type Signer struct {
	Suite oda.Suite
	D     *big.Int // private
	X     []byte   // public
	Order *big.Int

	hash  crypto.Hash
	curve ecdh.Curve
}

// New makes a key whose point has the smaller of two y. EMV 4.4 Book 2, B2.
func New(t testing.TB, suite oda.Suite) *Signer {
	t.Helper()
	s, params := &Signer{Suite: suite, hash: crypto.SHA256, curve: ecdh.P256()}, elliptic.P256().Params()
	if suite == oda.SuiteP521 {
		s.hash, s.curve, params = crypto.SHA512, ecdh.P521(), elliptic.P521().Params()
	}
	d, x, y, err := s.pair()
	if err != nil {
		t.Fatal(err)
	}
	if y.Cmp(new(big.Int).Rsh(params.P, 1)) > 0 {
		d.Sub(params.N, d)
	}
	s.D, s.X, s.Order = d, x, params.N
	return s
}

// pair makes a number and its point.
func (s *Signer) pair() (d *big.Int, x []byte, y *big.Int, err error) {
	key, err := s.curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	point := key.PublicKey().Bytes()[1:] // behind 04
	half := len(point) / 2
	return new(big.Int).SetBytes(key.Bytes()), point[:half], new(big.Int).SetBytes(point[half:]), nil
}

// Hash is that of the suite.
func (s *Signer) Hash(message []byte) []byte {
	h := s.hash.New()
	h.Write(message)
	return h.Sum(nil)
}

// Signed is the message with its signature behind, r || s. EMV 4.4 Book 2, A2.2.
func (s *Signer) Signed(t testing.TB, message []byte) []byte {
	t.Helper()
	k, x, _, err := s.pair()
	if err != nil {
		t.Fatal(err)
	}
	r := s.Hash(append(bytes.Clone(x), message...))
	number := new(big.Int).SetBytes(r)
	number.Mod(number.Mul(number, s.D).Add(number, k), s.Order)
	return slices.Concat(message, r, number.FillBytes(make([]byte, len(s.X))))
}
