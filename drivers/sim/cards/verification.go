package cards

import (
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// cvms are a CVM list's amounts X and Y, then rules.
func cvms(rules ...byte) func([]byte) []tlv.Object {
	return set(tlv.CVMList, append(make([]byte, 8), rules...)...)
}

// verification are cards with unusual wishes about who holds them. The list is
// signed, so an altered one shows in the terminal's results besides. EMV 4.4
// Book 3, 10.5.
var verification = []Card{
	{
		Variant: sim.Variant{Name: "cvmodd", Title: "Its list of methods has half a rule at its end.", Of: "approve",
			Shim: inRecord(tlv.CVMList, cvms(0x1F, 0x00, 0x1F))},
		Ends: declined(reasonData),
	},
	{
		Variant: sim.Variant{Name: "cvmnone", Title: "Its list of methods has no rule.", Of: "approve",
			Shim: inRecord(tlv.CVMList, cvms())},
		Ends: approvedWith("0800008000"),
	},
	{
		Variant: sim.Variant{Name: "cvmnext", Title: "First wants a method that nobody knows, then none.", Of: "approve",
			Shim: inRecord(tlv.CVMList, cvms(0x55, 0x00, 0x1F, 0x00))},
		Ends: approvedWith("0800408000"),
	},
	{
		Variant: sim.Variant{Name: "cvmunknown", Title: "Wants a method that nobody knows; the issuer declines.", Of: "approve",
			Shim: inRecord(tlv.CVMList, cvms(0x15, 0x00))},
		Ends: refused("05"),
	},
	{
		Variant: sim.Variant{Name: "cvmfinger", Title: "Wants its owner's finger, which the terminal cannot read; the issuer declines.", Of: "approve",
			Shim: inRecord(tlv.CVMList, cvms(0x09, 0x00))},
		Ends: refused("05"),
	},
	{
		Variant: sim.Variant{Name: "verifyerror", Title: "Answers VERIFY with 6F00.", Of: "offlinepin", Shim: refuse(insVerify, 0x6F00)},
		Ends:    declined(reasonStatus),
	},
	{
		Variant: sim.Variant{Name: "nochallenge", Title: "Gives no number to encipher its PIN with; the issuer declines.", Of: "encpin",
			Shim: refuse(insChallenge, 0x6D00)},
		Ends: refused("05"),
	},
	{
		Variant: sim.Variant{Name: "cvmfail", Title: "Wants its owner to be refused; the issuer declines.", Of: "approve",
			Shim: inRecord(tlv.CVMList, cvms(0x00, 0x00))},
		Ends: refused("05"),
	},
	{
		Variant: sim.Variant{Name: "wedge", Title: "Has something before it that says yes to any PIN; the issuer notices and declines.", Of: "offlinepin",
			Shim: refuse(insVerify, swOK)},
		Ends: refused("05"),
	},
}
