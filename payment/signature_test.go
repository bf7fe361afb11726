package payment

import (
	"testing"

	"github.com/cloudpos/cloudpos/emv"
)

// A card that signs its cryptograms: a wrong signature is declined without the
// issuer, and an issuer who has approved before it is told to reverse. EMV 4.4
// Book 4, 6.3.2.1.
func TestSignedCryptograms(t *testing.T) {
	for name, tc := range map[string]struct {
		card    string
		spoiled byte
		asked   bool // the issuer
		want    State
		reason  emv.Reason
	}{
		"good":         {card: "cda", asked: true, want: Approved},
		"forged card":  {card: "forged", want: Declined, reason: emv.ReasonSignature},
		"first wrong":  {card: "cda", spoiled: 0x90, want: Declined, reason: emv.ReasonSignature},
		"second wrong": {card: "cda", spoiled: 0x50, asked: true, want: Reversing, reason: emv.ReasonSignature},
		"static data":  {card: "sda", asked: true, want: Approved},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTable(t, tc.card, true)
			x.spoiled = tc.spoiled
			x.sell()
			if x.ending.To != tc.want || x.ending.Ending == nil || string(x.ending.Ending.Reason) != string(tc.reason) {
				t.Errorf("the sale is %s, %+v, want %s, %q", x.ending.To, x.ending.Ending, tc.want, tc.reason)
			}
			if asked := x.sent.AID != ""; asked != tc.asked {
				t.Errorf("the issuer was asked: %v, want %v", asked, tc.asked)
			}
		})
	}
}
