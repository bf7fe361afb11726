package emv

import (
	"errors"
	"slices"

	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// CDAMode says with which cryptograms CDA is asked for, beside a TC that needs
// no issuer. EMV 4.4 Book 4, 6.3.2.1.
type CDAMode uint8

// The modes. New terminals have mode 1.
const (
	CDAMode1 CDAMode = 1 + iota // with an ARQC, and with the TC after the issuer's approval
	CDAMode2                    // with an ARQC
	CDAMode3                    // with neither
	CDAMode4                    // with the TC after the issuer's approval
)

// requestCDA in GENERATE AC's P1 asks for a signature. EMV 4.4 Book 3, 6.5.5.
const requestCDA = 0x10

// errUnsigned is a TC or an ARQC without the signature that was asked for.
var errUnsigned = errors.New("the cryptogram is not signed")

// prepareCombined is CDA as far as it goes without a cryptogram. Keys that fail
// here show in the action analysis. EMV 4.4 Book 2, 6.6 and Book 4, 6.3.2.1.
func (k *Kernel) prepareCombined() (Action, error) {
	key, err := k.recoverICC()
	if err != nil {
		k.tsi.set(tsiODA)
		return k.authenticationFailed(err)
	}
	k.auth.icc = key
	return k.restrict()
}

// signature is what became of the signature of the latest cryptogram.
type signature uint8

const (
	signatureNone  signature = iota // not asked for
	signatureAsked                  // not seen yet, or not needed: an AAC has none
	signatureGood
	signatureWrong
	signatureJudged // wrong by XDA, and the issuer, who was told, has answered
)

// trusted tells whether a TC may be taken for one. One that proves nothing
// stands by the issuer's word alone.
func (k *Kernel) trusted() bool {
	switch k.auth.signature {
	case signatureNone:
		return k.auth.method != odaXDA
	case signatureGood:
		return true
	case signatureJudged:
		return k.host.Approved
	case signatureAsked, signatureWrong:
	}
	return false
}

// askSignature is the part of GENERATE AC's P1 that asks for CDA or XDA.
// values are what is sent with it, which the signature covers.
func (k *Kernel) askSignature(request cryptogram, values []byte) byte {
	k.auth.sent = append(k.auth.sent, values...)
	over := k.auth.signature == signatureWrong || k.auth.signature == signatureJudged // it stays so
	switch {
	case k.auth.method == odaXDA:
		if !over {
			k.auth.signature = signatureAsked
		}
		return requestXDA
	case over:
	case k.wantsSignature(request):
		k.auth.signature = signatureAsked
		return requestCDA
	default:
		k.auth.signature = signatureNone
	}
	return 0
}

// wantsSignature tells whether CDA goes with a request. An AAC never has it.
// EMV 4.4 Book 4, 6.3.2.1.
func (k *Kernel) wantsSignature(request cryptogram) bool {
	if k.auth.method != odaCDA || k.auth.err != nil || request == authenticationCryptogram {
		return false
	}
	switch mode := k.cfg.CDAMode; {
	case request == requestCryptogram:
		return mode == CDAMode1 || mode == CDAMode2
	case k.host.Online:
		return mode == CDAMode1 || mode == CDAMode4
	}
	return true // the card's word is all there is
}

// toBeSigned tells whether a cryptogram with this information must be signed.
// EMV 4.4 Book 2, 6.6.1.
func (k *Kernel) toBeSigned(information []byte) bool {
	return k.auth.signature == signatureAsked && len(information) == 1 &&
		cryptogram(information[0]&cryptogramMask) != authenticationCryptogram
}

// verifySignature checks the signature of a TC or an ARQC if there must be
// one, takes the cryptogram out of it, and reports whether it can be trusted.
// EMV 4.4 Book 2, 6.6.2.
func (k *Kernel) verifySignature() bool {
	if k.auth.method == odaXDA {
		return k.verifyExtended()
	}
	if !k.toBeSigned(k.generated[tlv.CryptogramInformation]) {
		return true
	}
	k.tsi.set(tsiODA)
	number, ac, err := k.openSignature()
	if err != nil {
		k.tvr.Set(tvrCDAFailed)
		k.auth.err, k.auth.signature = err, signatureWrong
		return false
	}
	k.terminal[tlv.ICCDynamicNumber] = number
	k.generated[tlv.ApplicationCryptogram] = ac
	k.auth.signature = signatureGood
	return true
}

func (k *Kernel) openSignature() (number, ac []byte, err error) {
	sdad, given := k.generated[tlv.SDAD]
	if !given {
		return nil, nil, errUnsigned
	}
	return oda.VerifyCombined(k.auth.icc, sdad, oda.Combined{
		UnpredictableNumber: k.terminal[tlv.UnpredictableNumber],
		CID:                 k.generated[tlv.CryptogramInformation][0],
		Transaction:         slices.Concat(k.auth.sent, k.auth.covered),
	})
}

// declineUnsigned declines after the first GENERATE AC: a TC at once, an ARQC
// by asking for an AAC, without the issuer. EMV 4.4 Book 4, 6.3.2.1 and
// 6.3.2.2.4.
func (k *Kernel) declineUnsigned() (Action, error) {
	k.setARC(arcOfflineDeclined)
	if k.cryptogram() == transactionCertificate {
		return k.endUnsigned(), nil
	}
	k.state = generatingSecond
	return k.generate(authenticationCryptogram, k.cdol2)
}

// endUnsigned is the decline of a card whose signature was wrong.
func (k *Kernel) endUnsigned() Action {
	if k.state != generatingFirst && k.requested == transactionCertificate && !k.host.Online {
		k.setARC(arcUnableDeclined)
	}
	if k.auth.method == odaXDA {
		return k.end(Declined, ReasonSignature, "XDA failed (Book 4, 6.3.2.2.4)")
	}
	return k.end(Declined, ReasonSignature, "CDA failed (Book 4, 6.3.2.1)")
}

// unsigned are the objects of a template as they came, in their order, without
// the signature: what the transaction data hash code covers at its end. The
// template has been parsed. EMV 4.4 Book 2, 6.6.1.
func unsigned(template []byte, objects []tlv.Object) []byte {
	var out []byte
	for _, o := range objects {
		for template[0] == 0 { // padding between objects
			template = template[1:]
		}
		size := len(o.Tag.Append(nil)) + 1
		if first := template[size-1]; first > 0x80 { // a length of more bytes
			size += int(first & 0x7F)
		}
		size += len(o.Value)
		if o.Tag != tlv.SDAD {
			out = append(out, template[:size]...)
		}
		template = template[size:]
	}
	return out
}
