package oda

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// CAKey is a certification authority's public key, as a scheme publishes it: of
// RSA; or, if it has a Suite, of an elliptic curve; or, if it has a Point, of
// SM2.
type CAKey struct {
	RID      [5]byte
	Index    byte      // 8F
	Modulus  []byte    // up to 248 bytes
	Exponent []byte    // 03 or 010001
	Suite    Suite     // 0 for RSA
	X        []byte    // the point's x coordinate, of an elliptic curve
	Point    []byte    // x || y, of SM2
	SM2      SM2       // the algorithm, with a Point
	Expiry   time.Time // the last day of use; zero if there is none
	// Revoked are the serial numbers of issuer certificates under this key that
	// are on the certification revocation list. EMV 4.4 Book 2, 5.1.2.
	Revoked [][3]byte
}

// RevokedMax bounds the revocation list of one key. A terminal holds at least
// thirty entries for each RID, EMV 4.4 Book 4, 10.2.
const RevokedMax = 256

// Check tells whether the key is one that EMV allows.
func (k CAKey) Check() error {
	if err := k.checkNumbers(); err != nil {
		return fmt.Errorf("%w: %X index %02X: %w", ErrCAKey, k.RID, k.Index, err)
	}
	if len(k.Revoked) > RevokedMax {
		return fmt.Errorf("%w: %X index %02X: %d revoked certificates, at most %d",
			ErrCAKey, k.RID, k.Index, len(k.Revoked), RevokedMax)
	}
	return nil
}

// checkNumbers looks at the key itself.
func (k CAKey) checkNumbers() error {
	rsa, curve, point := len(k.Modulus)+len(k.Exponent) > 0, k.Suite != 0 || len(k.X) > 0, len(k.Point) > 0 || k.SM2 != nil
	if rsa && curve || curve && point || point && rsa {
		return errors.New("is of more than one kind")
	}
	if curve {
		_, err := newCurveKey(k.Suite, k.X)
		return err
	}
	_, err := k.key()
	return err
}

// key is that of RSA or of SM2.
func (k CAKey) key() (PublicKey, error) {
	if k.SM2 == nil {
		return newKey(k.Modulus, k.Exponent)
	}
	if len(k.Point) != sm2KeySize {
		return PublicKey{}, fmt.Errorf("point of %d bytes, want %d", len(k.Point), sm2KeySize)
	}
	return PublicKey{sm2: &sm2Key{algorithm: k.SM2, point: k.Point}}, nil
}

// revoked tells whether an issuer certificate is on the list.
func (k CAKey) revoked(serial []byte) bool {
	return slices.Contains(k.Revoked, [3]byte(serial))
}

// FindCA finds the key that a card names, unless its last day of use is over.
// EMV 4.4 Book 2, 5.2.
func FindCA(keys []CAKey, rid [5]byte, index byte, today time.Time) (CAKey, error) {
	for _, k := range keys {
		if k.RID != rid || k.Index != index {
			continue
		}
		if !k.Expiry.IsZero() && dayOf(today) > dayOf(k.Expiry) {
			return CAKey{}, fmt.Errorf("%w: %X index %02X is past its last day", ErrCAKey, rid, index)
		}
		return k, nil
	}
	return CAKey{}, fmt.Errorf("%w: %X index %02X is unknown", ErrCAKey, rid, index)
}

// dayOf numbers days so that they compare in the calendar of each time's zone.
func dayOf(t time.Time) int { return t.Year()*10000 + int(t.Month())*100 + t.Day() }
