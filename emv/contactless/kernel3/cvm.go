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
	if t.contradicted() {
		t.decline(emv.ReasonCryptogram, "the CTQ are not those of 9F69 (Book C-3, 5.7)")
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
		t.verifyByDevice()
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

// verifyByDevice takes the claim that the cardholder was verified on the device
// for what it is worth. The book leaves it to the issuer, who sees no CTQ, so
// whoever stands between card and reader can put the claim in and spare himself
// the PIN. Here it counts under a signature that covers it alone; phones give
// one where the TTQ ask for data authentication online. Without it the PIN is
// asked for. EMV Contactless Book C-3, 5.7.
func (t *tap) verifyByDevice() {
	related, given := t.Card[tlv.CardRelatedData]
	switch {
	case t.authenticated && len(related) > relatedCTQ: // contradicted has compared it
		t.cvm = emv.CVMDevice
	case given && len(related) <= relatedCTQ:
		t.decline(emv.ReasonCryptogram, "a verification by the device that 9F69 does not speak of (Book C-3, 5.7)")
	case !t.ttq.has(ttqCVM):
	case t.ttq.has(ttqOnlinePIN):
		t.cvm, t.online = emv.CVMOnlinePIN, true
	default:
		t.decline(emv.ReasonTerminal, "a verification by the device that nothing proves (Book C-3, 5.7)")
	}
}

// contradicted tells whether 9F69 holds a copy of the CTQ, and another one:
// somebody has changed them on their way. EMV Contactless Book C-3, 5.7.
func (t *tap) contradicted() bool {
	related, ctq := t.Card[tlv.CardRelatedData], t.Card[tlv.CTQ]
	return len(related) > relatedCTQ && (len(ctq) == 0 || !bytes.HasPrefix(related[relatedCTQ:], ctq))
}
