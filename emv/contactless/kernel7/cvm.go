package kernel7

import (
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
)

// verify gives a card its wish, as kernel 3 does, but that a PIN which the card
// wants is not replaced by less. Book C-7, cardholder verification, and JR/T
// 0025.12.
func (t *tap) verify() {
	pin, device := t.CTQ.Has(t.assumed.CTQ.OnlinePIN), t.CTQ.Has(t.assumed.CTQ.DeviceCVM)
	switch {
	case pin && t.TTQ.Has(quick.TTQOnlinePIN):
		t.AskPIN()
	case pin && t.assumed.PINOrDecline && !(device && t.Authenticated()):
		t.Decline(emv.ReasonTerminal, "the card wants a PIN, and the reader cannot ask for one ("+sections.Verify+")")
	case device:
		t.VerifyByDevice()
	default:
		t.VerifyBySlip()
	}
}
