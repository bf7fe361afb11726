package cards

import "github.com/cloudpos/cloudpos/drivers/sim"

// transport are cards that break the protocol below the commands, or leave.
// EMV 4.4 Book 1, 8 and 9.
var transport = []Card{
	{
		Variant: sim.Variant{Name: "badatr", Title: "Its answer to reset speaks of a protocol that there is not; after three tries the customer swipes it.", Of: "approve",
			ATR: []byte{0x3B, 0x80, 0x0E, 0x8E}},
		Ends: []Ending{stripeApproved},
	},
	{
		Variant: sim.Variant{Name: "dead", Title: "Answers to its reset and to nothing else; after three tries the customer swipes it.", Of: "approve",
			Shim: instead(insSelect, nil)},
		Ends: []Ending{stripeApproved},
	},
	{
		Variant: sim.Variant{Name: "endless61", Title: "Always has more to say (61xx, over T=0).", Of: "approve",
			Shim: always(func(command []byte, chip func([]byte) []byte) []byte {
				if i := ins(command); i == insGPO || i == insGetResponse {
					return status(0x6110)
				}
				return chip(command)
			})},
		Ends: declined(reasonCardRemoved),
	},
	{
		Variant: sim.Variant{Name: "endless6c", Title: "Never likes the length that it asked for (6Cxx, over T=0).", Of: "approve",
			Shim: refuse(insRead, 0x6C10)},
		Ends: declined(reasonStatus),
	},
	{
		Variant: sim.Variant{Name: "silent", Title: "Falls silent over its records.", Of: "nopse", Shim: instead(insRead, nil)},
		Ends:    declined(reasonCardRemoved),
	},
	{
		Variant: sim.Variant{Name: "silentt1", Title: "Falls silent over its records, over T=1.", Of: "t1",
			Shim: func() sim.Shim {
				initiated := false
				return func(command []byte, chip func([]byte) []byte) []byte {
					initiated = initiated || ins(command) == insGPO
					if initiated && ins(command) == insRead {
						return nil
					}
					return chip(command)
				}
			}},
		Ends: declined(reasonCardRemoved),
	},
	{
		Variant: sim.Variant{Name: "pulled", Title: "Is pulled out while it is read.", Of: "nopse",
			Leaves: func(command []byte) bool { return ins(command) == insRead }},
		Ends: declined(reasonCardRemoved),
	},
}
