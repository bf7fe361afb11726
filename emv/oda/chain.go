package oda

import (
	"time"

	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/secret"
)

// A Chain is what leads from the keys of the CAs to those of a card: the
// objects that the card gives of itself.
type Chain struct {
	Keys    []CAKey
	Objects map[tlv.Tag][]byte
	PAN     secret.PAN
	Today   time.Time
}

// Complete looks for the objects of the issuer's certificate and for further
// ones that a method needs, and fails with ErrMissing. EMV 4.4 Book 3, 7.2.
func (c *Chain) Complete(further ...tlv.Tag) error {
	for _, t := range append(further, tlv.CAKeyIndex, tlv.IssuerCertificate, tlv.IssuerKeyExponent) {
		exponent := t == tlv.IssuerKeyExponent || t == tlv.ICCKeyExponent
		if len(c.Objects[t]) == 0 && (!exponent || !c.sm2()) {
			return ErrMissing
		}
	}
	return nil
}

// sm2 tells whether the card's keys have no exponents: those of SM2 do not.
func (c *Chain) sm2() bool {
	if len(c.Objects[tlv.CAKeyIndex]) == 0 {
		return false
	}
	ca, err := c.CA()
	return err == nil && ca.SM2 != nil
}

// CA is the key that the card names, whose index must be there. EMV 4.4 Book 2,
// 5.2 and 12.2.
func (c *Chain) CA() (CAKey, error) {
	var rid [5]byte
	copy(rid[:], c.Objects[tlv.DFName])
	return FindCA(c.Keys, rid, c.Objects[tlv.CAKeyIndex][0], c.Today)
}

// Issuer is certified by that key. EMV 4.4 Book 2, 5.2 and 5.3.
func (c *Chain) Issuer() (PublicKey, error) {
	ca, err := c.CA()
	if err != nil {
		return PublicKey{}, err
	}
	return RecoverIssuer(ca, Certificate{
		Signed: c.Objects[tlv.IssuerCertificate], Remainder: c.Objects[tlv.IssuerKeyRemainder], Exponent: c.Objects[tlv.IssuerKeyExponent],
	}, c.PAN, c.Today)
}

// ICC is the card's own key, certified by the issuer's together with the static
// data. EMV 4.4 Book 2, 6.4.
func (c *Chain) ICC(static []byte) (PublicKey, error) {
	issuer, err := c.Issuer()
	if err != nil {
		return PublicKey{}, err
	}
	return RecoverICC(issuer, Certificate{
		Signed: c.Objects[tlv.ICCCertificate], Remainder: c.Objects[tlv.ICCKeyRemainder], Exponent: c.Objects[tlv.ICCKeyExponent],
	}, c.PAN, static, c.Today)
}
