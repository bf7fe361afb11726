package keys

import (
	"crypto/cipher"
	"crypto/des"
	"fmt"
)

// newTDES is two-key triple DES: K1 K2 K1. Parity bits are not looked at; the
// keys of DUKPT have none. It fails only where the platform forbids DES.
func newTDES(key [16]byte) (cipher.Block, error) {
	var triple [24]byte
	defer clear(triple[:])
	copy(triple[:16], key[:])
	copy(triple[16:], key[:8])
	block, err := des.NewTripleDESCipher(triple[:])
	if err != nil {
		return nil, fmt.Errorf("keys: TDES: %w", err)
	}
	return block, nil
}

// KCV is the key check value of a two-key TDES key: the first three bytes of a
// block of zeros enciphered under it. People compare it to see whether two
// places hold the same key.
func KCV(key [16]byte) ([3]byte, error) {
	block, err := newTDES(key)
	if err != nil {
		return [3]byte{}, err
	}
	var out [8]byte
	block.Encrypt(out[:], out[:])
	return [3]byte(out[:3]), nil
}

// xor16 returns a xor b.
func xor16(a, b [16]byte) [16]byte {
	for i := range a {
		a[i] ^= b[i]
	}
	return a
}
