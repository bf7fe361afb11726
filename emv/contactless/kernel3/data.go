package kernel3

import (
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Bits of the qualifiers that no other kernel has. EMV Contactless Book A, 5.7,
// and Book C-3, Annex A.
var (
	ttqIssuerUpdate   = quick.Bit{At: 3, Mask: 0x80}
	ctqSwitchCash     = quick.Bit{At: 1, Mask: 0x04} // take another interface for cash
	ctqSwitchCashback = quick.Bit{At: 1, Mask: 0x02}
	ctqIssuerUpdate   = quick.Bit{At: 2, Mask: 0x40}
)

// sections are those that outcomes cite.
var sections = quick.Sections{
	Initiate: "Book C-3, 5.2", Read: "Book C-3, 5.3", Complete: "Book C-3, 5.4", Cryptogram: "Book C-3, 5.4",
	Restrict:     "Book C-3, 5.5",
	Authenticate: "Book C-3, 5.6", Verify: "Book C-3, 5.7", Conclude: "Book C-3, 5.8",
}

// recognised are objects of the card that this kernel alone uses. EMV
// Contactless Book C-3, Annex A.
var recognised = []tlv.Tag{tlv.ApplicationProgram, tlv.IssuerCountry, tlv.ApplicationUsageControl, tlv.SSAD}

// Complete checks that all is there that a tap cannot do without, and takes out
// what the decisions need. EMV Contactless Book C-3, 5.4.
func (t *tap) Complete() error {
	err := t.Require(tlv.AIP, tlv.ATC, tlv.ApplicationCryptogram, tlv.IssuerApplicationData, tlv.Track2, tlv.DFName)
	if err != nil {
		return err
	}
	if err := t.ReadHolder(); err != nil {
		return err
	}
	return t.ReadCryptogram()
}
