package payment

import (
	"iter"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/secret"
)

// Numbers are what the terminal gives a new transaction.
type Numbers struct {
	ID      ID
	STAN    uint32 // of attempt 1, 1 to 999999; each further attempt has the next one
	Receipt uint32 // 1 to 999999
}

// STANOf is the trace number of an attempt, wrapped to six digits without 0.
func (n Numbers) STANOf(attempt uint8) uint32 {
	const stanMax = 999_999
	return (n.STAN-1+uint32(attempt)-1)%stanMax + 1
}

// Journal is where entries survive a power cut.
type Journal interface {
	// Next gives the numbers of the next transaction. It writes nothing: the
	// first entry's commit takes them.
	Next() (Numbers, error)
	// Commit returns once the entry is on disk. After an error it is not.
	Commit(Entry) error
	Load(ID) (Record, error)
	// Unfinished gives the records that a restart has to settle.
	Unfinished() iter.Seq2[Record, error]
}

// Sealer makes card data fit for disk and wire.
type Sealer interface {
	// Key is the id of the acquirer's key which parts are sealed to.
	Key() string
	// Seal encloses one part of one transaction; only the acquirer opens it.
	Seal(id ID, part keys.Part, plain []byte) ([]byte, error)
	// Token is the same for the same card on this terminal, and tells nothing.
	Token(secret.PAN) string
}

// Waits bound a transaction in time.
type Waits struct {
	Card   time.Duration // for a card
	Choice time.Duration // for the choice of an application
	PIN    time.Duration // for the customer at the PIN pad
	Host   time.Duration // for the host's answer, re-sends included
}

// PINRules are what a PIN may be, and how often it may be wrong.
type PINRules struct {
	Min, Max    int
	AttemptsMax uint8
}

// Config is what one transaction needs to know. It holds no device.
type Config struct {
	Numbers  Numbers
	Snapshot Snapshot
	Waits    Waits
	PIN      PINRules
	Media    drivers.Media // contact and stripe, as far as they are fitted and allowed
	Stripe   StripeRules
	Sealer   Sealer
	// Kernel makes the machine for one attempt. It is called anew for each.
	Kernel func(emv.Transaction, money.Currency) (emv.Machine, error)
	// Tap makes the machine for one attempt with a card that is tapped, and
	// which waits for it by itself (emv/tap.go); nil where none can be. Its
	// machine is nil where none may be, in this currency.
	Tap func(emv.Transaction, money.Currency) (emv.Machine, error)
	// Forget clears what one tap keeps for the next of the same sale; nil where
	// nothing is kept.
	Forget func()
}
