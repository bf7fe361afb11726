package cards

import (
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// initiation are cards that fail at GET PROCESSING OPTIONS. EMV 4.4 Book 3, 10.1.
var initiation = []Card{
	{
		Variant: sim.Variant{Name: "unwilling", Title: "Refuses GET PROCESSING OPTIONS with 6985, for ever.", Of: "approve",
			Shim: refuse(insGPO, 0x6985)},
		Ends: declined(reasonNone),
	},
	{
		Variant: sim.Variant{Name: "gpoerror", Title: "Refuses GET PROCESSING OPTIONS with 6F00.", Of: "approve",
			Shim: refuse(insGPO, 0x6F00)},
		Ends: declined(reasonStatus),
	},
	{
		Variant: sim.Variant{Name: "garbage", Title: "Answers GET PROCESSING OPTIONS by bytes that are no TLV.", Of: "approve",
			Shim: instead(insGPO, success([]byte{0x77, 0x0E, 0x82, 0x7F, 0xFF, 0xFF}))},
		Ends: declined(reasonData),
	},
	{
		Variant: sim.Variant{Name: "noafl", Title: "Does not say where its records are.", Of: "approve",
			Shim: spoil(insGPO, inTemplate(tlv.ResponseFormat2, func(objects []tlv.Object) []tlv.Object {
				return each(objects, tlv.AFL, missing)
			}))},
		Ends: declined(reasonData),
	},
	{
		Variant: sim.Variant{Name: "unsigned", Title: "Says that none of its records is signed; the issuer approves.", Of: "approve",
			Shim: spoil(insGPO, inTemplate(tlv.ResponseFormat2, func(objects []tlv.Object) []tlv.Object {
				return each(objects, tlv.AFL, func(value []byte) []tlv.Object {
					afl := append([]byte{}, value...)
					for i := 3; i < len(afl); i += 4 {
						afl[i] = 0
					}
					return []tlv.Object{{Tag: tlv.AFL, Value: afl}}
				})
			}))},
		Ends: approvedWith("0800008000"),
	},
	{
		Variant: sim.Variant{Name: "badafl", Title: "Says that its records begin after their end.", Of: "approve",
			Shim: spoil(insGPO, inTemplate(tlv.ResponseFormat2, func(objects []tlv.Object) []tlv.Object {
				return each(objects, tlv.AFL, set(tlv.AFL, 0x08, 0x05, 0x01, 0x00))
			}))},
		Ends: declined(reasonData),
	},
	{
		Variant: sim.Variant{Name: "endlessafl", Title: "Has sixteen thousand records, all the same.", Of: "approve",
			Shim: func() sim.Shim {
				spoiled := spoil(insGPO, inTemplate(tlv.ResponseFormat2, func(objects []tlv.Object) []tlv.Object {
					return each(objects, tlv.AFL, func([]byte) []tlv.Object {
						var afl []byte
						for range 60 {
							afl = append(afl, 0xF8-8, 0x01, 0xFF, 0x00) // SFI 30
						}
						return []tlv.Object{{Tag: tlv.AFL, Value: afl}}
					})
				}))()
				return func(command []byte, chip func([]byte) []byte) []byte {
					if ins(command) == insRead {
						return success([]byte{0x70, 0x00})
					}
					return spoiled(command, chip)
				}
			}},
		Ends: declined(reasonData),
	},
}
