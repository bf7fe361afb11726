package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/cloud/ledger"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// plan is what happens to one sale: messages at times, in any order and
// number, an issuer that is slow and fails, restarts of the cloud.
type plan struct {
	Sends    []send
	Restarts []time.Duration
	Delays   []time.Duration
	Faults   []fault
	Decline  []string // code of attempt 1, 2, 3
	Strong   bool     // the issuer keeps tombstones
}

type send struct {
	At      time.Duration
	Leg     string
	Attempt uint8
}

func drawPlan(t *rapid.T) plan {
	at := rapid.Map(rapid.IntRange(0, 2000), func(n int) time.Duration { return time.Duration(n) * time.Millisecond })
	leg := rapid.SampledFrom([]string{
		wire.LegAuthorise, wire.LegAuthorise, wire.LegAuthorise, wire.LegComplete, wire.LegReverse, wire.LegAdvise,
	})
	return plan{
		Sends: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) send {
			return send{at.Draw(t, "at"), leg.Draw(t, "leg"), rapid.Uint8Range(1, 3).Draw(t, "attempt")}
		}), 1, 12).Draw(t, "sends"),
		Restarts: rapid.SliceOfN(at, 0, 2).Draw(t, "restarts"),
		Delays:   rapid.SliceOfN(at, 0, 12).Draw(t, "delays"),
		Faults:   rapid.SliceOfN(rapid.SampledFrom([]fault{none, none, lostRequest, lostAnswer}), 0, 8).Draw(t, "faults"),
		Decline:  rapid.SliceOfN(rapid.SampledFrom([]string{"", "55"}), 3, 3).Draw(t, "decline"),
		Strong:   rapid.Bool().Draw(t, "strong"),
	}
}

// world runs a plan and notes what is wrong.
type world struct {
	books  ledger.Memory
	issuer *scripted
	mu     sync.Mutex
	core   *ingest.Core
	stop   context.CancelFunc
	ctx    context.Context
	first  map[wire.Key][]byte
	wrong  []string
}

func (w *world) restart() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stop != nil {
		w.stop()
	}
	w.ctx, w.stop = context.WithCancel(context.Background())
	w.core = ingest.New(ingest.Parts{Ledger: &w.books, Issuer: w.issuer, Now: time.Now})
}

func (w *world) tombstone() bool {
	line, err := w.books.Get(context.Background(), sale)
	return err == nil && line.Reversal != ""
}

// send tells whether there was an answer, and checks it against what was
// answered before.
func (w *world) send(s send) bool {
	w.mu.Lock()
	core, ctx := w.core, w.ctx
	w.mu.Unlock()
	req := message(s.Leg, s.Attempt, 1)
	buried := w.tombstone()
	_, reply, err := core.Handle(ctx, terminal, wire.KindRequest, encoded(req))
	if err != nil {
		return false
	}
	answer, err := wire.DecodeAnswer(reply)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.wrong = append(w.wrong, err.Error())
		return true
	}
	approved := answer.Verdict == wire.VerdictApproved
	if buried && approved {
		w.wrong = append(w.wrong, fmt.Sprintf("%v approved after the reversal", s))
	}
	before, ok := w.first[req.Key]
	withdrawn := ok && !bytes.Equal(before, reply) && !approved && w.tombstone()
	if ok && !bytes.Equal(before, reply) && !withdrawn {
		w.wrong = append(w.wrong, fmt.Sprintf("%v: %s, before %s", s, reply, before))
	}
	w.first[req.Key] = reply
	return true
}

func run(p plan) []string {
	w := &world{issuer: newScripted(), first: map[wire.Key][]byte{}}
	w.issuer.tombstones = p.Strong
	w.issuer.delays, w.issuer.faults = p.Delays, p.Faults
	for i, code := range p.Decline {
		w.issuer.decline[message(wire.LegAuthorise, uint8(i+1), 1).Key] = code
	}
	w.restart()
	var wg sync.WaitGroup
	for _, at := range p.Restarts {
		wg.Go(func() { time.Sleep(at); w.restart() })
	}
	for _, s := range p.Sends {
		wg.Go(func() { time.Sleep(s.At); w.send(s) })
	}
	wg.Wait()
	// The line is well again; a last restart, and what was not answered is sent
	// once more, as terminals do.
	w.issuer.heal()
	w.restart()
	defer w.stop()
	if _, err := w.core.Recover(w.ctx); err != nil {
		w.wrong = append(w.wrong, err.Error())
	}
	for _, s := range p.Sends {
		if !w.send(s) {
			w.wrong = append(w.wrong, fmt.Sprintf("%v is not answered", s))
		}
	}
	return append(w.wrong, w.compare(p)...)
}

// compare holds ledger against host.
func (w *world) compare(p plan) (wrong []string) {
	line, err := w.books.Get(w.ctx, sale)
	if err != nil {
		return []string{err.Error()}
	}
	if held := w.issuer.heldFor(sale); held != line.HeldMinor {
		wrong = append(wrong, fmt.Sprintf("the host holds %d, the ledger %d: %+v", held, line.HeldMinor, line))
	}
	if line.State == ingest.StatePending || line.State == ingest.StateReversing {
		wrong = append(wrong, fmt.Sprintf("the sale is still %s", line.State))
	}
	for _, s := range p.Sends {
		if s.Leg == wire.LegReverse && line.Reversal != ingest.Reversed {
			wrong = append(wrong, fmt.Sprintf("reversed, but the ledger has %+v", line))
		}
	}
	if ids, err := w.books.Unsettled(w.ctx); len(ids) > 0 || err != nil {
		wrong = append(wrong, fmt.Sprintf("unsettled: %v, %v", ids, err))
	}
	return wrong
}

// TestAnyOrder: whatever comes in whatever order, ledger and host end with the
// same money, an answer never changes but for a withdrawn approval, and nothing
// is approved after a tombstone.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		var wrong []string
		synctest.Test(t, func(*testing.T) { wrong = run(p) })
		for _, w := range wrong {
			rt.Error(w)
		}
	})
}
