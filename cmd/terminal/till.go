package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/ui"
)

// till does what the cashier taps. It is the screen's ui.Shop.
type till struct {
	g       *glass
	sales   sync.WaitGroup
	copies  chan payment.ID // to print once more
	waiting atomic.Int32    // copies that are owed

	mu      sync.Mutex
	selling context.Context // nil while no sale may begin
}

var _ ui.Shop = (*till)(nil)

// copiesMax bounds the slips that wait to be printed once more, recordsMax the
// history.
const (
	copiesMax  = 8
	recordsMax = 50
)

func newTill(g *glass) *till { return &till{g: g, copies: make(chan payment.ID, copiesMax)} }

// open lets sales begin until ctx ends; it cancels those that run.
func (t *till) open(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.selling = ctx
}

// close lets no more sales begin and waits for the one that runs.
func (t *till) close() {
	t.mu.Lock()
	t.selling = nil
	t.mu.Unlock()
	t.sales.Wait()
}

// Sell begins a sale.
func (t *till) Sell(amount money.Amount, _ ui.Method) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ctx := t.selling; ctx != nil {
		t.sales.Go(func() { t.sell(ctx, payment.Request{Kind: payment.Sale, Amount: amount}) })
	}
}

// sell performs the sale. How it ends is told by terminal.pay, unless it was
// not begun.
func (t *till) sell(ctx context.Context, request payment.Request) {
	if err := t.g.t.rules.Allows(request); err != nil {
		t.g.end(payment.Result{}, err)
		return
	}
	if _, err := t.g.t.pay(ctx, request); err != nil {
		t.g.t.log.Warn("sale", "error", err)
	}
}

// Cancel asks the running sale to end. There may be none any more.
func (t *till) Cancel() { t.asked(t.g.t.runner.Cancel()) }

// Choose tells which application was chosen.
func (t *till) Choose(index int) { t.asked(t.g.t.runner.Choose(index)) }

// asked forgives a tap that came too late.
func (t *till) asked(err error) {
	if err != nil && !errors.Is(err, payment.ErrIdle) {
		t.g.t.log.Warn("screen", "error", err)
	}
}

// History shows the latest records.
func (t *till) History() { t.g.showHistory() }

// Reprint puts a slip in the line of copies, if that has room.
func (t *till) Reprint(id payment.ID) {
	select {
	case t.copies <- id:
		t.waiting.Add(1)
	default:
		t.g.t.log.Warn("too many copies wait for the printer", "id", id)
	}
}

// print prints the copies, one after the other, until ctx ends.
func (t *till) print(ctx context.Context) {
	for {
		select {
		case id := <-t.copies:
			if err := t.copy(ctx, id); err != nil {
				t.g.t.log.Warn("copy", "id", id, "error", err)
			}
			t.waiting.Add(-1)
		case <-ctx.Done():
			return
		}
	}
}

// copy prints the slips of a sale once more. It waits for a printer that is out
// of paper, but not all day: nobody remembers then what they are for.
func (t *till) copy(ctx context.Context, id payment.ID) error {
	const pause, most = 2 * time.Second, 5 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	r, err := t.g.t.journal.Load(id)
	if err != nil {
		return err
	}
	for slips := r.Slips(); len(slips) > 0; {
		err := t.g.t.printSlip(ctx, r, slips[0], true)
		if err == nil {
			slips = slips[1:]
			continue
		}
		if errors.Is(err, drivers.ErrRefused) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
	return nil
}
