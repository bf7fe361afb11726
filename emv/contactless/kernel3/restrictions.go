package kernel3

import (
	"bytes"
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
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

// restrict looks whether the card may be used here and now; one without an
// expiry counts as expired. It gives an outcome if another interface is to be
// taken. EMV Contactless Book C-3, 5.5.
func (t *tap) restrict() emv.Action {
	if t.Cryptogram == quick.CryptogramTC {
		if expiry := t.Card[tlv.ExpirationDate]; len(expiry) == 0 || t.Past(expiry) {
			t.Expire()
		}
		t.CheckListed()
	}
	if t.Declined() || t.usable() {
		return nil
	}
	away := ctqSwitchCash
	if t.a.Transaction.Type == typeCashback {
		away = ctqSwitchCashback
	}
	if t.CTQ.Has(away) && t.TTQ.Has(quick.TTQContact) {
		return t.OtherInterface(emv.MessageInsertOrSwipe, "the card gives no cash over its antenna (Book C-3, 5.5)")
	}
	t.Decline(emv.ReasonNotAllowed, "the card does not allow cash (Book C-3, 5.5)")
	return nil
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
