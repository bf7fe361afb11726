package contactless

import (
	"bytes"

	"github.com/cloudpos/cloudpos/emv"
)

// brands are the schemes whose account numbers begin in a way of their own, by
// the first five bytes of an application's name.
var brands = map[[5]byte][]string{
	{0xA0, 0, 0, 0, 0x03}: {"4"},           // Visa
	{0xA0, 0, 0, 0, 0x04}: {"2", "5", "6"}, // Mastercard and Maestro
	{0xA0, 0, 0, 0, 0x25}: {"34", "37"},    // American Express
}

// mixed tells whether a card has the application of one scheme and the account
// number of another. Whoever stands between card and reader can name an
// application whose kernel asks for less than the card's own would; the payment
// then goes by the account number all the same. The book leaves this open.
func mixed(c emv.Card) bool {
	if len(c.AID) < aidMin || len(c.PAN) == 0 {
		return false
	}
	prefixes, known := brands[[5]byte(c.AID)]
	for _, prefix := range prefixes {
		if bytes.HasPrefix(c.PAN, []byte(prefix)) {
			return false
		}
	}
	return known
}

// unmixed lets no payment pass with such a card.
func unmixed(o emv.Outcome) emv.Outcome {
	if (o.Status != emv.Approved && o.Status != emv.OnlineRequest) || !mixed(o.Card) {
		return o
	}
	return emv.Outcome{
		Status: emv.Declined, Reason: emv.ReasonCardData, CVM: emv.CVMNotApplicable, Card: o.Card, Record: o.Record,
		Detail: "the account number is not of the application's scheme",
		Parameters: emv.Parameters{UIOnOutcome: &emv.UIRequest{
			Message: emv.MessageNotAuthorised, Status: emv.UICardReadOK,
		}},
	}
}
