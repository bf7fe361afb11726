package cards

import (
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// information makes the first cryptogram say that it is of another type.
func information(cid byte) func() sim.Shim {
	return inCryptogram(first, tlv.CryptogramInformation, set(tlv.CryptogramInformation, cid))
}

// cryptograms are cards whose first cryptogram is not what it should be. EMV
// 4.4 Book 3, 6.5.5, 9.3 and 10.8.
var cryptograms = []Card{
	{
		Variant: sim.Variant{Name: "refuses", Title: "Declines with its first cryptogram.", Of: "approve", Shim: information(cidAAC)},
		Ends:    declined(reasonCard),
	},
	{
		Variant: sim.Variant{Name: "notallowed", Title: "Declines with its first cryptogram: service not allowed.", Of: "approve",
			Shim: information(cidAAC | 0x01)},
		Ends: declined(reasonNotAllowed),
	},
	{
		Variant: sim.Variant{Name: "upgrades", Title: "Approves by itself where the issuer is to be asked.", Of: "approve", Shim: information(cidTC)},
		Ends:    declined(reasonCryptogram),
	},
	{
		Variant: sim.Variant{Name: "yescard", Title: "Says yes to everything, with a static signature and without a key.", Of: "offlinesda",
			Shim: always(func(command []byte, chip func([]byte) []byte) []byte {
				if ins(command) != insGenerate {
					return chip(command)
				}
				made := tlv.Append(nil, tlv.CryptogramInformation, []byte{cidTC})
				made = tlv.Append(made, tlv.ATC, []byte{0, 1})
				return success(tlv.Append(nil, tlv.ResponseFormat2, tlv.Append(made, tlv.ApplicationCryptogram, make([]byte, 8))))
			})},
		Ends: declined(reasonCryptogram),
	},
	{
		Variant: sim.Variant{Name: "rfutype", Title: "Gives a cryptogram of a type that there is not.", Of: "approve", Shim: information(cidRFU)},
		Ends:    declined(reasonCryptogram),
	},
	{
		Variant: sim.Variant{Name: "notype", Title: "Does not say of which type its cryptogram is.", Of: "approve",
			Shim: inCryptogram(first, tlv.CryptogramInformation, missing)},
		Ends: declined(reasonData),
	},
	{
		Variant: sim.Variant{Name: "shortformat1", Title: "Gives a cryptogram in format 1 that is too short.", Of: "t1",
			Shim: generated(first, func(answer []byte) []byte { return success([]byte{0x80, 0x04, 0x80, 0, 1, 2}) })},
		Ends: declined(reasonData),
	},
	{
		Variant: sim.Variant{Name: "generror", Title: "Refuses the first GENERATE AC with 6F00.", Of: "approve",
			Shim: generated(first, func([]byte) []byte { return status(0x6F00) })},
		Ends: declined(reasonStatus),
	},
	{
		Variant: sim.Variant{Name: "wrongarqc", Title: "Its cryptogram is of another key; the issuer declines.", Of: "approve",
			Shim: inCryptogram(first, tlv.ApplicationCryptogram, flip(tlv.ApplicationCryptogram))},
		Ends: refused("05"),
	},
	{
		Variant: sim.Variant{Name: "wrongatc", Title: "Lies about its transaction counter; the issuer declines.", Of: "approve",
			Shim: inCryptogram(first, tlv.ATC, set(tlv.ATC, 0x77, 0x77))},
		Ends: refused("05"),
	},
	{
		Variant: sim.Variant{Name: "otherscheme", Title: "Its issuer application data is of another scheme; the issuer declines.", Of: "approve",
			Shim: inCryptogram(first, tlv.IssuerApplicationData, set(tlv.IssuerApplicationData, 0x06, 0x01, 0x0A, 0x03, 0xA0, 0x00, 0x00))},
		Ends: refused("05"),
	},
}
