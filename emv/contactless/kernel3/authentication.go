package kernel3

import (
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Bits of the AIP, byte 1, that tell what a card can prove. EMV Contactless
// Book C-3, Annex A.
const (
	aipSDA = 0x40
	aipDDA = 0x20
)

// relatedMin is the least length of 9F69: old cards leave the copy of the CTQ
// out. EMV Contactless Book C-3, Annex A.
const relatedMin = 5

// authenticate looks whether the card is genuine, if it approves by itself or
// the reader wants to know it in any case. It gives an outcome if another
// interface is to be taken. EMV Contactless Book C-3, 5.6.
func (t *tap) authenticate() emv.Action {
	switch {
	case t.Declined():
		return nil
	case t.Online:
		gate := t.TTQ.Has(quick.TTQODAOnline) && t.Card[tlv.AIP][0]&(aipSDA|aipDDA) != 0
		if t.Cryptogram == quick.CryptogramARQC && gate && !t.verifyOnline() {
			t.Decline(emv.ReasonSignature, "data authentication for an online transaction (Book C-3, 5.6)")
		}
		return nil
	case t.VerifyDynamic(relatedMin):
		return nil
	}
	return t.NotAuthenticated()
}

// verifyOnline proves the card while the issuer is asked too, as gates do that
// open before the answer: by its dynamic signature, or else by the issuer's
// static one. EMV Contactless Book C-3, 5.6.
func (t *tap) verifyOnline() bool {
	if len(t.Card[tlv.SDAD]) > 0 {
		return t.VerifyDynamic(relatedMin)
	}
	if err := t.verifyStatic(); err != nil {
		t.Unproven(err)
		return false
	}
	return true
}

func (t *tap) verifyStatic() error {
	chain, static, err := t.Chain(tlv.SSAD)
	if err != nil {
		return err
	}
	issuer, err := chain.Issuer()
	if err != nil {
		return err
	}
	_, err = oda.VerifyStatic(issuer, t.Card[tlv.SSAD], static)
	return err
}
