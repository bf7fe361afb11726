package sim

import (
	"bytes"
	"crypto/rsa"
	"crypto/subtle"
	"io"
	"math/big"
)

// The kinds of PIN in VERIFY's P2. EMV 4.4 Book 3, 6.5.12.
const (
	verifyPlain      = 0x80
	verifyEnciphered = 0x88
)

// challengeSize is how much GET CHALLENGE gives. EMV 4.4 Book 3, 6.5.6.
const challengeSize = 8

// getChallenge gives random bytes, which are good for one PIN.
func (c *Card) getChallenge() ([]byte, int) {
	b := make([]byte, challengeSize)
	if _, err := io.ReadFull(c.random, b); err != nil {
		return nil, swConditions
	}
	c.challenge = b
	return b, swOK
}

// verify compares a PIN: in a block of ISO 9564-1 format 2, as it is or
// enciphered. What cannot be deciphered counts as a wrong one. EMV 4.4 Book 3,
// 6.5.12.
func (c *Card) verify(cmd apdu) int {
	challenge := c.challenge
	c.challenge = nil
	key := c.pinCipher()
	switch {
	case c.at < initiated || c.pin() == "":
		return swConditions
	case cmd.p2 != verifyPlain && (cmd.p2 != verifyEnciphered || key == nil):
		return swNoReference
	case cmd.p2 == verifyPlain && len(cmd.data) != pinBlockSize, cmd.p2 == verifyEnciphered && len(cmd.data) != key.Size():
		return swWrongLength
	case cmd.p2 == verifyEnciphered && challenge == nil:
		return swConditions
	case c.counters.PINTries == 0:
		return swBlocked
	}
	block := cmd.data
	if cmd.p2 == verifyEnciphered {
		block = decipherPIN(key, cmd.data, challenge)
	}
	if subtle.ConstantTimeCompare(block, plainPINBlock(c.pin())) == 1 {
		c.counters.PINTries, c.pinRight = pinTriesMax, true
		return swOK
	}
	c.counters.PINTries--
	c.pinRight = false
	return swTriesLeft | c.counters.PINTries
}

// pinCipher is the key that PINs are enciphered for: one of its own, or the one
// that the card signs with. EMV 4.4 Book 2, 7.1.
func (c *Card) pinCipher() *rsa.PrivateKey {
	if c.pinKey != nil {
		return c.pinKey
	}
	return c.key
}

// decipherPIN returns the PIN block, or nothing that is one. EMV 4.4 Book 2, 7.2.
func decipherPIN(key *rsa.PrivateKey, data, challenge []byte) []byte {
	const header = 0x7F
	m := new(big.Int).SetBytes(data)
	plain := m.Exp(m, key.D, key.N).FillBytes(make([]byte, key.Size()))
	block, rest := plain[1:1+pinBlockSize], plain[1+pinBlockSize:]
	if plain[0] != header || !bytes.HasPrefix(rest, challenge) {
		return nil
	}
	return block
}

// pinBlockSize is the length of a PIN block.
const pinBlockSize = 8

// plainPINBlock is 2, the length, the digits, and F to the end.
func plainPINBlock(pin string) []byte {
	block := []byte{0x20 | byte(len(pin)), 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
	for i := range min(len(pin), 14) {
		shift := 4 * (1 - i%2)
		block[1+i/2] = block[1+i/2]&^(0x0F<<shift) | (pin[i]-'0')<<shift
	}
	return block
}
