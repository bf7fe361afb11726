package kernel3

import (
	"bytes"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// verify finds out how the cardholder is verified. EMV Contactless Book C-3,
// 5.7.
func (t *tap) verify() {
	if t.declined != "" {
		return
	}
	if _, given := t.Card[tlv.CTQ]; !given {
		t.verifyByReader()
		return
	}
	switch {
	case t.ctq.has(ctqOnlinePIN) && t.ttq.has(ttqOnlinePIN):
		t.cvm, t.online = emv.CVMOnlinePIN, true
	case t.ctq.has(ctqDeviceCVM):
		if !t.deviceProven() {
			t.decline(emv.ReasonCryptogram, "a verification by the device that nothing proves (Book C-3, 5.7)")
			return
		}
		t.cvm = emv.CVMDevice
	case t.ctq.has(ctqSignature) && t.ttq.has(ttqSignature):
		t.cvm = emv.CVMSignature
	case t.ttq.has(ttqCVM):
		t.decline(emv.ReasonTerminal, "a CVM is required, and the card allows none that the reader can (Book C-3, 5.7)")
	}
}

// verifyByReader chooses for a card that has no wishes. EMV Contactless Book
// C-3, 5.7.
func (t *tap) verifyByReader() {
	switch {
	case !t.ttq.has(ttqCVM):
	case t.ttq.has(ttqSignature):
		t.cvm = emv.CVMSignature
	case t.ttq.has(ttqOnlinePIN):
		t.cvm, t.online = emv.CVMOnlinePIN, true
	default:
		t.decline(emv.ReasonTerminal, "a CVM is required, and the reader has none (Book C-3, 5.7)")
	}
}

// deviceProven tells whether the claim that the cardholder was verified on the
// device is worth anything: the copy of the CTQ in 9F69 must be the same, and
// be signed or go to the issuer in an ARQC. Without 9F69 the issuer alone can
// judge. EMV Contactless Book C-3, 5.7.
func (t *tap) deviceProven() bool {
	related, given := t.Card[tlv.CardRelatedData]
	if !given {
		return t.cryptogram == cryptogramARQC
	}
	ctq := t.Card[tlv.CTQ]
	if len(related) < relatedCTQ+len(ctq) || !bytes.Equal(related[relatedCTQ:relatedCTQ+len(ctq)], ctq) {
		return false
	}
	return t.authenticated || t.cryptogram == cryptogramARQC
}
