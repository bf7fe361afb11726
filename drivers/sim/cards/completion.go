package cards

import "github.com/cloudpos/cloudpos/drivers/sim"

// completion are cards that go wrong after the issuer's answer: what it had
// approved is reversed. EMV 4.4 Book 3, 10.9 to 10.11.
var completion = []Card{
	{
		Variant: sim.Variant{Name: "noissuer", Title: "Does not believe the issuer's answer.", Of: "approve", Shim: refuse(insExternal, 0x6300)},
		Ends:    reversed(reasonOverruled),
	},
	{
		Variant: sim.Variant{Name: "seconderror", Title: "Refuses the second GENERATE AC with 6985.", Of: "approve",
			Shim: generated(second, func([]byte) []byte { return status(0x6985) })},
		Ends: reversed(reasonStatus),
	},
	{
		Variant: sim.Variant{Name: "secondgarbage", Title: "Answers the second GENERATE AC by bytes that are no TLV.", Of: "approve",
			Shim: generated(second, func([]byte) []byte { return success([]byte{0x77, 0x7F, 0x00}) })},
		Ends: reversed(reasonData),
	},
	{
		Variant: sim.Variant{Name: "pulledlate", Title: "Is pulled out when the issuer has approved.", Of: "approve",
			Leaves: func(command []byte) bool { return ins(command) == insExternal }},
		Ends: reversed(reasonCardRemoved),
	},
	{
		Variant: sim.Variant{Name: "silentlate", Title: "Falls silent when the issuer has approved.", Of: "approve",
			Shim: generated(second, func([]byte) []byte { return nil })},
		Ends: reversed(reasonCardRemoved),
	},
}
