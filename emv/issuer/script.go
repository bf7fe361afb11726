package issuer

import (
	"crypto/cipher"
	"errors"
	"fmt"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// MasterKeys are an issuer's, from which each card's own are derived.
type MasterKeys struct {
	AC       [16]byte // application cryptograms
	MAC      [16]byte // integrity of script commands
	Encipher [16]byte // confidentiality of script commands
}

// Format masks the keys for every fmt verb.
func (MasterKeys) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[keys]")) }

// ErrScript is a script that cannot be made.
var ErrScript = errors.New("issuer: script")

// Script commands, with secure messaging in format 2: the lower half of CLA is
// 4, and a MAC ends the data. EMV 4.4 Book 3, 6.5; PUT DATA is ISO/IEC
// 7816-4's.
const (
	claSecure       = 0x84
	claSecureCommon = 0x04

	insCardBlock          = 0x16
	insApplicationUnblock = 0x18
	insApplicationBlock   = 0x1E
	insPINChange          = 0x24
	insPutData            = 0xDA

	changeToNewPIN = 0x02 // P2 of PIN CHANGE/UNBLOCK
)

// scriptDataMax is what a command has room for beside its MAC.
const scriptDataMax = 255 - 8

// A Scripter secures the script commands of one transaction. What a MAC covers
// besides the command is for each payment system to say; in this one it is the
// MAC before it, and first of all the cryptogram, so that commands can be
// neither left out nor used again. EMV 4.4 Book 2, 9.2.3 and 9.3.
type Scripter struct {
	mac, encipher [16]byte
	chain         [8]byte
}

// NewScripter takes the card's master keys for integrity and confidentiality,
// and the cryptogram of the first GENERATE AC.
func NewScripter(mac, encipher [16]byte, ac [8]byte) *Scripter {
	return &Scripter{mac: ScriptKey(mac, ac), encipher: ScriptKey(encipher, ac), chain: ac}
}

// BlockApplication is APPLICATION BLOCK. EMV 4.4 Book 3, 6.5.1.
func (s *Scripter) BlockApplication() []byte {
	return s.secure(claSecure, insApplicationBlock, 0, 0, nil)
}

// UnblockApplication is APPLICATION UNBLOCK. EMV 4.4 Book 3, 6.5.2.
func (s *Scripter) UnblockApplication() []byte {
	return s.secure(claSecure, insApplicationUnblock, 0, 0, nil)
}

// BlockCard is CARD BLOCK. EMV 4.4 Book 3, 6.5.3.
func (s *Scripter) BlockCard() []byte { return s.secure(claSecure, insCardBlock, 0, 0, nil) }

// UnblockPIN is PIN CHANGE/UNBLOCK that gives the tries back. EMV 4.4 Book 3,
// 6.5.10.
func (s *Scripter) UnblockPIN() []byte { return s.secure(claSecure, insPINChange, 0, 0, nil) }

// ChangePIN is PIN CHANGE/UNBLOCK with a new PIN, enciphered as a block of
// format 2. It gives the tries back too.
func (s *Scripter) ChangePIN(pin string) ([]byte, error) {
	if len(pin) < 4 || len(pin) > 12 || !decimal(pin) {
		return nil, fmt.Errorf("%w: a PIN of %d characters, want 4 to 12 digits", ErrScript, len(pin))
	}
	block := []byte{0x20 | byte(len(pin))}
	block = append(block, compressed(pin, 7)...)
	defer clear(block)
	return s.secure(claSecure, insPINChange, 0, changeToNewPIN, EncipherScript(s.encipher, block)), nil
}

// PutData writes a data object of a tag of two bytes.
func (s *Scripter) PutData(tag tlv.Tag, value []byte) ([]byte, error) {
	if tag > 0xFFFF || len(value) > scriptDataMax {
		return nil, fmt.Errorf("%w: %v of %d bytes does not fit into PUT DATA", ErrScript, tag, len(value))
	}
	return s.secure(claSecureCommon, insPutData, byte(tag>>8), byte(tag), value), nil
}

// secure appends the MAC and chains it.
func (s *Scripter) secure(cla, ins, p1, p2 byte, data []byte) []byte {
	command := append([]byte{cla, ins, p1, p2, byte(len(data) + len(s.chain))}, data...)
	s.chain = ScriptMAC(s.mac, append(s.chain[:len(s.chain):len(s.chain)], command...))
	return append(command, s.chain[:]...)
}

// Script is a template 71 or 72 around commands, with the identifier that comes
// back with their result. EMV 4.4 Book 3, Annex E.
func Script(template tlv.Tag, id [4]byte, commands ...[]byte) []byte {
	inner := tlv.Append(nil, tlv.ScriptIdentifier, id[:])
	for _, c := range commands {
		inner = tlv.Append(inner, tlv.ScriptCommand, c)
	}
	return tlv.Append(nil, template, inner)
}

// EncipherScript enciphers a script command's data: triple DES in CBC mode, with
// padding method 2. EMV 4.4 Book 2, 9.3.1 and A1.1.
func EncipherScript(key [16]byte, data []byte) []byte {
	padded := append(append([]byte{}, data...), 0x80)
	for len(padded)%8 != 0 {
		padded = append(padded, 0)
	}
	cipher.NewCBCEncrypter(tdes(key), make([]byte, 8)).CryptBlocks(padded, padded)
	return padded
}

// DecipherScript undoes EncipherScript. It reports false when the padding is
// none.
func DecipherScript(key [16]byte, data []byte) ([]byte, bool) {
	if len(data) == 0 || len(data)%8 != 0 {
		return nil, false
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(tdes(key), make([]byte, 8)).CryptBlocks(plain, data)
	for n := len(plain) - 1; n >= len(plain)-8; n-- {
		switch plain[n] {
		case 0x80:
			return plain[:n], true
		case 0:
		default:
			return nil, false
		}
	}
	return nil, false
}
