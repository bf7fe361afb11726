package kernel3

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/secret"
)

// lookup finds the value of a data object: what the terminal says first, so
// that no card can replace it.
func (t *tap) lookup(tag tlv.Tag) ([]byte, bool) {
	if value, ok := t.terminal[tag]; ok {
		return value, true
	}
	value, ok := t.card[tag]
	return value, ok
}

// learnFCI stores the objects of the FCI, those in its inner templates too.
func (t *tap) learnFCI() error {
	content, err := tlv.One(t.a.FCI, tlv.FCI)
	if err != nil {
		return err
	}
	nodes, err := tlv.ParseTree(content)
	if err != nil {
		return err
	}
	var objects []tlv.Object
	for len(nodes) > 0 {
		n := nodes[0]
		nodes = append(slices.Clone(n.Nodes), nodes[1:]...)
		objects = append(objects, n.Object)
	}
	return t.learn(objects)
}

// checked are the card's objects that the kernel computes with.
var checked = map[tlv.Tag]bool{
	tlv.AIP: true, tlv.ATC: true, tlv.ApplicationCryptogram: true, tlv.CryptogramInformation: true,
	tlv.IssuerApplicationData: true, tlv.PAN: true, tlv.PANSequence: true, tlv.Track2: true,
	tlv.ExpirationDate: true, tlv.IssuerCountry: true, tlv.ApplicationUsageControl: true,
	tlv.CTQ: true, tlv.CAKeyIndex: true, tlv.AvailableOffline: true,
}

// learn stores primitive objects of the card. The same one twice ends the tap,
// wherever it was. EMV Contactless Book C-3, 5.3.
func (t *tap) learn(objects []tlv.Object) error {
	for _, o := range objects {
		if o.Tag.Constructed() {
			continue
		}
		if _, twice := t.card[o.Tag]; twice {
			return fmt.Errorf("%v given twice", o.Tag)
		}
		if d, known := tlv.Lookup(o.Tag); known && checked[o.Tag] && (len(o.Value) < d.Min || len(o.Value) > d.Max) {
			return fmt.Errorf("%v of %d bytes", o.Tag, len(o.Value))
		}
		t.card[o.Tag] = slices.Clone(o.Value)
	}
	return nil
}

// The types of a cryptogram: the two upper bits of 9F27. EMV 4.4 Book 3, 6.5.5.
const (
	cryptogramMask = 0xC0
	cryptogramAAC  = 0x00
	cryptogramTC   = 0x40
	cryptogramARQC = 0x80
)

// Where 9F10 holds the type of the cryptogram, if there is no 9F27: byte 5, in
// the card verification results. EMV Contactless Book C-3, 5.4.
const (
	cvrAt    = 4
	cvrMask  = 0x30
	cvrShift = 2 // from b6b5 to b8b7
)

// complete checks that all is there that a tap cannot do without, and takes out
// what the decisions need. EMV Contactless Book C-3, 5.4.
func (t *tap) complete() error {
	for _, tag := range []tlv.Tag{
		tlv.AIP, tlv.ATC, tlv.ApplicationCryptogram, tlv.IssuerApplicationData, tlv.Track2, tlv.DFName,
	} {
		if len(t.card[tag]) == 0 {
			return fmt.Errorf("%v missing", tag)
		}
	}
	if err := t.readAccount(); err != nil {
		return err
	}
	if expiry, given := t.card[tlv.ExpirationDate]; given {
		if _, err := tlv.ParseNumeric(expiry); err != nil {
			return errors.New("5F24 is no date")
		}
	}
	copy(t.ctq[:], t.card[tlv.CTQ])
	if cid, given := t.card[tlv.CryptogramInformation]; given {
		t.cryptogram = cid[0] & cryptogramMask
		return nil
	}
	iad := t.card[tlv.IssuerApplicationData]
	if len(iad) <= cvrAt {
		return fmt.Errorf("neither 9F27 nor card verification results in 9F10 of %d bytes", len(iad))
	}
	t.cryptogram = iad[cvrAt] & cvrMask << cvrShift
	t.card[tlv.CryptogramInformation] = []byte{t.cryptogram}
	return nil
}

// panMin and panMax bound an account number. ISO/IEC 7812-1.
const panMin, panMax = 8, 19

// trackSeparator follows the account number on track 2.
const trackSeparator = 0x0D

// readAccount takes the account number out of track 2. If there is another one,
// the card is a forgery or broken.
func (t *tap) readAccount() error {
	var pan secret.PAN
	for i := range 2 * len(t.card[tlv.Track2]) {
		nibble := t.card[tlv.Track2][i/2] >> 4
		if i%2 == 1 {
			nibble = t.card[tlv.Track2][i/2] & 0x0F
		}
		switch {
		case nibble <= 9:
			pan = append(pan, '0'+nibble)
			continue
		case nibble == trackSeparator && len(pan) >= panMin && len(pan) <= panMax:
			t.pan = pan
			return t.checkAccount()
		}
		break
	}
	pan.Clear()
	return errors.New("57 holds no account number")
}

// checkAccount compares it with 5A.
func (t *tap) checkAccount() error {
	other, given := t.card[tlv.PAN]
	if !given {
		return nil
	}
	digits, err := tlv.AppendDigits(nil, other)
	same := err == nil && bytes.Equal(digits, t.pan)
	clear(digits)
	if !same {
		return errors.New("57 and 5A disagree")
	}
	return nil
}
