package oda

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/secret"
)

// SM2 is the Chinese signature algorithm over its hash, SM3. Package keys has
// it.
type SM2 interface {
	// Verify tells whether r || s is a signature by the public key x || y over
	// the message, of a signer with the usual identity. A key that is no point
	// has made none.
	Verify(key, message, signature []byte) bool
	Hash(message []byte) []byte
}

// Sizes of a public key and of a signature.
const (
	sm2KeySize       = 64
	sm2SignatureSize = 64
)

// Sizes of the certificates, and of signed static data. JR/T 0025.7.
const (
	sm2IssuerSize = 142
	sm2ICCSize    = 148
	sm2StaticSize = 67
)

// sm2Algorithm says of a certified key: it signs with SM2 and enciphers with
// nothing, on the recommended curve, and has 64 bytes. JR/T 0025.7.
var sm2Algorithm = []byte{0x04, 0x00, 0x11, sm2KeySize}

// sm2Key is a public key of SM2.
type sm2Key struct {
	algorithm SM2
	point     []byte
}

// open checks a signature at the end of data in the clear, which covers what is
// in front of it and behind that what else is given, and returns the front.
func (k *sm2Key) open(signed []byte, format byte, covered []byte) ([]byte, error) {
	body := signed[:max(len(signed)-sm2SignatureSize, 0)]
	switch {
	case len(body) == 0:
		return nil, fmt.Errorf("%w: %d bytes", ErrLength, len(signed))
	case body[0] != format:
		return nil, fmt.Errorf("%w: %02X, want %02X", ErrFormat, body[0], format)
	case !k.algorithm.Verify(k.point, slices.Concat(body, covered), signed[len(body):]):
		return nil, ErrSignature
	}
	return body, nil
}

// certificate opens one of a fixed size.
func (k *sm2Key) certificate(signed []byte, size int, format byte, covered []byte) ([]byte, error) {
	if len(signed) != size {
		return nil, fmt.Errorf("%w: %d bytes, want %d", ErrCertificate, len(signed), size)
	}
	return k.open(signed, format, covered)
}

// certified takes a key out of the end of a certificate.
func (k *sm2Key) certified(algorithm, point []byte) (PublicKey, error) {
	if !bytes.Equal(algorithm, sm2Algorithm) {
		return PublicKey{}, fmt.Errorf("%w: %X, want %X", ErrAlgorithm, algorithm, sm2Algorithm)
	}
	return PublicKey{sm2: &sm2Key{algorithm: k.algorithm, point: bytes.Clone(point)}}, nil
}

// recoverIssuer opens an issuer's certificate. JR/T 0025.7; the checks are
// those of EMV 4.4 Book 2, 5.3.
func (k *sm2Key) recoverIssuer(ca CAKey, signed []byte, pan secret.PAN, today time.Time) (PublicKey, error) {
	// 12 | issuer id 4 | MMYY 2 | serial 3 | algorithms 3 | size 1 | key 64
	body, err := k.certificate(signed, sm2IssuerSize, formatClearIssuer, nil)
	if err != nil {
		return PublicKey{}, err
	}
	if !matchesIssuer(body[1:5], pan) {
		return PublicKey{}, ErrIssuer
	}
	if err := checkExpiry(body[5:7], today); err != nil {
		return PublicKey{}, err
	}
	if serial := body[7:10]; ca.revoked(serial) {
		return PublicKey{}, fmt.Errorf("%w: serial number %X", ErrRevoked, serial)
	}
	return k.certified(body[10:14], body[14:])
}

// recoverICC opens the card's own certificate. JR/T 0025.7; the checks are those
// of EMV 4.4 Book 2, 6.4.
func (k *sm2Key) recoverICC(signed []byte, pan secret.PAN, static []byte, today time.Time) (PublicKey, error) {
	// 14 | PAN 10 | MMYY 2 | serial 3 | algorithms 3 | size 1 | key 64
	body, err := k.certificate(signed, sm2ICCSize, formatClearICC, static)
	if err != nil {
		return PublicKey{}, err
	}
	if !matchesPAN(body[1:11], pan) {
		return PublicKey{}, ErrPAN
	}
	if err := checkExpiry(body[11:13], today); err != nil {
		return PublicKey{}, err
	}
	return k.certified(body[16:20], body[20:])
}

// verifyStatic returns the data authentication code.
func (k *sm2Key) verifyStatic(ssad, static []byte) ([]byte, error) {
	// 13 | code 2
	body, err := k.certificate(ssad, sm2StaticSize, formatClearStatic, static)
	if err != nil {
		return nil, err
	}
	return body[1:3:3], nil
}

// verifyDynamic returns the ICC dynamic number and what is behind it.
func (k *sm2Key) verifyDynamic(sdad, covered []byte) (number, rest []byte, err error) {
	// 15 | length 1 | dynamic data
	body, err := k.open(sdad, formatClearDynamic, covered)
	if err != nil {
		return nil, nil, err
	}
	if len(body) < 3 || int(body[1]) != len(body)-2 {
		return nil, nil, fmt.Errorf("%w: %d bytes do not fit", ErrDynamicData, len(body))
	}
	return splitNumber(body[2:])
}

// verifyCombined returns the ICC dynamic number and the cryptogram.
func (k *sm2Key) verifyCombined(sdad []byte, c Combined) (number, cryptogram []byte, err error) {
	number, rest, err := k.verifyDynamic(sdad, c.UnpredictableNumber)
	if err != nil {
		return nil, nil, err
	}
	want := k.algorithm.Hash(c.Transaction)
	cryptogram, hash, err := c.split(rest, len(want))
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(hash, want) {
		return nil, nil, ErrTransactionHash
	}
	return number, cryptogram, nil
}
