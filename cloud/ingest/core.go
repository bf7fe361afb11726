package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// Bounds.
const (
	attemptsMax = 16              // of one leg of a sale
	messagesMax = 4 * attemptsMax // about one sale
	flightsMax  = 8               // messages of one terminal being handled at once
)

// Why a message is not answered.
var (
	// ErrRefused is a message that will never be answered: malformed, of an
	// unknown kind, or out of bounds.
	ErrRefused = errors.New("ingest: message refused")
	// ErrForeign is a message about another terminal's sale.
	ErrForeign = errors.New("ingest: message names another terminal")
	// ErrMismatch is a known key with other content.
	ErrMismatch = errors.New("ingest: the key was used for another message")
	// ErrBusy is one message too many from a terminal; it may be sent again.
	ErrBusy = errors.New("ingest: too many messages of this terminal at once")
	// ErrUnderWay is a duplicate of a message that is being handled: its answer
	// will be the answer to both.
	ErrUnderWay = errors.New("ingest: the same message is being handled")
)

// Ledger keeps dossiers.
type Ledger interface {
	// Update runs change on the dossier of a sale, an empty one when it is
	// unknown, and stores what change made of it. Nobody else changes the
	// dossier in between. What Update stored is durable when it returns. When
	// change fails, nothing is stored and its error is returned. change may run
	// more than once and must not block.
	Update(ctx context.Context, id ID, change func(*Dossier) error) error
	// Unsettled lists sales whose dossier is Unsettled.
	Unsettled(ctx context.Context) ([]ID, error)
	// Greet notes where a terminal says it stands, and returns the highest
	// position ever seen of it, in sales and greetings.
	Greet(ctx context.Context, g Greeting) (Position, error)
}

// Position is a place in a terminal's sequence of sales.
type Position struct {
	Epoch uint32
	Seq   uint64
}

// Before tells whether p is lower than q.
func (p Position) Before(q Position) bool {
	return p.Epoch < q.Epoch || p.Epoch == q.Epoch && p.Seq < q.Seq
}

// Greeting is what a terminal says of itself on each connect.
type Greeting struct {
	Terminal string
	Position
	Software string
	Params   uint64
	At       time.Time
}

// Issuer is the way to the one who holds the customer's money. Each method is
// idempotent by its key or id, also across restarts on both sides, and does
// all or, with an error, may have done all or nothing.
type Issuer interface {
	// Authorise asks for the amount. The same key has the same decision for
	// ever, save that a sale which was reversed is never approved.
	Authorise(ctx context.Context, req wire.Request) (Decision, error)
	// Advise tells of an approval without the issuer.
	Advise(ctx context.Context, req wire.Request) error
	// Complete tells how an approval ended with the card. No money moves.
	Complete(ctx context.Context, req wire.Request) error
	// Reverse undoes whatever is held for the sale, by any of its attempts. It
	// succeeds when there is nothing to undo.
	Reverse(ctx context.Context, id ID) error
}

// Decision is the issuer's word on an authorisation.
type Decision struct {
	Approved   bool
	Code       string // ISO 8583 field 39
	AuthCode   string
	HostRef    string
	IssuerAuth []byte // value of tag 91
	Scripts    []byte // templates 71 and 72
}

// Parts is what a Core is made of.
type Parts struct {
	Ledger Ledger
	Issuer Issuer
	Now    func() time.Time
	Log    *slog.Logger // nil: nothing is logged
}

// Core handles messages. It may be used by many goroutines, and by many
// processes on one ledger.
type Core struct {
	ledger  Ledger
	issuer  Issuer
	now     func() time.Time
	log     *slog.Logger
	flights flights
}

// New builds a Core.
func New(p Parts) *Core {
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	return &Core{ledger: p.Ledger, issuer: p.Issuer, now: p.Now, log: p.Log}
}

// Handle takes one message. terminal is the sender as its certificate names
// it, "dev:t1". On an error nothing is answered: the terminal sends the message
// again, or gives it up and reverses.
func (c *Core) Handle(ctx context.Context, terminal, kind string, payload []byte) (replyKind string, reply []byte, err error) {
	switch kind {
	case wire.KindHello:
		reply, err = c.hello(ctx, terminal, payload)
		return wire.KindHello, reply, err
	case wire.KindRequest:
		reply, err = c.request(ctx, terminal, payload)
		return wire.KindAnswer, reply, err
	}
	return "", nil, fmt.Errorf("%w: unknown kind %q from %s", ErrRefused, kind, terminal)
}

func (c *Core) hello(ctx context.Context, terminal string, payload []byte) ([]byte, error) {
	hello, err := wire.DecodeHello(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if hello.Terminal != terminal {
		return nil, fmt.Errorf("%w: hello of %s", ErrForeign, terminal)
	}
	if hello.Seq > math.MaxInt64 {
		return nil, fmt.Errorf("%w: hello of %s: sequence out of range", ErrRefused, terminal)
	}
	now := c.clock()
	seen, err := c.ledger.Greet(ctx, Greeting{
		Terminal: terminal, Position: Position{hello.Epoch, hello.Seq},
		Software: hello.Software, Params: hello.Params, At: now,
	})
	if err != nil {
		return nil, fmt.Errorf("ingest: hello of %s: %w", terminal, err)
	}
	return wire.EncodeWelcome(wire.Welcome{Epoch: seen.Epoch, Seq: seen.Seq, Now: now})
}

func (c *Core) request(ctx context.Context, terminal string, payload []byte) ([]byte, error) {
	req, err := wire.DecodeRequest(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if req.Key.Terminal != terminal {
		return nil, fmt.Errorf("%w: request of %s", ErrForeign, terminal)
	}
	if err := check(&req); err != nil {
		return nil, fmt.Errorf("%w: %v: %w", ErrRefused, SaleOf(req.Key), err)
	}
	hash, err := digest(req)
	if err != nil {
		return nil, fmt.Errorf("ingest: %v: %w", SaleOf(req.Key), err)
	}
	answer, err := c.flights.do(flightKey{req.Key, hash}, func() ([]byte, error) {
		switch req.Key.Leg {
		case wire.LegAuthorise:
			return c.authorise(ctx, &req, hash)
		case wire.LegReverse:
			return c.reverse(ctx, &req, hash)
		case wire.LegAdvise:
			return c.advise(ctx, &req, hash)
		default: // wire knows no fifth
			return c.complete(ctx, &req, hash)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("ingest: %v %s/%d: %w", SaleOf(req.Key), req.Key.Leg, req.Key.Attempt, err)
	}
	return answer, nil
}

// check refuses what wire lets pass and the ledger cannot hold. Digits in a row
// where a masked number belongs would put an account number into the ledger.
func check(req *wire.Request) error {
	currency, err := money.Lookup(req.Currency)
	switch {
	case err != nil:
		return err
	case currency.Exponent != req.Exponent:
		return fmt.Errorf("exponent %d, but %s has %d", req.Exponent, req.Currency, currency.Exponent)
	case req.Kind != kindSale:
		return fmt.Errorf("kind %q", req.Kind)
	case req.AmountMinor <= 0:
		return errors.New("amount is not above zero")
	case req.Key.Epoch == 0 || req.Key.Seq == 0 || req.Key.Seq > math.MaxInt64:
		return errors.New("epoch or sequence out of range")
	case req.Key.Attempt > attemptsMax:
		return fmt.Errorf("attempt %d, at most %d", req.Key.Attempt, attemptsMax)
	case !masked(req.Card.Masked):
		return errors.New("card number is not masked")
	}
	return nil
}

// kindSale is the one kind of transaction so far.
const kindSale = "sale"

// masked allows the first six and the last four digits, PCI DSS 3.4.1.
func masked(s string) bool {
	const digitsMax = 10
	digits := 0
	for _, r := range s {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	return digits <= digitsMax
}

// digest tells requests apart whose key is the same. The version of the record
// is left out: it grows with marks such as "printed" between two sends of the
// same message.
func digest(req wire.Request) (string, error) {
	req.Version = 0
	data, err := json.Marshal(req)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// clock is now as the ledger keeps it: UTC, milliseconds.
func (c *Core) clock() time.Time { return c.now().UTC().Truncate(time.Millisecond) }
