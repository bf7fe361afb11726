package oda

import (
	"bytes"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"math/big"
)

// A Suite names a curve, a hash and how they sign. EMV 4.4 Book 2, B2.
type Suite byte

// The suites that are known here: EC-SDSA over a curve and a hash of the same
// strength.
const (
	SuiteP256 Suite = 0x10 // P-256 with SHA-256
	SuiteP521 Suite = 0x11 // P-521 with SHA-512
)

// suitesRefused are assigned, but nothing is at hand to try them against.
var suitesRefused = map[Suite]string{
	0x12: "P-256 with SHA3-256", 0x13: "P-521 with SHA3-512", 0x80: "SM2 with SM3",
}

// hashSuite is a hash by its identifier. EMV 4.4 Book 2, B2.3.
type hashSuite struct {
	size int
	make func() hash.Hash
}

// curveHashes are the hashes of elliptic curves; SHA-1 is never one.
var curveHashes = map[byte]hashSuite{
	0x02: {sha256.Size, sha256.New}, 0x03: {sha512.Size, sha512.New},
}

// digest is the hash over the parts.
func (h hashSuite) digest(parts ...[]byte) []byte {
	d := h.make()
	for _, part := range parts {
		d.Write(part)
	}
	return d.Sum(nil)
}

// parameters of a suite.
type parameters struct {
	curve elliptic.Curve
	hash  hashSuite
	field int // bytes of a coordinate, and of a number below the order
}

// signature is how long one is: a hash and a number. EMV 4.4 Book 2, A2.2.
func (p parameters) signature() int { return p.hash.size + p.field }

// parameters looks a suite up.
func (s Suite) parameters() (parameters, error) {
	switch s {
	case SuiteP256:
		return parameters{curve: elliptic.P256(), hash: curveHashes[0x02], field: 32}, nil
	case SuiteP521:
		return parameters{curve: elliptic.P521(), hash: curveHashes[0x03], field: 66}, nil
	}
	if name, known := suitesRefused[s]; known {
		return parameters{}, fmt.Errorf("%w: %02X, %s", ErrSuite, byte(s), name)
	}
	return parameters{}, fmt.Errorf("%w: %02X", ErrSuite, byte(s))
}

// A CurveKey is a public key on an elliptic curve. The zero value verifies
// nothing.
type CurveKey struct {
	suite Suite
	x, y  *big.Int
}

// newCurveKey finds the point of an x coordinate: of its two, the one with the
// smaller y. EMV 4.4 Book 2, B2.
func newCurveKey(s Suite, x []byte) (CurveKey, error) {
	p, err := s.parameters()
	if err != nil {
		return CurveKey{}, err
	}
	if len(x) != p.field {
		return CurveKey{}, fmt.Errorf("%w: %d bytes, want %d", ErrPoint, len(x), p.field)
	}
	const compressedEven = 0x02
	px, py := elliptic.UnmarshalCompressed(p.curve, append([]byte{compressedEven}, x...))
	if px == nil {
		return CurveKey{}, ErrPoint
	}
	if other := new(big.Int).Sub(p.curve.Params().P, py); other.Cmp(py) < 0 {
		py = other
	}
	return CurveKey{suite: s, x: px, y: py}, nil
}

// verify checks an EC-SDSA signature r || s over a message: with Q = sG - rP,
// r must be the hash over Q's x and the message. EMV 4.4 Book 2, A2.2.3.
func (k CurveKey) verify(signature []byte, message ...[]byte) error {
	p, err := k.suite.parameters()
	if err != nil {
		return err
	}
	if len(signature) != p.signature() {
		return fmt.Errorf("%w: %d bytes, want %d", ErrLength, len(signature), p.signature())
	}
	order := p.curve.Params().N
	s := new(big.Int).SetBytes(signature[p.hash.size:])
	r := new(big.Int).SetBytes(signature[:p.hash.size])
	if r.Mod(r, order); r.Sign() == 0 || s.Sign() == 0 || s.Cmp(order) >= 0 {
		return fmt.Errorf("%w: a number of it is out of range", ErrSignature)
	}
	x, err := k.commitment(p, r, s)
	if err != nil {
		return err
	}
	h := p.hash.digest(append([][]byte{x.FillBytes(make([]byte, p.field))}, message...)...)
	if !bytes.Equal(h, signature[:p.hash.size]) {
		return ErrSignature
	}
	return nil
}

// errInfinity is a point without coordinates.
var errInfinity = errors.New("the point is at infinity")

// commitment is x of sG - rP. All of it is public, so neither the time that it
// takes nor the age of the interface matters; crypto/ecdh and crypto/ecdsa,
// which replace it, do not add points.
func (k CurveKey) commitment(p parameters, r, s *big.Int) (*big.Int, error) {
	gx, gy := p.curve.ScalarBaseMult(s.Bytes())       //nolint:staticcheck // see above
	px, py := p.curve.ScalarMult(k.x, k.y, r.Bytes()) //nolint:staticcheck // see above
	py.Sub(p.curve.Params().P, py)
	x, y := p.curve.Add(gx, gy, px, py) //nolint:staticcheck // see above
	if x.Sign() == 0 && y.Sign() == 0 {
		return nil, fmt.Errorf("%w: %w", ErrSignature, errInfinity)
	}
	return x, nil
}
