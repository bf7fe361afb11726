package kernel3

import (
	"errors"
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Bits of the AIP, byte 1, that tell what a card can prove. EMV Contactless
// Book C-3, Annex A.
const (
	aipSDA = 0x40
	aipDDA = 0x20
)

// The card authentication related data, 9F69: version, the card's unpredictable
// number, and a copy of the CTQ which old cards leave out. EMV Contactless Book
// C-3, Annex A.
const (
	relatedVersion = 0x01
	relatedMin     = 5
	relatedMax     = 16
	relatedCTQ     = 5 // where the copy of the CTQ begins
)

var (
	errNotDynamic = errors.New("the card gives no dynamic signature")
	errRelated    = errors.New("9F69 is missing or of another version")
)

// authenticate looks whether the card is genuine, if it approves by itself or
// the reader wants to know it in any case. It gives an outcome if another
// interface is to be taken. EMV Contactless Book C-3, 5.6.
func (t *tap) authenticate() emv.Action {
	switch {
	case t.declined != "":
		return nil
	case t.online:
		if t.cryptogram == cryptogramARQC && t.ttq.has(ttqODAOnline) && t.Card[tlv.AIP][0]&(aipSDA|aipDDA) != 0 {
			if t.authErr = t.verifyOnline(); t.authErr != nil {
				t.decline(emv.ReasonSignature, "data authentication for an online transaction (Book C-3, 5.6)")
			}
		}
		return nil
	}
	if t.authErr = t.verifyDynamic(); t.authErr == nil {
		t.authenticated = true
		return nil
	}
	switch {
	case t.ctq.has(ctqOnlineIfODA) && t.onlineCapable():
		t.online = true
	case t.ctq.has(ctqSwitchIfODA) && t.ttq.has(ttqContact):
		return t.otherInterface(emv.MessageInsertCard, "data authentication (Book C-3, 5.6)")
	default:
		t.decline(emv.ReasonSignature, "data authentication (Book C-3, 5.6)")
	}
	return nil
}

// verifyDynamic is fDDA: the card's signature over what it was told with GET
// PROCESSING OPTIONS. A static signature proves nothing here, for it can be
// copied. EMV Contactless Book C-3, 5.6 and Annex C.
func (t *tap) verifyDynamic() error {
	if len(t.Card[tlv.SDAD]) == 0 {
		return errNotDynamic
	}
	related := t.Card[tlv.CardRelatedData]
	if len(related) < relatedMin || len(related) > relatedMax || related[0] != relatedVersion {
		return errRelated
	}
	chain, static, err := t.chain(tlv.ICCCertificate, tlv.ICCKeyExponent)
	if err != nil {
		return err
	}
	key, err := chain.ICC(static)
	if err != nil {
		return err
	}
	_, err = oda.VerifyDynamic(key, t.Card[tlv.SDAD], slices.Concat(
		t.Terminal[tlv.UnpredictableNumber], t.Terminal[tlv.AmountAuthorised], t.Terminal[tlv.TransactionCurrency], related,
	))
	return err
}

// verifyOnline proves the card while the issuer is asked too, as gates do that
// open before the answer: by its dynamic signature, or else by the issuer's
// static one. EMV Contactless Book C-3, 5.6.
func (t *tap) verifyOnline() error {
	if len(t.Card[tlv.SDAD]) > 0 {
		err := t.verifyDynamic()
		t.authenticated = err == nil
		return err
	}
	chain, static, err := t.chain(tlv.SSAD)
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

// chain leads from the CA keys to the card's, with the static data.
func (t *tap) chain(needed ...tlv.Tag) (*oda.Chain, []byte, error) {
	chain := &oda.Chain{Keys: t.cfg.Terminal.CAKeys, Objects: t.Card, PAN: t.PAN, Today: t.a.Transaction.At}
	if err := chain.Complete(needed...); err != nil {
		return nil, nil, err
	}
	static, err := t.records.Static()
	if err == nil {
		static, err = oda.Static(static, t.Card[tlv.SDATagList], t.Card[tlv.AIP])
	}
	return chain, static, err
}
