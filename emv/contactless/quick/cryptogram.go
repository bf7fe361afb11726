package quick

import (
	"errors"
	"fmt"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// The types of a cryptogram: the two upper bits of 9F27. EMV 4.4 Book 3, 6.5.5.
const (
	cryptogramMask = 0xC0
	CryptogramAAC  = 0x00
	CryptogramTC   = 0x40
	CryptogramARQC = 0x80
)

// Where 9F10 holds the type of the cryptogram, if there is no 9F27: byte 5, in
// the card verification results. EMV Contactless Book C-3, 5.4, and Book C-7,
// cryptogram.
const (
	cvrAt    = 4
	cvrMask  = 0x30
	cvrShift = 2 // from b6b5 to b8b7
)

// Require fails if the card has not given all of these.
func (t *Tap) Require(tags ...tlv.Tag) error {
	for _, tag := range tags {
		if len(t.Card[tag]) == 0 {
			return fmt.Errorf("%v missing", tag)
		}
	}
	return nil
}

// ReadCryptogram finds out the type of the cryptogram.
func (t *Tap) ReadCryptogram() error {
	if cid := t.Card[tlv.CryptogramInformation]; cid != nil {
		t.Cryptogram = cid[0] & cryptogramMask
		return nil
	}
	iad := t.Card[tlv.IssuerApplicationData]
	if len(iad) <= cvrAt {
		return fmt.Errorf("neither 9F27 nor card verification results in 9F10 of %d bytes", len(iad))
	}
	t.Cryptogram = iad[cvrAt] & cvrMask << cvrShift
	t.Card[tlv.CryptogramInformation] = []byte{t.Cryptogram}
	return nil
}

// ReadHolder takes out whose the card is, until when, and what it wishes.
func (t *Tap) ReadHolder() error {
	if err := t.ReadAccount(); err != nil {
		return err
	}
	if expiry := t.Card[tlv.ExpirationDate]; expiry != nil {
		if _, err := tlv.ParseNumeric(expiry); err != nil {
			return errors.New("5F24 is no date")
		}
	}
	copy(t.CTQ[:], t.Card[tlv.CTQ])
	return nil
}

// Analyse looks what the card's cryptogram says. EMV Contactless Book C-3, 5.4,
// and Book C-7, cryptogram.
func (t *Tap) Analyse() {
	switch t.Cryptogram {
	case CryptogramARQC:
		t.Online = true
	case CryptogramTC:
		t.Online = t.TTQ.Has(TTQCryptogram)
	case CryptogramAAC:
		t.Decline(emv.ReasonCard, "the card answers with an AAC ("+t.opts.Sections.Cryptogram+")")
	default:
		t.Decline(emv.ReasonCryptogram, "the card answers with a cryptogram that does not exist ("+t.opts.Sections.Cryptogram+")")
	}
}
