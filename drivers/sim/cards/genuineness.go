package cards

import (
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// genuineness are cards that cannot prove that they are genuine. The terminal
// goes online for it, and the issuer believes the cryptogram; only a signature
// over the cryptogram itself that is wrong ends the sale, and of XDA that over
// the second one alone. EMV 4.4 Book 2, 5 to 7 and 12.
var genuineness = []Card{
	{
		Variant: sim.Variant{Name: "downgraded", Title: "Has something before it that says it cannot prove itself; the issuer notices and declines.", Of: "approve",
			Shim: spoil(insGPO, inTemplate(tlv.ResponseFormat2, func(objects []tlv.Object) []tlv.Object {
				return each(objects, tlv.AIP, func(aip []byte) []tlv.Object {
					const proofs = 0x61 // SDA, DDA, CDA: EMV 4.4 Book 3, Annex C1
					return []tlv.Object{{Tag: tlv.AIP, Value: []byte{aip[0] &^ proofs, aip[1]}}}
				})
			}))},
		Ends: refused("05"),
	},
	{
		Variant: sim.Variant{Name: "wrongissuer", Title: "Its issuer's certificate is not from the authority.", Of: "approve",
			Shim: inRecord(tlv.IssuerCertificate, flip(tlv.IssuerCertificate))},
		Ends: approvedWith("0800008000"),
	},
	{
		Variant: sim.Variant{Name: "unknownca", Title: "Names an authority whose key the terminal does not have.", Of: "approve",
			Shim: inRecord(tlv.CAKeyIndex, set(tlv.CAKeyIndex, 0x77))},
		Ends: approvedWith("0800008000"),
	},
	{
		Variant: sim.Variant{Name: "nocertificate", Title: "Has no certificate of its own.", Of: "approve",
			Shim: inRecord(tlv.ICCCertificate, missing)},
		Ends: approvedWith("2800008000"),
	},
	{
		Variant: sim.Variant{Name: "wrongcard", Title: "Its certificate is another card's.", Of: "approve",
			Shim: inRecord(tlv.ICCCertificate, flip(tlv.ICCCertificate))},
		Ends: approvedWith("0800008000"),
	},
	{
		Variant: sim.Variant{Name: "taglist", Title: "Wants more signed than the book allows (9F4A).", Of: "approve",
			Shim: inRecord(tlv.SDATagList, set(tlv.SDATagList, 0x82, 0x84))},
		Ends: approvedWith("0800008000"),
	},
	{
		Variant: sim.Variant{Name: "altered", Title: "Its country was altered after the issuer had signed it.", Of: "sda",
			Shim: inRecord(tlv.IssuerCountry, set(tlv.IssuerCountry, 0x08, 0x40))},
		Ends: approvedWith("4200008000"),
	},
	{
		Variant: sim.Variant{Name: "wrongsdad", Title: "Signs the terminal's number wrongly (DDA).", Of: "approve",
			Shim: spoil(insInternal, inTemplate(tlv.ResponseFormat2, func(objects []tlv.Object) []tlv.Object {
				return each(objects, tlv.SDAD, flip(tlv.SDAD))
			}))},
		Ends: approvedWith("0800008000"),
	},
	{
		Variant: sim.Variant{Name: "nosign", Title: "Refuses to sign the terminal's number.", Of: "approve",
			Shim: refuse(insInternal, 0x6985)},
		Ends: declined(reasonStatus),
	},
	{
		Variant: sim.Variant{Name: "cdaunsigned", Title: "Leaves the signature over its cryptogram out (CDA).", Of: "cda",
			Shim: inCryptogram(first, tlv.SDAD, missing)},
		Ends: declined(reasonSignature),
	},
	{
		Variant: sim.Variant{Name: "cdaalone", Title: "Approves by itself, and signs that wrongly (CDA).", Of: "offlinecda",
			Shim: inCryptogram(first, tlv.SDAD, flip(tlv.SDAD))},
		Ends: declined(reasonSignature),
	},
	{
		Variant: sim.Variant{Name: "atcbehind", Title: "Says that it was online after the sale that it makes now: the issuer is asked.", Of: "offline",
			Shim: inData(tlv.LastOnlineATC, 0x77, 0x77)},
		Ends: approvedWith("0000006000"),
	},
	{
		Variant: sim.Variant{Name: "noatc", Title: "Does not tell its counters, but has limits for them: the issuer is asked.", Of: "offline",
			Shim: refuse(insGetData, 0x6A88)},
		Ends: approvedWith("0000006000"),
	},
	{
		Variant: sim.Variant{Name: "cdasecond", Title: "Signs its second cryptogram wrongly (CDA), after the issuer's approval.", Of: "cda",
			Shim: inCryptogram(second, tlv.SDAD, flip(tlv.SDAD))},
		Ends: reversed(reasonSignature),
	},
	{
		Variant: sim.Variant{Name: "cdarefuses", Title: "Declines where it was asked to sign a request (CDA).", Of: "cda",
			Shim: generated(first, func([]byte) []byte { return success(plainAAC) })},
		Ends: declined(reasonCard),
	},
	{
		Variant: sim.Variant{Name: "wrongxda", Title: "Signs its cryptogram wrongly on an elliptic curve (XDA); the issuer approves.", Of: "xda",
			Shim: inCryptogram(first, tlv.SDAD, flip(tlv.SDAD))},
		Ends: approvedWith("0100008100"),
	},
	{
		Variant: sim.Variant{Name: "cdatype", Title: "Says in clear that it declines, and signs a request (CDA).", Of: "cda",
			Shim: inCryptogram(first, tlv.CryptogramInformation, set(tlv.CryptogramInformation, cidTC))},
		Ends: declined(reasonCryptogram),
	},
	{
		Variant: sim.Variant{Name: "xdaunsigned", Title: "Leaves the signature over its cryptogram out (XDA): the issuer is asked all the same.", Of: "xda",
			Shim: inCryptogram(first, tlv.SDAD, missing)},
		Ends: approvedWith("0100008100"),
	},
	{
		Variant: sim.Variant{Name: "xdasecond", Title: "Signs its second cryptogram wrongly (XDA), after the issuer's approval.", Of: "xda",
			Shim: inCryptogram(second, tlv.SDAD, flip(tlv.SDAD))},
		Ends: reversed(reasonSignature),
	},
	{
		Variant: sim.Variant{Name: "xdaaltered", Title: "Its country was altered after the issuer had signed it (XDA).", Of: "xda",
			Shim: inRecord(tlv.IssuerCountry, set(tlv.IssuerCountry, 0x08, 0x40))},
		Ends: approvedWith("0100008002"),
	},
	{
		Variant: sim.Variant{Name: "xdaalone", Title: "Approves by itself, and signs that wrongly (XDA): the issuer is asked, and wants a request.", Of: "offlinexda",
			Shim: inCryptogram(first, tlv.SDAD, flip(tlv.SDAD))},
		Ends: refused("05"),
	},
	{
		Variant: sim.Variant{Name: "xdaunknownca", Title: "Names an authority whose key the terminal does not have (XDA).", Of: "xda",
			Shim: inRecord(tlv.CAKeyIndex, set(tlv.CAKeyIndex, 0x77))},
		Ends: approvedWith("0100008004"),
	},
}
