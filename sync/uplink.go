package cloudsync

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/cloudpos/cloudpos/payment"
)

// retryMax bounds the records that an Uplink remembers to leave alone for a
// while. When it is reached, it waits for one of them.
const retryMax = 64

// errVerdict: the cloud has answered, but has not recorded the leg.
var errVerdict = errors.New("the cloud did not record it")

// Journal is what an Uplink needs of the journal.
type Journal interface {
	// Outbox yields the records with a pending leg, oldest first.
	Outbox() iter.Seq2[payment.Record, error]
	Load(payment.ID) (payment.Record, error)
	Commit(payment.Entry) error
	// Changed is closed, or receives a value, at the next commit after the call.
	Changed() <-chan struct{}
}

// UplinkOpts configure an Uplink. Zero values stand for the defaults.
type UplinkOpts struct {
	InFlight   int           // legs told at once: 4
	Deadline   time.Duration // for one exchange: 30 s
	BackoffMin time.Duration // between attempts: 1 s ...
	BackoffMax time.Duration // ... to 1 min

	// Changed tells of the link: a channel closed when its state changes.
	Changed      func() <-chan struct{}
	Now          func() time.Time // for the entries
	ClockTrusted func() bool
	Rand         func() float64 // in [0, 1), safe for concurrent use
	Log          *slog.Logger
}

func (o UplinkOpts) withDefaults() UplinkOpts {
	if o.InFlight <= 0 {
		o.InFlight = 4
	}
	setDefault(&o.Deadline, 30*time.Second)
	setDefault(&o.BackoffMin, time.Second)
	setDefault(&o.BackoffMax, time.Minute)
	if o.Changed == nil {
		o.Changed = func() <-chan struct{} { return nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ClockTrusted == nil {
		o.ClockTrusted = func() bool { return false }
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Uplink tells the cloud what it has not acknowledged yet: completions,
// advices and reversals, oldest first, a few at once. A leg leaves the outbox
// only when the cloud's answer to it is committed in the journal.
type Uplink struct {
	journal Journal
	host    payment.Host
	opts    UplinkOpts

	// Run's own.
	underWay map[payment.ID]bool
	retries  map[payment.ID]*retry
	results  chan result
	pause    backoff   // of all, while nothing can be sent
	paused   time.Time // until then
}

// retry is when a record that failed is tried again.
type retry struct {
	backoff
	at time.Time
}

type result struct {
	id  payment.ID
	err error
}

// NewUplink makes an uplink. It works while Run runs.
func NewUplink(journal Journal, host payment.Host, opts UplinkOpts) *Uplink {
	u := &Uplink{
		journal: journal, host: host, opts: opts.withDefaults(),
		underWay: make(map[payment.ID]bool),
		retries:  make(map[payment.ID]*retry),
	}
	u.pause = u.backoff()
	u.results = make(chan result, u.opts.InFlight)
	return u
}

func (u *Uplink) backoff() backoff {
	return backoff{least: u.opts.BackoffMin, most: u.opts.BackoffMax, rand: u.opts.Rand}
}

// Run works until ctx ends and the exchanges under way have ended. It returns
// nil then.
func (u *Uplink) Run(ctx context.Context) error {
	defer func() {
		for len(u.underWay) > 0 {
			u.ended(<-u.results)
		}
	}()
	for {
		// Both are asked before the journal is read, so that no change is missed.
		committed, linked := u.journal.Changed(), u.opts.Changed()
		if err := u.start(ctx); err != nil {
			u.opts.Log.Error("uplink: journal", "err", err)
			u.paused = time.Now().Add(u.pause.next())
		}
		wake := time.NewTimer(u.sleep())
		select {
		case <-ctx.Done():
			wake.Stop()
			return nil
		case r := <-u.results:
			u.ended(r)
		case <-committed:
		case <-linked:
			u.linkChanged()
		case <-wake.C:
		}
		wake.Stop()
	}
}

// start begins exchanges for the oldest records that are not waiting for
// another try, as far as the bound allows.
func (u *Uplink) start(ctx context.Context) error {
	now := time.Now()
	if now.Before(u.paused) || len(u.underWay) >= u.opts.InFlight {
		return nil
	}
	seen := make(map[payment.ID]bool)
	for record, err := range u.journal.Outbox() {
		if err != nil {
			return err
		}
		leg := record.Pending()
		if u.retries[record.ID] != nil {
			seen[record.ID] = true
		}
		if leg == "" || u.underWay[record.ID] {
			continue
		}
		if r := u.retries[record.ID]; r != nil && now.Before(r.at) {
			continue
		} else if r == nil && len(u.retries) >= retryMax {
			continue
		}
		u.underWay[record.ID] = true
		go func() { u.results <- result{record.ID, u.tell(ctx, record, leg)} }()
		if len(u.underWay) >= u.opts.InFlight {
			return nil
		}
	}
	for id := range u.retries {
		if !seen[id] && !u.underWay[id] { // it has left the outbox by another way
			delete(u.retries, id)
		}
	}
	return nil
}

// tell makes one exchange and commits what it leads to.
func (u *Uplink) tell(ctx context.Context, record payment.Record, leg payment.Leg) error {
	ctx, cancel := context.WithTimeout(ctx, u.opts.Deadline)
	defer cancel()
	answer, err := u.host.Exchange(ctx, record.Message(leg))
	if err != nil {
		return err
	}
	if answer.Verdict != payment.VerdictRecorded {
		return fmt.Errorf("cloudsync: %v/%s: %w: %q", record.ID, leg, errVerdict, answer.Verdict)
	}
	now, err := u.journal.Load(record.ID)
	if err != nil {
		return fmt.Errorf("cloudsync: %s of %v is recorded: %w", leg, record.ID, err)
	}
	if now.Pending() != leg {
		return nil
	}
	entry := payment.Entry{ID: record.ID, At: u.opts.Now(), ClockTrusted: u.opts.ClockTrusted()}
	if leg == payment.Reverse {
		entry.To = payment.Reversed
	} else {
		entry.Mark = payment.Acknowledged
	}
	if err := u.journal.Commit(entry); err != nil {
		return fmt.Errorf("cloudsync: %s of %v is recorded: %w", leg, record.ID, err)
	}
	return nil
}

// ended takes the result of an exchange. When nothing could be sent, there is
// no use in trying others; any other failure is the record's own.
func (u *Uplink) ended(r result) {
	delete(u.underWay, r.id)
	if r.err == nil {
		delete(u.retries, r.id)
		u.pause.reset()
		return
	}
	noWay := errors.Is(r.err, payment.ErrNotSent) && !errors.Is(r.err, ErrRefused)
	level := slog.LevelWarn
	if noWay { // the link says why
		level = slog.LevelDebug
	}
	u.opts.Log.Log(context.Background(), level, "uplink: not told yet", "id", r.id.String(), "err", r.err)
	if noWay {
		if !time.Now().Before(u.paused) {
			u.paused = time.Now().Add(u.pause.next())
		}
		return
	}
	again := u.retries[r.id]
	if again == nil {
		again = &retry{backoff: u.backoff()}
		u.retries[r.id] = again
	}
	again.at = time.Now().Add(again.next())
}

// linkChanged ends all waiting: what failed before may work now.
func (u *Uplink) linkChanged() {
	u.paused = time.Time{}
	for _, r := range u.retries {
		r.at = time.Time{}
	}
}

// sleep is how long it takes until a record may be tried again. An hour is as
// good as for ever: commits, results and the link wake it.
func (u *Uplink) sleep() time.Duration {
	const long = time.Hour
	now := time.Now()
	if wait := u.paused.Sub(now); wait > 0 {
		return wait
	}
	if len(u.underWay) >= u.opts.InFlight {
		return long
	}
	wait := long
	for id, r := range u.retries {
		if !u.underWay[id] {
			wait = min(wait, max(r.at.Sub(now), 0))
		}
	}
	return wait
}
