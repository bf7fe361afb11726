package kernel3

import "github.com/cloudpos/cloudpos/emv/contactless/quick"

// verify gives a card its wish: the PIN, its own device, or the slip. EMV
// Contactless Book C-3, 5.7.
func (t *tap) verify() {
	switch {
	case t.CTQ.Has(ctq.OnlinePIN) && t.TTQ.Has(quick.TTQOnlinePIN):
		t.AskPIN()
	case t.CTQ.Has(ctq.DeviceCVM):
		t.VerifyByDevice()
	default:
		t.VerifyBySlip()
	}
}
