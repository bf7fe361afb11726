// Package kernel2 is the contactless kernel of Mastercard cards: EMV
// Contactless C-2.
//
// A tap is GET PROCESSING OPTIONS, perhaps a race against relays, the records,
// and GENERATE AC, whose answer the card signs (CDA). What the card asks of its
// owner's phone, and what a card said before it was pulled away, leads to
// another tap.
//
//	k, err := kernel2.New(kernel2.Config{Terminal: terminal, Applications: applications})
//	entryPoint := contactless.Config{Kernels: map[contactless.KernelID]contactless.Kernel{contactless.Kernel2: k}, ...}
//
// Nothing is approved but under a TC whose signature was verified: where a card
// or a terminal has no CDA, the issuer is asked, or the sale is declined.
//
// The parameters of an Outcome are what the book calls DF8129 and DF8116. Its
// Record is the data record, FF8105, without account number and track, which
// are in Outcome.Card; its Discretionary data are FF8106 with the error
// indication, DF8115. Left out are integrated data storage, the exchange of
// data with a terminal during a tap, the rewriting of track 2 for cards without
// CDA, and in the magnetic stripe mode track 1 and the wait after a failure.
package kernel2

import (
	"errors"
	"fmt"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/database"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/records"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/secret"
)

// A Kernel makes a machine for each tap. With a TornLog it is for one tap at a
// time.
type Kernel struct{ cfg Config }

// New checks the configuration.
func New(cfg Config) (*Kernel, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("kernel2: configuration: %w", err)
	}
	return &Kernel{cfg: cfg}, nil
}

// ErrApplication is a combination of the Entry Point that this kernel has no
// Application for.
var ErrApplication = errors.New("kernel2: no such application")

// Activate is contactless.Kernel. EMV Contactless Book C-2, state 1.
func (k *Kernel) Activate(a contactless.Activation) (emv.Machine, error) {
	app := k.cfg.application(a.Name)
	if app == nil {
		return nil, fmt.Errorf("%w: %X", ErrApplication, a.Name)
	}
	base, err := database.New(k.cfg.Terminal, a.Transaction)
	if err != nil {
		return nil, err
	}
	t := &tap{Base: base, cfg: &k.cfg, app: app, tx: a.Transaction, fci: a.FCI, name: a.Name, cvm: emv.CVMNotApplicable}
	t.Terminal[tlv.AID] = a.Name
	t.Terminal[tlv.TerminalVersion] = app.Version[:]
	t.Terminal[tlv.TVR] = t.tvr[:]
	t.Terminal[tlv.CVMResults] = t.cvmResults[:]
	t.Terminal[tagMobileSupport] = []byte{mobileSupported}
	t.setCapabilities(0)
	if app.MagStripe != nil {
		t.Terminal[tagStripeVersion] = app.MagStripe.Version[:]
	}
	if app.Category != 0 {
		t.Terminal[tlv.TransactionCategory] = []byte{app.Category}
	}
	return t, nil
}

// setCapabilities makes 9F33 of what the terminal can read and prove, and the
// CVMs that are fit for the amount. EMV Contactless Book C-2, states 1 and 4.
func (t *tap) setCapabilities(cvm byte) {
	c := t.cfg.Terminal.Capabilities
	t.Terminal[tlv.TerminalCapabilities] = []byte{c[0], cvm, c[2] & securityMask}
}

// state is what a tap waits for.
type state uint8

const (
	idle state = iota
	initiating
	racing
	reading
	readingBalance
	recovering
	generating
	readingNewBalance
	checking
	showing
	ended
)

var stateNames = [...]string{
	idle: "idle", initiating: "initiating", racing: "resisting a relay", reading: "reading records",
	readingBalance: "reading the balance", recovering: "recovering a cryptogram",
	generating: "waiting for the cryptogram", readingNewBalance: "reading the new balance",
	checking: "waiting for the checksum", showing: "showing", ended: "ended",
}

// String names the state for errors.
func (s state) String() string { return stateNames[s] }

// tap is one application of one card.
type tap struct {
	*database.Base
	cfg    *Config
	app    *Application
	tx     emv.Transaction
	fci    []byte
	name   []byte // of the application
	state  state
	stripe bool // magnetic stripe mode

	tvr        emv.TVR
	cvmResults [3]byte
	cvm        emv.CVM
	receipt    bool
	records    records.List
	cdol       tlv.DOL
	signing    signing
	relayed    secret.Bytes // what was exchanged, for the signature; nil without relay resistance
	requested  cryptogram
	generated  map[tlv.Tag][]byte // of GENERATE AC
	covered    secret.Bytes       // what its signature covers of that
	torn       *tornTap           // of the same card, that is to be recovered
	fallen     []byte             // what the log had no room for: FF8101
	indication [6]byte            // DF8115
	outcome    emv.Outcome        // once it is decided
}

// Step takes what happened and says what to do. An error is a bug in the
// caller.
func (t *tap) Step(e emv.Event) (emv.Action, error) {
	action, err := t.step(e)
	var f failure
	if errors.As(err, &f) {
		return t.fail(f), nil
	}
	return action, err
}

// step hands the event to the stage that waits for it.
func (t *tap) step(e emv.Event) (emv.Action, error) {
	if _, gone := e.(emv.CardGone); gone && t.state != idle && t.state < showing {
		return t.cardGone(), nil
	}
	switch t.state {
	case idle:
		return take(t, e, func(emv.Begin) (emv.Action, error) { return t.initiate() })
	case initiating:
		return take(t, e, t.initiated)
	case racing:
		return take(t, e, t.raced)
	case reading:
		return take(t, e, t.recordRead)
	case readingBalance:
		return take(t, e, t.balanceRead)
	case recovering:
		return take(t, e, t.recovered)
	case generating:
		return take(t, e, t.cryptogramMade)
	case readingNewBalance:
		return take(t, e, t.newBalanceRead)
	case checking:
		return take(t, e, t.checksumMade)
	case showing:
		return take(t, e, func(emv.Performed) (emv.Action, error) { return t.done(t.outcome), nil })
	case ended:
	}
	return nil, fmt.Errorf("%w: %T while %v", emv.ErrUnexpected, e, t.state)
}

// take calls the stage if the event is the one that it takes.
func take[E emv.Event](t *tap, e emv.Event, stage func(E) (emv.Action, error)) (emv.Action, error) {
	fitting, ok := e.(E)
	if !ok {
		return nil, fmt.Errorf("%w: %T while %v", emv.ErrUnexpected, e, t.state)
	}
	return stage(fitting)
}

// Clear overwrites what was learnt of the card.
func (t *tap) Clear() {
	t.Base.Clear()
	t.records.Clear()
	t.signing.sent.Clear()
	t.covered.Clear()
	for _, tag := range sentTags {
		clear(t.Terminal[tag])
	}
	t.state = ended
}

// signing is how far CDA has come.
type signing struct {
	chosen   bool // both sides can
	key      oda.PublicKey
	err      error        // why it has failed
	asked    bool         // the cryptogram is to be signed
	verified bool         // and is
	sent     secret.Bytes // for PDOL and CDOL1
}

// usable tells whether a signature can be asked for.
func (s *signing) usable() bool { return s.chosen && s.err == nil }

// aip tells whether the card says that it can do something: a byte, from 1, and
// a bit in it.
func (t *tap) aip(at int, bit byte) bool { return t.Card[tlv.AIP][at-1]&bit != 0 }

// deviceCVM tells whether the owner is verified by the phone, and reader and
// phone can do it. EMV Contactless Book C-2, S456 and 7.5.
func (t *tap) deviceCVM() bool { return t.app.DeviceCVM && t.aip(1, aipDeviceCVM) }

// can tells whether the application has an ability of 9F5D.
func (t *tap) can(bit byte) bool {
	c := t.Card[tagCapabilities]
	return len(c) > 1 && c[1]&bit != 0
}
