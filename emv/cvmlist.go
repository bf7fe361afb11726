package emv

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// A CVMRule is one rule of the card's list: a method, and when it is to be
// taken. EMV 4.4 Book 3, 10.5.
type CVMRule struct{ Code, Condition byte }

// Method is the code without the bit for what follows a failure. EMV 4.4 Book
// 3, Annex C3.
func (r CVMRule) Method() byte { return r.Code & methodMask }

// Next tells whether the next rule is tried when this one fails.
func (r CVMRule) Next() bool { return r.Code&methodNext != 0 }

// A CVMList is the card's list of cardholder verification methods, 8E: its
// rules, and two amounts that conditions speak of. EMV 4.4 Book 3, 10.5.
type CVMList struct {
	x, y  int64
	Rules []CVMRule
}

// ParseCVMList reads a list, which may have no rules. EMV 4.4 Book 3, 10.5.
func ParseCVMList(value []byte) (CVMList, error) {
	const amounts = 8
	if len(value) < amounts || len(value)%2 != 0 {
		return CVMList{}, fmt.Errorf("CVM list of %d bytes", len(value))
	}
	list := CVMList{x: int64(binary.BigEndian.Uint32(value)), y: int64(binary.BigEndian.Uint32(value[4:]))}
	for i := amounts; i < len(value); i += 2 {
		list.Rules = append(list.Rules, CVMRule{value[i], value[i+1]})
	}
	return list, nil
}

// conditionSupported is a condition that the kernel decides by its methods.
const conditionSupported = 0x03

// Met decides a rule's condition, but for the one that asks whether the
// terminal has the method. currency is the application's, 9F42, or nil. An
// unknown condition, or one that needs data which is not there, is not met.
// EMV 4.4 Book 3, Annex C3.
func (l *CVMList) Met(condition byte, c *Config, t *Transaction, currency []byte) bool {
	cash := t.Type == typeCash || t.Type == typeDisbursement
	cashback := t.Type == typeCashback || t.OtherMinor > 0
	attended := c.TerminalType&0x0F <= 3
	switch condition {
	case 0x00:
		return true
	case 0x01:
		return cash && !attended
	case 0x02:
		return !cash && !cashback
	case 0x04:
		return cash && attended
	case 0x05:
		return cashback
	}
	if !bytes.Equal(currency, tlv.AppendNumeric(nil, uint64(c.Currency), 2)) {
		return false
	}
	switch condition {
	case 0x06:
		return t.AmountMinor < l.x
	case 0x07:
		return t.AmountMinor > l.x
	case 0x08:
		return t.AmountMinor < l.y
	case 0x09:
		return t.AmountMinor > l.y
	}
	return false
}
