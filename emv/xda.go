package emv

import (
	"errors"
	"slices"

	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// requestXDA in GENERATE AC's P1 asks for a signature. It goes with each
// request, that for an AAC too, and whether the card's key is known or not.
// EMV 4.4 Book 3, 6.5.5 and Book 2, 12.5.
const requestXDA = 0x08

// prepareExtended is XDA as far as it goes without a cryptogram. What fails
// here shows after the first cryptogram alone, and so neither in the first
// action analysis nor in what the card is told; that data is missing shows at
// once. EMV 4.4 Book 2, 12.
func (k *Kernel) prepareExtended() (Action, error) {
	k.auth.curve, k.auth.err = k.recoverCurve()
	switch {
	case errors.Is(k.auth.err, oda.ErrMissing):
		k.tvr.Set(tvrDataMissing)
		k.auth.failed = tvrCurveKeyFailed
	case errors.Is(k.auth.err, oda.ErrCAKey):
		k.auth.failed = tvrCurveCAMissing
	case k.auth.err != nil:
		k.auth.failed = tvrCurveKeyFailed
	}
	return k.restrict()
}

// recoverCurve goes from the CA key to the card's. EMV 4.4 Book 2, 12.2 to 12.4
// and Book 3, 10.3.
func (k *Kernel) recoverCurve() (oda.CurveKey, error) {
	for _, t := range []tlv.Tag{tlv.CAKeyIndex, tlv.IssuerCertificate, tlv.ICCCertificate} {
		if len(k.card[t]) == 0 {
			return oda.CurveKey{}, oda.ErrMissing
		}
	}
	static, err := k.records.Static()
	if err != nil {
		return oda.CurveKey{}, err
	}
	ca, err := k.chain().CA()
	if err != nil {
		return oda.CurveKey{}, err
	}
	issuer, err := oda.RecoverIssuerCurve(ca, k.card[tlv.IssuerCertificate], k.pan, k.tx.At)
	if err != nil {
		return oda.CurveKey{}, err
	}
	data := oda.Certified(static, k.card[tlv.AIP], k.terminal[tlv.AID], k.card[tlv.PDOL])
	return oda.RecoverICCCurve(issuer, k.card[tlv.ICCCertificate], data, k.tx.At)
}

// verifyExtended checks the signature of a TC or an ARQC and reports whether it
// can be trusted. An AAC is not looked at. EMV 4.4 Book 2, 12.5.3.
func (k *Kernel) verifyExtended() bool {
	if k.auth.err != nil {
		k.tvr.Set(k.auth.failed)
	}
	if !k.toBeSigned(k.generated[tlv.CryptogramInformation]) {
		return true
	}
	if k.auth.err == nil {
		k.tsi.set(tsiODA)
		transaction := slices.Concat(k.auth.sent, k.auth.covered)
		if k.auth.err = oda.VerifyExtended(k.auth.curve, k.generated[tlv.SDAD], transaction); k.auth.err == nil {
			k.auth.signature = signatureGood
			return true
		}
		k.auth.failed = tvrXDAFailed
		k.tvr.Set(tvrXDAFailed)
	}
	k.auth.signature = signatureWrong
	return false
}

// extendedFailed goes on after a first TC or ARQC that proves nothing: unless
// the denial codes forbid it the issuer is asked, also where the card would
// have approved by itself. EMV 4.4 Book 4, 6.3.2.2.4.
func (k *Kernel) extendedFailed() (Action, error) {
	if k.denies() {
		return k.declineUnsigned()
	}
	return k.goOnline()
}

// unableExtended declines when the issuer cannot be asked about a card that
// has not proved itself, whatever the default codes say. EMV 4.4 Book 4,
// 6.3.2.2.4.
func (k *Kernel) unableExtended() (Action, error) {
	k.setARC(arcUnableDeclined)
	if k.cryptogram() == transactionCertificate {
		return k.endUnsigned(), nil
	}
	k.state = generatingSecond
	return k.generate(authenticationCryptogram, k.cdol2)
}
