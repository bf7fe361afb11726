// Package quick is the tap that kernels 3 and 7 have in common: one GET
// PROCESSING OPTIONS, whose answer already holds the card's cryptogram, and the
// records that it names. What the cryptogram means for this sale is decided
// afterwards, so the card may leave before. EMV Contactless Books C-3 and C-7,
// and JR/T 0025.12.
//
//	t.Tap, err = quick.New(quick.Opts{Terminal: &terminal, Activation: a, ...}, t)
//	action, err := t.Step(emv.Begin{})
//
// A kernel brings its Rules; what it decides with is here. Two things no Rules
// can have otherwise: nothing is approved but a TC under a dynamic signature
// that was verified, and a card is declined for the first reason that there is.
package quick

import (
	"fmt"
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/database"
	"github.com/cloudpos/cloudpos/emv/records"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Rules are what a kernel has of its own. An action that they give ends the
// tap; it is one that a method of Tap has made.
type Rules interface {
	// Answered takes the body of the answer to GET PROCESSING OPTIONS. Without
	// an action the records follow.
	Answered(body []byte) (emv.Action, error)
	// Refused takes a status word instead.
	Refused(status uint16) emv.Action
	// Complete looks, when all was read, at what must be there.
	Complete() error
	// Conclude decides, when the card may have left.
	Conclude() emv.Action
}

// Opts are what a tap begins with.
type Opts struct {
	Terminal   *emv.Config
	Activation contactless.Activation
	Sections   Sections
	CTQ        CTQBits
	// Recognised are objects of the card that the kernel uses beyond those
	// that every quick tap does.
	Recognised []tlv.Tag
	// Record and Discretionary are the data of an Outcome beyond those that
	// every quick tap has: neither account number nor track.
	Record, Discretionary []tlv.Tag
	Admit                 func() emv.Action // looks at the FCI first, if it is there
}

// Sections are the places in a kernel's book that outcomes cite.
type Sections struct {
	Initiate, Read, Complete, Cryptogram, Restrict, Authenticate, Verify, Conclude string
}

// state is what a tap waits for.
type state uint8

const (
	idle state = iota
	initiating
	reading
	showing
	ended
)

var stateNames = [...]string{
	idle: "idle", initiating: "initiating", reading: "reading records", showing: "showing", ended: "ended",
}

// String names the state for errors.
func (s state) String() string { return stateNames[s] }

// A Tap is one application of one card. It is an emv.Machine.
type Tap struct {
	*database.Base
	opts    Opts
	rules   Rules
	state   state
	records records.List

	TTQ        Qualifiers // 9F66, as the card is told
	CTQ        Qualifiers // 9F6C, empty if the card has none
	Cryptogram byte       // its type, of 9F27
	Online     bool       // the issuer must be asked
	CVM        emv.CVM

	declined      emv.Reason // why it must be declined, or ""
	detail        string
	authenticated bool // a dynamic signature was good
	authErr       error
}

// New begins a tap.
func New(o Opts, rules Rules) (*Tap, error) {
	known, err := database.New(*o.Terminal, o.Activation.Transaction)
	if err != nil {
		return nil, err
	}
	t := &Tap{Base: known, opts: o, rules: rules}
	t.SetTTQ(Qualifiers(o.Activation.Indicators.TTQ))
	t.Terminal[tlv.TVR] = make([]byte, 5) // these issuers get zeros
	return t, nil
}

// SetTTQ puts other qualifiers of the reader in force.
func (t *Tap) SetTTQ(q Qualifiers) {
	t.TTQ = q
	t.Terminal[tlv.TTQ] = t.TTQ[:]
}

// Step takes what happened and says what to do. An error is a bug in the
// caller.
func (t *Tap) Step(e emv.Event) (emv.Action, error) {
	switch e := e.(type) {
	case emv.Begin:
		if t.state == idle {
			return t.initiate(), nil
		}
	case emv.Response:
		switch t.state {
		case initiating:
			return t.initiated(e.Data), nil
		case reading:
			return t.recordRead(e.Data), nil
		case idle, showing, ended:
		}
	case emv.CardGone:
		if t.state == initiating || t.state == reading {
			return t.cardGone(), nil
		}
	case emv.Performed:
		if t.state == showing {
			return t.rules.Conclude(), nil
		}
	}
	return nil, fmt.Errorf("%w: %T while %v", emv.ErrUnexpected, e, t.state)
}

// Clear overwrites what was learnt of the card.
func (t *Tap) Clear() {
	t.Base.Clear()
	t.records.Clear()
	t.state = ended
}

// recognised tells which objects of the card are looked at: their lengths must
// be right, and the others count as not given. A data object list may ask for
// them.
func (t *Tap) recognised(tag tlv.Tag) bool {
	switch tag {
	case tlv.DFName, tlv.ApplicationLabel, tlv.PDOL,
		tlv.AIP, tlv.AFL, tlv.ATC, tlv.ApplicationCryptogram, tlv.CryptogramInformation, tlv.IssuerApplicationData,
		tlv.Track2, tlv.PAN, tlv.PANSequence, tlv.ExpirationDate,
		tlv.CTQ, tlv.CardRelatedData, tlv.AvailableOffline, tlv.FormFactor, tlv.CustomerExclusive,
		tlv.CAKeyIndex, tlv.IssuerCertificate, tlv.IssuerKeyRemainder, tlv.IssuerKeyExponent, tlv.SDATagList,
		tlv.ICCCertificate, tlv.ICCKeyRemainder, tlv.ICCKeyExponent, tlv.SDAD:
		return true
	}
	return slices.Contains(t.opts.Recognised, tag)
}

// recordRead takes a record and asks for the next. EMV Contactless Book C-3,
// 5.3, and Book C-7, reading.
func (t *Tap) recordRead(response []byte) emv.Action {
	place, section := t.records.String(), t.opts.Sections.Read
	if apdu.Status(response) != apdu.OK {
		return t.End(emv.ReasonCardStatus, "READ RECORD %s: %04X (%s)", place, apdu.Status(response), section)
	}
	objects, err := t.records.Take(apdu.Body(response))
	if err == nil {
		err = t.Learn(objects)
	}
	if err != nil {
		return t.End(emv.ReasonCardData, "record %s: %v (%s)", place, err, section)
	}
	return t.read()
}

// Learn stores objects of the card. The same one twice ends the tap, wherever
// it was. EMV Contactless Book C-3, 5.3, and Book C-7, reading.
func (t *Tap) Learn(objects []tlv.Object) error { return t.Base.Learn(objects, t.recognised) }

// read asks for the next record. After the last one the card has done its part
// and may go.
func (t *Tap) read() emv.Action {
	if !t.records.Done() {
		t.state = reading
		return emv.Transmit{Command: t.records.Command()}
	}
	if err := t.rules.Complete(); err != nil {
		return t.End(emv.ReasonCardData, "%v (%s)", err, t.opts.Sections.Complete)
	}
	t.state = showing
	return emv.Show{Request: emv.UIRequest{Message: emv.MessageCardReadOK, Status: emv.UICardReadOK}}
}
