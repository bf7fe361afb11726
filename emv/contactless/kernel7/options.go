package kernel7

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// swDevice is the status word of a card whose holder is to be verified on the
// device. Book C-7, initiation.
const swDevice = 0x6986

// tap is one application of one card, with this kernel's rules.
type tap struct {
	*quick.Tap
	assumed *Assumptions
}

// Refused is another status word than 9000: the slot is tried, where there is
// one. Old kernels told 6984 and 6985 apart, to the same end or a harder one.
// Book C-7, initiation, and JR/T 0025.12.
func (t *tap) Refused(status uint16) emv.Action {
	switch {
	case status == swDevice:
		return t.SeePhone(t.assumed.Away)
	case t.TTQ.Has(quick.TTQContact):
		return t.OtherInterface(emv.MessageInsertCard, fmt.Sprintf("GET PROCESSING OPTIONS: %04X (%s)", status, sections.Initiate))
	}
	return t.End(emv.ReasonCardStatus, "GET PROCESSING OPTIONS: %04X (%s)", status, sections.Initiate)
}

// Answered reads the response, which has one format here, and in which all must
// be that goes with its cryptogram: a TC is proven by records, the others need
// none. A card that declines is not read further. Book C-7, initiation, and
// JR/T 0025.12.
func (t *tap) Answered(body []byte) (emv.Action, error) {
	template, err := tlv.One(body, tlv.ResponseFormat2)
	if err != nil {
		return nil, err
	}
	objects, err := tlv.Parse(template)
	if err == nil {
		err = t.Learn(objects)
	}
	if err == nil {
		err = t.Require(tlv.DFName, tlv.AIP, tlv.ATC, tlv.ApplicationCryptogram, tlv.IssuerApplicationData)
	}
	if err == nil {
		err = t.ReadCryptogram()
	}
	if err != nil {
		return nil, err
	}
	if t.Cryptogram == quick.CryptogramTC {
		return nil, t.Require(tlv.AFL)
	}
	if err := t.Require(tlv.Track2); err != nil || t.Cryptogram == quick.CryptogramARQC {
		return nil, err
	}
	if err := t.ReadHolder(); err != nil {
		return nil, err
	}
	t.Analyse()
	return t.Done(t.Decide(nil)), nil
}
