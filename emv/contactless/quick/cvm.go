package quick

import (
	"bytes"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// AskPIN has a PIN entered, which the issuer verifies.
func (t *Tap) AskPIN() { t.CVM, t.Online = emv.CVMOnlinePIN, true }

// Verify finds out how the cardholder is verified, unless the sale is declined
// already. wished serves a card that has wishes: CTQ that are not those of its
// 9F69 are nobody's. EMV Contactless Book C-3, 5.7, and Book C-7, cardholder
// verification.
func (t *Tap) Verify(wished func()) {
	_, given := t.Card[tlv.CTQ]
	switch {
	case t.Declined():
	case t.contradicted():
		t.Decline(emv.ReasonCryptogram, "the CTQ are not those of 9F69 ("+t.opts.Sections.Verify+")")
	case given:
		wished()
	default:
		t.verifyByReader()
	}
}

// verifyByReader chooses how a cardholder is verified whose card has no wishes.
// EMV Contactless Book C-3, 5.7, and Book C-7, cardholder verification.
func (t *Tap) verifyByReader() {
	switch {
	case !t.TTQ.Has(TTQCVM):
	case t.TTQ.Has(TTQSignature) && !t.doubted():
		t.CVM = emv.CVMSignature
	case t.TTQ.Has(TTQOnlinePIN):
		t.AskPIN()
	default:
		t.Decline(emv.ReasonTerminal, "a CVM is required, and the reader has none ("+t.opts.Sections.Verify+")")
	}
}

// VerifyBySlip is what remains for a card that wants no PIN: a signature, or
// nothing if nothing is required. EMV Contactless Book C-3, 5.7, and Book C-7,
// cardholder verification.
func (t *Tap) VerifyBySlip() {
	switch {
	case t.CTQ.Has(t.opts.CTQ.Signature) && t.TTQ.Has(TTQSignature) && t.doubted():
		t.AskPIN()
	case t.CTQ.Has(t.opts.CTQ.Signature) && t.TTQ.Has(TTQSignature):
		t.CVM = emv.CVMSignature
	case t.TTQ.Has(TTQCVM):
		t.Decline(emv.ReasonTerminal, "a CVM is required, and the card allows none that the reader can ("+t.opts.Sections.Verify+")")
	}
}

// doubted tells whether a wish for less than the PIN may be anybody's: the
// holder must be verified, the reader wants cards proven while the issuer is
// asked, and nothing proves this one. Whoever takes the PIN out of the CTQ and
// says that the card cannot sign would have a slip signed instead, and the
// issuer, who sees no CTQ, would not know. The book lets him; kernel 7 declines
// such a card altogether. EMV Contactless Book C-3, 5.7.
func (t *Tap) doubted() bool {
	return t.TTQ.Has(TTQCVM) && t.TTQ.Has(TTQODAOnline) && t.TTQ.Has(TTQOnlinePIN) && !t.authenticated
}

// VerifyByDevice takes the claim that the cardholder was verified on the device
// for what it is worth. The book leaves it to the issuer, who sees no CTQ, so
// whoever stands between card and reader can put the claim in and spare himself
// the PIN. Here it counts under a signature that covers it alone; phones give
// one where the TTQ ask for data authentication online. Without it the PIN is
// asked for. EMV Contactless Book C-3, 5.7, and Book C-7, cardholder
// verification.
func (t *Tap) VerifyByDevice() {
	related, given := t.Card[tlv.CardRelatedData]
	switch {
	case t.authenticated && len(related) > relatedCTQ: // contradicted has compared it
		t.CVM = emv.CVMDevice
	case given && len(related) <= relatedCTQ:
		t.Decline(emv.ReasonCryptogram, "a verification by the device that 9F69 does not speak of ("+t.opts.Sections.Verify+")")
	case !t.TTQ.Has(TTQCVM):
	case t.TTQ.Has(TTQOnlinePIN):
		t.AskPIN()
	default:
		t.Decline(emv.ReasonTerminal, "a verification by the device that nothing proves ("+t.opts.Sections.Verify+")")
	}
}

// contradicted tells whether 9F69 holds a copy of the CTQ, and another one:
// somebody has changed them on their way. EMV Contactless Book C-3, 5.7, and
// Book C-7, cardholder verification.
func (t *Tap) contradicted() bool {
	related, ctq := t.Card[tlv.CardRelatedData], t.Card[tlv.CTQ]
	return len(related) > relatedCTQ && (len(ctq) == 0 || !bytes.HasPrefix(related[relatedCTQ:], ctq))
}
