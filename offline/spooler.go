package offline

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/payment"
)

// Queue is what a Spooler needs of a journal.
type Queue interface {
	Spool() iter.Seq2[payment.Record, error]
	Commit(payment.Entry) error
	Changed() <-chan struct{}
	Stats() Stats
}

// ErrMaybePrinted is wrapped by a Print that does not know whether the slip is
// on paper: the next try is a copy.
var ErrMaybePrinted = errors.New("offline: the slip may be on paper")

// Print puts a slip of a record on paper, the one that earns the mark, and
// returns nil when it is there. A copy says on its face that it is one.
type Print func(ctx context.Context, r payment.Record, slip payment.Mark, isCopy bool) error

// SpoolerOpts are a Spooler's options.
type SpoolerOpts struct {
	WaitMin time.Duration    // after a first failure; 0: 1 s
	WaitMax time.Duration    // after many; 0: 30 s
	Now     func() time.Time // nil: time.Now
	Trusted func() bool      // whether the clock is; nil: it is not
	Log     *slog.Logger     // nil: none
}

// SpoolStatus is how a Spooler stands.
type SpoolStatus struct {
	Waiting int   // slips that are owed
	Err     error // why the last try failed, nil when it did not
}

// Spooler prints what is approved and not printed, oldest first, one after the
// other. Each slip is printed until Print succeeds, then marked; only then
// comes the next one of the same record, if it has two. A slip that was owed
// when Run started may be on paper already, for want of the mark alone: it is
// printed as a copy.
type Spooler struct {
	queue Queue
	print Print
	opts  SpoolerOpts
	retry chan struct{}
	old   map[payment.ID]bool // what is owed next may be on paper already, from before Run for one
	done  map[payment.ID]bool // what is owed next is on paper, with a mark that could not be committed

	mu  sync.Mutex
	err error
}

// NewSpooler makes a spooler. It prints nothing before Run.
func NewSpooler(queue Queue, printSlip Print, opts SpoolerOpts) *Spooler {
	if opts.WaitMin <= 0 {
		opts.WaitMin = time.Second
	}
	if opts.WaitMax <= 0 {
		opts.WaitMax = 30 * time.Second
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Trusted == nil {
		opts.Trusted = func() bool { return false }
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Spooler{
		queue: queue,
		print: printSlip,
		opts:  opts,
		retry: make(chan struct{}, 1),
		old:   make(map[payment.ID]bool),
		done:  make(map[payment.ID]bool),
	}
}

// Run prints until ctx ends. It is called once.
func (s *Spooler) Run(ctx context.Context) {
	for r, err := range s.queue.Spool() {
		if err != nil {
			s.opts.Log.Warn("the spool cannot be read", "id", r.ID.String(), "err", err)
		}
		s.old[r.ID] = true
	}
	wait := s.opts.WaitMin
	for {
		changed := s.queue.Changed()
		err := s.pass(ctx)
		if ctx.Err() != nil {
			return
		}
		s.setErr(err)
		if err == nil {
			wait = s.opts.WaitMin
			select {
			case <-ctx.Done():
			case <-changed:
			case <-s.retry:
			}
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
			wait = min(2*wait, s.opts.WaitMax)
		case <-s.retry:
			wait = s.opts.WaitMin
		}
		timer.Stop()
	}
}

// pass prints all there is. It stops at the first slip that cannot be printed,
// to keep the order, but a record that cannot be read does not hold up others.
func (s *Spooler) pass(ctx context.Context) error {
	var unreadable error
	for r, err := range s.queue.Spool() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			unreadable = err
			continue
		}
		for slip := r.Owed(); slip != ""; slip = r.Owed() {
			err := s.put(ctx, &r, slip)
			if errors.Is(err, payment.ErrTransition) {
				break // somebody else has printed it, and set the mark
			}
			if err != nil {
				return err
			}
		}
	}
	return unreadable
}

// put prints a slip and commits that it is on paper, to the record too. Until
// it is committed the slip is not printed again, whatever the disk does.
func (s *Spooler) put(ctx context.Context, r *payment.Record, slip payment.Mark) error {
	if !s.done[r.ID] {
		if err := s.print(ctx, *r, slip, s.old[r.ID]); err != nil {
			s.old[r.ID] = s.old[r.ID] || errors.Is(err, ErrMaybePrinted)
			return err
		}
		s.done[r.ID] = true
	}
	mark := payment.Entry{ID: r.ID, At: s.opts.Now(), ClockTrusted: s.opts.Trusted(), Mark: slip}
	err := s.queue.Commit(mark)
	if err == nil || errors.Is(err, payment.ErrTransition) {
		delete(s.done, r.ID)
		delete(s.old, r.ID)
	}
	if err != nil {
		return err
	}
	return r.Apply(mark)
}

// Retry wakes a spooler that waits after a failure: there is paper again.
func (s *Spooler) Retry() {
	select {
	case s.retry <- struct{}{}:
	default: // it is awake already
	}
}

// Status tells how it stands.
func (s *Spooler) Status() SpoolStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return SpoolStatus{Waiting: s.queue.Stats().Spool, Err: s.err}
}

// setErr logs a reason once, and again when it changes.
func (s *Spooler) setErr(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && (s.err == nil || err.Error() != s.err.Error()):
		s.opts.Log.Warn("slips wait", "err", err)
	case err == nil && s.err != nil:
		s.opts.Log.Info("slips are printed again")
	}
	s.err = err
}
