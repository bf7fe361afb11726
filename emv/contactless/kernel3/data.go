package kernel3

import (
	"errors"
	"fmt"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// recognised are the card's objects that the kernel computes with or passes on.
func recognised(tag tlv.Tag) bool {
	switch tag {
	case tlv.DFName, tlv.ApplicationLabel, tlv.PDOL, tlv.ApplicationProgram,
		tlv.AIP, tlv.AFL, tlv.ATC, tlv.ApplicationCryptogram, tlv.CryptogramInformation, tlv.IssuerApplicationData,
		tlv.Track2, tlv.PAN, tlv.PANSequence, tlv.ExpirationDate, tlv.IssuerCountry, tlv.ApplicationUsageControl,
		tlv.CTQ, tlv.CardRelatedData, tlv.AvailableOffline, tlv.FormFactor, tlv.CustomerExclusive,
		tlv.CAKeyIndex, tlv.IssuerCertificate, tlv.IssuerKeyRemainder, tlv.IssuerKeyExponent, tlv.SDATagList,
		tlv.ICCCertificate, tlv.ICCKeyRemainder, tlv.ICCKeyExponent, tlv.SDAD, tlv.SSAD:
		return true
	}
	return false
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
		if len(t.Card[tag]) == 0 {
			return fmt.Errorf("%v missing", tag)
		}
	}
	if err := t.ReadAccount(); err != nil {
		return err
	}
	if expiry := t.Card[tlv.ExpirationDate]; expiry != nil {
		if _, err := tlv.ParseNumeric(expiry); err != nil {
			return errors.New("5F24 is no date")
		}
	}
	copy(t.ctq[:], t.Card[tlv.CTQ])
	if cid := t.Card[tlv.CryptogramInformation]; cid != nil {
		t.cryptogram = cid[0] & cryptogramMask
		return nil
	}
	iad := t.Card[tlv.IssuerApplicationData]
	if len(iad) <= cvrAt {
		return fmt.Errorf("neither 9F27 nor card verification results in 9F10 of %d bytes", len(iad))
	}
	t.cryptogram = iad[cvrAt] & cvrMask << cvrShift
	t.Card[tlv.CryptogramInformation] = []byte{t.cryptogram}
	return nil
}
