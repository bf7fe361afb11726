package cards

import (
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// records are cards whose data is not as it should be. EMV 4.4 Book 3, 7 and
// 10.2.
var records = []Card{
	{
		Variant: sim.Variant{Name: "norecord", Title: "Does not have the records that it lists.", Of: "approve",
			Shim: refuse(insRead, 0x6A83)},
		Ends: declined(reasonStatus),
	},
	{
		Variant: sim.Variant{Name: "notemplate", Title: "Gives records without the template around them.", Of: "nopse",
			Shim: spoil(insRead, func(data []byte) []byte {
				if value, err := tlv.One(data, tlv.RecordTemplate); err == nil {
					return value
				}
				return data
			})},
		Ends: declined(reasonData),
	},
	{
		Variant: sim.Variant{Name: "trailing", Title: "Has bytes after the template of a record.", Of: "nopse",
			Shim: spoil(insRead, func(data []byte) []byte { return append(append([]byte{}, data...), 0x9F, 0x7F, 0x00) })},
		Ends: declined(reasonData),
	},
	{
		Variant: sim.Variant{Name: "oversized", Title: "Has an object that says it is longer than its record.", Of: "nopse",
			Shim: spoil(insRead, func(data []byte) []byte {
				return append([]byte{0x70, 0x07, 0x57, 0x84, 0xFF, 0xFF, 0xFF, 0xFF}, data[:1]...)
			})},
		Ends: declined(reasonData),
	},
	{
		Variant: sim.Variant{Name: "padded", Title: "Has zero bytes between the objects of a record, as it may.", Of: "approve",
			Shim: spoil(insRead, func(data []byte) []byte {
				value, err := tlv.One(data, tlv.RecordTemplate)
				if _, track := tlv.Find(data, tlv.RecordTemplate, tlv.Track2); err != nil || !track {
					return data
				}
				return tlv.Append(nil, tlv.RecordTemplate, append(append([]byte{0, 0}, value...), 0, 0, 0))
			})},
		Ends: []Ending{approved},
	},
	{
		Variant: sim.Variant{Name: "unknown", Title: "Has an object that no book knows, as it may.", Of: "approve",
			Shim: inRecord(tlv.Track2, func(value []byte) []tlv.Object {
				return []tlv.Object{{Tag: tlv.Track2, Value: value}, {Tag: 0xDF7E, Value: []byte{1, 2, 3}}}
			})},
		Ends: []Ending{approved},
	},
	{
		Variant: sim.Variant{Name: "twice", Title: "Has its account number twice.", Of: "approve",
			Shim: inRecord(tlv.PAN, func(value []byte) []tlv.Object {
				return []tlv.Object{{Tag: tlv.PAN, Value: value}, {Tag: tlv.PAN, Value: value}}
			})},
		Ends: declined(reasonData),
	},
	{
		Variant: sim.Variant{Name: "nopan", Title: "Has no account number.", Of: "approve", Shim: inRecord(tlv.PAN, missing)},
		Ends:    declined(reasonData),
	},
	{
		Variant: sim.Variant{Name: "nocdol", Title: "Does not say what it wants to know for a cryptogram.", Of: "approve",
			Shim: inRecord(tlv.CDOL1, missing)},
		Ends: declined(reasonData),
	},
	{
		Variant: sim.Variant{Name: "longcdol", Title: "Wants to know more for a cryptogram than a command can carry.", Of: "approve",
			Shim: inRecord(tlv.CDOL1, set(tlv.CDOL1, 0x9F, 0x02, 0xFF, 0x9F, 0x03, 0xFF))},
		Ends: declined(reasonData),
	},
	{
		Variant: sim.Variant{Name: "expired", Title: "Says that it has expired, which its issuer did not sign; the issuer declines.", Of: "approve",
			Shim: inRecord(tlv.ExpirationDate, set(tlv.ExpirationDate, 0x20, 0x12, 0x31))},
		Ends: refused("54"),
	},
	{
		Variant: sim.Variant{Name: "notyet", Title: "Says that it is not good yet; the issuer, who knows better, approves.", Of: "approve",
			Shim: inRecord(tlv.EffectiveDate, set(tlv.EffectiveDate, 0x49, 0x12, 0x31))},
		Ends: approvedWith("0820008000"),
	},
	{
		Variant: sim.Variant{Name: "version", Title: "Is of another version of the application; the issuer approves.", Of: "approve",
			Shim: inRecord(tlv.CardVersion, set(tlv.CardVersion, 0x00, 0x77))},
		Ends: approvedWith("0880008000"),
	},
	{
		Variant: sim.Variant{Name: "noiac", Title: "Has no action codes, so whatever is amiss goes online; the issuer approves.", Of: "approve",
			Shim: spoil(insRead, inTemplate(tlv.RecordTemplate, func(objects []tlv.Object) []tlv.Object {
				for _, tag := range []tlv.Tag{tlv.IACDefault, tlv.IACDenial, tlv.IACOnline} {
					objects = each(objects, tag, missing)
				}
				return objects
			}))},
		Ends: approvedWith("0800008000"),
	},
	{
		Variant: sim.Variant{Name: "noservice", Title: "May not be used for goods or services: refused offline.", Of: "approve",
			Shim: inRecord(tlv.ApplicationUsageControl, set(tlv.ApplicationUsageControl, 0x03, 0x00))},
		Ends: declined(reasonTerminal),
	},
}
