package payment

import (
	"context"
	"errors"
	"time"

	"github.com/cloudpos/cloudpos/money"
)

// What a Host fails with. Anything else it wraps in ErrUnknown.
var (
	// ErrNotSent: not one byte of the message left, so nothing needs undoing.
	ErrNotSent = errors.New("the cloud cannot be reached, nothing was sent")
	// ErrUnknown: the message may have arrived. The transaction is in doubt.
	ErrUnknown = errors.New("no answer from the host")
)

// Host answers messages. The cloud's link is one.
type Host interface {
	// Exchange sends the message, again and again with the same key, until its
	// answer comes or ctx ends. An answer is the cloud's own word, given after
	// its commit. It fails with ErrNotSent or ErrUnknown.
	Exchange(ctx context.Context, m Message) (Answer, error)
}

// Message is what the cloud is told or asked about a transaction.
type Message struct {
	Key          Key
	Version      int // of the record it was made from
	At           time.Time
	ClockTrusted bool
	Kind         Kind
	Amount       money.Amount
	Receipt      uint32
	STAN         uint32
	Entry        string
	CVM          string
	Card         CardData // sealed parts as the leg needs them
	PIN          *PIN     // Authorise with an online PIN
	Ending       *Ending  // Complete, Reverse, Advise
	Snapshot     Snapshot
}

// PIN tells how the sealed PIN block of CardData is enciphered.
type PIN struct {
	Scheme string `json:"scheme"`
	Format uint8  `json:"format"`
	KSN    []byte `json:"ksn"`
}

// Verdict is the cloud's word on a message.
type Verdict string

// The verdicts.
const (
	VerdictApproved Verdict = "approved"
	VerdictDeclined Verdict = "declined"
	VerdictRecorded Verdict = "recorded" // Complete, Reverse, Advise: it is in the ledger
)

// Response codes that the flow decides on, ISO 8583 field 39.
const (
	CodeApproved = "00"
	CodeWrongPIN = "55"
)

// Answer is what came back.
type Answer struct {
	Key        Key
	Verdict    Verdict
	Code       string // "00", "51", "55"
	AuthCode   string
	HostRef    string
	IssuerAuth []byte // value of tag 91
	Scripts    []byte // templates 71 and 72, concatenated
}

// Message makes the message of a pending leg from the record alone, so that it
// is the same after a restart.
func (r *Record) Message(leg Leg) Message {
	m := Message{
		Key:          Key{ID: r.ID, Leg: leg, Attempt: 1},
		Version:      r.Version,
		At:           r.At,
		ClockTrusted: r.ClockTrusted,
		Kind:         r.Opening.Kind,
		Amount:       r.Opening.Amount,
		Receipt:      r.Opening.Receipt,
		STAN:         r.Opening.STAN,
		Entry:        r.Entry(),
		Card:         r.Card(),
		Snapshot:     r.Opening.Snapshot,
	}
	if a := r.Attempt(); a != nil {
		m.Key.Attempt, m.STAN = a.Number, a.STAN
		if r.Ending.Card == nil {
			m.CVM = a.CVM
		}
	}
	if leg != Authorise {
		ending := r.Ending
		ending.Card, ending.ChipData, ending.Entry = nil, nil, "" // in m.Card and m.Entry
		m.Ending = &ending
	}
	return m
}
