package payment

import (
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/money"
)

// Ref ties a result to the action that it answers. Zero belongs to none.
type Ref uint64

// Event is what happened, and when.
type Event struct {
	At           time.Time
	ClockTrusted bool // card dates may be judged by it
	Ref          Ref  // of the action that this is the result of
	Body         Body
}

// Body is one kind of event.
type Body interface{ body() }

// The bodies. Each action has exactly one result: the one named at it, or
// Failed.
type (
	// Request begins the transaction. It is the first event.
	Request struct {
		Kind   Kind
		Amount money.Amount
		Online bool // the merchant wants the issuer to be asked: EMV Book 4, 6.5.3
	}
	// Cancel is the cashier's wish; it is refused once Authorising is committed.
	Cancel struct{}
	// Choose is the choice of an application, -1 for none.
	Choose struct{ Index int }
	// CardSeen is a result of Await.
	CardSeen struct {
		Media drivers.Media
		ATR   []byte
		Swipe *drivers.Swipe // with drivers.Stripe, and then the flow's to clear
	}
	// Cleared is a result of Await: the antenna's field is empty.
	Cleared struct{}
	// Response is a result of Transmit.
	Response struct {
		Data    []byte
		Elapsed time.Duration
	}
	// CardGone is a result of Transmit and of VerifyPIN, and the result of
	// Release.
	CardGone struct{}
	// PINResult is a result of EnterPIN.
	PINResult struct{ Entry drivers.PINEntry }
	// PINVerified is a result of VerifyPIN.
	PINVerified struct{ Verified drivers.PINVerified }
	// HostResult is a result of Exchange.
	HostResult struct{ Answer Answer }
	// Fired is the result of Arm.
	Fired struct{}
	// Failed is the result of an action that did not work out: an error of the
	// drivers or of the Host, or ErrStopped. With Ref zero it says that the
	// entry of the step before could not be committed.
	Failed struct {
		Err   error
		Media drivers.Media // of the reader, with Await
	}
)

func (Request) body()     {}
func (Cancel) body()      {}
func (Choose) body()      {}
func (CardSeen) body()    {}
func (Cleared) body()     {}
func (Response) body()    {}
func (CardGone) body()    {}
func (PINResult) body()   {}
func (PINVerified) body() {}
func (HostResult) body()  {}
func (Fired) body()       {}
func (Failed) body()      {}

// Step is what an event leads to. The Runner commits, then does, then shows.
type Step struct {
	Commit *Entry
	Do     []Action
	View   View
	Ended  bool // nothing is outstanding and nothing more is expected
}

// Action is one thing to do.
type Action interface{ action() }

// The actions. Stop and Signal have no result.
type (
	// Await waits for a card on the readers of some media. With Clear the
	// antenna waits until its field is empty instead.
	Await struct {
		Ref   Ref
		Media drivers.Media
		Clear bool
	}
	// Transmit sends one command to the card.
	Transmit struct {
		Ref     Ref
		Command []byte
	}
	// Release takes the power from the card and waits until it is pulled, or
	// with Stay does not.
	Release struct {
		Ref  Ref
		Stay bool
	}
	// EnterPIN asks the customer for a PIN.
	EnterPIN struct {
		Ref     Ref
		Request drivers.PINRequest
	}
	// VerifyPIN asks the customer for a PIN that the card verifies.
	VerifyPIN struct {
		Ref     Ref
		Request drivers.PINVerification
	}
	// Exchange asks the host.
	Exchange struct {
		Ref     Ref
		Message Message
	}
	// Arm fires after a time.
	Arm struct {
		Ref   Ref
		After time.Duration
	}
	// Stop asks an action to end; its result still arrives.
	Stop struct{ Ref Ref }
	// Signal tells the panel.
	Signal struct{ Signal drivers.Signal }
)

func (Await) action()     {}
func (Transmit) action()  {}
func (Release) action()   {}
func (EnterPIN) action()  {}
func (VerifyPIN) action() {}
func (Exchange) action()  {}
func (Arm) action()       {}
func (Stop) action()      {}
func (Signal) action()    {}
