package kernel7

import (
	"errors"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// sections are the stages that outcomes cite.
var sections = quick.Sections{
	Initiate: "Book C-7, initiation", Read: "Book C-7, reading", Complete: "Book C-7, reading", Cryptogram: "Book C-7, cryptogram",
	Restrict: "Book C-7, restrictions", Authenticate: "Book C-7, data authentication",
	Verify: "Book C-7, cardholder verification", Conclude: "Book C-7, outcome",
}

// cashTags are what a card with electronic cash tells of it: the cardholder may
// want to know. Book C-7, electronic cash, and JR/T 0025.12.
var cashTags = []tlv.Tag{tlv.CashBalance, tlv.CashBalanceLimit, tlv.CashLimit, tlv.CashThreshold}

// recordTags go into the data record beyond what all quick taps have there. The
// cardholder's name does not, which neither issuer nor slip need. Book C-7,
// data record.
var recordTags = []tlv.Tag{
	tlv.TransactionTime, tlv.MerchantName, tlv.CardProduct, tlv.PaymentAccountReference, tlv.CashAuthorisation,
}

// recognised are objects of the card that this kernel alone uses.
var recognised = []tlv.Tag{
	tlv.EffectiveDate, tlv.CardProduct, tlv.PaymentAccountReference, tlv.CashAuthorisation,
	tlv.CashBalance, tlv.CashBalanceLimit, tlv.CashLimit, tlv.CashThreshold,
}

// Complete takes out what the decisions need: an approval may have no track, but
// not neither track nor account number. Book C-7, reading.
func (t *tap) Complete() error {
	if err := t.ReadHolder(); err != nil {
		return err
	}
	if len(t.PAN) == 0 {
		return errors.New("neither 57 nor 5A")
	}
	if _, err := tlv.ParseNumeric(t.Card[tlv.EffectiveDate]); err != nil {
		return errors.New("5F25 is no date")
	}
	return nil
}

// balance is what the cardholder may still spend offline: the available amount,
// or else the electronic cash. Cards of other schemes keep other things in the
// latter's tag, so it must be an amount. Book C-7, electronic cash, and JR/T
// 0025.12.
func (t *tap) balance() []byte {
	const amountSize = 6
	if available := t.Card[tlv.AvailableOffline]; len(available) > 0 {
		return available
	}
	if cash := t.Card[tlv.CashBalance]; len(cash) == amountSize {
		return cash
	}
	return nil
}

// Conclude decides, once all of the card is known. The signature is looked at
// before the cardholder is verified, for a claim of the device counts under it
// alone; what follows from a signature that is missing comes after. Book C-7,
// restrictions, cardholder verification and outcome.
func (t *tap) Conclude() emv.Action {
	t.Analyse()
	if away := t.restrict(); away != nil {
		return away
	}
	proven := t.prove()
	t.Verify(t.verify)
	if away := t.authenticate(proven); away != nil {
		return away
	}
	return t.Done(t.Decide(t.balance()))
}
