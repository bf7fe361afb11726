package payment

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/money"
)

// Schema is the version of Entry that this program writes.
const Schema = 1

// ErrTransition is a bug: an entry that does not follow from the record.
var ErrTransition = errors.New("payment: entry does not follow")

// State is where a transaction stands.
type State string

// The states. Authorising and Reversing are unfinished: the first becomes the
// second when it is found at start; the second waits for the cloud.
const (
	Authorising State = "authorising"
	Approved    State = "approved"
	Declined    State = "declined"
	Cancelled   State = "cancelled"
	Reversing   State = "reversing"
	Reversed    State = "reversed"
)

// Kind is what sort of transaction it is.
type Kind string

// Sale is goods or services against money.
const Sale Kind = "sale"

// Mark is what an entry adds besides a state.
type Mark string

// The marks.
const (
	SignedCopy   Mark = "signed-copy"  // the slip that the customer signs, and the merchant keeps, is on paper
	Printed      Mark = "printed"      // the customer's slip is on paper
	Acknowledged Mark = "acknowledged" // the cloud has committed the completion or advice
)

// Entry is one line of the journal. A record is the fold of its entries and is
// stored nowhere else. Exactly one of To and Mark is set.
type Entry struct {
	ID           ID        `json:"id"`
	At           time.Time `json:"at"`
	ClockTrusted bool      `json:"clock_trusted"`
	To           State     `json:"to,omitempty"`
	Mark         Mark      `json:"mark,omitempty"`
	Opening      *Opening  `json:"opening,omitempty"` // in a record's first entry
	Attempt      *Attempt  `json:"attempt,omitempty"` // with Authorising
	Ending       *Ending   `json:"ending,omitempty"`  // with every other state but Reversed
}

// Opening is what does not change during a transaction.
type Opening struct {
	Kind     Kind         `json:"kind"`
	Amount   money.Amount `json:"amount"`
	Receipt  uint32       `json:"receipt"`
	STAN     uint32       `json:"stan"` // of attempt 1
	Started  time.Time    `json:"started"`
	Snapshot Snapshot     `json:"snapshot"`
}

// Snapshot is what the terminal was when the record was made.
type Snapshot struct {
	Software     string `json:"software"`
	Params       uint64 `json:"params"` // version of the parameter document
	Merchant     string `json:"merchant"`
	Terminal     string `json:"terminal"` // the acquirer's terminal id
	Capabilities string `json:"capabilities"`
	KeyScheme    string `json:"key_scheme,omitempty"`
	Reader       string `json:"reader,omitempty"`
	Antenna      string `json:"antenna,omitempty"`
	Stripe       string `json:"stripe,omitempty"` // reader of magnetic stripes
	PINPad       string `json:"pinpad,omitempty"`
	Printer      string `json:"printer,omitempty"`
}

// Attempt is one request to the issuer.
type Attempt struct {
	Number uint8    `json:"number"` // 1, 2 after a wrong PIN ...
	STAN   uint32   `json:"stan"`
	Entry  string   `json:"entry"` // how the card was read, as 9F39: EntryChip ...
	Card   CardData `json:"card"`  // Track, Chip and PIN are never on disk here
	CVM    string   `json:"cvm"`
}

// Ending is how it ended.
type Ending struct {
	Reason   string `json:"reason,omitempty"` // machine word
	Detail   string `json:"detail,omitempty"` // for the technician
	Offline  bool   `json:"offline,omitempty"`
	Code     string `json:"code,omitempty"` // the host's response code
	ARC      string `json:"arc,omitempty"`
	AuthCode string `json:"auth_code,omitempty"`
	HostRef  string `json:"host_ref,omitempty"`
	// Card and Entry are set when there is no attempt which holds them already;
	// after a wrong PIN the sale may end with another card than was sent.
	Card     *CardData  `json:"card,omitempty"`
	Entry    string     `json:"entry,omitempty"`
	ChipData []byte     `json:"chip_data,omitempty"` // sealed: what the chip said at the end
	Chip     *ChipWords `json:"chip,omitempty"`
	CVM      string     `json:"cvm,omitempty"`
}

// ChipWords are the chip's words for slip and screen, none of them sensitive.
// All are upper-case hex.
type ChipWords struct {
	AC  string `json:"ac,omitempty"`  // 9F26
	CID string `json:"cid,omitempty"` // 9F27
	ATC string `json:"atc,omitempty"` // 9F36
	TVR string `json:"tvr,omitempty"` // 95
	TSI string `json:"tsi,omitempty"` // 9B
	CVM string `json:"cvm,omitempty"` // 9F34
}

// CardData is a card as it may be stored and sent. Its parts are sealed to the
// acquirer's key, each by itself, so that one can be dropped.
type CardData struct {
	Masked  string `json:"masked,omitempty"`
	Token   string `json:"token,omitempty"` // keyed, so equal cards are equal on this terminal only
	AID     string `json:"aid,omitempty"`
	Label   string `json:"label,omitempty"`
	SealKey string `json:"seal_key,omitempty"` // the acquirer's key id
	Account []byte `json:"account,omitempty"`  // PAN, sequence number and expiry
	Track   []byte `json:"track,omitempty"`
	Chip    []byte `json:"chip,omitempty"`
	PIN     []byte `json:"pin,omitempty"`
}

// Record is a transaction as its entries tell it.
type Record struct {
	ID           ID
	State        State
	Version      int // number of entries; a higher one replaces a lower one at the cloud
	Opening      Opening
	Attempts     []Attempt
	Ending       Ending
	At           time.Time // of the last change of state
	ClockTrusted bool
	SignedCopy   bool
	Printed      bool
	Acknowledged bool
}

// Attempt returns the last one, or nil when nothing was ever sent.
func (r *Record) Attempt() *Attempt {
	if len(r.Attempts) == 0 {
		return nil
	}
	return &r.Attempts[len(r.Attempts)-1]
}

// Card returns what is known of the card, with the chip's last word: of the one
// that the sale ended with.
func (r *Record) Card() CardData {
	var c CardData
	if r.Ending.Card != nil {
		c = *r.Ending.Card
	} else if a := r.Attempt(); a != nil {
		c = a.Card
	}
	c.Chip = r.Ending.ChipData
	return c
}

// Entry tells how the card was read; "" where none was.
func (r *Record) Entry() string {
	if a := r.Attempt(); a != nil && r.Ending.Card == nil {
		return a.Entry
	}
	return r.Ending.Entry
}

// Unfinished tells whether a restart must do something about the record.
func (r *Record) Unfinished() bool { return r.State == Authorising }

// Signs tells whether the customer has to sign.
func (r *Record) Signs() bool { return r.State == Approved && r.Ending.CVM == cvmSignature }

// Slips are the pieces of paper that the transaction comes to, in their order
// and by the mark that each earns: one to be signed, where the customer is
// verified so, and the customer's.
func (r *Record) Slips() []Mark {
	if r.Signs() {
		return []Mark{SignedCopy, Printed}
	}
	return []Mark{Printed}
}

// Owed is the first slip that is not on paper yet, or "".
func (r *Record) Owed() Mark {
	switch {
	case r.State != Approved || r.Printed:
		return ""
	case r.Signs() && !r.SignedCopy:
		return SignedCopy
	}
	return Printed
}

// ToPrint tells whether a slip is owed.
func (r *Record) ToPrint() bool { return r.Owed() != "" }

// Pending returns the leg which the cloud has not acknowledged yet, or "".
func (r *Record) Pending() Leg {
	switch r.State {
	case Reversing:
		return Reverse
	case Approved:
		if r.Acknowledged {
			return ""
		}
		if r.Ending.Offline {
			return Advise
		}
		return Complete
	case Authorising, Declined, Cancelled, Reversed:
		return ""
	}
	return ""
}

// follows lists, for each state, those that may come next. The empty state is
// a record without entries.
var follows = map[State][]State{
	"":          {Authorising, Approved, Declined, Cancelled},
	Authorising: {Authorising, Approved, Declined, Cancelled, Reversing},
	Reversing:   {Reversed},
}

// Apply adds an entry to the record. It fails with ErrTransition and leaves
// the record as it was when the entry does not follow.
func (r *Record) Apply(e Entry) error {
	if r.Version > 0 && e.ID != r.ID {
		return fmt.Errorf("%w: entry of %v applied to %v", ErrTransition, e.ID, r.ID)
	}
	if (e.Opening != nil) != (r.Version == 0) || (e.To == "") == (e.Mark == "") {
		return fmt.Errorf("%w: %v: malformed entry %d", ErrTransition, e.ID, r.Version+1)
	}
	if e.Mark != "" {
		return r.applyMark(e)
	}
	if !r.mayBecome(e) {
		return fmt.Errorf("%w: %v: %q after %q", ErrTransition, e.ID, e.To, r.State)
	}
	if e.Opening != nil {
		r.ID, r.Opening = e.ID, *e.Opening
	}
	if e.Attempt != nil {
		r.Attempts = append(r.Attempts[:len(r.Attempts):len(r.Attempts)], *e.Attempt)
	}
	if e.Ending != nil {
		r.Ending = *e.Ending
	}
	r.State, r.At, r.ClockTrusted = e.To, e.At, e.ClockTrusted
	r.Version++
	return nil
}

func (r *Record) mayBecome(e Entry) bool {
	if (e.To == Authorising) != (e.Attempt != nil) || e.Ending == nil && e.To != Authorising && e.To != Reversed {
		return false
	}
	if e.Attempt != nil && int(e.Attempt.Number) != len(r.Attempts)+1 {
		return false
	}
	for _, s := range follows[r.State] {
		if s == e.To {
			return true
		}
	}
	return false
}

func (r *Record) applyMark(e Entry) error {
	var done *bool
	switch e.Mark {
	case SignedCopy:
		done = &r.SignedCopy
	case Printed:
		done = &r.Printed
	case Acknowledged:
		done = &r.Acknowledged
	default:
		return fmt.Errorf("%w: %v: unknown mark %q", ErrTransition, e.ID, e.Mark)
	}
	if r.State != Approved || *done || e.Mark != Acknowledged && e.Mark != r.Owed() {
		return fmt.Errorf("%w: %v: %q on a record which is %q", ErrTransition, e.ID, e.Mark, r.State)
	}
	*done = true
	r.Version++
	return nil
}

// Fold makes a record of its entries, in order.
func Fold(entries []Entry) (Record, error) {
	var r Record
	for _, e := range entries {
		if err := r.Apply(e); err != nil {
			return Record{}, err
		}
	}
	if r.Version == 0 {
		return Record{}, fmt.Errorf("%w: no entries", ErrTransition)
	}
	return r, nil
}
