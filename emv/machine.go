// Package emv is the contact kernel: EMV 4.4 Books 1 to 4 as a machine without
// I/O.
//
// A Machine is stepped with what happened (a card's response, the cardholder's
// choice, the host's answer) and says what to do next (send this command, ask
// for a PIN, go online) until it is Done with an Outcome. It holds no clock, no
// goroutine and no randomness of its own, so a whole card conversation is a
// text file in testdata.
//
//	k, err := emv.New(cfg, tx)
//	action, err := k.Step(emv.Start{ATR: atr})
//	for {
//		switch a := action.(type) {
//		case emv.Transmit: // send a.Command, then Step(emv.Response{...})
//		case emv.EnterPIN: // ask, then Step(emv.PINResult{...})
//		case emv.VerifyPIN: // let the device ask the card, then Step(emv.Response{...})
//		case emv.GoOnline: // ask the issuer, then Step(emv.HostResult{...})
//		case emv.Done:     // a.Outcome
//		}
//	}
//
// A machine that taps cards (package contactless) has further events and
// actions; they are in tap.go.
//
// Endings are of three kinds. What card or host decided is an Outcome. What
// breaks our own contract is an error of Step, and never an approval. A card
// that breaks the rules ends in an Outcome whose Reason cites the rule.
package emv

import (
	"errors"
	"time"

	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/secret"
)

// ErrUnexpected is a bug in the caller: an event that does not fit the state.
var ErrUnexpected = errors.New("emv: unexpected event")

// Machine runs one card. The contact kernel is one; an Entry Point with its
// kernels, or a reader that runs EMV by itself, is another.
type Machine interface {
	Step(Event) (Action, error)
}

// Event is what happened.
type Event interface{ event() }

// The events.
type (
	// Start is the first event: a card is there.
	Start struct{ ATR []byte }
	// Response answers Transmit. Data ends with SW1 SW2.
	Response struct {
		Data    []byte
		Elapsed time.Duration
	}
	// CardGone ends the conversation: the card was pulled or stopped answering.
	CardGone struct{}
	// Choice answers Choose: an index into Choose.Apps, or -1 for none of them.
	Choice struct{ Index int }
	// PINResult answers EnterPIN, and VerifyPIN when no PIN came to the card.
	PINResult struct{ Status PINStatus }
	// HostResult answers GoOnline.
	HostResult struct {
		Online     bool   // false: unable to go online, the rest is empty
		ARC        string // tag 8A, two characters
		Approved   bool   // what the ARC means, by the host adapter
		AuthCode   string // tag 89, six characters, or ""
		IssuerAuth []byte // value of tag 91, or nil
		Scripts    []byte // templates 71 and 72, concatenated, or nil
	}
)

func (Start) event()      {}
func (Response) event()   {}
func (CardGone) event()   {}
func (Choice) event()     {}
func (PINResult) event()  {}
func (HostResult) event() {}

// PINStatus is how a PIN entry went.
type PINStatus uint8

// The ways a PIN entry ends. A cancelled one never reaches the machine: the
// sale is over.
const (
	PINEntered  PINStatus = iota // the enciphered block is ready to go with the request
	PINBypassed                  // the cardholder entered none
	PINPadFault                  // missing or broken
)

// Action is what to do next; exactly one event answers it.
type Action interface{ action() }

// The actions.
type (
	// Transmit asks for one command APDU to be sent.
	Transmit struct{ Command []byte }
	// Choose asks the cardholder for an application.
	Choose struct {
		Apps  []App
		Again bool // the one chosen before cannot be used: "try again"
	}
	// EnterPIN asks for an online PIN.
	EnterPIN struct{ Card Card }
	// VerifyPIN asks for a PIN that the card verifies. The device which takes
	// the PIN builds its block and completes the command, so no clear PIN
	// comes near this process. The card's response answers it.
	VerifyPIN struct {
		Card      Card
		Command   []byte     // VERIFY up to the length of its data
		TriesLeft int        // as the card tells, or -1
		Cipher    *PINCipher // nil: the block goes as it is
	}
	// GoOnline asks the issuer.
	GoOnline struct {
		Card Card
		CVM  CVM
		Data []byte // TLV objects for the issuer: DE 55 without PAN and track
		Parameters
	}
	// Done is the end.
	Done struct{ Outcome Outcome }
)

func (Transmit) action()  {}
func (Choose) action()    {}
func (EnterPIN) action()  {}
func (VerifyPIN) action() {}
func (GoOnline) action()  {}
func (Done) action()      {}

// PINCipher is what a PIN for the card is enciphered with: 7F, the PIN block,
// the challenge and random bytes, as long as the modulus. EMV 4.4 Book 2, 7.2.
type PINCipher struct{ Modulus, Exponent, Challenge []byte }

// App is an application that card and terminal share.
type App struct {
	AID      []byte // the card's DF name
	Label    string // what to show to the cardholder
	Priority uint8  // 1 highest, 0 none
}

// Card is what was learnt of the card. Its fields mask themselves.
type Card struct {
	PAN    secret.PAN
	PSN    string       // 5F34, two digits, or ""
	Expiry string       // 5F24 as YYMMDD
	Track2 secret.Bytes // 57, binary, or nil
	AID    []byte
	Label  string
}

// Status says how the transaction ended for the machine.
type Status uint8

// The statuses of an Outcome, in the words of EMV Contactless Book A, 6.2.
const (
	EndApplication Status = iota // not accepted, terminated: the sale goes on with no card or ends
	Approved
	Declined
	TryAgain
	TryAnotherInterface
	SelectNext
	OnlineRequest // of a kernel; its Entry Point turns it into GoOnline
)

// CVM is how the cardholder was verified.
type CVM uint8

// The cardholder verification methods of an Outcome.
const (
	CVMNone CVM = iota
	CVMOnlinePIN
	CVMSignature
	CVMOfflinePIN
	CVMDevice // by the cardholder's own device: a confirmation code
	CVMFailed
	CVMNotApplicable // the tap ended before it mattered
)

// Reason says why, for journal, slip and log; a machine word, never shown raw
// to a cashier.
type Reason string

// Outcome is the end of a card transaction with the parameters of Book A, 6.2. What a
// contact card does not use stays zero.
type Outcome struct {
	Status Status
	Reason Reason // "" when approved
	Detail string // for the log: rule and position, no card data
	CVM    CVM
	Card   Card
	Online bool   // an issuer's answer took part
	ARC    string // 8A as it stands at the end
	// HostApproved and not Approved: the host must be told to reverse.
	HostApproved bool
	Record       []byte // TLV objects of the end: cryptogram, TVR, TSI, 9F34, 9F5B; no PAN or track
	Parameters
}

// Application is what the terminal accepts, and how: one AID of the parameters.
type Application struct {
	AID                                []byte
	Partial                            bool    // a longer name on the card matches too
	Version                            [2]byte // 9F09
	TACDenial, TACOnline, TACDefault   [5]byte
	FloorLimitMinor                    uint32 // 9F1B; 0 sends all online
	RandomThresholdMinor               uint32
	RandomTargetPercent, RandomMaximum uint8
	DefaultDDOL                        []byte
}

// Config is what a terminal is. It does not change during a transaction.
type Config struct {
	TerminalType     byte    // 9F35, BCD: 0x22
	Capabilities     [3]byte // 9F33, derived from the devices fitted
	Additional       [5]byte // 9F40
	Country          uint16  // 9F1A, numeric: 156
	Currency         uint16  // 5F2A, numeric: 156
	CurrencyExponent uint8   // 5F36
	TerminalID       string  // 9F1C, 8 characters
	MerchantID       string  // 9F16, 15 characters
	MerchantName     string  // 9F4E
	MerchantCategory uint16  // 9F15, numeric
	AcquirerID       string  // 9F01, digits
	Serial           string  // 9F1E, 8 characters
	Applications     []Application
	CAKeys           []oda.CAKey
	CDAMode          CDAMode      // if CDA is claimed
	Random           func([]byte) // fills; crypto/rand outside tests
	CanChoose        bool         // a cardholder can be asked

	// What the terminal remembers of cards, or nil when it does not. Both are
	// asked once at most, must not do I/O and must not keep the number.
	Listed  func(pan secret.PAN, psn string) bool // on the exception file
	Earlier func(pan secret.PAN) int64            // in minor units, approved to the card before
}

// Transaction is what is to be done.
type Transaction struct {
	Type         byte // 9C: 00 purchase
	AmountMinor  int64
	OtherMinor   int64     // 9F03, cashback
	Sequence     uint32    // 9F41
	At           time.Time // 9A and 9F21, in the terminal's own time zone
	ForcedOnline bool      // by the merchant
}
