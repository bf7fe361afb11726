package quick

import (
	"errors"
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// The card authentication related data, 9F69: version, the card's unpredictable
// number, and a copy of the CTQ which old cards leave out. EMV Contactless Book
// C-3, Annex A.
const (
	relatedVersion = 0x01
	relatedMax     = 16
	relatedCTQ     = 5 // where the copy of the CTQ begins
)

var (
	errNotDynamic = errors.New("the card gives no dynamic signature")
	errRelated    = errors.New("9F69 is missing or of another version")
)

// VerifyDynamic is fDDA: the card's signature over what it was told with GET
// PROCESSING OPTIONS and over its 9F69, which has a least length. A static
// signature proves nothing here, for it can be copied. EMV Contactless Book
// C-3, 5.6 and Annex C, and Book C-7, data authentication.
func (t *Tap) VerifyDynamic(relatedMin int) bool {
	t.authErr = t.verifyDynamic(relatedMin)
	t.authenticated = t.authErr == nil
	return t.authenticated
}

func (t *Tap) verifyDynamic(relatedMin int) error {
	if len(t.Card[tlv.SDAD]) == 0 {
		return errNotDynamic
	}
	related := t.Card[tlv.CardRelatedData]
	if len(related) < relatedMin || len(related) > relatedMax || related[0] != relatedVersion {
		return errRelated
	}
	chain, static, err := t.Chain(tlv.ICCCertificate, tlv.ICCKeyExponent)
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

// Unproven notes why a card was not even asked for a dynamic signature.
func (t *Tap) Unproven(err error) { t.authErr, t.authenticated = err, false }

// Authenticated tells whether VerifyDynamic was content.
func (t *Tap) Authenticated() bool { return t.authenticated }

// Chain leads from the CA keys to the card's, with the static data.
func (t *Tap) Chain(needed ...tlv.Tag) (*oda.Chain, []byte, error) {
	chain := &oda.Chain{Keys: t.opts.Terminal.CAKeys, Objects: t.Card, PAN: t.PAN, Today: t.opts.Activation.Transaction.At}
	if err := chain.Complete(needed...); err != nil {
		return nil, nil, err
	}
	static, err := t.records.Static()
	if err == nil {
		static, err = oda.Static(static, t.Card[tlv.SDATagList], t.Card[tlv.AIP])
	}
	return chain, static, err
}

// NotAuthenticated is what follows for a card that cannot prove itself: the
// issuer is asked, or another interface taken, if card and reader will have
// that. EMV Contactless Book C-3, 5.6, and Book C-7, data authentication.
func (t *Tap) NotAuthenticated() emv.Action {
	detail := "data authentication (" + t.opts.Sections.Authenticate + ")"
	switch {
	case t.CTQ.Has(t.opts.CTQ.OnlineIfODA) && t.OnlineCapable():
		t.Online = true
	case t.CTQ.Has(t.opts.CTQ.SwitchIfODA) && t.TTQ.Has(TTQContact):
		return t.OtherInterface(emv.MessageInsertCard, detail)
	default:
		t.Decline(emv.ReasonSignature, detail)
	}
	return nil
}
