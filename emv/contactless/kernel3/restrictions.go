package kernel3

import (
	"bytes"
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Transaction types, 9C.
const (
	typeCash         = 0x01
	typeCashback     = 0x09
	typeDisbursement = 0x17
)

// Bits of the application usage control, 9F07. EMV 4.4 Book 3, Annex C2.
const (
	usageCashDomestic          = 0x80 // byte 1
	usageCashInternational     = 0x40
	usageCashbackDomestic      = 0x80 // byte 2
	usageCashbackInternational = 0x40
)

// analyse looks what the card's cryptogram says. EMV Contactless Book C-3,
// 5.4.
func (t *tap) analyse() {
	switch t.cryptogram {
	case cryptogramARQC:
		t.online = true
	case cryptogramTC:
		t.online = t.ttq.has(ttqCryptogram)
	case cryptogramAAC:
		t.decline(emv.ReasonCard, "the card answers with an AAC (Book C-3, 5.4)")
	default:
		t.decline(emv.ReasonCryptogram, "the card answers with a cryptogram that does not exist (Book C-3, 5.4)")
	}
}

// decline notes why it must be declined; the first reason counts.
func (t *tap) decline(reason emv.Reason, detail string) {
	if t.declined == "" {
		t.declined, t.detail = reason, detail
	}
}

// onlineCapable tells whether the reader can ask an issuer.
func (t *tap) onlineCapable() bool { return !t.ttq.has(ttqOfflineOnly) }

// restrict looks whether the card may be used here and now. It gives an outcome
// if another interface is to be taken. EMV Contactless Book C-3, 5.5.
func (t *tap) restrict() emv.Action {
	if t.cryptogram == cryptogramTC {
		if t.expired() {
			if t.ctq.has(ctqOnlineIfOld) && t.onlineCapable() {
				t.online = true
			} else {
				t.decline(emv.ReasonTerminal, "the application has expired (Book C-3, 5.5)")
			}
		}
		if listed := t.cfg.Terminal.Listed; listed != nil && listed(t.PAN, t.Sequence()) {
			t.decline(emv.ReasonTerminal, "the card is on the exception file (Book C-3, 5.5)")
		}
	}
	if t.declined != "" || t.usable() {
		return nil
	}
	away := ctqSwitchCash
	if t.a.Transaction.Type == typeCashback {
		away = ctqSwitchCashback
	}
	if t.ctq.has(away) && t.ttq.has(ttqContact) {
		return t.otherInterface(emv.MessageInsertOrSwipe, "the card gives no cash over its antenna (Book C-3, 5.5)")
	}
	t.decline(emv.ReasonNotAllowed, "the card does not allow cash (Book C-3, 5.5)")
	return nil
}

// expired compares the dates; a card without one counts as expired. EMV
// Contactless Book C-3, 5.5.
func (t *tap) expired() bool {
	expiry := t.Card[tlv.ExpirationDate]
	return len(expiry) == 0 || dateOf(t.Terminal[tlv.TransactionDate]) > dateOf(expiry)
}

// dateOf makes YYMMDD comparable across the century: 00 to 49 are 20xx. EMV 4.4
// Book 4, 6.7.3.
func dateOf(value []byte) uint64 {
	v, err := tlv.ParseNumeric(value)
	if err != nil {
		return 0 // complete has seen to it
	}
	if v < 500000 {
		return v + 20000000
	}
	return v + 19000000
}

// usable asks the card's usage control where that is configured. EMV
// Contactless Book C-3, 5.5.
func (t *tap) usable() bool {
	cashback := t.a.Transaction.Type == typeCashback
	cash := slices.Contains([]byte{typeCash, typeDisbursement}, t.a.Transaction.Type)
	if !(cash && t.cfg.CashUsage || cashback && t.cfg.CashbackUsage) {
		return true
	}
	usage, country := t.Card[tlv.ApplicationUsageControl], t.Card[tlv.IssuerCountry]
	if len(usage) == 0 || len(country) == 0 {
		return false
	}
	domestic := bytes.Equal(country, t.Terminal[tlv.TerminalCountry])
	switch {
	case cash && domestic:
		return usage[0]&usageCashDomestic != 0
	case cash:
		return usage[0]&usageCashInternational != 0
	case domestic:
		return usage[1]&usageCashbackDomestic != 0
	}
	return usage[1]&usageCashbackInternational != 0
}
