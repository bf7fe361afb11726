package kernel3

import (
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Conclude decides, once all of the card is known. A card and a reader that
// both can take the issuer's answer to the card at a second tap. EMV
// Contactless Book C-3, 5.5 to 5.8.
func (t *tap) Conclude() emv.Action {
	t.Analyse()
	if away := t.restrict(); away != nil {
		return away
	}
	if away := t.authenticate(); away != nil {
		return away
	}
	t.Verify(t.verify)
	verdict := t.Decide(t.Card[tlv.AvailableOffline])
	if verdict.Status == emv.OnlineRequest && t.TTQ.Has(ttqIssuerUpdate) && t.CTQ.Has(ctqIssuerUpdate) {
		verdict.Start, verdict.Answer = emv.RestartB, emv.AnswerEMVData
		verdict.UIOnRestart = &emv.UIRequest{Message: emv.MessagePresentCardAgain, Status: emv.UIReadyToRead}
		verdict.FieldOff = new(time.Duration)
	}
	return t.Done(verdict)
}
