package cards

import (
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// p2 is the second parameter of a command, which the terminal always sends.
func p2(command []byte) byte {
	if len(command) < 4 {
		return 0
	}
	return command[3]
}

// asksPSE tells whether a command selects 1PAY.SYS.DDF01.
func asksPSE(command []byte) bool {
	return ins(command) == insSelect && len(command) > 5 && command[5] == '1'
}

const selectNext = 0x02 // P2 of SELECT, EMV 4.4 Book 1, 11.3.2

// selection are cards that cannot be selected as they should. EMV 4.4 Book 1, 12.
var selection = []Card{
	{
		Variant: sim.Variant{Name: "badpse", Title: "Its directory is garbage; it is found by the list of AIDs.", Of: "approve",
			Shim: func() sim.Shim {
				inPSE := false
				return func(command []byte, chip func([]byte) []byte) []byte {
					answer := chip(command)
					if ins(command) == insSelect {
						inPSE = asksPSE(command)
					}
					if inPSE && ins(command) == insRead {
						return success([]byte{0x70, 0x03, 0x61, 0x05, 0x4F})
					}
					return answer
				}
			}},
		Ends: []Ending{approved},
	},
	{
		Variant: sim.Variant{Name: "halfpse", Title: "Its directory ends in an error after a good record; it is found by the list of AIDs.", Of: "approve",
			Shim: always(func(command []byte, chip func([]byte) []byte) []byte {
				answer := chip(command)
				if ins(command) == insRead && len(answer) == 2 { // there is no such record
					return status(0x6F00)
				}
				return answer
			})},
		Ends: []Ending{approved},
	},
	{
		Variant: sim.Variant{Name: "endlesspse", Title: "Its directory has a record under each number.", Of: "approve",
			Shim: always(func(command []byte, chip func([]byte) []byte) []byte {
				answer := chip(command)
				if ins(command) == insRead && len(answer) == 2 { // there is no such record
					return success([]byte{0x70, 0x00})
				}
				return answer
			})},
		Ends: []Ending{approved},
	},
	{
		Variant: sim.Variant{Name: "endlessnext", Title: "Has no directory, and one more application whenever it is asked for the next.", Of: "twoapps",
			Shim: func() sim.Shim {
				given := byte(0)
				return func(command []byte, chip func([]byte) []byte) []byte {
					switch {
					case asksPSE(command):
						return status(0x6A82)
					case ins(command) != insSelect || p2(command) != selectNext:
						return chip(command)
					}
					given++
					name := append(append([]byte{}, issuer.AID...), 0xEE, given)
					inner := tlv.Append(nil, tlv.ApplicationLabel, []byte("ONE MORE"))
					return success(tlv.Append(nil, tlv.FCI, tlv.Append(tlv.Append(nil, tlv.DFName, name), tlv.FCIProprietary, inner)))
				}
			}},
		Ends: deckEnds["twoapps"],
	},
	{
		Variant: sim.Variant{Name: "blockedapp", Title: "Its only application is blocked: each SELECT of it warns 6283.", Of: "nopse",
			Shim: always(func(command []byte, chip func([]byte) []byte) []byte {
				answer := chip(command)
				if data, ok := succeeded(answer); ok && ins(command) == insSelect {
					return append(append([]byte{}, data...), 0x62, 0x83)
				}
				return answer
			})},
		Ends: declined(reasonNone),
	},
	{
		Variant: sim.Variant{Name: "badfci", Title: "Answers SELECT by something that is no FCI.", Of: "nopse",
			Shim: instead(insSelect, success([]byte{0x6F, 0x02, 0x84, 0x7F}))},
		Ends: declined(reasonNone),
	},
	{
		Variant: sim.Variant{Name: "othername", Title: "Selects another application than the one asked for.", Of: "approve",
			Shim: spoil(insSelect, inTemplate(tlv.FCI, func(objects []tlv.Object) []tlv.Object {
				return each(objects, tlv.DFName, flip(tlv.DFName))
			}))},
		Ends: declined(reasonNone),
	},
}
