package kernel2

import (
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// readBalance reads the card's balance before the cryptogram, if the reader
// wants it and the card has one. EMV Contactless Book C-2, S456.
func (t *tap) readBalance() (emv.Action, error) {
	if !t.app.BalanceBefore || !t.can(canBalance) {
		return t.decide()
	}
	t.state = readingBalance
	return getBalance(), nil
}

// balanceRead keeps it. EMV Contactless Book C-2, state 16.
func (t *tap) balanceRead(r emv.Response) (emv.Action, error) {
	t.keepBalance(tagBalanceBefore, r)
	return t.decide()
}

// readNewBalance reads it after the cryptogram. EMV Contactless Book C-2, S910.
func (t *tap) readNewBalance() (emv.Action, error) {
	if !t.app.BalanceAfter || !t.can(canBalance) {
		return t.cardRead(), nil
	}
	t.state = readingNewBalance
	return getBalance(), nil
}

// newBalanceRead keeps it. EMV Contactless Book C-2, state 17.
func (t *tap) newBalanceRead(r emv.Response) (emv.Action, error) {
	t.keepBalance(tagBalanceAfter, r)
	return t.cardRead(), nil
}

// getBalance is GET DATA of 9F50. EMV Contactless Book C-2, states 16 and 17.
func getBalance() emv.Action {
	return emv.Transmit{Command: apdu.Query(claProprietary, insGetData, byte(tagBalance>>8), byte(tagBalance&0xFF), nil)}
}

// keepBalance keeps six bytes of digits. A card that gives anything else has no
// balance, which harms nobody.
func (t *tap) keepBalance(tag tlv.Tag, r emv.Response) {
	const size = 6
	value, err := tlv.One(apdu.Body(r.Data), tagBalance)
	if err != nil || len(value) != size || apdu.Status(r.Data) != apdu.OK {
		return
	}
	if _, err := tlv.ParseNumeric(value); err == nil {
		t.Terminal[tag] = slices.Clone(value)
	}
}
