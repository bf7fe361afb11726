package emv

import (
	"fmt"
	"time"
)

// What a machine that taps cards has beyond the contact kernel's: its events,
// its actions and the parameters of its Outcome.

// The events of a tap.
type (
	// Begin is the first event of a machine that waits for its card itself.
	// Start then says that a card is there.
	Begin struct{}
	// Collision answers AwaitCard: there is more than one card.
	Collision struct{}
	// Cleared answers AwaitClear: there is no card any more.
	Cleared struct{}
	// NoCard answers AwaitCard and AwaitClear once the issuer has answered:
	// nobody taps again, and the issuer's word is the last.
	NoCard struct{}
	// Performed answers an action that has no result: Show, Field, Reenter.
	Performed struct{}
)

func (Begin) event()     {}
func (Collision) event() {}
func (Cleared) event()   {}
func (NoCard) event()    {}
func (Performed) event() {}

// The actions of a tap.
type (
	// Show shows a message to the cardholder. It stays until the next one.
	Show struct{ Request UIRequest }
	// Field switches the reader's field. One that is switched off stays so for
	// Hold at least.
	Field struct {
		On   bool
		Hold time.Duration
	}
	// AwaitCard polls until there is a card. Start answers it, or Collision.
	// Who gives up waiting forgets the machine.
	AwaitCard struct{}
	// AwaitClear polls until there is no card.
	AwaitClear struct{}
	// Reenter tells that the machine goes on at Outcome.Start: the cardholder
	// taps again, or the issuer's answer goes to the card. After an Outcome
	// that would be the end otherwise, the caller may leave it at that.
	Reenter struct{ Outcome Outcome }
)

func (Show) action()       {}
func (Field) action()      {}
func (AwaitCard) action()  {}
func (AwaitClear) action() {}
func (Reenter) action()    {}

// Parameters are those of an Outcome that a tap has, and a contact card seldom.
// EMV Contactless Book A, 6.2. The zero value asks for nothing.
type Parameters struct {
	Start         Restart      // where the Entry Point goes on
	Answer        OnlineAnswer // what it goes on with, if the issuer is asked
	UIOnOutcome   *UIRequest
	UIOnRestart   *UIRequest // instead of "present card"
	Discretionary []byte     // TLV objects
	// Alternate are interfaces that may be tried instead. A contact card says so
	// by falling silent before an application was selected, and never later.
	Alternate      Interfaces
	Receipt        bool
	FieldOff       *time.Duration // switch the field off, for so long at least
	RemovalTimeout time.Duration  // how long the card may stay while the issuer is asked
}

// Restart is where an Entry Point starts. EMV Contactless Book B, 3.5.1.3 and
// 3.5.1.4.
type Restart uint8

// The places.
const (
	RestartNone Restart = iota
	RestartA            // pre-processing
	RestartB            // protocol activation
	RestartC            // combination selection
	RestartD            // kernel activation
)

// OnlineAnswer is the Online Response Data parameter: which answer of the
// issuer makes the Entry Point start again.
type OnlineAnswer uint8

// The answers that a kernel waits for.
const (
	AnswerNone    OnlineAnswer = iota
	AnswerEMVData              // one with data for the card
	AnswerAny
)

// Interfaces are other ways to read a card, as a set.
type Interfaces uint8

// The other interfaces.
const (
	InterfaceContact Interfaces = 1 << iota
	InterfaceStripe
)

// UIRequest is a message for the cardholder. EMV Contactless Book A, 6.2 and 9.
type UIRequest struct {
	Message    UIMessage
	Status     UIStatus
	Hold       time.Duration // at least, before the next message
	Language   string        // preferences of the card, 5F2D, or ""
	Qualifier  UIQualifier
	ValueMinor int64  // amount or balance
	Currency   uint16 // of the value, numeric
}

// UIMessage is what to say. EMV Contactless Book A, 9.4.
type UIMessage uint8

// The messages.
const (
	MessageApproved         UIMessage = 0x03
	MessageNotAuthorised    UIMessage = 0x07
	MessageEnterPIN         UIMessage = 0x09
	MessageProcessingError  UIMessage = 0x0F
	MessageRemoveCard       UIMessage = 0x10
	MessageWelcome          UIMessage = 0x14
	MessagePresentCard      UIMessage = 0x15
	MessageProcessing       UIMessage = 0x16
	MessageCardReadOK       UIMessage = 0x17 // remove card
	MessageInsertOrSwipe    UIMessage = 0x18
	MessageOneCardOnly      UIMessage = 0x19
	MessageApprovedSign     UIMessage = 0x1A
	MessageAuthorising      UIMessage = 0x1B
	MessageTryAnotherCard   UIMessage = 0x1C // insert, swipe or try another
	MessageInsertCard       UIMessage = 0x1D
	MessageNone             UIMessage = 0x1E
	MessageSeePhone         UIMessage = 0x20
	MessagePresentCardAgain UIMessage = 0x21
)

var messageNames = map[UIMessage]string{
	MessageApproved: "approved", MessageNotAuthorised: "not authorised", MessageEnterPIN: "enter PIN",
	MessageProcessingError: "processing error", MessageRemoveCard: "remove card", MessageWelcome: "welcome",
	MessagePresentCard: "present card", MessageProcessing: "processing", MessageCardReadOK: "card read, remove it",
	MessageInsertOrSwipe: "insert or swipe", MessageOneCardOnly: "present one card only",
	MessageApprovedSign: "approved, sign", MessageAuthorising: "authorising", MessageTryAnotherCard: "insert, swipe or try another card",
	MessageInsertCard: "insert card", MessageNone: "no message", MessageSeePhone: "see phone", MessagePresentCardAgain: "present card again",
}

// String is the message for a log.
func (m UIMessage) String() string {
	if name, ok := messageNames[m]; ok {
		return name
	}
	return fmt.Sprintf("message %02X", uint8(m))
}

// UIStatus is what lights and tones tell. EMV Contactless Book A, 9.2.
type UIStatus uint8

// The statuses.
const (
	UINotReady UIStatus = iota
	UIIdle
	UIReadyToRead
	UIProcessing
	UICardReadOK
	UIProcessingError
)

var uiStatusNames = [...]string{
	UINotReady: "not ready", UIIdle: "idle", UIReadyToRead: "ready to read",
	UIProcessing: "processing", UICardReadOK: "card read", UIProcessingError: "error",
}

// String is the status for a log.
func (s UIStatus) String() string {
	if int(s) < len(uiStatusNames) {
		return uiStatusNames[s]
	}
	return fmt.Sprintf("status %02X", uint8(s))
}

// UIQualifier says what the value of a message is.
type UIQualifier uint8

// The kinds of value.
const (
	ValueNone UIQualifier = iota
	ValueAmount
	ValueBalance
)
