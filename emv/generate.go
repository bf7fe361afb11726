package emv

import (
	"errors"
	"slices"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Format 1 of a GENERATE AC response: CID, ATC, cryptogram, issuer's data.
// EMV 4.4 Book 3, 6.5.5.4.
const (
	format1Min, format1Max = 11, 43
	cidReasonMask          = 0x07
	cidNotAllowed          = 0x01
)

// cryptogram is the type of the latest cryptogram; without one it is declined.
func (k *Kernel) cryptogram() cryptogram {
	cid := k.generated[tlv.CryptogramInformation]
	if len(cid) != 1 {
		return authenticationCryptogram
	}
	return cryptogram(cid[0] & cryptogramMask)
}

// ParseCryptogram reads both formats of the response to GENERATE AC, and of the
// second one what a signature in it covers: its objects as they came, without
// the signature. EMV 4.4 Book 3, 6.5.5.4.
func ParseCryptogram(body []byte) (values map[tlv.Tag][]byte, covered []byte, err error) {
	if v, err := tlv.One(body, tlv.ResponseFormat1); err == nil {
		if len(v) < format1Min || len(v) > format1Max {
			return nil, nil, errors.New("wrong length of format 1")
		}
		values := map[tlv.Tag][]byte{
			tlv.CryptogramInformation: v[:1], tlv.ATC: v[1:3], tlv.ApplicationCryptogram: v[3:11],
		}
		if len(v) > format1Min {
			values[tlv.IssuerApplicationData] = v[format1Min:]
		}
		return clone(values), nil, nil
	}
	template, err := tlv.One(body, tlv.ResponseFormat2)
	if err != nil {
		return nil, nil, err
	}
	objects, err := tlv.Parse(template)
	if err != nil {
		return nil, nil, err
	}
	values = map[tlv.Tag][]byte{}
	for _, o := range objects {
		if _, twice := values[o.Tag]; twice || !wellFormed(o) {
			return nil, nil, errors.New(o.Tag.String() + " is given twice or has a wrong length")
		}
		values[o.Tag] = o.Value
	}
	return clone(values), unsigned(template, objects), nil
}

// checkCryptogram looks whether a response holds what it must. What was to be
// signed by CDA has its cryptogram inside the signature. EMV 4.4 Book 3, 6.5.5.4.
func (k *Kernel) checkCryptogram(values map[tlv.Tag][]byte) error {
	needed := []tlv.Tag{tlv.CryptogramInformation, tlv.ATC}
	if k.auth.method == odaXDA || !k.toBeSigned(values[tlv.CryptogramInformation]) {
		needed = append(needed, tlv.ApplicationCryptogram)
	}
	for _, t := range needed {
		if values[t] == nil {
			return errors.New(t.String() + " is missing")
		}
	}
	return nil
}

// generatedBy takes a GENERATE AC response.
func (k *Kernel) generatedBy(r Response) error {
	if r.sw() != swOK {
		return refuse(ReasonCardStatus, "GENERATE AC: %04X (Book 3, 6.5.5)", r.sw())
	}
	values, covered, err := ParseCryptogram(r.body())
	if err == nil {
		err = k.checkCryptogram(values)
	}
	if err != nil {
		return refuse(ReasonCardData, "GENERATE AC: %v (Book 3, 6.5.5.4)", err)
	}
	k.generated, k.auth.covered = values, covered
	return nil
}

// strength orders cryptograms: a card may give less than was asked for.
var strength = []cryptogram{authenticationCryptogram, requestCryptogram, transactionCertificate}

// firstGenerated is card action analysis. EMV 4.4 Book 3, 10.8 and 9.3.
func (k *Kernel) firstGenerated(r Response) (Action, error) {
	if err := k.generatedBy(r); err != nil {
		return nil, err
	}
	k.tsi.set(tsiCardRisk)
	got := k.cryptogram()
	if rank := slices.Index(strength, got); rank < 0 || rank > slices.Index(strength, k.requested) {
		return nil, refuse(ReasonCryptogram, "first GENERATE AC: asked for %02X, got %02X (Book 3, 9.3)", k.requested, got)
	}
	if !k.verifySignature() {
		if k.auth.method == odaXDA {
			return k.extendedFailed()
		}
		return k.declineUnsigned()
	}
	switch got {
	case transactionCertificate:
		return k.approve(), nil
	case requestCryptogram:
		return k.goOnline()
	case authenticationCryptogram:
	}
	return k.declinedOffline()
}

// goOnline asks the issuer, if the terminal can. EMV 4.4 Book 3, 10.9.
func (k *Kernel) goOnline() (Action, error) {
	delete(k.terminal, tlv.ARC)
	if !k.canAsk() {
		return k.unable()
	}
	k.state = askingHost
	return GoOnline{Card: k.cardRead(), CVM: k.cvm, Data: k.objects(hostTags)}, nil
}

// declinedOffline ends after an AAC to the first GENERATE AC.
func (k *Kernel) declinedOffline() (Action, error) {
	k.setARC(arcOfflineDeclined)
	switch {
	case k.generated[tlv.CryptogramInformation][0]&cidReasonMask == cidNotAllowed:
		// EMV 4.4 Book 4, 6.3.7: not accepted rather than declined.
		return nil, refuse(ReasonNotAllowed, "AAC with reason 'service not allowed'")
	case k.requested == authenticationCryptogram:
		return k.end(Declined, ReasonTerminal, "action codes (Book 3, 10.7)"), nil
	}
	return k.end(Declined, ReasonCard, "AAC to the first GENERATE AC (Book 3, 10.8)"), nil
}

// secondGenerated completes. Anything but a TC is a decline, and so is a TC
// that was not asked for. EMV 4.4 Book 3, 10.11 and 9.3.
func (k *Kernel) secondGenerated(r Response) (Action, error) {
	if err := k.generatedBy(r); err != nil {
		return nil, err
	}
	k.verifySignature() // complete looks at what came of it
	return k.scriptAfter()
}

// complete ends after the last GENERATE AC and its scripts.
func (k *Kernel) complete() Action {
	switch {
	case k.auth.signature == signatureWrong:
		return k.endUnsigned()
	case k.host.Online && !k.host.Approved:
		return k.end(Declined, k.host.refusal(), "")
	case k.requested == transactionCertificate && k.cryptogram() == transactionCertificate:
		return k.approve()
	case k.host.Approved:
		return k.end(Declined, ReasonCardOverruled, "no TC to the second GENERATE AC (Book 3, 10.11)")
	}
	k.setARC(arcUnableDeclined)
	return k.end(Declined, ReasonUnable, "")
}
