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

	// Of cards for kernel 2 alone.
	Race     *Race `json:"race,omitempty"`     // against relays, or nil
	Recovers bool  `json:"recovers,omitempty"` // gives a cryptogram again that nobody heard

	// Of cards for kernel 7 alone: 57, which they tell with their cryptogram and
	// have in no record.
	Track Hex `json:"track,omitempty"`
}

// Race is what a card says of its time for EXCHANGE RELAY RESISTANCE DATA, in
// units of 100 microseconds. EMV Contactless Book C-2, 3.10.
type Race struct {
	Min      uint16 `json:"min"`
	Max      uint16 `json:"max"`
	Estimate uint16 `json:"estimate"` // of the answer's way
}

// The kernels that there are cards for: those that generate a cryptogram when
// they are asked to, and those that answer with it at once. EMV Contactless Book
// B, 3.3.2.5.
const (
	Kernel2 = 2
	Kernel3 = 3
	Kernel7 = 7
)

// The applications of the test cards that are tapped, by their kernel.
var (
	AIDTap2 = []byte{0xF0, 'C', 'P', 'O', 'S', 0x03, Kernel2}
	AIDTap3 = []byte{0xF0, 'C', 'P', 'O', 'S', 0x03, Kernel3}
	AIDTap7 = []byte{0xF0, 'C', 'P', 'O', 'S', 0x03, Kernel7}
)

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

// generates tells whether the card is told what its cryptogram covers by CDOL1.
func (t *Tap) generates() bool { return t.Kernel == Kernel2 }

// tellsTrack tells whether the card gives its track with the cryptogram.
func (t *Tap) tellsTrack() bool { return t.Kernel == Kernel7 }

// tap is what the profile has for antennas, or nil.
func (o Order) tap() *Tap {
	if o.Tap == nil {
		return nil
	}
	t := *o.Tap
	if t.tellsTrack() {
		t.Track = o.track()
	}
	return &t
}

// pdol is what the card wants to know before it begins.
func (o Order) pdol() []byte {
	if o.Tap != nil && !o.Tap.generates() {
		return tapPDOL
	}
	return pdol
}

// cdol1 is what it wants to know for a cryptogram: of one that generates it at
// an antenna, how its holder was verified (9F34) too.
func (o Order) cdol1() []byte {
	if o.Tap != nil && o.Tap.generates() {
		return append(cdol1[:len(cdol1):len(cdol1)], 0x9F, 0x34, 3)
	}
	return cdol1
}

// The bits of the AIP for kernel 2. EMV Contactless Book C-2, Annex A.
const (
	aipDevice = 0x02 // byte 1: a phone verifies its owner
	aipEMV    = 0x80 // byte 2: more than a magnetic stripe
	aipRace   = 0x01
)

// aip is 82.
func (o Order) aip() []byte {
	aip := o.Proof.aip()
	if o.Tap == nil || !o.Tap.generates() {
		return aip
	}
	aip[1] |= aipEMV
	if o.Tap.Device {
		aip[0] |= aipDevice
	}
	if o.Tap.Race != nil {
		aip[1] |= aipRace
	}
	return aip
}

// Data objects of kernel 2, and the bit of 9F5D, byte 2, that says that there is
// a balance. EMV Contactless Book C-2, Annex A.
const (
	tagRecoveryList tlv.Tag = 0x9F51
	tagCapabilities tlv.Tag = 0x9F5D
	tagThirdParty   tlv.Tag = 0x9F6E
	hasBalance              = 0x02
)

// phone is 9F6E of one: country, identifier, device type "01". EMV Contactless
// Book C-2, Annex A.
var phone = []byte{0x01, 0x56, 0x00, 0x00, '0', '1'}

// objects are what a tapped card's account record has beside.
func (t *Tap) objects() []byte {
	var b []byte
	if t.Recovers {
		b = tlv.Append(b, tagRecoveryList, []byte{0x9F, 0x37, 4})
	}
	if t.generates() && t.Device {
		b = tlv.Append(b, tagThirdParty, phone)
	}
	if t.generates() && t.SpendMinor > 0 {
		b = tlv.Append(b, tagCapabilities, []byte{0x01, hasBalance, 0x00})
	}
	return b
}

// check tells whether a card can be tapped like that.
func (t *Tap) check(p *Profile) error {
	switch {
	case t.Kernel != Kernel2 && t.Kernel != Kernel3 && t.Kernel != Kernel7:
		return fmt.Errorf("%w: %s: tapped for kernel %d", ErrProfile, p.Name, t.Kernel)
	case !t.generates() && len(t.Qualifiers) != qualifiersSize:
		return fmt.Errorf("%w: %s: qualifiers of %d bytes, want %d", ErrProfile, p.Name, len(t.Qualifiers), qualifiersSize)
	case !t.generates() && (t.Race != nil || t.Recovers):
		return fmt.Errorf("%w: %s: does what is kernel 2's", ErrProfile, p.Name)
	case t.tellsTrack() != (len(t.Track) > 0):
		return fmt.Errorf("%w: %s: has no track for its kernel, or one too many", ErrProfile, p.Name)
	case t.SpendMinor < 0:
		return fmt.Errorf("%w: %s: may spend %d", ErrProfile, p.Name, t.SpendMinor)
	case t.Race != nil && t.Race.Min > t.Race.Max:
		return fmt.Errorf("%w: %s: takes %d at least and %d at most", ErrProfile, p.Name, t.Race.Min, t.Race.Max)
	case !p.Signs() || t.generates() && !p.CDA():
		return fmt.Errorf("%w: %s: is tapped, and cannot sign", ErrProfile, p.Name)
	case !t.asks(p):
		return fmt.Errorf("%w: %s: is tapped, and does not ask for what it signs", ErrProfile, p.Name)
	}
	return nil
}

// asks tells whether the lists ask what the card needs to know.
func (t *Tap) asks(p *Profile) bool {
	source, needed := p.PDOL, []tlv.Tag{tlv.TTQ, tlv.UnpredictableNumber, tlv.AmountAuthorised}
	if t.generates() {
		source, needed = p.CDOL1, []tlv.Tag{tlv.CVMResults, tlv.UnpredictableNumber, tlv.AmountAuthorised}
	}
	list, err := tlv.ParseDOL(source)
	for _, tag := range needed {
		if err != nil || !list.Contains(tag) {
			return false
		}
	}
	return true
}
