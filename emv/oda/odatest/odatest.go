// Package odatest plays the authorities and cards of RSA that tests of kernels
// verify. Keys are made at run time and forgotten.
package odatest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // EMV 4.4 Book 2, B3.1
	"fmt"
	"math/big"
	"sync"
)

// Keys are those of a certification authority, an issuer and a card.
type Keys struct{ CA, Issuer, ICC *rsa.PrivateKey }

// New makes keys, once for each test program.
var New = sync.OnceValues(func() (Keys, error) {
	var k Keys
	for _, made := range []struct {
		key  **rsa.PrivateKey
		bits int
	}{{&k.CA, 1408}, {&k.Issuer, 1152}, {&k.ICC, 1024}} {
		key, err := rsa.GenerateKey(rand.Reader, made.bits)
		if err != nil {
			return k, fmt.Errorf("odatest: %w", err)
		}
		*made.key = key
	}
	return k, nil
})

// Certificate fields before hash algorithm, key algorithm and lengths: format,
// owner, expiry, serial number. EMV 4.4 Book 2, tables 2 and 12.
const (
	IssuerFixed = 36 // bytes of an issuer's certificate beside the key
	ICCFixed    = 42
)

// Certify makes a certificate of key by another key, over static data too, and
// the rest of the modulus that does not fit in. EMV 4.4 Book 2, 5.1 and 6.1.
func Certify(by, key *rsa.PrivateKey, fields []byte, fixed int, static []byte) (signed, rest []byte) {
	content := append(bytes.Clone(fields), 1, 1, byte(key.Size()), byte(len(Exponent(key))))
	modulus, room := key.N.Bytes(), by.Size()-fixed
	content = append(content, modulus[:min(room, len(modulus))]...)
	content = append(content, bytes.Repeat([]byte{0xBB}, max(room-len(modulus), 0))...)
	rest = modulus[min(room, len(modulus)):]
	return Sign(by, content, rest, Exponent(key), static), rest
}

// SignDynamic signs dynamic data of a card together with what it was told.
// EMV 4.4 Book 2, 6.5.1.
func SignDynamic(key *rsa.PrivateKey, data []byte, told ...[]byte) []byte {
	content := append([]byte{0x05, 0x01, byte(len(data))}, data...)
	content = append(content, bytes.Repeat([]byte{0xBB}, key.Size()-22-len(content))...)
	return Sign(key, content, told...)
}

// Sign is the signature with message recovery. EMV 4.4 Book 2, A2.1.2.
func Sign(key *rsa.PrivateKey, content []byte, extra ...[]byte) []byte {
	hash := sha1.Sum(append(bytes.Clone(content), bytes.Join(extra, nil)...))
	plain := append(append(append([]byte{0x6A}, content...), hash[:]...), 0xBC)
	return new(big.Int).Exp(new(big.Int).SetBytes(plain), key.D, key.N).FillBytes(make([]byte, key.Size()))
}

// Exponent is the public exponent in its shortest form.
func Exponent(k *rsa.PrivateKey) []byte { return big.NewInt(int64(k.E)).Bytes() }
