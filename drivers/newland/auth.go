package newland

import (
	"crypto/des"
	"crypto/subtle"
	"fmt"

	"github.com/cloudpos/cloudpos/drivers"
)

// keyMode is a DUKPT key for PINs, by TDES. 4.12.1
const keyMode = 0x86

// choose picks the PIN key; without the right code the pad gives none. 4.12
func (d *Dev) choose() error {
	random, err := d.exchange(d.opts.Random, nil)
	if err != nil {
		return err
	}
	data := []byte{0, keyMode, 0, 0} // DUKPT keys have no number; two bytes are reserved
	code, err := d.opts.code(data, random)
	if err != nil {
		return fmt.Errorf("%s: %w", d.opts.Name, err)
	}
	answer, err := d.exchange(headChoose, append(data, code[:]...))
	if err != nil {
		return err
	}
	if code, err = d.opts.code(nil, random); err != nil {
		return fmt.Errorf("%s: %w", d.opts.Name, err)
	}
	if subtle.ConstantTimeCompare(code[:], answer) != 1 {
		return fmt.Errorf("%s: %w: the pad does not know the authentication key", d.opts.Name, drivers.ErrProtocol)
	}
	return nil
}

// code is the authentication code: the MAC of ISO 9797-1 algorithm 3 over the
// data, the pad's random number and its UID, filled up with zeros. 4.6.1
func (o Opts) code(data, random []byte) (mac [blockSize]byte, err error) {
	left, err := des.NewCipher(o.Auth[:blockSize])
	if err != nil {
		return mac, fmt.Errorf("authentication code: %w", err)
	}
	right, err := des.NewCipher(o.Auth[blockSize:])
	if err != nil {
		return mac, fmt.Errorf("authentication code: %w", err)
	}
	text := make([]byte, 0, 40)
	text = append(text, data...)
	text = append(text, random...)
	text = append(text, o.UID[:]...)
	for len(text)%blockSize != 0 {
		text = append(text, 0)
	}
	for ; len(text) > 0; text = text[blockSize:] {
		subtle.XORBytes(mac[:], mac[:], text[:blockSize])
		left.Encrypt(mac[:], mac[:])
	}
	right.Decrypt(mac[:], mac[:])
	left.Encrypt(mac[:], mac[:])
	return mac, nil
}
