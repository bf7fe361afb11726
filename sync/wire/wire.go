// Package wire is all that terminal and cloud share: topics, messages and
// signed envelopes. It depends on neither.
//
// Messages are JSON and carry the version of their schema. A released version
// is kept as a sample in testdata and is read for ever. Unknown fields are
// ignored, so that a newer peer may add some; unknown versions are refused.
package wire

import (
	"time"
)

// Version is the schema that this program writes.
const Version = 1

// MessageMax bounds a message, in bytes.
const MessageMax = 32 << 10

// The kinds of message, which end their topics.
const (
	KindHello   = "hello"   // up and down: who am I, what do you know of me
	KindRequest = "request" // up: one leg of a transaction
	KindAnswer  = "answer"  // down: the cloud's word on it, after its commit
)

// SignedParams is the kind of a signed envelope around a parameter document.
const SignedParams = "params"

// Key identifies a leg of a transaction. A re-send keeps it.
type Key struct {
	Terminal string `json:"terminal"`
	Epoch    uint32 `json:"epoch"`
	Seq      uint64 `json:"seq"`
	Leg      string `json:"leg"` // LegAuthorise ...
	Attempt  uint8  `json:"attempt"`
}

// The legs.
const (
	LegAuthorise = "authorise"
	LegComplete  = "complete"
	LegReverse   = "reverse"
	LegAdvise    = "advise"
)

// How the card was read: tag 9F39, and how ISO 8583 field 22 begins.
const (
	EntryChip     = "05"
	EntryTap      = "07" // a chip, through its antenna
	EntryFallback = "80" // magnetic stripe of a card whose chip could not be read
	EntryStripe   = "90" // magnetic stripe, the track whole and unchanged
	EntryTapTrack = "91" // the track of a magnetic stripe, through a chip's antenna
)

// Request is one leg of a transaction, from the terminal.
type Request struct {
	V            int       `json:"v"`
	Key          Key       `json:"key"`
	Version      int       `json:"version"` // of the terminal's record; a lower one is ignored
	At           time.Time `json:"at"`
	ClockTrusted bool      `json:"clock_trusted"`
	Kind         string    `json:"kind"` // "sale"
	AmountMinor  int64     `json:"amount_minor"`
	Currency     string    `json:"currency"` // "CNY"
	Exponent     uint8     `json:"exponent"`
	Receipt      uint32    `json:"receipt"`
	STAN         uint32    `json:"stan"`
	Entry        string    `json:"entry"` // EntryChip ...
	CVM          string    `json:"cvm"`
	Merchant     string    `json:"merchant"`
	AcquirerTID  string    `json:"acquirer_tid"`
	Software     string    `json:"software"`
	Params       uint64    `json:"params"`
	Devices      Devices   `json:"devices"`
	Card         Card      `json:"card"`
	PIN          *PIN      `json:"pin,omitempty"`
	Ending       *Ending   `json:"ending,omitempty"`
}

// Devices is what the terminal was made of during the transaction.
type Devices struct {
	Capabilities string `json:"capabilities,omitempty"` // tag 9F33, hex
	KeyScheme    string `json:"key_scheme,omitempty"`
	Reader       string `json:"reader,omitempty"`
	Antenna      string `json:"antenna,omitempty"` // reader of what is tapped
	Stripe       string `json:"stripe,omitempty"`  // reader of magnetic stripes
	PINPad       string `json:"pinpad,omitempty"`
	Printer      string `json:"printer,omitempty"`
}

// Card is a card with its sensitive parts sealed to the acquirer's key, each
// with terminal, epoch, sequence and the part's name as HPKE info.
type Card struct {
	Masked  string `json:"masked,omitempty"`
	Token   string `json:"token,omitempty"`
	AID     string `json:"aid,omitempty"`
	Label   string `json:"label,omitempty"`
	SealKey string `json:"seal_key,omitempty"`
	Account []byte `json:"account,omitempty"` // Account as JSON, sealed
	Track   []byte `json:"track,omitempty"`   // track 2 as in tag 57, sealed
	Chip    []byte `json:"chip,omitempty"`    // TLV objects, sealed
	PIN     []byte `json:"pin,omitempty"`     // the enciphered PIN block, sealed once more
}

// Account is the clear content of Card.Account.
type Account struct {
	PAN    string `json:"pan"`
	PSN    string `json:"psn,omitempty"`    // none of a stripe
	Expiry string `json:"expiry,omitempty"` // YYMMDD; of a stripe the last day of its month
}

// PIN tells how the PIN block is enciphered.
type PIN struct {
	Scheme string `json:"scheme"`
	Format uint8  `json:"format"`
	KSN    []byte `json:"ksn"`
}

// Ending is what the terminal says of how it went.
type Ending struct {
	Reason   string `json:"reason,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Offline  bool   `json:"offline,omitempty"`
	Code     string `json:"code,omitempty"`
	ARC      string `json:"arc,omitempty"`
	AuthCode string `json:"auth_code,omitempty"`
	HostRef  string `json:"host_ref,omitempty"`
	CVM      string `json:"cvm,omitempty"`
	Chip     *Chip  `json:"chip,omitempty"`
}

// Chip is the card's last word: values of data elements, in hex.
type Chip struct {
	AC  string `json:"ac,omitempty"`  // 9F26
	CID string `json:"cid,omitempty"` // 9F27
	ATC string `json:"atc,omitempty"` // 9F36
	TVR string `json:"tvr,omitempty"` // 95
	TSI string `json:"tsi,omitempty"` // 9B
	CVM string `json:"cvm,omitempty"` // 9F34
}

// Answer is the cloud's word on a request. The same key has the same answer
// for ever, but that a sale which was reversed is never approved any more.
type Answer struct {
	V          int    `json:"v"`
	Key        Key    `json:"key"`
	Verdict    string `json:"verdict"` // VerdictApproved ...
	Code       string `json:"code,omitempty"`
	AuthCode   string `json:"auth_code,omitempty"`
	HostRef    string `json:"host_ref,omitempty"`
	IssuerAuth []byte `json:"issuer_auth,omitempty"`
	Scripts    []byte `json:"scripts,omitempty"`
}

// The verdicts.
const (
	VerdictApproved = "approved"
	VerdictDeclined = "declined"
	VerdictRecorded = "recorded"
)

// Hello is what a terminal says on each connect.
type Hello struct {
	V        int    `json:"v"`
	Terminal string `json:"terminal"`
	Epoch    uint32 `json:"epoch"`
	Seq      uint64 `json:"seq"` // the highest used in this epoch
	Software string `json:"software"`
	Params   uint64 `json:"params"`
}

// Welcome answers Hello: what the cloud has seen of this terminal. A terminal
// whose epoch is lower has lost its journal and starts a new epoch above it.
type Welcome struct {
	V     int       `json:"v"`
	Epoch uint32    `json:"epoch"`
	Seq   uint64    `json:"seq"`
	Now   time.Time `json:"now"`
}
