package payment

import (
	"fmt"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
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

// A card that refuses what its issuer has approved: the reversal tells what the
// card said last, sealed. Where the issuer has declined nobody is told.
func TestReversalTellsTheCardsLastWord(t *testing.T) {
	for name, tc := range map[string]struct {
		card     string
		spoiled  byte
		declined bool
		want     State
		cid, tvr string // of what was sealed; "" if nothing was
	}{
		"the card declines":   {card: "cardsaysno", want: Reversing, cid: "00", tvr: "0000008000"},
		"its signature fails": {card: "cda", spoiled: 0x50, want: Reversing, cid: "40", tvr: "0400008000"},
		"the issuer declines": {card: "cardsaysno", declined: true, want: Declined},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTable(t, tc.card, true)
			x.spoiled, x.declined = tc.spoiled, tc.declined
			x.sell()
			if x.ending.To != tc.want {
				t.Fatalf("the sale is %s, want %s", x.ending.To, tc.want)
			}
			r := Record{State: Reversing, Ending: *x.ending.Ending}
			sealed := r.Message(Reverse).Card.Chip
			if tc.cid == "" {
				if sealed != nil {
					t.Error("chip data is kept of a sale that nobody will hear of")
				}
				return
			}
			for tag, want := range map[tlv.Tag]string{tlv.CryptogramInformation: tc.cid, tlv.TVR: tc.tvr, tlv.CVMResults: "1F0002", tlv.TSI: "F800"} {
				if got, _ := tlv.Find(x.last, tag); sealed == nil || fmt.Sprintf("%X", got) != want {
					t.Errorf("the reversal has %v %X, sealed %v, want %s", tag, got, sealed != nil, want)
				}
			}
		})
	}
}
