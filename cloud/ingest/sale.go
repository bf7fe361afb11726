package ingest

import (
	"fmt"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/sync/wire"
)

// ID names a sale for ever. The terminal made it.
type ID struct {
	Terminal string `json:"terminal"`
	Epoch    uint32 `json:"epoch"`
	Seq      uint64 `json:"seq"`
}

// SaleOf is the sale that a message is about.
func SaleOf(k wire.Key) ID { return ID{k.Terminal, k.Epoch, k.Seq} }

// String writes "dev:t1/1/42".
func (id ID) String() string { return fmt.Sprintf("%s/%d/%d", id.Terminal, id.Epoch, id.Seq) }

// Authorisation is what the issuer said.
type Authorisation string

// The authorisations. The empty one is: never asked.
const (
	AuthPending  Authorisation = "pending"
	AuthDeclined Authorisation = "declined"
	AuthApproved Authorisation = "approved"
)

// Completion is what the terminal said of the end.
type Completion string

// The completions. The empty one is: not heard of.
const (
	Completed Completion = "completed" // the card agreed to what the issuer approved
	Advised   Completion = "advised"   // the card approved without the issuer
)

// Reversal is the tombstone. Once it is set, it never goes away.
type Reversal string

// The reversals. The empty one is: not reversed.
const (
	Reversing Reversal = "reversing" // the issuer is being told
	Reversed  Reversal = "reversed"
)

// State sums up the facts of a sale.
type State string

// The states.
const (
	StatePending    State = "pending"    // the issuer has not answered yet
	StateDeclined   State = "declined"   // the issuer said no
	StateAuthorised State = "authorised" // the issuer said yes, the terminal's end is not known yet
	StateCompleted  State = "completed"  // sold
	StateAdvised    State = "advised"    // sold without the issuer
	StateUnmatched  State = "unmatched"  // completed, but its authorisation is not known (yet)
	StateReversing  State = "reversing"  // being undone
	StateReversed   State = "reversed"   // undone
	StateConflict   State = "conflict"   // the facts contradict each other; a person must look
)

// Sale is what the ledger knows of a sale: facts first, then details.
type Sale struct {
	ID
	Authorisation Authorisation `json:"authorisation,omitempty"`
	Attempt       uint8         `json:"attempt,omitempty"` // the highest that the issuer was asked for
	Completion    Completion    `json:"completion,omitempty"`
	Reversal      Reversal      `json:"reversal,omitempty"`
	Alarm         string        `json:"alarm,omitempty"` // a contradiction that the facts above do not show

	Version     int       `json:"version"` // of the terminal's record that the details are from
	Kind        string    `json:"kind"`
	AmountMinor int64     `json:"amount_minor"`
	Currency    string    `json:"currency"`
	Exponent    uint8     `json:"exponent"`
	Entry       string    `json:"entry,omitempty"` // how the card was read, as in wire.Request
	Masked      string    `json:"masked,omitempty"`
	Token       string    `json:"token,omitempty"`
	Code        string    `json:"code,omitempty"` // the issuer's, of the highest attempt
	AuthCode    string    `json:"auth_code,omitempty"`
	HostRef     string    `json:"host_ref,omitempty"`
	Receipt     uint32    `json:"receipt"`
	STAN        uint32    `json:"stan"`
	Merchant    string    `json:"merchant,omitempty"`
	AcquirerTID string    `json:"acquirer_tid,omitempty"`
	Reason      string    `json:"reason,omitempty"` // the terminal's word on the end
	At          time.Time `json:"at"`               // by the terminal's clock
	First       time.Time `json:"first"`            // heard of, by the cloud's clock
	Last        time.Time `json:"last"`             // changed, by the cloud's clock
}

// State is a function of the facts, so the order in which they came does not
// matter.
func (s *Sale) State() State {
	switch {
	case s.Alarm != "", s.Reversal != "" && s.Completion != "":
		return StateConflict
	case s.Reversal == Reversing:
		return StateReversing
	case s.Reversal == Reversed:
		return StateReversed
	case s.Completion == Advised:
		return StateAdvised
	case s.Completion == Completed:
		return completedState(s.Authorisation)
	case s.Authorisation == AuthApproved:
		return StateAuthorised
	case s.Authorisation == AuthDeclined:
		return StateDeclined
	}
	return StatePending
}

func completedState(a Authorisation) State {
	switch a {
	case AuthApproved:
		return StateCompleted
	case AuthDeclined:
		return StateConflict
	case AuthPending:
	}
	return StateUnmatched
}

// HeldMinor is what the host holds of the customer's money for this sale, if
// ledger and host agree.
func (s *Sale) HeldMinor() int64 {
	if s.Reversal != "" {
		return 0
	}
	var held int64
	if s.Authorisation == AuthApproved {
		held += s.AmountMinor
	}
	if s.Completion == Advised {
		held += s.AmountMinor
	}
	return held
}

// Message is one message about a sale that was heard, and its answer.
type Message struct {
	Leg      string
	Attempt  uint8
	Version  int
	Hash     string // of the request without its version
	Received time.Time
	Answer   []byte // nil until it is known
}

// Dossier is a sale with all messages about it.
type Dossier struct {
	Sale     Sale
	Messages []Message
}

// Clone copies a dossier; answers are shared, since nobody changes their bytes.
func (d *Dossier) Clone() Dossier { return Dossier{d.Sale, slices.Clone(d.Messages)} }

// Known tells whether anything was ever heard of the sale.
func (d *Dossier) Known() bool { return len(d.Messages) > 0 }

// Unsettled tells whether a restart must tell the issuer of the reversal, once
// more perhaps: it was being told, or a message was under way to it meanwhile.
func (d *Dossier) Unsettled() bool {
	return d.Sale.Reversal == Reversing || d.Sale.Reversal == Reversed &&
		slices.ContainsFunc(d.Messages, func(m Message) bool { return m.Answer == nil })
}

// message finds a message by its leg and attempt, or returns nil.
func (d *Dossier) message(k wire.Key) *Message {
	for i := range d.Messages {
		if m := &d.Messages[i]; m.Leg == k.Leg && m.Attempt == k.Attempt {
			return m
		}
	}
	return nil
}

// add notes a message that was not heard before. It fails when there are more
// than any sale can have.
func (d *Dossier) add(req *wire.Request, hash string, now time.Time) (*Message, error) {
	if len(d.Messages) >= messagesMax {
		return nil, fmt.Errorf("%w: more than %d messages about one sale", ErrRefused, messagesMax)
	}
	d.detail(req, now)
	d.Messages = append(d.Messages, Message{
		Leg: req.Key.Leg, Attempt: req.Key.Attempt, Version: req.Version, Hash: hash, Received: now,
	})
	return &d.Messages[len(d.Messages)-1], nil
}

// detail takes over what the request says of the sale. The amount is the one
// first heard of and never changes; a request of a lower version than the
// details are from changes none of them.
func (d *Dossier) detail(req *wire.Request, now time.Time) {
	s := &d.Sale
	if !d.Known() {
		s.ID, s.First = SaleOf(req.Key), now
		s.Kind, s.AmountMinor, s.Currency, s.Exponent = req.Kind, req.AmountMinor, req.Currency, req.Exponent
	}
	s.Last = now
	if d.Known() && req.Version < s.Version {
		return
	}
	s.Version, s.At = req.Version, req.At.UTC().Truncate(time.Millisecond)
	s.Receipt, s.STAN = req.Receipt, req.STAN
	s.Merchant, s.AcquirerTID = req.Merchant, req.AcquirerTID
	if req.Entry != "" {
		s.Entry = req.Entry
	}
	if req.Card.Masked != "" {
		s.Masked, s.Token = req.Card.Masked, req.Card.Token
	}
	if req.Ending != nil {
		s.Reason = req.Ending.Reason
	}
}

// sameAmount tells whether the request is about the money that was first heard
// of.
func (s *Sale) sameAmount(req *wire.Request) bool {
	return s.Kind == req.Kind && s.AmountMinor == req.AmountMinor && s.Currency == req.Currency && s.Exponent == req.Exponent
}
