package kernel7

import (
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// restrict looks whether the card may be used today, and by whom it was lost.
// The expiry matters for an approval alone: of any other the issuer judges, and
// a card that asks for him may give no records. It gives an outcome if the tap
// is over. Book C-7, restrictions, and JR/T 0025.12.
func (t *tap) restrict() emv.Action {
	if effective := t.Card[tlv.EffectiveDate]; t.assumed.FutureEnds && len(effective) > 0 && t.Future(effective) {
		return t.End(emv.ReasonNotAllowed, "the application is not yet effective (%s)", sections.Restrict)
	}
	if t.Cryptogram == quick.CryptogramTC {
		expiry := t.Card[tlv.ExpirationDate]
		if len(expiry) == 0 && t.assumed.ExpiryRequired || len(expiry) > 0 && t.Past(expiry) {
			t.Expire()
		}
	}
	t.CheckListed()
	return nil
}
