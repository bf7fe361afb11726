package keys

import (
	"crypto/des"
	"errors"
	"fmt"
	"math/bits"
)

// Errors of DUKPT.
var (
	// ErrKSN is a key serial number that no device can have sent.
	ErrKSN = errors.New("keys: impossible key serial number")
	// ErrExhausted is a device that has used up its keys; it needs a new
	// initial key.
	ErrExhausted = errors.New("keys: DUKPT keys are used up")
)

const (
	counterBits = 21
	counterMax  = 1<<counterBits - 1
	// onesMax bounds the steps from the initial key to a transaction's key;
	// counters with more one-bits are skipped. X9.24-1:2009, A.2.
	onesMax = 10
)

// half is the mask that tells the two halves of a derived key apart.
var half = [16]byte{
	0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0,
	0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0,
}

// InitialKey derives the key that is loaded into one device, from the base
// derivation key and the device's KSN; the counter in ksn does not matter.
// X9.24-1:2009, A.6.
func InitialKey(bdk [16]byte, ksn [10]byte) ([16]byte, error) {
	defer clear(bdk[:])
	var key [16]byte
	base := withCounter(ksn, 0)
	for i := range 2 {
		block, err := newTDES(bdk)
		if err != nil {
			return [16]byte{}, err
		}
		block.Encrypt(key[8*i:], base[:8])
		bdk = xor16(bdk, half)
	}
	return key, nil
}

// TransactionKey is the host's side: the key of one transaction, before
// variants, from the base derivation key and the KSN that came with the PIN
// block. A counter of 0, or one that devices skip, is ErrKSN. Whether a KSN
// came before is for the caller to know.
func TransactionKey(bdk [16]byte, ksn [10]byte) ([16]byte, error) {
	defer clear(bdk[:])
	counter := counterOf(ksn)
	if counter == 0 || bits.OnesCount32(counter) > onesMax {
		return [16]byte{}, fmt.Errorf("%w: counter %d", ErrKSN, counter)
	}
	key, err := InitialKey(bdk, ksn)
	if err != nil {
		return [16]byte{}, err
	}
	return derive(key, ksn, counter)
}

// derive walks from the initial key to the key of counter, one step for each
// one-bit from the highest down.
func derive(key [16]byte, ksn [10]byte, counter uint32) ([16]byte, error) {
	var reached uint32
	for bit := uint32(1) << (counterBits - 1); bit > 0; bit >>= 1 {
		if counter&bit == 0 {
			continue
		}
		reached |= bit
		next, err := child(key, withCounter(ksn, reached))
		clear(key[:])
		if err != nil {
			return [16]byte{}, err
		}
		key = next
	}
	return key, nil
}

// child is the non-reversible key generation: a new key from its parent and
// the last eight bytes of the KSN. Single DES inside. X9.24-1:2009, A.2.
func child(parent [16]byte, ksn [10]byte) ([16]byte, error) {
	defer clear(parent[:])
	var key [16]byte
	for i, at := range []int{8, 0} { // the right half comes from the key itself, the left from the masked one
		if i == 1 {
			parent = xor16(parent, half)
		}
		block, err := des.NewCipher(parent[:8])
		if err != nil {
			return [16]byte{}, fmt.Errorf("keys: DES: %w", err)
		}
		part := key[at : at+8]
		for j := range part {
			part[j] = ksn[2+j] ^ parent[8+j]
		}
		block.Encrypt(part, part)
		for j := range part {
			part[j] ^= parent[8+j]
		}
	}
	return key, nil
}

// counterOf reads the last 21 bits.
func counterOf(ksn [10]byte) uint32 {
	return uint32(ksn[7]&0x1F)<<16 | uint32(ksn[8])<<8 | uint32(ksn[9])
}

// withCounter replaces the last 21 bits.
func withCounter(ksn [10]byte, counter uint32) [10]byte {
	ksn[7] = ksn[7]&0xE0 | byte(counter>>16)
	ksn[8], ksn[9] = byte(counter>>8), byte(counter)
	return ksn
}

// nextCounter is the counter after one, passing over those with too many
// one-bits; it ends above counterMax. X9.24-1:2009, A.2.
func nextCounter(counter uint32) uint32 {
	counter++
	for bits.OnesCount32(counter) > onesMax {
		counter += counter & -counter
	}
	return counter
}

// Use is what a transaction's key is used for.
type Use uint8

// The uses of a key, as X9.24-1:2009, A.4.1 names them.
const (
	UsePIN Use = iota
	UseMACRequest
	UseMACResponse
	UseDataRequest
	UseDataResponse
)

// Variant turns a transaction's key into the key of one use, so that none
// serves two. X9.24-1:2009, A.4.1.
func Variant(key [16]byte, use Use) ([16]byte, error) {
	var at int
	switch use {
	case UsePIN:
		at = 7
	case UseMACRequest:
		at = 6
	case UseMACResponse:
		at = 4
	case UseDataRequest:
		at = 5
	case UseDataResponse:
		at = 3
	default:
		return [16]byte{}, fmt.Errorf("keys: no variant for use %d", use)
	}
	key[at] ^= 0xFF
	key[8+at] ^= 0xFF
	if use != UseDataRequest && use != UseDataResponse {
		return key, nil
	}
	// Data keys take one more, irreversible step.
	defer clear(key[:])
	block, err := newTDES(key)
	if err != nil {
		return [16]byte{}, err
	}
	var out [16]byte
	block.Encrypt(out[:8], key[:8])
	block.Encrypt(out[8:], key[8:])
	return out, nil
}
