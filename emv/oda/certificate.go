package oda

import (
	"bytes"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/secret"
)

// A Certificate is what a card gives of one public key: certificate, the rest
// of the modulus that did not fit into it, and exponent. Issuer: 90, 92, 9F32.
// Card: 9F46, 9F48, 9F47.
type Certificate struct {
	Signed    []byte
	Remainder []byte
	Exponent  []byte
}

// Fixed fields of the recovered certificates without the key's digits, header,
// hash and trailer included. EMV 4.4 Book 2, 5.3 and 6.4.
const (
	issuerFixed = 36
	iccFixed    = 42
)

// The formats of recovered data.
const (
	formatIssuer  = 0x02
	formatStatic  = 0x03
	formatICC     = 0x04
	formatDynamic = 0x05
)

// RecoverIssuer opens an issuer's certificate. EMV 4.4 Book 2, 5.3.
func RecoverIssuer(ca CAKey, c Certificate, pan secret.PAN, today time.Time) (PublicKey, error) {
	caKey, err := ca.key()
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrCAKey, err)
	}
	key, err := recoverIssuer(ca, caKey, c, pan, today)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: issuer certificate: %w", ErrFailed, err)
	}
	return key, nil
}

func recoverIssuer(ca CAKey, caKey PublicKey, c Certificate, pan secret.PAN, today time.Time) (PublicKey, error) {
	if caKey.sm2 != nil {
		return caKey.sm2.recoverIssuer(ca, c.Signed, pan, today)
	}
	signed, err := caKey.recover(c.Signed, formatIssuer)
	if err != nil {
		return PublicKey{}, err
	}
	// 02 | issuer id 4 | MMYY 2 | serial 3 | hash 1 | algorithm 1 | N 1 | e 1 | digits
	content := signed.content
	certified := certifiedKey{field: content[14 : caKey.size-issuerFixed+14], size: int(content[12]), algorithm: content[11]}
	if err := certified.complete(c); err != nil {
		return PublicKey{}, err
	}
	if err := signed.check(content[10], c.Remainder, c.Exponent); err != nil {
		return PublicKey{}, err
	}
	if !matchesIssuer(content[1:5], pan) {
		return PublicKey{}, ErrIssuer
	}
	if err := checkExpiry(content[5:7], today); err != nil {
		return PublicKey{}, err
	}
	if serial := content[7:10]; ca.revoked(serial) {
		return PublicKey{}, fmt.Errorf("%w: serial number %X", ErrRevoked, serial)
	}
	return certified.key(c)
}

// RecoverICC opens the card's own certificate, which also covers the static
// data. EMV 4.4 Book 2, 6.4.
func RecoverICC(issuer PublicKey, c Certificate, pan secret.PAN, static []byte, today time.Time) (PublicKey, error) {
	key, err := recoverICC(issuer, c, pan, static, today)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: ICC certificate: %w", ErrFailed, err)
	}
	return key, nil
}

func recoverICC(issuer PublicKey, c Certificate, pan secret.PAN, static []byte, today time.Time) (PublicKey, error) {
	if issuer.sm2 != nil {
		return issuer.sm2.recoverICC(c.Signed, pan, static, today)
	}
	signed, err := issuer.recover(c.Signed, formatICC)
	if err != nil {
		return PublicKey{}, err
	}
	// 04 | PAN 10 | MMYY 2 | serial 3 | hash 1 | algorithm 1 | N 1 | e 1 | digits
	content := signed.content
	certified := certifiedKey{field: content[20 : issuer.size-iccFixed+20], size: int(content[18]), algorithm: content[17]}
	if err := certified.complete(c); err != nil {
		return PublicKey{}, err
	}
	if err := signed.check(content[16], c.Remainder, c.Exponent, static); err != nil {
		return PublicKey{}, err
	}
	if !matchesPAN(content[1:11], pan) {
		return PublicKey{}, ErrPAN
	}
	if err := checkExpiry(content[11:13], today); err != nil {
		return PublicKey{}, err
	}
	return certified.key(c)
}

// matchesPAN compares the account number in a card's certificate, with F behind.
func matchesPAN(field []byte, pan secret.PAN) bool {
	digits, err := tlv.AppendDigits(nil, field)
	defer clear(digits)
	return err == nil && bytes.Equal(digits, pan)
}

// matchesIssuer compares the issuer identifier, three to eight digits with F
// behind, with the leftmost digits of the PAN.
func matchesIssuer(id []byte, pan secret.PAN) bool {
	digits, err := tlv.AppendDigits(nil, id)
	return err == nil && len(digits) >= 3 && bytes.HasPrefix(pan, digits)
}

// checkExpiry wants a month, MMYY, that is not over yet.
func checkExpiry(monthYear []byte, today time.Time) error {
	v, err := tlv.ParseNumeric(monthYear)
	month, year := int(v/100), int(v%100)
	if err != nil || month < 1 || month > 12 {
		return ErrExpiry
	}
	if year += 2000; year >= 2050 {
		year -= 100
	}
	// Good up to the last day of the month.
	if today.Year()*100+int(today.Month()) > year*100+month {
		return fmt.Errorf("%w in %02d/%d", ErrExpired, month, year)
	}
	return nil
}

// certifiedKey is the public key in a recovered certificate: all of a modulus
// of size bytes in the field with padding behind, or its left part.
type certifiedKey struct {
	field     []byte
	size      int
	algorithm byte
}

// complete tells whether the card gave the rest of a modulus that needs one.
// It comes before the hash, which covers the rest, so that what is missing is
// not taken for what is wrong.
func (k certifiedKey) complete(c Certificate) error {
	if k.size > len(k.field) && len(c.Remainder) == 0 {
		return fmt.Errorf("%w: remainder of the modulus", ErrMissing)
	}
	return nil
}

// key puts the key together: the last steps of 5.3 and 6.4.
func (k certifiedKey) key(c Certificate) (PublicKey, error) {
	if k.algorithm != algorithmRSA {
		return PublicKey{}, fmt.Errorf("%w: key algorithm %02X", ErrAlgorithm, k.algorithm)
	}
	modulus := k.field[:min(k.size, len(k.field))]
	if rest := k.size - len(k.field); rest > 0 {
		if len(c.Remainder) != rest {
			return PublicKey{}, fmt.Errorf("%w: remainder of %d bytes, want %d", ErrKey, len(c.Remainder), rest)
		}
		modulus = append(bytes.Clone(modulus), c.Remainder...)
	}
	key, err := newKey(modulus, c.Exponent)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return key, nil
}
