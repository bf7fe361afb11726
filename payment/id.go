package payment

import (
	"fmt"
	"strconv"
	"strings"
)

// ID names a transaction for ever. It is made once, on the terminal.
type ID struct {
	Terminal string `json:"terminal"` // "dev:t1": tenant and device, not the acquirer's terminal id
	Epoch    uint32 `json:"epoch"`    // grows with each new journal file, so a replaced one repeats no id
	Seq      uint64 `json:"seq"`      // grows by one within the epoch
}

// String writes "dev:t1/1/42".
func (id ID) String() string { return fmt.Sprintf("%s/%d/%d", id.Terminal, id.Epoch, id.Seq) }

// ParseID reads what String writes.
func ParseID(s string) (ID, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 || parts[0] == "" {
		return ID{}, fmt.Errorf("payment: %q is not a transaction id, write it like dev:t1/1/42", s)
	}
	epoch, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil {
		return ID{}, fmt.Errorf("payment: id %q: epoch %q is not a number", s, parts[1])
	}
	seq, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return ID{}, fmt.Errorf("payment: id %q: sequence %q is not a number", s, parts[2])
	}
	return ID{Terminal: parts[0], Epoch: uint32(epoch), Seq: seq}, nil
}

// Leg is one of the conversations with the cloud about a transaction.
type Leg string

// The legs.
const (
	Authorise Leg = "authorise" // may the card be charged?
	Complete  Leg = "complete"  // the card agreed: the authorisation stands
	Reverse   Leg = "reverse"   // whatever became of it, undo it
	Advise    Leg = "advise"    // approved without the host
)

// Key identifies a message. A re-send keeps it; a new request to the issuer in
// the same sale (wrong PIN) has the next attempt.
type Key struct {
	ID
	Leg     Leg   `json:"leg"`
	Attempt uint8 `json:"attempt"`
}

// String writes "dev:t1/1/42/authorise/1".
func (k Key) String() string { return fmt.Sprintf("%s/%s/%d", k.ID, k.Leg, k.Attempt) }
