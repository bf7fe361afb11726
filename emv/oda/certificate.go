package oda

import (
	"bytes"
	"errors"
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
// hash and trailer included. EMV 4.4 Book 2, tables 6 and 14.
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
	fail := func(err error) (PublicKey, error) {
		return PublicKey{}, fmt.Errorf("%w: issuer certificate: %w", ErrFailed, err)
	}
	caKey, err := newKey(ca.Modulus, ca.Exponent)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrCAKey, err)
	}
	signed, err := caKey.recover(c.Signed, formatIssuer)
	if err != nil {
		return fail(err)
	}
	content := signed.content
	modulus, err := joinModulus(content[14:caKey.size-issuerFixed+14], c.Remainder, int(content[12]))
	if err != nil {
		return fail(err)
	}
	if err := signed.check(c.Remainder, c.Exponent); err != nil {
		return fail(err)
	}
	// 02 | issuer id 4 | MMYY 2 | serial 3 | hash 1 | algorithm 1 | N 1 | e 1 | digits
	if !matchesIssuer(content[1:5], pan) {
		return fail(errors.New("issuer identifier is not how the PAN begins"))
	}
	if err := checkFields(content[5:7], content[10], content[11], today); err != nil {
		return fail(err)
	}
	key, err := newKey(modulus, c.Exponent)
	if err != nil {
		return fail(err)
	}
	return key, nil
}

// RecoverICC opens the card's own certificate, which also covers the static
// data. EMV 4.4 Book 2, 6.4.
func RecoverICC(issuer PublicKey, c Certificate, pan secret.PAN, static []byte, today time.Time) (PublicKey, error) {
	fail := func(err error) (PublicKey, error) {
		return PublicKey{}, fmt.Errorf("%w: ICC certificate: %w", ErrFailed, err)
	}
	signed, err := issuer.recover(c.Signed, formatICC)
	if err != nil {
		return fail(err)
	}
	content := signed.content
	modulus, err := joinModulus(content[20:issuer.size-iccFixed+20], c.Remainder, int(content[18]))
	if err != nil {
		return fail(err)
	}
	if err := signed.check(c.Remainder, c.Exponent, static); err != nil {
		return fail(err)
	}
	// 04 | PAN 10 | MMYY 2 | serial 3 | hash 1 | algorithm 1 | N 1 | e 1 | digits
	digits, err := tlv.AppendDigits(nil, content[1:11])
	if err != nil || !bytes.Equal(digits, pan) {
		return fail(errors.New("made for another PAN"))
	}
	clear(digits)
	if err := checkFields(content[11:13], content[16], content[17], today); err != nil {
		return fail(err)
	}
	key, err := newKey(modulus, c.Exponent)
	if err != nil {
		return fail(err)
	}
	return key, nil
}

// matchesIssuer compares the issuer identifier, three to eight digits with F
// behind, with the leftmost digits of the PAN.
func matchesIssuer(id []byte, pan secret.PAN) bool {
	digits, err := tlv.AppendDigits(nil, id)
	return err == nil && len(digits) >= 3 && bytes.HasPrefix(pan, digits)
}

// checkFields checks what both certificates share: expiry and algorithms.
func checkFields(monthYear []byte, hash, algorithm byte, today time.Time) error {
	v, err := tlv.ParseNumeric(monthYear)
	month, year := int(v/100), int(v%100)
	if err != nil || month < 1 || month > 12 {
		return errors.New("expiry is no month")
	}
	if year += 2000; year >= 2050 {
		year -= 100
	}
	// Good up to the last day of the month.
	if today.Year()*100+int(today.Month()) > year*100+month {
		return fmt.Errorf("expired in %02d/%d", month, year)
	}
	if hash != hashSHA1 {
		return fmt.Errorf("hash algorithm %02X is unknown", hash)
	}
	if algorithm != algorithmRSA {
		return fmt.Errorf("key algorithm %02X is unknown", algorithm)
	}
	return nil
}

// joinModulus puts a modulus of size bytes together: all of it in the field
// with padding behind, or its left part there and the rest in the remainder.
func joinModulus(field, remainder []byte, size int) ([]byte, error) {
	if size <= len(field) {
		return field[:size], nil
	}
	switch want := size - len(field); len(remainder) {
	case want:
	case 0:
		return nil, fmt.Errorf("%w: remainder of the modulus", ErrMissing)
	default:
		return nil, fmt.Errorf("remainder of %d bytes, want %d", len(remainder), want)
	}
	return append(bytes.Clone(field), remainder...), nil
}
