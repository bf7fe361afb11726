package kernel2

import (
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// cryptogramMade takes the answer to GENERATE AC. EMV Contactless Book C-2,
// states 9 and 11.
func (t *tap) cryptogramMade(r emv.Response) (emv.Action, error) {
	if sw := apdu.Status(r.Data); sw != apdu.OK {
		return nil, statusFailure(sw, "GENERATE AC: %04X (Book C-2, state 9)", sw)
	}
	t.dropTorn()
	return t.judge(apdu.Body(r.Data))
}

// judge reads a cryptogram and what proves it. EMV Contactless Book C-2, states
// 9 and 10 (S910).
func (t *tap) judge(body []byte) (emv.Action, error) {
	values, covered, err := emv.ParseCryptogram(body)
	if err != nil {
		return nil, malformed("GENERATE AC: %v (Book C-2, S910)", err)
	}
	t.generated, t.covered = values, covered
	for _, tag := range []tlv.Tag{tlv.CryptogramInformation, tlv.ATC} {
		if len(values[tag]) == 0 {
			return nil, missing("GENERATE AC: %v missing (Book C-2, S910)", tag)
		}
	}
	// A card may give less than was asked for, and nothing unheard of.
	strength := []cryptogram{cryptogramAAC, cryptogramARQC, cryptogramTC}
	got := t.cryptogram()
	if rank := slices.Index(strength, got); rank < 0 || rank > slices.Index(strength, t.requested) {
		return nil, failure{
			reason: emv.ReasonCryptogram, l2: l2CardData,
			detail: "GENERATE AC: more than was asked for (Book C-2, S910)",
		}
	}
	switch {
	case len(values[tlv.SDAD]) > 0:
		if err := t.verifySignature(); err != nil {
			return nil, err
		}
	case len(values[tlv.ApplicationCryptogram]) == 0:
		return nil, missing("GENERATE AC: 9F26 missing (Book C-2, S910)")
	case t.signing.asked && got != cryptogramAAC:
		return nil, failure{
			reason: emv.ReasonSignature, l2: l2CardData,
			detail: "GENERATE AC: not signed (Book C-2, S910)",
		}
	}
	if t.seePhone() {
		return t.sendToPhone(), nil
	}
	return t.readNewBalance()
}

// cryptogram is the type of the cryptogram; without one it is declined.
func (t *tap) cryptogram() cryptogram {
	cid := t.generated[tlv.CryptogramInformation]
	if len(cid) != 1 {
		return cryptogramAAC
	}
	return cryptogram(cid[0] & cryptogramMask)
}
