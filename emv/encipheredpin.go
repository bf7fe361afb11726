package emv

import (
	"errors"

	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// verifyEnciphered is P2 of VERIFY for a PIN enciphered with an RSA key. EMV 4.4
// Book 3, 6.5.12.
const verifyEnciphered = 0x88

// challengeSize is the number that a card gives to be enciphered with a PIN.
// EMV 4.4 Book 3, 6.5.6.
const challengeSize = 8

// errPINKey is a key of another kind: a PIN is enciphered with RSA alone.
var errPINKey = errors.New("the card's key is not one of RSA")

// pinKey is what a PIN is enciphered with, looked for once.
type pinKey struct {
	sought bool
	key    oda.PublicKey
	err    error
}

// challenge asks the card for a number, a new one for each PIN. Without a key
// the method fails. EMV 4.4 Book 2, 7.2.
func (k *Kernel) challenge() (Action, bool) {
	if p := &k.rules.key; !p.sought {
		p.sought = true
		if p.key, p.err = k.recoverPINKey(); p.err == nil && p.key.Size() == 0 {
			p.err = errPINKey
		}
	}
	if k.rules.key.err != nil {
		return nil, false
	}
	k.state = challenging
	return query(claInterindustry, insChallenge, 0, 0, nil), true
}

// challenged goes on to the PIN. A card that gives no number fails the method.
// EMV 4.4 Book 2, 7.2.
func (k *Kernel) challenged(r Response) (Action, error) {
	if r.sw() != swOK || len(r.body()) != challengeSize {
		return k.pinFailed()
	}
	key := k.rules.key.key
	return k.verifyPIN(verifyEnciphered, &PINCipher{
		Modulus: key.Modulus(), Exponent: key.Exponent(), Challenge: append([]byte(nil), r.body()...),
	}), nil
}

// recoverPINKey finds the card's key for PINs, or, if it has none of its own
// for that, the one it signs with. EMV 4.4 Book 2, 7.1.
func (k *Kernel) recoverPINKey() (oda.PublicKey, error) {
	if len(k.card[tlv.PINKeyCertificate]) == 0 || len(k.card[tlv.PINKeyExponent]) == 0 {
		return k.recoverICC()
	}
	for _, t := range []tlv.Tag{tlv.CAKeyIndex, tlv.IssuerCertificate, tlv.IssuerKeyExponent} {
		if len(k.card[t]) == 0 {
			return oda.PublicKey{}, oda.ErrMissing
		}
	}
	issuer, err := k.chain().Issuer()
	if err != nil {
		return oda.PublicKey{}, err
	}
	return oda.RecoverICC(issuer, oda.Certificate{
		Signed: k.card[tlv.PINKeyCertificate], Remainder: k.card[tlv.PINKeyRemainder], Exponent: k.card[tlv.PINKeyExponent],
	}, k.pan, nil, k.tx.At)
}
