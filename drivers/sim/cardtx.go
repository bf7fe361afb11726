package sim

import (
	"crypto/subtle"
	"io"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Cryptogram types, in the upper two bits of 9F27 and of GENERATE AC's P1.
// EMV 4.4 Book 3, 6.5.5.
const (
	typeAAC  = 0x00
	typeTC   = 0x40
	typeARQC = 0x80
	typeMask = 0xC0
	askCDA   = 0x10 // in P1
	askXDA   = 0x08
)

// getProcessingOptions starts a transaction and counts it. EMV 4.4 Book 3,
// 6.5.8.
func (c *Card) getProcessingOptions(cmd apdu) ([]byte, int) {
	data, sw := c.optionsData(cmd)
	if sw != swOK {
		return nil, sw
	}
	c.counters.ATC++
	c.at, c.told = initiated, append([]byte{}, data...)
	if c.p.Format1 {
		return tlv.Append(nil, tlv.ResponseFormat1, append(append([]byte{}, c.p.AIP...), c.p.AFL...)), swOK
	}
	body := tlv.Append(tlv.Append(nil, tlv.AIP, c.p.AIP), tlv.AFL, c.p.AFL)
	return tlv.Append(nil, tlv.ResponseFormat2, body), swOK
}

// optionsData is what the terminal tells for the PDOL, where a transaction may
// begin at all.
func (c *Card) optionsData(cmd apdu) ([]byte, int) {
	if c.at != selected || c.counters.ATC == 0xFFFF {
		return nil, swConditions
	}
	data, err := tlv.One(cmd.data, tlv.CommandTemplate)
	switch {
	case err != nil:
		return nil, swWrongData
	case len(data) != c.lists.pdol.Size():
		return nil, swWrongLength
	}
	return data, swOK
}

// internalAuthenticate signs what the terminal sent, with a number of its own.
// EMV 4.4 Book 2, 6.5.
func (c *Card) internalAuthenticate(cmd apdu) ([]byte, int) {
	switch {
	case !c.p.DDA():
		return nil, swUnknownINS
	case c.at != initiated:
		return nil, swConditions
	case len(cmd.data) != c.lists.ddol.Size():
		return nil, swWrongLength
	}
	var number [8]byte
	if _, err := io.ReadFull(c.random, number[:]); err != nil {
		return nil, swConditions
	}
	signed, err := issuer.SignDynamic(c.key, number[:], cmd.data)
	if err != nil {
		return nil, swConditions
	}
	if c.p.Format1 {
		return tlv.Append(nil, tlv.ResponseFormat1, signed), swOK
	}
	return tlv.Append(nil, tlv.ResponseFormat2, tlv.Append(nil, tlv.SDAD, signed)), swOK
}

// generateAC decides. A second TC needs the issuer's authenticated approval,
// and but for a card that approves by itself, a first one becomes an ARQC.
// EMV 4.4 Book 3, 9.3 and 6.5.5.
func (c *Card) generateAC(cmd apdu) ([]byte, int) {
	list, second := c.lists.cdol1, c.at != initiated
	if second {
		list = c.lists.cdol2
	}
	switch {
	case c.at != initiated && c.at != askedHost && c.at != hostAnswer:
		return nil, swConditions
	case cmd.p1&^(typeMask|askCDA|askXDA) != 0 || cmd.p1&typeMask == typeMask || cmd.p2 != 0:
		return nil, swWrongParameters
	case cmd.p1&askCDA != 0 && !c.p.CDA() || cmd.p1&askXDA != 0 && !c.p.XDA() || cmd.p1&(askCDA|askXDA) == askCDA|askXDA:
		return nil, swWrongParameters
	case len(cmd.data) != list.Size():
		return nil, swWrongLength
	}
	c.learn(list, cmd.data)
	c.told = append(c.told, cmd.data...)
	kind := c.decide(cmd.p1&typeMask, second)
	ac := c.cryptogram(kind, second)
	if !second {
		c.firstAC, c.chain = ac, ac
	}
	if kind == typeARQC {
		c.arqc, c.at = ac, askedHost
	} else {
		c.at = finished
	}
	switch {
	case kind == typeAAC:
	case cmd.p1&askCDA != 0:
		return c.signedResponse(kind, ac, second)
	case cmd.p1&askXDA != 0:
		return c.extendedResponse(kind, ac, second)
	}
	return c.acResponse(kind, ac, second), swOK
}

// learn takes the values of a data object list apart.
func (c *Card) learn(list tlv.DOL, data []byte) {
	c.amounts = make(map[tlv.Tag][]byte, len(list))
	for _, e := range list {
		c.amounts[e.Tag] = append([]byte{}, data[:e.Length]...)
		data = data[e.Length:]
	}
}

// decide is the card's own risk management.
func (c *Card) decide(asked byte, second bool) byte {
	switch {
	case asked == typeAAC, c.blocked(): // EMV 4.4 Book 3, 6.5.1 and 6.5.3
		return typeAAC
	case !second && asked == typeTC && c.approvesAlone():
		return typeTC
	case !second:
		return typeARQC
	case asked != typeTC || !c.trusted || c.arc != [2]byte{'0', '0'} || c.p.Behaviour == issuer.SaysNo:
		return typeAAC
	}
	return typeTC
}

// approvesAlone is the card's own look at how many sales in a row the issuer did
// not see. EMV 4.4 Book 3, 9.2.
func (c *Card) approvesAlone() bool {
	if !c.p.Offline {
		return false
	}
	limit, ok := c.lowerLimit()
	return !ok || c.counters.ATC-c.counters.LastOnline <= uint16(limit)
}

// cryptogram computes the application cryptogram over what the terminal told
// and what the card knows.
func (c *Card) cryptogram(kind byte, second bool) [8]byte {
	return c.p.Computes().Cryptogram([16]byte(c.p.MasterKey), c.counters.ATC, issuer.CryptogramData(func(tag tlv.Tag) []byte {
		switch tag {
		case tlv.AIP:
			return c.p.AIP
		case tlv.ATC:
			return number(c.counters.ATC)
		case tlv.IssuerApplicationData:
			return c.applicationData(kind, second)
		}
		return c.amounts[tag]
	}))
}

// results are the card verification results of this scheme: length 3, then the
// kinds of both cryptograms and what went wrong.
func (c *Card) results(kind byte, second bool) [4]byte {
	const notYet = 0x80 // in the place of the second cryptogram
	flags := byte(notYet | kind>>2)
	if second {
		flags = kind | typeARQC>>2
	}
	if c.failed {
		flags |= 0x08
	}
	if c.pinRight {
		flags |= issuer.PINVerified
	}
	return [4]byte{0x03, flags, byte(pinTriesMax - c.counters.PINTries), 0x00}
}

// applicationData is 9F10.
func (c *Card) applicationData(kind byte, second bool) []byte {
	return issuer.ApplicationData(c.p.Computes(), c.results(kind, second))
}

func (c *Card) acResponse(kind byte, ac [8]byte, second bool) []byte {
	if c.p.Format1 {
		iad := c.applicationData(kind, second)
		b := append([]byte{kind}, number(c.counters.ATC)...)
		b = append(append(b, ac[:]...), iad...)
		return tlv.Append(nil, tlv.ResponseFormat1, b)
	}
	return tlv.Append(nil, tlv.ResponseFormat2, c.acObjects(kind, ac, second))
}

// acObjects are the objects of format 2.
func (c *Card) acObjects(kind byte, ac [8]byte, second bool) []byte {
	b := tlv.Append(nil, tlv.CryptogramInformation, []byte{kind})
	b = tlv.Append(b, tlv.ATC, number(c.counters.ATC))
	b = tlv.Append(b, tlv.ApplicationCryptogram, ac[:])
	return tlv.Append(b, tlv.IssuerApplicationData, c.applicationData(kind, second))
}

// extendedResponse has its cryptogram in the clear, and the signature over it.
// EMV 4.4 Book 2, 12.5.2.
func (c *Card) extendedResponse(kind byte, ac [8]byte, second bool) ([]byte, int) {
	b := c.acObjects(kind, ac, second)
	told := c.told
	if c.p.Behaviour == issuer.Forged {
		told = nil // as one who replays what he has recorded
	}
	signed, err := issuer.SignExtended(c.curve, append(append([]byte{}, told...), b...))
	if err != nil {
		return nil, swConditions
	}
	return tlv.Append(nil, tlv.ResponseFormat2, tlv.Append(b, tlv.SDAD, signed)), swOK
}

// signedResponse has its cryptogram inside the signature. EMV 4.4 Book 2, 6.6.1.
func (c *Card) signedResponse(kind byte, ac [8]byte, second bool) ([]byte, int) {
	var own [8]byte
	if _, err := io.ReadFull(c.random, own[:]); err != nil {
		return nil, swConditions
	}
	b := tlv.Append(nil, tlv.CryptogramInformation, []byte{kind})
	b = tlv.Append(b, tlv.ATC, number(c.counters.ATC))
	b = tlv.Append(b, tlv.IssuerApplicationData, c.applicationData(kind, second))
	covered := issuer.Combined{
		Information: kind, Cryptogram: ac, TerminalNumber: c.amounts[tlv.UnpredictableNumber],
		Transaction: append(append([]byte{}, c.told...), b...), Further: c.raced,
	}
	if c.p.Behaviour == issuer.Forged {
		covered.TerminalNumber = nil // as one who replays what he has recorded
	}
	signed, err := issuer.SignCombined(c.key, own[:], covered)
	if err != nil {
		return nil, swConditions
	}
	return tlv.Append(nil, tlv.ResponseFormat2, tlv.Append(b, tlv.SDAD, signed)), swOK
}

// externalAuthenticate checks the issuer's answer, once in a transaction.
// EMV 4.4 Book 2, 8.2.
func (c *Card) externalAuthenticate(cmd apdu) int {
	switch {
	case c.at != askedHost:
		return swConditions
	case len(cmd.data) < 8 || len(cmd.data) > 16:
		return swWrongLength
	}
	c.at = hostAnswer
	version := c.p.Computes()
	arc, readable := version.Claimed(cmd.data)
	want := version.Answer([16]byte(c.p.MasterKey), c.counters.ATC, c.arqc, arc)
	if c.failed = !readable || subtle.ConstantTimeCompare(want, cmd.data) != 1; c.failed {
		return swAuthFailed
	}
	c.trusted, c.arc = true, arc
	c.counters.LastOnline = c.counters.ATC
	return swOK
}
