package kernel2

import (
	"errors"
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// prepareSignature recovers the card's key before the cryptogram. What fails
// here shows in the action analysis; a card that has the AIP unsigned ends the
// tap. EMV Contactless Book C-2, state 4 (S456).
func (t *tap) prepareSignature() error {
	if !t.signing.chosen {
		return nil
	}
	t.signing.key, t.signing.err = t.recoverKey()
	if t.signing.err == nil {
		return nil
	}
	if errors.Is(t.signing.err, oda.ErrTagList) {
		return wrong("%v (Book C-2, S456)", t.signing.err)
	}
	t.tvr.Set(tvrCDAFailed)
	if errors.Is(t.signing.err, oda.ErrMissing) {
		t.tvr.Set(tvrDataMissing)
	}
	return nil
}

// recoverKey goes from the CA's key to the card's. EMV 4.4 Book 2, 6.6.
func (t *tap) recoverKey() (oda.PublicKey, error) {
	chain := &oda.Chain{Keys: t.cfg.Terminal.CAKeys, Objects: t.Card, PAN: t.PAN, Today: t.tx.At}
	if err := chain.Complete(tlv.ICCCertificate, tlv.ICCKeyExponent, tlv.SDATagList); err != nil {
		return oda.PublicKey{}, err
	}
	static, err := t.records.Static()
	if err != nil {
		return oda.PublicKey{}, err
	}
	if static, err = oda.Static(static, t.Card[tlv.SDATagList], t.Card[tlv.AIP]); err != nil {
		return oda.PublicKey{}, err
	}
	return chain.ICC(static)
}

// verifySignature checks a signed cryptogram, and takes the cryptogram out of
// it. What was exchanged against relays must be signed too. EMV Contactless
// Book C-2, states 9 and 10 (S910), and EMV 4.4 Book 2, 6.6.2.
func (t *tap) verifySignature() error {
	if !t.signing.usable() {
		return failure{reason: emv.ReasonSignature, l2: l2CAM, detail: "a signature, and no key for it (Book C-2, S910)"}
	}
	number, ac, err := oda.VerifyCombined(t.signing.key, t.generated[tlv.SDAD], oda.Combined{
		UnpredictableNumber: t.Terminal[tlv.UnpredictableNumber],
		CID:                 t.generated[tlv.CryptogramInformation][0],
		Transaction:         slices.Concat(t.signing.sent, t.covered),
		Further:             t.relayed,
	})
	if err != nil {
		t.tvr.Set(tvrCDAFailed)
		t.signing.err = err
		return failure{reason: emv.ReasonSignature, l2: l2CAM, detail: "CDA (Book C-2, S910)"}
	}
	t.Terminal[tlv.ICCDynamicNumber] = number
	t.generated[tlv.ApplicationCryptogram] = ac
	t.signing.verified = true
	return nil
}
