package oda

import (
	"bytes"
	"crypto/sha1" // EMV 4.4 Book 2, B3.1 knows this hash alone for RSA
	"errors"
	"fmt"
	"math/big"
)

// modulusMax is 1984 bits, EMV 4.4 Book 2, B2.1. modulusMin is far below any
// card's, and leaves room for the fixed fields of each format.
const (
	modulusMax = 248
	modulusMin = 64
)

const hashSize = sha1.Size

// The fixed bytes around recovered data and the algorithm identifiers.
// EMV 4.4 Book 2, A2.1, B2.1 and B3.1.
const (
	header       = 0x6A
	trailer      = 0xBC
	hashSHA1     = 0x01
	algorithmRSA = 0x01
)

// A PublicKey is an RSA key that passed the checks of EMV: at most 1984 bits,
// exponent 3 or 65537; or it is one of SM2. The zero value verifies nothing.
type PublicKey struct {
	modulus  *big.Int
	exponent *big.Int
	size     int // bytes of the modulus
	sm2      *sm2Key
}

// Size is the length of the modulus in bytes, and so of what the key signs. It
// is 0 of a key of SM2, whose Modulus and Exponent are nil.
func (k PublicKey) Size() int { return k.size }

// Modulus is as long as Size, for a device that enciphers a PIN with the key.
func (k PublicKey) Modulus() []byte {
	if k.modulus == nil {
		return nil
	}
	return k.modulus.FillBytes(make([]byte, k.size))
}

// Exponent is 03 or 010001.
func (k PublicKey) Exponent() []byte {
	if k.exponent == nil {
		return nil
	}
	return k.exponent.Bytes()
}

// newKey checks a key. The modulus must use its first byte and be odd: big.Int
// treats a zero modulus as none at all.
func newKey(modulus, exponent []byte) (PublicKey, error) {
	n := len(modulus)
	if n < modulusMin || n > modulusMax {
		return PublicKey{}, fmt.Errorf("modulus of %d bytes, want %d to %d", n, modulusMin, modulusMax)
	}
	if modulus[0] == 0 || modulus[n-1]&1 == 0 {
		return PublicKey{}, errors.New("modulus is shorter than its length or even")
	}
	e := new(big.Int).SetBytes(exponent)
	if len(exponent) > 3 || !e.IsInt64() || e.Int64() != 3 && e.Int64() != 65537 {
		return PublicKey{}, errors.New("exponent is neither 3 nor 65537")
	}
	return PublicKey{modulus: new(big.Int).SetBytes(modulus), exponent: e, size: n}, nil
}

// recovered is what a signature with message recovery holds: the content from
// the format byte on, and the hash over it and what else is covered.
type recovered struct {
	content []byte
	hash    []byte
}

// check compares the hash with that of the content and extra. hash is the
// algorithm that the content names.
func (r recovered) check(hash byte, extra ...[]byte) error {
	if hash != hashSHA1 {
		return fmt.Errorf("%w: hash algorithm %02X", ErrAlgorithm, hash)
	}
	digest := sha1.New()
	digest.Write(r.content)
	for _, part := range extra {
		digest.Write(part)
	}
	if !bytes.Equal(digest.Sum(nil), r.hash) {
		return ErrHash
	}
	return nil
}

// recover opens a signature with message recovery and checks the frame that
// all formats share: trailer, header, format. EMV 4.4 Book 2, A2.1.3 and the
// first steps of 5.3, 5.4, 6.4 and 6.5.2.
func (k PublicKey) recover(signature []byte, format byte) (recovered, error) {
	n := len(signature)
	switch {
	case n != k.size && n > 0 && signature[0] >= formatClearIssuer && signature[0] <= formatClearDynamic:
		return recovered{}, fmt.Errorf("%w: format %02X in clear", ErrAlgorithm, signature[0])
	case k.size == 0 || n != k.size:
		return recovered{}, fmt.Errorf("%w: %d bytes under a key of %d", ErrLength, n, k.size)
	}
	s := new(big.Int).SetBytes(signature)
	if s.Cmp(k.modulus) >= 0 {
		return recovered{}, ErrRange
	}
	x := new(big.Int).Exp(s, k.exponent, k.modulus)
	plain := x.FillBytes(make([]byte, k.size))
	switch {
	case plain[k.size-1] != trailer:
		return recovered{}, ErrTrailer
	case plain[0] != header:
		return recovered{}, ErrHeader
	case plain[1] != format:
		return recovered{}, fmt.Errorf("%w: %02X, want %02X", ErrFormat, plain[1], format)
	}
	return recovered{content: plain[1 : k.size-1-hashSize], hash: plain[k.size-1-hashSize : k.size-1]}, nil
}
