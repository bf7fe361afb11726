package keys

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/cloudpos/cloudpos/secret"
)

// Errors of PIN blocks. They never tell digits.
var (
	// ErrPIN is a PIN that is not 4 to 12 digits, or a PAN that is not 8 to 19.
	ErrPIN = errors.New("keys: PIN or account number cannot go into a PIN block")
	// ErrPINBlock is a block that does not hold a PIN for this account under
	// this key. What exactly is wrong is not told.
	ErrPINBlock = errors.New("keys: not a PIN block of this key and account")
	// ErrPINFormat is a block format that is not spoken here.
	ErrPINFormat = errors.New("keys: unknown PIN block format")
)

// The lengths of ISO 9564-1, 8.1 and of an account number.
const (
	pinMin, pinMax = 4, 12
	panMin, panMax = 8, 19
)

// EncodePIN builds a clear PIN block of ISO 9564-1 format 0 or 3.
func EncodePIN(format uint8, pin secret.Bytes, pan secret.PAN) (secret.Bytes, error) {
	if format != 0 && format != 3 {
		return nil, fmt.Errorf("%w %d", ErrPINFormat, format)
	}
	account, err := panField(pan)
	if err != nil {
		return nil, err
	}
	defer clear(account[:])
	if len(pin) < pinMin || len(pin) > pinMax || !digits(pin) {
		return nil, ErrPIN
	}
	var nibbles [16]byte
	defer clear(nibbles[:])
	nibbles[0], nibbles[1] = format, byte(len(pin))
	if err := fill(format, nibbles[2:]); err != nil {
		return nil, err
	}
	for i, d := range pin {
		nibbles[2+i] = d - '0'
	}
	block := make(secret.Bytes, 8)
	for i := range block {
		block[i] = nibbles[2*i]<<4 | nibbles[2*i+1] ^ account[i]
	}
	return block, nil
}

// fill writes what stands behind the PIN: F in format 0, random A to F in
// format 3.
func fill(format uint8, nibbles []byte) error {
	for i := range nibbles {
		nibbles[i] = 0xF
	}
	if format == 0 {
		return nil
	}
	for done := 0; done < len(nibbles); {
		var random [32]byte
		if _, err := rand.Read(random[:]); err != nil {
			return fmt.Errorf("keys: random fill: %w", err)
		}
		for _, b := range random {
			// A byte modulo 6 would favour some; those above 251 are left out.
			if b < 252 && done < len(nibbles) {
				nibbles[done] = 0xA + b%6
				done++
			}
		}
	}
	return nil
}

// DecodePIN reads the PIN out of a clear block of format 0 or 3. The caller
// clears what it gets.
func DecodePIN(format uint8, block []byte, pan secret.PAN) (secret.Bytes, error) {
	if format != 0 && format != 3 {
		return nil, fmt.Errorf("%w %d", ErrPINFormat, format)
	}
	account, err := panField(pan)
	if err != nil {
		return nil, err
	}
	defer clear(account[:])
	if len(block) != 8 {
		return nil, ErrPINBlock
	}
	var nibbles [16]byte
	defer clear(nibbles[:])
	for i, b := range block {
		b ^= account[i]
		nibbles[2*i], nibbles[2*i+1] = b>>4, b&0xF
	}
	n := int(nibbles[1])
	if nibbles[0] != format || n < pinMin || n > pinMax {
		return nil, ErrPINBlock
	}
	fillMin := byte(0xF)
	if format == 3 {
		fillMin = 0xA
	}
	for i, v := range nibbles[2:] {
		if i < n && v > 9 || i >= n && v < fillMin {
			return nil, ErrPINBlock
		}
	}
	pin := make(secret.Bytes, n)
	for i := range pin {
		pin[i] = '0' + nibbles[2+i]
	}
	return pin, nil
}

// EncryptPIN builds a PIN block of format 0 or 3 and enciphers it. key is the
// PIN key itself: a DUKPT key goes through Variant first.
func EncryptPIN(format uint8, key [16]byte, pin secret.Bytes, pan secret.PAN) (secret.Bytes, error) {
	defer clear(key[:])
	block, err := EncodePIN(format, pin, pan)
	if err != nil {
		return nil, err
	}
	cipher, err := newTDES(key)
	if err != nil {
		block.Clear()
		return nil, err
	}
	cipher.Encrypt(block, block)
	return block, nil
}

// DecryptPIN opens what EncryptPIN made. A wrong key, account or format ends
// in ErrPINBlock, save by chance. The caller clears the PIN.
func DecryptPIN(format uint8, key [16]byte, block []byte, pan secret.PAN) (secret.Bytes, error) {
	defer clear(key[:])
	if len(block) != 8 {
		return nil, ErrPINBlock
	}
	cipher, err := newTDES(key)
	if err != nil {
		return nil, err
	}
	var plain [8]byte
	defer clear(plain[:])
	cipher.Decrypt(plain[:], block)
	return DecodePIN(format, plain[:], pan)
}

// panField is 0000 and the twelve right-most digits without the check digit.
// ISO 9564-1, 9.3.2.3.
func panField(pan secret.PAN) ([8]byte, error) {
	var field [8]byte
	if len(pan) < panMin || len(pan) > panMax || !digits(pan) {
		return field, ErrPIN
	}
	account := pan[:len(pan)-1]
	for i := range min(12, len(account)) {
		d := account[len(account)-1-i] - '0'
		field[7-i/2] |= d << (4 * (i % 2))
	}
	return field, nil
}

// digits tells whether all are ASCII digits.
func digits(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
