package oda

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/secret"
)

// Formats and encoding of certificates and signatures of elliptic curves, and of
// SM2. All of it is in the clear: nothing is recovered from a signature. EMV 4.4
// Book 2, 12 and JR/T 0025.7.
const (
	formatClearIssuer  = 0x12
	formatClearStatic  = 0x13 // of SM2 alone
	formatClearICC     = 0x14
	formatClearDynamic = 0x15
	encodingPlain      = 0x00
)

// Fixed fields in front of what depends on a suite. EMV 4.4 Book 2, 12.3
// and 12.4.
const (
	clearIssuerFixed = 21
	clearICCFixed    = 17
)

// RecoverIssuerCurve takes an issuer's key out of its certificate (90).
// EMV 4.4 Book 2, 12.3.
func RecoverIssuerCurve(ca CAKey, certificate []byte, pan secret.PAN, now time.Time) (CurveKey, error) {
	caKey, err := newCurveKey(ca.Suite, ca.X)
	if err != nil {
		return CurveKey{}, fmt.Errorf("%w: %w", ErrCAKey, err)
	}
	key, err := recoverIssuerCurve(ca, caKey, certificate, pan, now)
	if err != nil {
		return CurveKey{}, fmt.Errorf("%w: issuer certificate: %w", ErrFailed, err)
	}
	return key, nil
}

func recoverIssuerCurve(ca CAKey, caKey CurveKey, c []byte, pan secret.PAN, now time.Time) (CurveKey, error) {
	// 12 | 00 | issuer id 5 | suite 1 | YYYYMMDD 4 | serial 3 | RID 5 | index 1 | x | signature
	if err := checkClear(c, formatClearIssuer, clearIssuerFixed); err != nil {
		return CurveKey{}, err
	}
	if !matchesIssuer(c[2:7], pan) {
		return CurveKey{}, ErrIssuer
	}
	if err := checkUntil(c[8:12], time.DateOnly, now); err != nil {
		return CurveKey{}, err
	}
	if !bytes.Equal(c[15:20], ca.RID[:]) || c[20] != ca.Index {
		return CurveKey{}, ErrOtherCA
	}
	if serial := c[12:15]; ca.revoked(serial) {
		return CurveKey{}, fmt.Errorf("%w: serial number %X", ErrRevoked, serial)
	}
	return caKey.certified(Suite(c[7]), c, clearIssuerFixed)
}

// RecoverICCCurve takes the card's own key out of its certificate (9F46). data
// is what the certificate vouches for, see Certified. EMV 4.4 Book 2, 12.4.
func RecoverICCCurve(issuer CurveKey, certificate, data []byte, now time.Time) (CurveKey, error) {
	key, err := recoverICCCurve(issuer, certificate, data, now)
	if err != nil {
		return CurveKey{}, fmt.Errorf("%w: ICC certificate: %w", ErrFailed, err)
	}
	return key, nil
}

func recoverICCCurve(issuer CurveKey, c, data []byte, now time.Time) (CurveKey, error) {
	// 14 | 00 | suite 1 | YYYYMMDD 4 | HHMM 2 | serial 6 | 00 | hash id 1 | hash | x | signature
	if err := checkClear(c, formatClearICC, clearICCFixed); err != nil {
		return CurveKey{}, err
	}
	if c[15] != encodingPlain {
		return CurveKey{}, fmt.Errorf("%w: %02X of the data", ErrEncoding, c[15])
	}
	if err := checkUntil(c[3:9], dateAndTime, now); err != nil {
		return CurveKey{}, err
	}
	if _, err := Suite(c[2]).parameters(); err != nil {
		return CurveKey{}, err
	}
	h, known := curveHashes[c[16]]
	if !known {
		return CurveKey{}, fmt.Errorf("%w: hash algorithm %02X", ErrSuite, c[16])
	}
	if len(c) < clearICCFixed+h.size {
		return CurveKey{}, fmt.Errorf("%w: %d bytes", ErrCertificate, len(c))
	}
	if !bytes.Equal(h.digest(data), c[clearICCFixed:clearICCFixed+h.size]) {
		return CurveKey{}, ErrHash
	}
	return issuer.certified(Suite(c[2]), c, clearICCFixed+h.size)
}

// checkClear looks at the first bytes of a certificate.
func checkClear(c []byte, format byte, fixed int) error {
	switch {
	case len(c) < fixed:
		return fmt.Errorf("%w: %d bytes, want more than %d", ErrCertificate, len(c), fixed)
	case c[0] != format:
		return fmt.Errorf("%w: %02X, want %02X", ErrFormat, c[0], format)
	case c[1] != encodingPlain:
		return fmt.Errorf("%w: %02X", ErrEncoding, c[1])
	}
	return nil
}

// dateAndTime is the layout of a card certificate's last minute; an issuer's
// has a last day.
const dateAndTime = "2006-01-02 15:04"

// checkUntil wants a date in BCD, with the time behind it if the layout has
// one, that is not over yet in UTC.
func checkUntil(bcd []byte, layout string, now time.Time) error {
	digits := fmt.Sprintf("%X", bcd)
	written := digits[:4] + "-" + digits[4:6] + "-" + digits[6:8]
	if layout == dateAndTime {
		written += " " + digits[8:10] + ":" + digits[10:]
	}
	if _, err := time.Parse(layout, written); err != nil {
		return ErrExpiry
	}
	if now.UTC().Format(layout) > written {
		return fmt.Errorf("%w on %s UTC", ErrExpired, written)
	}
	return nil
}

// certified takes a key out of a certificate behind the bytes before it, once
// its signature by k over all in front has been verified: the last steps of
// 12.3 and 12.4.
func (k CurveKey) certified(s Suite, c []byte, before int) (CurveKey, error) {
	by, err := k.suite.parameters()
	if err != nil {
		return CurveKey{}, err
	}
	p, err := s.parameters()
	if err != nil {
		return CurveKey{}, err
	}
	end := before + p.field
	if len(c) != end+by.signature() {
		return CurveKey{}, fmt.Errorf("%w: %d bytes, want %d", ErrCertificate, len(c), end+by.signature())
	}
	if err := k.verify(c[end:], c[:end]); err != nil {
		return CurveKey{}, err
	}
	return newCurveKey(s, c[before:end])
}

// Certified puts together what a card's certificate vouches for: the flagged
// records, then AIP, application identifier and, if the card has one, PDOL,
// each as an object. The static data tag list is not asked. EMV 4.4 Book 3,
// 10.3.
func Certified(records, aip, aid, pdol []byte) []byte {
	data := tlv.Append(slices.Clone(records), tlv.AIP, aip)
	data = tlv.Append(data, tlv.AID, aid)
	if pdol != nil {
		data = tlv.Append(data, tlv.PDOL, pdol)
	}
	return data
}

// VerifyExtended checks the signature (9F4B) of a GENERATE AC response.
// transaction are PDOL and CDOL values as sent, then the response's objects
// without the signature. EMV 4.4 Book 2, 12.5.3.
func VerifyExtended(icc CurveKey, sdad, transaction []byte) error {
	err := ErrMissing
	switch {
	case len(sdad) > 0 && sdad[0] != formatClearDynamic:
		err = fmt.Errorf("%w: %02X, want %02X", ErrFormat, sdad[0], formatClearDynamic)
	case len(sdad) > 0:
		err = icc.verify(sdad[1:], sdad[:1], transaction)
	}
	if err != nil {
		return fmt.Errorf("%w: extended signature: %w", ErrFailed, err)
	}
	return nil
}
