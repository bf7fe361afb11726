package issuer

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/sha1" // EMV 4.4 Book 2, A1.4.2 prescribes it
	"crypto/subtle"
	"encoding/hex"
	"math/bits"
	"strings"
)

// optionAMax is the longest PAN that option A of the key derivation takes.
const optionAMax = 16

// DeriveICC derives a card's master key from the issuer's: option A, and
// option B for account numbers of more than 16 digits. psn is two digits; ""
// counts as 00. EMV 4.4 Book 2, A1.4.
func DeriveICC(imk [16]byte, pan, psn string) [16]byte {
	if psn == "" {
		psn = "00"
	}
	y := diversifier(pan, psn)
	block := tdes(imk)
	var key [16]byte
	block.Encrypt(key[:8], y[:])
	for i := range y {
		y[i] ^= 0xFF
	}
	block.Encrypt(key[8:], y[:])
	return oddParity(key)
}

// diversifier is the eight bytes that make a card's key its own.
func diversifier(pan, psn string) (y [8]byte) {
	digits := pan + psn
	if len(pan) > optionAMax {
		digits = hashDigits(digits)
	}
	if missing := 16 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	digits = digits[len(digits)-16:]
	for i := range y {
		y[i] = (digits[2*i]-'0')<<4 | (digits[2*i+1]-'0')&0x0F
	}
	return y
}

// hashDigits is the first sixteen decimal digits of the SHA-1 over the digits;
// where those do not suffice, A to F count as 0 to 5. EMV 4.4 Book 2, A1.4.2.
func hashDigits(digits string) string {
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	packed := make([]byte, len(digits)/2)
	for i := range packed {
		packed[i] = (digits[2*i]-'0')<<4 | (digits[2*i+1]-'0')&0x0F
	}
	sum := sha1.Sum(packed)
	var decimal, letters []byte
	for _, c := range []byte(hex.EncodeToString(sum[:])) {
		if c <= '9' {
			decimal = append(decimal, c)
		} else {
			letters = append(letters, c-'a'+'0')
		}
	}
	return string(append(decimal, letters...)[:16])
}

// SessionKey derives the key of one transaction by the common session key
// method. EMV 4.4 Book 2, A1.3.1.
func SessionKey(mk [16]byte, atc uint16) [16]byte {
	return commonSessionKey(mk, [8]byte{byte(atc >> 8), byte(atc)})
}

// ScriptKey derives the key that authenticates script commands after an ARQC
// from the card's master key for secure messaging. EMV 4.4 Book 2, 9.2.3.
func ScriptKey(mk [16]byte, arqc [8]byte) [16]byte { return commonSessionKey(mk, arqc) }

// commonSessionKey diversifies with r, its third byte set to F0 and 0F.
func commonSessionKey(mk [16]byte, r [8]byte) [16]byte {
	block := tdes(mk)
	var key [16]byte
	r[2] = 0xF0
	block.Encrypt(key[:8], r[:])
	r[2] = 0x0F
	block.Encrypt(key[8:], r[:])
	return oddParity(key)
}

// Cryptogram is the MAC over a cryptogram's data: ISO/IEC 9797-1 algorithm 3
// with padding method 2. EMV 4.4 Book 2, 8.1 and A1.2.1.
func Cryptogram(sk [16]byte, data []byte) [8]byte { return mac(sk, data) }

// ScriptMAC is the whole MAC over a script command; a script carries its first
// four to eight bytes. EMV 4.4 Book 2, 9.2.1.
func ScriptMAC(sk [16]byte, data []byte) [8]byte { return mac(sk, data) }

// CryptogramZeros is Cryptogram with padding method 1: zeros, and none where the
// data ends with a block.
func CryptogramZeros(key [16]byte, data []byte) [8]byte { return macBlocks(key, data) }

// mac is algorithm 3 with padding method 2.
func mac(key [16]byte, data []byte) [8]byte {
	return macBlocks(key, append(data[:len(data):len(data)], 0x80))
}

// macBlocks is single DES in CBC mode under the left half, with triple DES for
// the last block, which zeros fill up.
func macBlocks(key [16]byte, data []byte) (out [8]byte) {
	padded := append(make([]byte, 0, len(data)+8), data...)
	for len(padded)%8 != 0 {
		padded = append(padded, 0)
	}
	left, right := single(key[:8]), single(key[8:])
	for ; len(padded) > 0; padded = padded[8:] {
		subtle.XORBytes(out[:], out[:], padded[:8])
		left.Encrypt(out[:], out[:])
	}
	right.Decrypt(out[:], out[:])
	left.Encrypt(out[:], out[:])
	return out
}

// ARPC1 is the issuer's answer to a cryptogram, method 1: under the session
// key, the ARQC with the response code xored into its first bytes. Tag 91 is
// the eight bytes of the ARPC and the two of the code. EMV 4.4 Book 2, 8.2.1.
func ARPC1(sk [16]byte, arqc [8]byte, arc [2]byte) [8]byte {
	arqc[0] ^= arc[0]
	arqc[1] ^= arc[1]
	tdes(sk).Encrypt(arqc[:], arqc[:])
	return arqc
}

// oddParity sets the parity bit of each byte of a DES key.
func oddParity(key [16]byte) [16]byte {
	for i, b := range key {
		if bits.OnesCount8(b)%2 == 0 {
			key[i] = b ^ 1
		}
	}
	return key
}

// tdes is two-key triple DES.
func tdes(key [16]byte) cipher.Block {
	block, err := des.NewTripleDESCipher(append(key[:], key[:8]...))
	if err != nil {
		panic("issuer: triple DES refuses 24 bytes: " + err.Error()) // cannot be: the length is right
	}
	return block
}

// single is DES under half a key.
func single(half []byte) cipher.Block {
	block, err := des.NewCipher(half)
	if err != nil {
		panic("issuer: DES refuses 8 bytes: " + err.Error()) // cannot be: the length is right
	}
	return block
}
