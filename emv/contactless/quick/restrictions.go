package quick

import (
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Decline notes why it must be declined; the first reason counts.
func (t *Tap) Decline(reason emv.Reason, detail string) {
	if t.declined == "" {
		t.declined, t.detail = reason, detail
	}
}

// Declined tells whether it must be.
func (t *Tap) Declined() bool { return t.declined != "" }

// Expire is what follows if the application has expired: the issuer is asked,
// if card and reader will have that. EMV Contactless Book C-3, 5.5, and Book
// C-7, restrictions.
func (t *Tap) Expire() {
	if t.CTQ.Has(t.opts.CTQ.OnlineIfOld) && t.OnlineCapable() {
		t.Online = true
		return
	}
	t.Decline(emv.ReasonTerminal, "the application has expired ("+t.opts.Sections.Restrict+")")
}

// CheckListed declines a card that the exception file holds. EMV Contactless
// Book C-3, 5.5, and Book C-7, restrictions.
func (t *Tap) CheckListed() {
	if listed := t.opts.Terminal.Listed; listed != nil && listed(t.PAN, t.Sequence()) {
		t.Decline(emv.ReasonTerminal, "the card is on the exception file ("+t.opts.Sections.Restrict+")")
	}
}

// Past tells whether a date of the card, YYMMDD, is before the day of the sale.
func (t *Tap) Past(date []byte) bool { return dateOf(date) < dateOf(t.Terminal[tlv.TransactionDate]) }

// Future tells whether it is after it.
func (t *Tap) Future(date []byte) bool { return dateOf(date) > dateOf(t.Terminal[tlv.TransactionDate]) }

// dateOf makes YYMMDD comparable across the century: 00 to 49 are 20xx. EMV 4.4
// Book 4, 6.7.3.
func dateOf(value []byte) uint64 {
	v, err := tlv.ParseNumeric(value)
	if err != nil {
		return 0 // whoever has it read the card has seen to it
	}
	if v < 500000 {
		return v + 20000000
	}
	return v + 19000000
}
