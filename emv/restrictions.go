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
	version, given := k.card[tlv.CardVersion]
	if given && !bytes.Equal(version, k.terminal[tlv.TerminalVersion]) {
		k.tvr.set(tvrVersionsDiffer) // Book 3, 10.4.1
	}
	if usage, given := k.card[tlv.ApplicationUsageControl]; given && !k.usable(usage) {
		k.tvr.set(tvrServiceRefused) // Book 3, 10.4.2
	}
	// Book 3, 10.4.3
	today := k.terminal[tlv.TransactionDate]
	if effective, given := k.card[tlv.EffectiveDate]; given && dateOf(effective) > dateOf(today) {
		k.tvr.set(tvrNotYetEffective)
	}
	if dateOf(k.card[tlv.ExpirationDate]) < dateOf(today) {
		k.tvr.set(tvrExpired)
	}
	return k.verifyCardholder()
}

// usable reports whether the usage control allows the transaction.
// EMV 4.4 Book 3, 10.4.2.
func (k *Kernel) usable(usage []byte) bool {
	place := byte(aucNotATM)
	if k.isATM() {
		place = aucATM
	}
	if usage[0]&place == 0 {
		return false
	}
	country, given := k.card[tlv.IssuerCountry]
	if !given {
		return true
	}
	cash, purchase, cashback := byte(aucCashInternational), byte(aucPurchaseInternational), byte(aucCashbackInternational)
	if bytes.Equal(country, k.terminal[tlv.TerminalCountry]) {
		cash, purchase, cashback = aucCashDomestic, aucPurchaseDomestic, aucCashbackDomestic
	}
	switch k.tx.Type {
	case typeCash, typeDisbursement:
		return usage[0]&cash != 0
	case typePurchase, typeCashback:
		return usage[0]&purchase != 0 && (k.tx.OtherMinor == 0 || usage[1]&cashback != 0)
	}
	return true
}

// isATM: a financial institution's unattended terminal that gives cash.
// EMV 4.4 Book 4, Annex A1.
func (k *Kernel) isATM() bool {
	const cash = 0x80
	return k.cfg.TerminalType >= 0x14 && k.cfg.TerminalType <= 0x16 && k.cfg.Additional[0]&cash != 0
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
