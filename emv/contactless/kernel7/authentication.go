package kernel7

import (
	"errors"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// aipDDA is the bit of the AIP, byte 1, of a card that can sign. EMV 4.4 Book 3,
// Annex C1.
const aipDDA = 0x20

var (
	errCannotSign = errors.New("the card cannot sign")
	errSM2        = errors.New("the card signs with SM2, which is not known here")
)

// prove looks whether the card is genuine, where it approves by itself, where
// the reader wants to know it in any case, and where the card makes a claim
// that needs a signature. fDDA is the only way: a static signature can be
// copied, and a combined one needs another command. Book C-7, data
// authentication, and JR/T 0025.12.
func (t *tap) prove() bool {
	switch {
	case t.Declined():
		return false
	case t.Cryptogram == quick.CryptogramARQC && !t.TTQ.Has(quick.TTQODAOnline) && !t.CTQ.Has(t.assumed.CTQ.DeviceCVM):
		return false
	case t.Card[tlv.AIP][0]&aipDDA == 0:
		t.Unproven(errCannotSign)
		return false
	case t.signsSM2():
		t.Unproven(errSM2)
		return false
	}
	return t.VerifyDynamic(t.assumed.RelatedMin)
}

// signsSM2 tells whether the card names an authority that certifies keys of
// SM2. It was told that there is none here.
func (t *tap) signsSM2() bool {
	chain, _, err := t.Chain()
	if err != nil {
		return false
	}
	ca, err := chain.CA()
	return err == nil && ca.SM2 != nil
}

// authenticate is what follows for a card that has not proven itself. A gate
// that opens before the issuer has answered trusts none of those. Book C-7,
// data authentication.
func (t *tap) authenticate(proven bool) emv.Action {
	switch {
	case proven || t.Declined():
	case t.Cryptogram == quick.CryptogramTC:
		return t.NotAuthenticated()
	case t.TTQ.Has(quick.TTQODAOnline):
		t.Decline(emv.ReasonSignature, "data authentication for an online transaction ("+sections.Authenticate+")")
	}
	return nil
}
