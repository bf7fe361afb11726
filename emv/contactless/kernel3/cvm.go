package kernel3

import (
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// verify finds out how the cardholder is verified. EMV Contactless Book C-3,
// 5.7.
func (t *tap) verify() {
	if t.Declined() {
		return
	}
	if t.Contradicted() {
		t.Decline(emv.ReasonCryptogram, "the CTQ are not those of 9F69 (Book C-3, 5.7)")
		return
	}
	if _, given := t.Card[tlv.CTQ]; !given {
		t.VerifyByReader()
		return
	}
	switch {
	case t.CTQ.Has(ctq.OnlinePIN) && t.TTQ.Has(quick.TTQOnlinePIN):
		t.AskPIN()
	case t.CTQ.Has(ctq.DeviceCVM):
		t.VerifyByDevice()
	default:
		t.VerifyBySlip()
	}
}
