package hostsim

import (
	"context"
	"time"

	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// Store keeps what the host decided. It has two forms, Memory and SQL, and one
// conformance suite.
type Store interface {
	// Update runs change alone. When it returns nil, all that change wrote is
	// durable; when change fails, none of it is there.
	Update(ctx context.Context, change func(Tx) error) error
	// Postings lists all decisions, the newest first, at most max.
	Postings(ctx context.Context, max int) ([]Posting, error)
}

// Tx is the store within Update.
type Tx interface {
	Posting(k wire.Key) (p Posting, ok bool, err error)
	PostingsOf(id ingest.ID) ([]Posting, error)
	// Put adds or replaces the posting of a key.
	Put(p Posting) error
	Account(name string) (b Balance, ok bool, err error)
	PutAccount(name string, b Balance) error
	// Use notes a thing that may be used once, and tells whether this was the
	// first time.
	Use(thing string) (first bool, err error)
	// Used tells whether a thing was used, and leaves it as it is.
	Used(thing string) (bool, error)
	Buried(id ingest.ID) (bool, error)
	Bury(id ingest.ID) error
	// Count is the number of postings.
	Count() (int64, error)
}

// Balance is what changes of an account.
type Balance struct {
	Minor int64
	Tries int // of the PIN that are left
}

// Posting is one decision.
type Posting struct {
	wire.Key
	Account     string `json:"account,omitempty"` // its name
	AmountMinor int64  `json:"amount_minor"`
	Currency    string `json:"currency"`
	Approved    bool   `json:"approved"`
	Reversed    bool   `json:"reversed,omitempty"`
	Code        string `json:"code"`
	Reason      string `json:"reason,omitempty"` // machine word for a decline, or a doubt about an advice
	AuthCode    string `json:"auth_code,omitempty"`
	HostRef     string `json:"host_ref"`
	IssuerAuth  []byte `json:"-"`
	Scripts     []byte `json:"-"` // templates 71 and 72
	// ScriptResults is 9F5B, in hex, once the terminal has told it.
	ScriptResults string    `json:"script_results,omitempty"`
	At            time.Time `json:"at"`
}

// HeldMinor is what the host holds of the customer's money for it.
func (p *Posting) HeldMinor() int64 {
	if p.Approved && !p.Reversed {
		return p.AmountMinor
	}
	return 0
}
