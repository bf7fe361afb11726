// Package kernel3 is the contactless kernel of Visa cards: EMV Contactless Book
// C-3, quick VSDC.
//
// A tap is one GET PROCESSING OPTIONS, whose answer already holds the card's
// cryptogram, and the records that it names. What the card's cryptogram means
// for this sale the kernel decides afterwards, so the card may leave before.
//
//	k, err := kernel3.New(kernel3.Config{Terminal: terminal})
//	entryPoint := contactless.Config{Kernels: map[contactless.KernelID]contactless.Kernel{contactless.Kernel3: k}, ...}
//
// Nothing is approved offline but under a dynamic signature that covers the
// amount (fDDA), and a cardholder who was verified on a device counts only if
// such a signature covers the claim. A reader for phones asks for it at online
// transactions too, in the TTQ.
package kernel3

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/database"
	"github.com/cloudpos/cloudpos/emv/records"
	"github.com/cloudpos/cloudpos/emv/script"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Config is what the kernel is told of its terminal.
type Config struct {
	Terminal emv.Config
	// CashUsage and CashbackUsage: the card's usage control is asked before it
	// gives cash. Book C-3, 5.5.
	CashUsage, CashbackUsage bool
	// Dynamic are limits for cards of some programs, instead of the
	// combination's.
	Dynamic []LimitSet
}

// A Kernel makes a machine for each tap. It is safe for concurrent use.
type Kernel struct{ cfg Config }

// New checks the configuration.
func New(cfg Config) (*Kernel, error) {
	if err := cfg.Terminal.Check(); err != nil {
		return nil, fmt.Errorf("kernel3: configuration: %w", err)
	}
	if err := checkDynamic(cfg.Dynamic); err != nil {
		return nil, fmt.Errorf("kernel3: configuration: %w", err)
	}
	return &Kernel{cfg: cfg}, nil
}

// Activate is contactless.Kernel.
func (k *Kernel) Activate(a contactless.Activation) (emv.Machine, error) {
	known, err := database.New(k.cfg.Terminal, a.Transaction)
	if err != nil {
		return nil, err
	}
	t := &tap{cfg: &k.cfg, a: a, ttq: qualifiers(a.Indicators.TTQ), Base: known}
	t.Terminal[tlv.TTQ] = t.ttq[:]
	t.Terminal[tlv.TVR] = make([]byte, 5) // Visa's issuers get zeros
	return t, nil
}

// state is what a tap waits for.
type state uint8

const (
	idle state = iota
	initiating
	reading
	showing
	authenticatingIssuer
	scripting
	ended
)

var stateNames = [...]string{
	idle: "idle", initiating: "initiating", reading: "reading records", showing: "showing",
	authenticatingIssuer: "authenticating the issuer", scripting: "running scripts", ended: "ended",
}

// String names the state for errors.
func (s state) String() string { return stateNames[s] }

// tap is one application of one card.
type tap struct {
	*database.Base
	cfg     *Config
	a       contactless.Activation
	state   state
	ttq     qualifiers
	records records.List

	ctq           qualifiers // 9F6C, empty if the card has none
	cryptogram    byte       // its type, of 9F27
	declined      emv.Reason // why it must be declined, or ""
	detail        string
	online        bool // the issuer must be asked
	authenticated bool // fDDA was good
	authErr       error
	cvm           emv.CVM

	before, after script.List  // of the issuer's answer
	sending       *script.List // the one whose command was sent last
}

// Step takes what happened and says what to do. An error is a bug in the
// caller.
func (t *tap) Step(e emv.Event) (emv.Action, error) {
	switch e := e.(type) {
	case emv.Begin:
		if t.state == idle && t.a.Host != nil {
			return t.update()
		}
		if t.state == idle {
			return t.initiate()
		}
	case emv.Response:
		switch t.state {
		case initiating:
			return t.initiated(e.Data)
		case reading:
			return t.recordRead(e.Data)
		case authenticatingIssuer:
			return t.nextScript()
		case scripting:
			return t.scriptAnswered(e.Data)
		case idle, showing, ended:
		}
	case emv.CardGone:
		switch t.state {
		case initiating, reading:
			return t.cardGone(), nil
		case authenticatingIssuer, scripting:
			return t.updateCut(), nil
		case idle, showing, ended:
		}
	case emv.Performed:
		if t.state == showing {
			return t.conclude(), nil
		}
	}
	return nil, fmt.Errorf("%w: %T while %v", emv.ErrUnexpected, e, t.state)
}

// Clear overwrites what was learnt of the card.
func (t *tap) Clear() {
	t.Base.Clear()
	t.records.Clear()
	t.state = ended
}

// recordRead takes a record and asks for the next. EMV Contactless Book C-3,
// 5.3.
func (t *tap) recordRead(response []byte) (emv.Action, error) {
	place := t.records.String()
	if apdu.Status(response) != apdu.OK {
		return t.end(emv.ReasonCardStatus, "READ RECORD %s: %04X (Book C-3, 5.3)", place, apdu.Status(response)), nil
	}
	objects, err := t.records.Take(apdu.Body(response))
	if err == nil {
		err = t.Learn(objects, recognised)
	}
	if err != nil {
		return t.end(emv.ReasonCardData, "record %s: %v (Book C-3, 5.3)", place, err), nil
	}
	return t.read()
}

// read asks for the next record. After the last one the card has done its part
// and may go.
func (t *tap) read() (emv.Action, error) {
	if !t.records.Done() {
		t.state = reading
		return emv.Transmit{Command: t.records.Command()}, nil
	}
	if err := t.complete(); err != nil {
		return t.end(emv.ReasonCardData, "%v (Book C-3, 5.4)", err), nil
	}
	t.state = showing
	return emv.Show{Request: emv.UIRequest{Message: emv.MessageCardReadOK, Status: emv.UICardReadOK}}, nil
}
