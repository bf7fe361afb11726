package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// Errors of a Runner.
var (
	ErrBusy  = errors.New("a transaction is running")
	ErrIdle  = errors.New("no transaction is running")
	ErrStore = errors.New("the journal cannot be written")
)

// Parts are what a Runner works with.
type Parts struct {
	Readers []drivers.Reader // in the order of preference: contact first
	PINPad  drivers.PINPad
	Panel   drivers.Panel
	Journal Journal
	Host    Host
	// Now tells the time, and whether card dates may be judged by it.
	Now func() (now time.Time, trusted bool)
	// Configure makes the Config from the parameters now in force.
	Configure func(Numbers) (Config, error)
	Log       *slog.Logger
}

// Runner performs transactions, one at a time.
type Runner struct {
	parts Parts
	views *Mailbox

	mu     sync.Mutex
	inputs chan Body // nil when idle
}

// NewRunner makes a runner. Call Settle before the first transaction.
func NewRunner(p Parts) *Runner { return &Runner{parts: p, views: NewMailbox()} }

// Views is where the latest view stands.
func (r *Runner) Views() *Mailbox { return r.views }

// Settle commits what a restart, or a journal that could not be written, left
// open; while a transaction runs it does nothing. It fails with ErrStore, and
// then nothing may be sold.
func (r *Runner) Settle() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inputs != nil {
		return nil
	}
	return r.settle()
}

// KeepSettled settles now and then until ctx ends, so that a sale whose end
// could not be stored is reversed as soon as there is room, not only with the
// next sale.
func (r *Runner) KeepSettled(ctx context.Context) {
	const pause = 5 * time.Second
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := r.Settle(); err != nil {
				r.parts.Log.Warn("cannot settle yet", "error", err)
			}
		}
	}
}

func (r *Runner) settle() error {
	now, trusted := r.parts.Now()
	entries, err := Recover(r.parts.Journal.Unfinished(), now, trusted)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	for _, e := range entries {
		if err := r.parts.Journal.Commit(e); err != nil {
			return fmt.Errorf("%w: %w", ErrStore, err)
		}
		r.parts.Log.Warn("found unfinished, reversing", "id", e.ID)
	}
	return nil
}

// Cancel asks the running transaction to end. Whether it still can is in the
// view.
func (r *Runner) Cancel() error { return r.input(Cancel{}) }

// Choose tells the customer's choice of an application, -1 for none.
func (r *Runner) Choose(index int) error { return r.input(Choose{Index: index}) }

func (r *Runner) input(b Body) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inputs == nil {
		return ErrIdle
	}
	select {
	case r.inputs <- b:
	default: // somebody hammers; the earlier ones are enough
	}
	return nil
}

// Result is how a transaction ended.
type Result struct {
	Record Record // zero when not even one entry could be stored
	View   View   // the last
}

// Run performs one transaction and returns once it is decided, on disk, and
// the card was given back. When ctx ends it is cancelled if it still can be.
// A card that says no is a Result; an error means that the terminal failed,
// and whether the money is in doubt is in the Result's view.
func (r *Runner) Run(ctx context.Context, req Request) (Result, error) {
	inputs, err := r.begin()
	if err != nil {
		return Result{}, err
	}
	defer r.finish()
	if err := r.settle(); err != nil {
		return Result{View: View{Screen: ScreenFault, Notice: NoticeStoreFailed, Reason: ReasonStoreFailed}}, err
	}
	numbers, err := r.parts.Journal.Next()
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrStore, err)
	}
	cfg, err := r.parts.Configure(numbers)
	if err != nil {
		return Result{}, err
	}
	run := &run{
		parts: r.parts, views: r.views, flow: NewFlow(cfg), inputs: inputs,
		results: make(chan result), live: map[Ref]context.CancelFunc{},
		log: r.parts.Log.With("id", numbers.ID),
	}
	view, err := run.loop(ctx, req)
	res := Result{View: view}
	if record, loadErr := r.parts.Journal.Load(numbers.ID); loadErr == nil {
		res.Record = record
	}
	return res, err
}

func (r *Runner) begin() (chan Body, error) {
	const inputsMax = 8
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inputs != nil {
		return nil, ErrBusy
	}
	r.inputs = make(chan Body, inputsMax)
	return r.inputs, nil
}

func (r *Runner) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inputs = nil
	r.views.put(View{Screen: ScreenIdle})
}

// run is one transaction in progress. Its loop is the only one to step the
// flow and to hold the card.
type run struct {
	parts   Parts
	views   *Mailbox
	flow    *Flow
	inputs  chan Body
	results chan result
	live    map[Ref]context.CancelFunc
	card    drivers.Card
	closing bool
	signals sync.WaitGroup
	lamps   chan struct{} // closed once the panel has had the last signal; nil before the first
	log     *slog.Logger
	stored  error // why an entry could not be committed
}

// result is an action's event, and the card that Await found.
type result struct {
	ref  Ref
	body Body
	card drivers.Card
}

func (r *run) loop(ctx context.Context, req Request) (View, error) {
	defer r.signals.Wait()
	done := ctx.Done()
	ctx = context.WithoutCancel(ctx) // a stop is asked for, by Cancel
	body, ref := Body(req), Ref(0)
	for {
		step, err := r.step(ctx, ref, body)
		if err != nil {
			r.abandon(ctx)
			return View{Screen: ScreenFault, Reason: err.Error()}, err
		}
		if step.Ended {
			return step.View, r.stored
		}
		if r.closing && step.View.Final() {
			r.closing, body, ref = false, Cancel{}, 0
			continue
		}
		select {
		case res := <-r.results:
			r.live[res.ref]()
			delete(r.live, res.ref)
			if res.card != nil {
				r.card = res.card
			}
			body, ref = res.body, res.ref
		case body = <-r.inputs:
			ref = 0
		case <-done:
			done, body, ref = nil, Cancel{}, 0
			r.closing = true
		}
	}
}

// step commits, then shows, then does. If the commit fails the flow is told
// and nothing of the step is done.
func (r *run) step(ctx context.Context, ref Ref, body Body) (Step, error) {
	now, trusted := r.parts.Now()
	step, err := r.flow.Step(Event{At: now, ClockTrusted: trusted, Ref: ref, Body: body})
	if err != nil {
		return Step{}, err
	}
	if step.Commit != nil {
		if err := r.parts.Journal.Commit(*step.Commit); err != nil {
			r.log.Error("cannot store, stopping", "to", step.Commit.To, "error", err)
			r.stored = fmt.Errorf("%w: %w", ErrStore, err)
			return r.step(ctx, 0, Failed{Err: r.stored})
		}
		r.log.Info("stored", "to", step.Commit.To)
	}
	r.views.put(step.View)
	for _, a := range step.Do {
		r.do(ctx, a)
	}
	return step, nil
}

func (r *run) do(ctx context.Context, a Action) {
	card := r.card
	switch a := a.(type) {
	case Await:
		r.start(ctx, a.Ref, func(ctx context.Context) result { return r.await(ctx, a) })
	case Transmit:
		r.start(ctx, a.Ref, func(ctx context.Context) result { return transmit(ctx, card, a.Command) })
	case Release:
		r.start(ctx, a.Ref, func(ctx context.Context) result { return release(ctx, card, a.Stay) })
	case EnterPIN:
		r.start(ctx, a.Ref, func(ctx context.Context) result {
			defer a.Request.PAN.Clear()
			entry, err := r.parts.PINPad.EnterPIN(ctx, a.Request)
			return either(PINResult{entry}, err)
		})
	case VerifyPIN:
		r.start(ctx, a.Ref, func(ctx context.Context) result { return verifyPIN(ctx, card, a.Request) })
	case Exchange:
		r.start(ctx, a.Ref, func(ctx context.Context) result {
			answer, err := r.parts.Host.Exchange(ctx, a.Message)
			return either(HostResult{answer}, err)
		})
	case Arm:
		r.start(ctx, a.Ref, func(ctx context.Context) result { return wait(ctx, a.After) })
	case Stop:
		if stop, ok := r.live[a.Ref]; ok {
			stop()
		}
	case Signal:
		r.signal(ctx, a.Signal)
	}
}

// signal tells the panel, after all that it was told before: a slow one must not
// end with what was true a moment ago.
func (r *run) signal(ctx context.Context, s drivers.Signal) {
	before, had := r.lamps, make(chan struct{})
	r.lamps = had
	r.signals.Go(func() {
		defer close(had)
		if before != nil {
			<-before
		}
		if err := r.parts.Panel.Show(ctx, s); err != nil {
			r.log.Debug("panel", "error", err)
		}
	})
}

// start runs an action in its own goroutine; its one result comes to the loop.
func (r *run) start(ctx context.Context, ref Ref, action func(context.Context) result) {
	ctx, cancel := context.WithCancel(ctx)
	r.live[ref] = cancel
	go func() {
		res := action(ctx)
		res.ref = ref
		r.results <- res
	}()
}

func either(b Body, err error) result {
	if err != nil {
		return result{body: Failed{Err: err}}
	}
	return result{body: b}
}

func transmit(ctx context.Context, card drivers.Card, command []byte) result {
	resp, err := card.Exchange(ctx, command)
	if errors.Is(err, drivers.ErrCardGone) {
		return result{body: CardGone{}}
	}
	return either(Response{resp.Data, resp.Elapsed}, err)
}

// verifyPIN is refused by a card whose reader takes no PINs. 9F33 does not claim
// it then, so no kernel asks.
func verifyPIN(ctx context.Context, card drivers.Card, v drivers.PINVerification) result {
	able, ok := card.(drivers.PINCard)
	if !ok {
		return result{body: Failed{Err: fmt.Errorf("payment: PIN for the card: %w", drivers.ErrRefused)}}
	}
	verified, err := able.VerifyPIN(ctx, v)
	if errors.Is(err, drivers.ErrCardGone) {
		return result{body: CardGone{}}
	}
	return either(PINVerified{verified}, err)
}

func release(ctx context.Context, card drivers.Card, stay bool) result {
	if err := card.Release(context.WithoutCancel(ctx)); err != nil {
		return result{body: Failed{Err: err}}
	}
	if stay {
		return result{body: CardGone{}}
	}
	return either(CardGone{}, card.Gone(ctx))
}

func wait(ctx context.Context, d time.Duration) result {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return result{body: Fired{}}
	case <-ctx.Done():
		return result{body: Failed{Err: drivers.ErrCancelled}}
	}
}

// abandon ends a transaction whose flow has failed: whatever runs is stopped,
// the card loses its power, and the journal is settled before the next one.
func (r *run) abandon(ctx context.Context) {
	for _, stop := range r.live {
		stop()
	}
	for range r.live {
		if res := <-r.results; res.card != nil {
			r.card = res.card
		}
	}
	if r.card != nil {
		const releaseMax = 2 * time.Second
		ctx, cancel := context.WithTimeout(ctx, releaseMax)
		defer cancel()
		if err := r.card.Release(ctx); err != nil {
			r.log.Warn("release card", "error", err)
		}
	}
}
