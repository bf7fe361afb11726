package oda

import "time"

// CAKey is a certification authority's public key, as a scheme publishes it.
type CAKey struct {
	RID      [5]byte
	Index    byte      // 8F
	Modulus  []byte    // up to 248 bytes
	Exponent []byte    // 03 or 010001
	Expiry   time.Time // the last day of use
}
