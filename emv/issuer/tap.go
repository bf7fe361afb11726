package issuer

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Tap is what an application has for readers with an antenna.
type Tap struct {
	Kernel byte `json:"kernel"` // 9F2A: which one it is made for
	// Qualifiers are 9F6C: what the card wants where something is amiss, and how
	// its holder is verified at an amount that demands it.
	Qualifiers Hex   `json:"qualifiers,omitempty"`
	Device     bool  `json:"device,omitempty"`      // a phone, which verifies its owner itself
	SpendMinor int64 `json:"spend_minor,omitempty"` // what may be spent without the issuer; 0 is no balance
}

// Kernel3 is the kernel of cards that answer with their cryptogram at once. EMV
// Contactless Book B, 3.3.2.5.
const Kernel3 = 3

// AIDTap3 is the application of the test cards for kernel 3.
var AIDTap3 = []byte{0xF0, 'C', 'P', 'O', 'S', 0x03, Kernel3}

// The bits of 9F6C that are of use beside a chip. EMV Contactless Book C-3,
// Annex A.
const (
	QualifierPIN       = 0x80 // byte 1: the PIN goes online
	QualifierSignature = 0x40
	QualifierOnline    = 0x20 // ask the issuer if the card cannot be authenticated
	QualifierSwitch    = 0x10 // take the slot if it cannot
	QualifierDevice    = 0x80 // byte 2: its owner was verified by the device
	QualifierUpdate    = 0x40 // takes the issuer's answer at a second tap
)

// qualifiersSize is the length of 9F6C.
const qualifiersSize = 2

// tapPDOL asks for all that a cryptogram covers, and for what the reader wants
// (9F66). EMV Contactless Book C-3, 5.2.
var tapPDOL = []byte{
	0x9F, 0x66, 4, 0x9F, 0x02, 6, 0x9F, 0x03, 6, 0x9F, 0x1A, 2, 0x95, 5, 0x5F, 0x2A, 2, 0x9A, 3, 0x9C, 1, 0x9F, 0x37, 4,
}

// pdol is what the card wants to know before it begins.
func (o Order) pdol() []byte {
	if o.Tap != nil {
		return tapPDOL
	}
	return pdol
}

// check tells whether a card can be tapped like that.
func (t *Tap) check(p *Profile) error {
	switch {
	case t.Kernel != Kernel3:
		return fmt.Errorf("%w: %s: tapped for kernel %d", ErrProfile, p.Name, t.Kernel)
	case len(t.Qualifiers) != qualifiersSize:
		return fmt.Errorf("%w: %s: qualifiers of %d bytes, want %d", ErrProfile, p.Name, len(t.Qualifiers), qualifiersSize)
	case t.SpendMinor < 0:
		return fmt.Errorf("%w: %s: may spend %d", ErrProfile, p.Name, t.SpendMinor)
	case !p.Signs():
		return fmt.Errorf("%w: %s: is tapped, and cannot sign", ErrProfile, p.Name)
	case !tapLists(p):
		return fmt.Errorf("%w: %s: is tapped, and does not ask for the reader's qualifiers", ErrProfile, p.Name)
	}
	return nil
}

// tapLists tells whether the PDOL asks what a cryptogram at once needs.
func tapLists(p *Profile) bool {
	list, err := tlv.ParseDOL(p.PDOL)
	return err == nil && list.Contains(tlv.TTQ) && list.Contains(tlv.UnpredictableNumber) && list.Contains(tlv.AmountAuthorised)
}
