package kernel2

import "github.com/cloudpos/cloudpos/emv"

// The bits of DF4B, the cardholder's interaction with the phone, that want
// another tap. EMV Contactless Book C-2, Annex A.
const (
	interactionByte2 = 0x03 // acknowledge, or be verified by the phone
	interactionByte3 = 0x0F // second tap

	interactionVerified = 0x10 // byte 2: the phone has verified its owner
)

// interaction is DF4B, or zeros.
func (t *tap) interaction() (bits [3]byte) {
	if value := t.generated[tagInteraction]; len(value) == len(bits) {
		copy(bits[:], value)
	}
	return bits
}

// seePhone tells whether the phone has something to say to its owner. EMV
// Contactless Book C-2, states 9 and 10 (S910).
func (t *tap) seePhone() bool {
	bits := t.interaction()
	return bits[1]&interactionByte2 != 0 || bits[2]&interactionByte3 != 0
}

// sendToPhone ends the tap with the first message of the table that fits, and
// waits for another one. EMV Contactless Book C-2, states 9 and 10 (S910).
func (t *tap) sendToPhone() emv.Action {
	o := emv.Outcome{Status: emv.EndApplication, Reason: ReasonPhone, CVM: t.cvm}
	o.Start = emv.RestartB
	o.UIOnOutcome = t.message(emv.MessageSeePhone, emv.UINotReady)
	for _, row := range t.app.PhoneMessages {
		if row.fits(t.interaction()) {
			o.UIOnOutcome = t.message(row.Message, row.Status)
			break
		}
	}
	again := *o.UIOnOutcome
	again.Status, again.Hold = emv.UIReadyToRead, 0
	o.UIOnRestart = &again
	return t.done(o)
}

// fits tells whether the masked bits have the row's value.
func (m *PhoneMessage) fits(bits [3]byte) bool {
	for i := range bits {
		if bits[i]&m.Mask[i] != m.Value[i] {
			return false
		}
	}
	return true
}
