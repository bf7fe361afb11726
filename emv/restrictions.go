package emv

import (
	"bytes"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Transaction types, 9C: the first two digits of ISO 8583's processing code.
const (
	typePurchase     = 0x00
	typeCash         = 0x01
	typeCashback     = 0x09
	typeDisbursement = 0x17
)

// The application usage control, 9F07. EMV 4.4 Book 3, Annex C2.
const (
	aucCashDomestic          = 0x80 // byte 1
	aucCashInternational     = 0x40
	aucPurchaseDomestic      = 0x20 | 0x08 // goods, services
	aucPurchaseInternational = 0x10 | 0x04
	aucATM                   = 0x02
	aucNotATM                = 0x01
	aucCashbackDomestic      = 0x80 // byte 2
	aucCashbackInternational = 0x40
)

// restrict looks whether the card may be used here and now. EMV 4.4 Book 3, 10.4.
func (k *Kernel) restrict() (Action, error) {
	Restrictions(&k.cfg, &k.tx, k.lookup, &k.tvr)
	return k.verifyCardholder()
}

// Restrictions looks whether an application may be used here and now, and
// sets the bits of the TVR that say why not. lookup finds what terminal and
// card say; the card's dates are known to be numbers. EMV 4.4 Book 3, 10.4.
func Restrictions(c *Config, t *Transaction, lookup func(tlv.Tag) ([]byte, bool), found *TVR) {
	value := func(tag tlv.Tag) []byte { v, _ := lookup(tag); return v }
	version, given := lookup(tlv.CardVersion)
	if given && !bytes.Equal(version, value(tlv.TerminalVersion)) {
		found.Set(tvrVersionsDiffer) // Book 3, 10.4.1
	}
	domestic := bytes.Equal(value(tlv.IssuerCountry), value(tlv.TerminalCountry))
	_, country := lookup(tlv.IssuerCountry)
	if usage, given := lookup(tlv.ApplicationUsageControl); given && !usable(c, t, usage, country, domestic) {
		found.Set(tvrServiceRefused) // Book 3, 10.4.2
	}
	// Book 3, 10.4.3
	today := dateOf(value(tlv.TransactionDate))
	if effective, given := lookup(tlv.EffectiveDate); given && dateOf(effective) > today {
		found.Set(tvrNotYetEffective)
	}
	if dateOf(value(tlv.ExpirationDate)) < today {
		found.Set(tvrExpired)
	}
}

// usable reports whether the usage control allows the transaction. Without the
// issuer's country only the place counts. EMV 4.4 Book 3, 10.4.2.
func usable(c *Config, t *Transaction, usage []byte, country, domestic bool) bool {
	place := byte(aucNotATM)
	if c.isATM() {
		place = aucATM
	}
	if usage[0]&place == 0 {
		return false
	}
	if !country {
		return true
	}
	cash, purchase, cashback := byte(aucCashInternational), byte(aucPurchaseInternational), byte(aucCashbackInternational)
	if domestic {
		cash, purchase, cashback = aucCashDomestic, aucPurchaseDomestic, aucCashbackDomestic
	}
	switch t.Type {
	case typeCash, typeDisbursement:
		return usage[0]&cash != 0
	case typePurchase, typeCashback:
		return usage[0]&purchase != 0 && (t.OtherMinor == 0 || usage[1]&cashback != 0)
	}
	return true
}

// isATM: a financial institution's unattended terminal that gives cash.
// EMV 4.4 Book 4, Annex A1.
func (c *Config) isATM() bool {
	const cash = 0x80
	return c.TerminalType >= 0x14 && c.TerminalType <= 0x16 && c.Additional[0]&cash != 0
}

// dateOf makes YYMMDD comparable across the century: 00 to 49 are 20xx.
// EMV 4.4 Book 4, 6.7.3.
func dateOf(value []byte) uint64 {
	v, err := tlv.ParseNumeric(value)
	if err != nil {
		return 0 // the card's dates were checked with the records
	}
	if v < 500000 {
		return v + 20000000
	}
	return v + 19000000
}
