package cloudsync_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	cloudsync "github.com/cloudpos/cloudpos/sync"

	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/sync/wire"
)

var errDisk = errors.New("disk full")

// journal keeps records in memory.
type journal struct {
	mu      sync.Mutex
	order   []payment.ID
	entries map[payment.ID][]payment.Entry
	changed chan struct{}
	scans   int
	fail    func(payment.Entry) error
}

func newJournal() *journal {
	return &journal{entries: map[payment.ID][]payment.Entry{}, changed: make(chan struct{})}
}

func (j *journal) Commit(e payment.Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		if err := j.fail(e); err != nil {
			return err
		}
	}
	all := append(slices.Clone(j.entries[e.ID]), e)
	if _, err := payment.Fold(all); err != nil {
		return err
	}
	if len(all) == 1 {
		j.order = append(j.order, e.ID)
	}
	j.entries[e.ID] = all
	close(j.changed)
	j.changed = make(chan struct{})
	return nil
}

func (j *journal) Load(id payment.ID) (payment.Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return payment.Fold(j.entries[id])
}

func (j *journal) Changed() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changed
}

func (j *journal) Outbox() iter.Seq2[payment.Record, error] {
	j.mu.Lock()
	j.scans++
	order := slices.Clone(j.order)
	j.mu.Unlock()
	return func(yield func(payment.Record, error) bool) {
		for _, id := range order {
			r, err := j.Load(id)
			if (err != nil || r.Pending() != "") && !yield(r, err) {
				return
			}
		}
	}
}

func id(seq uint64) payment.ID { return payment.ID{Terminal: terminal, Epoch: 1, Seq: seq} }

// sell commits a sale as far as it goes before the uplink has its turn.
func (j *journal) sell(t *testing.T, seq uint64, leg payment.Leg) {
	t.Helper()
	m := message(seq, leg)
	opening := &payment.Opening{Kind: m.Kind, Amount: m.Amount, Receipt: uint32(seq)}
	to, offline := payment.Approved, false
	switch leg {
	case payment.Reverse:
		to = payment.Reversing
	case payment.Advise:
		offline = true
	case payment.Complete, payment.Authorise:
	}
	entries := []payment.Entry{
		{ID: id(seq), To: payment.Authorising, Opening: opening, Attempt: &payment.Attempt{Number: 1, STAN: uint32(seq)}},
		{ID: id(seq), To: to, Ending: &payment.Ending{Reason: "test", Offline: offline}},
	}
	if leg == payment.Authorise {
		entries = entries[:1]
	}
	for _, e := range entries {
		if err := j.Commit(e); err != nil {
			t.Fatal(err)
		}
	}
}

func (j *journal) pending() []uint64 {
	var seqs []uint64
	for r, err := range j.Outbox() {
		if err == nil {
			seqs = append(seqs, r.ID.Seq)
		}
	}
	return seqs
}

// uplink runs one beside a world until its end.
func (w *world) uplink(j cloudsync.Journal, opts cloudsync.UplinkOpts) (stop func()) {
	opts.Rand = func() float64 { return 0.5 }
	opts.Changed = w.link.Changed
	u := cloudsync.NewUplink(j, w.link, opts)
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan error)
	go func() { ended <- u.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Errorf("Run = %v", err)
		}
	})
}

func TestUplinkTellsEachLeg(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
		j := newJournal()
		j.sell(t, 1, payment.Complete)
		j.sell(t, 2, payment.Reverse)
		j.sell(t, 3, payment.Advise)
		j.sell(t, 4, payment.Authorise)
		defer w.uplink(j, cloudsync.UplinkOpts{InFlight: 1, Now: func() time.Time { return now }, ClockTrusted: func() bool { return true }})()
		time.Sleep(time.Second)
		var got []string
		for _, r := range w.received() {
			got = append(got, fmt.Sprintf("%d %s v%d", r.Key.Seq, r.Key.Leg, r.Version))
		}
		if want := []string{"1 complete v2", "2 reverse v2", "3 advise v2"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		for seq, want := range map[uint64]payment.State{1: payment.Approved, 2: payment.Reversed, 3: payment.Approved, 4: payment.Authorising} {
			r, err := j.Load(id(seq))
			if err != nil || r.State != want || r.Pending() != "" || r.Acknowledged != (want == payment.Approved) {
				t.Errorf("record %d = %+v, %v, want %v", seq, r, err, want)
			}
		}
		if last := j.entries[id(2)][2]; !last.At.Equal(now) || !last.ClockTrusted {
			t.Errorf("the entry is of %v, trusted %v", last.At, last.ClockTrusted)
		}
	})
}

func TestUplinkIsWokenByACommit(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		j := newJournal()
		defer w.uplink(j, cloudsync.UplinkOpts{})()
		for seq := range uint64(10) {
			time.Sleep(time.Hour)
			j.sell(t, seq+1, payment.Complete)
			synctest.Wait()
			if left := j.pending(); len(left) != 0 {
				t.Fatalf("pending %v", left)
			}
		}
	})
}

func TestUplinkIsBoundedAndInOrder(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		w.connected()
		var underWay, most atomic.Int32 // most is stored by the cloud alone
		w.answer = func(r wire.Request) []answer {
			most.Store(max(most.Load(), underWay.Add(1)))
			time.AfterFunc(time.Second, func() { underWay.Add(-1) })
			return []answer{{after: time.Second + 1, Answer: usual(r)}}
		}
		j := newJournal()
		for seq := range uint64(20) {
			j.sell(t, seq+1, payment.Complete)
		}
		defer w.uplink(j, cloudsync.UplinkOpts{})()
		time.Sleep(6 * time.Second)
		if left := j.pending(); len(left) != 0 || most.Load() != 4 {
			t.Errorf("pending %v, at most %d at once, want none and 4", left, most.Load())
		}
		got := w.received()
		for i := range got {
			if want := uint64(i/4*4 + 1); got[i].Key.Seq < want || got[i].Key.Seq >= want+4 {
				t.Errorf("%d was told as number %d", got[i].Key.Seq, i+1)
			}
		}
	})
}

// A day without the cloud: the outbox waits, is hardly read, and empties as
// soon as the cloud is back.
func TestUplinkWithoutACloud(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		w.broker.Refuse(errOut)
		j := newJournal()
		for seq := range uint64(10) {
			j.sell(t, seq+1, payment.Reverse)
		}
		defer w.uplink(j, cloudsync.UplinkOpts{BackoffMax: time.Hour})()
		time.Sleep(24 * time.Hour)
		if got := len(j.pending()); got != 10 || j.scans > 10*24 {
			t.Errorf("%d pending, %d scans, want 10 and a few each hour", got, j.scans)
		}
		w.broker.Refuse(nil)
		time.Sleep(31 * time.Second)
		if left := j.pending(); len(left) != 0 {
			t.Errorf("pending %v after the cloud is back", left)
		}
	})
}

// A record that the cloud will not take, cannot be sent or is never answered
// does not keep the others waiting.
func TestUplinkPoison(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		w.connected()
		w.silent = func(r wire.Request) bool { return r.Key.Seq == 2 }
		w.answer = func(r wire.Request) []answer {
			a := usual(r)
			if r.Key.Seq == 1 {
				a.Verdict = wire.VerdictDeclined
			}
			return []answer{{Answer: a}}
		}
		j := newJournal()
		j.sell(t, 1, payment.Complete)
		j.sell(t, 2, payment.Complete)
		j.sell(t, 3, payment.Complete)
		j.entries[id(3)][1].Ending.ChipData = make([]byte, wire.MessageMax)
		for seq := range uint64(50) {
			j.sell(t, seq+4, payment.Complete)
		}
		defer w.uplink(j, cloudsync.UplinkOpts{InFlight: 3})()
		synctest.Wait()
		if left := j.pending(); !slices.Equal(left, []uint64{1, 2, 3}) {
			t.Errorf("pending %v, want 1, 2 and 3", left)
		}
		time.Sleep(10 * time.Minute)
		tries := 0
		for _, r := range w.received() {
			if r.Key.Seq == 1 {
				tries++
			}
		}
		if tries < 8 || tries > 25 {
			t.Errorf("the refused one was told %d times in 10 minutes", tries)
		}
	})
}

// hostFunc answers by itself.
type hostFunc func(context.Context) error

func (f hostFunc) Exchange(ctx context.Context, m payment.Message) (payment.Answer, error) {
	return payment.Answer{Key: m.Key, Verdict: payment.VerdictRecorded}, f(ctx)
}

// While nothing can be sent the pauses grow, for all records together; after a
// success they are short again.
func TestUplinkPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts []time.Duration
		began := time.Now()
		host := hostFunc(func(context.Context) error {
			attempts = append(attempts, time.Since(began))
			if len(attempts) == 5 {
				return nil
			}
			return payment.ErrNotSent
		})
		j := newJournal()
		j.sell(t, 1, payment.Complete)
		j.sell(t, 2, payment.Complete)
		u := cloudsync.NewUplink(j, host, cloudsync.UplinkOpts{InFlight: 1, Rand: func() float64 { return 0 }})
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		if err := u.Run(ctx); err != nil {
			t.Errorf("Run = %v", err)
		}
		const ms = time.Millisecond
		want := []time.Duration{0, 500 * ms, 1500 * ms, 3500 * ms, 7500 * ms, 7500 * ms, 8000 * ms, 9000 * ms, 11000 * ms}
		if !slices.Equal(attempts, want) {
			t.Errorf("attempts at %v, want %v", attempts, want)
		}
	})
}

// A record that failed and then left the outbox by another way is forgotten.
func TestUplinkForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		host := hostFunc(func(context.Context) error {
			attempts++
			return payment.ErrUnknown
		})
		j := newJournal()
		j.sell(t, 1, payment.Complete)
		u := cloudsync.NewUplink(j, host, cloudsync.UplinkOpts{})
		time.AfterFunc(time.Minute, func() {
			if err := j.Commit(payment.Entry{ID: id(1), Mark: payment.Acknowledged}); err != nil {
				t.Error(err)
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		if err := u.Run(ctx); err != nil {
			t.Errorf("Run = %v", err)
		}
		if attempts < 3 || attempts > 10 || j.scans > 60 {
			t.Errorf("%d attempts, %d scans in a day", attempts, j.scans)
		}
	})
}

// Run leaves no exchange behind: the journal may be closed after it.
func TestUplinkWaitsForItsExchanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Bool
		host := hostFunc(func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			ended.Store(true)
			return payment.ErrUnknown
		})
		j := newJournal()
		j.sell(t, 1, payment.Complete)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := cloudsync.NewUplink(j, host, cloudsync.UplinkOpts{}).Run(ctx); err != nil || !ended.Load() {
			t.Errorf("Run = %v, its exchange has ended: %v", err, ended.Load())
		}
	})
}

// The record has left the outbox while it was told: nothing is noted twice.
func TestUplinkNotesNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		j.sell(t, 1, payment.Reverse)
		host := hostFunc(func(context.Context) error {
			return j.Commit(payment.Entry{ID: id(1), To: payment.Reversed})
		})
		u := cloudsync.NewUplink(j, host, cloudsync.UplinkOpts{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		commits := 0
		j.fail = func(payment.Entry) error {
			commits++
			return nil
		}
		if err := u.Run(ctx); err != nil || commits != 1 || len(j.entries[id(1)]) != 3 {
			t.Errorf("Run = %v, %d commits, %d entries", err, commits, len(j.entries[id(1)]))
		}
	})
}

// The cloud has it, the journal cannot note it: it is told again and noted
// once the disk has room.
func TestUplinkDiskFull(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		w.connected()
		j := newJournal()
		j.sell(t, 1, payment.Reverse)
		j.fail = func(payment.Entry) error { return errDisk }
		defer w.uplink(j, cloudsync.UplinkOpts{})()
		time.Sleep(10 * time.Second)
		if left := j.pending(); len(left) != 1 {
			t.Errorf("pending %v, want the one", left)
		}
		j.mu.Lock()
		j.fail = nil
		j.mu.Unlock()
		time.Sleep(time.Minute)
		if left := j.pending(); len(left) != 0 {
			t.Errorf("pending %v, want none", left)
		}
	})
}

// While the completion is under way the slip is printed: both marks stand.
func TestUplinkMeetsThePrinter(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		w.connected()
		w.answer = func(r wire.Request) []answer { return []answer{{after: time.Second, Answer: usual(r)}} }
		j := newJournal()
		j.sell(t, 1, payment.Complete)
		defer w.uplink(j, cloudsync.UplinkOpts{})()
		synctest.Wait()
		if err := j.Commit(payment.Entry{ID: id(1), Mark: payment.Printed}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if r, err := j.Load(id(1)); err != nil || !r.Printed || !r.Acknowledged {
			t.Errorf("record = %+v, %v", r, err)
		}
		if got := w.received(); len(got) != 1 {
			t.Errorf("it was told %d times", len(got))
		}
	})
}

// Stopped in the middle, nothing is noted; started again, it is told again
// under the same key.
func TestUplinkStoppedAndStarted(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		w.connected()
		w.silent = func(wire.Request) bool { return len(w.requests) == 1 }
		j := newJournal()
		j.sell(t, 1, payment.Reverse)
		stop := w.uplink(j, cloudsync.UplinkOpts{})
		synctest.Wait()
		stop()
		if left := j.pending(); len(left) != 1 {
			t.Errorf("pending %v, want the one", left)
		}
		defer w.uplink(j, cloudsync.UplinkOpts{})()
		time.Sleep(time.Second)
		got := w.received()
		if left := j.pending(); len(left) != 0 || len(got) != 2 || asJSON(got[0]) != asJSON(got[1]) {
			t.Errorf("pending %v, told %s", left, asJSON(got))
		}
	})
}

func TestUplinkInBadWeather(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inWorld(t, cloudsync.Opts{}, cloudsync.Chaos(seed, 0.3, 0.2, 0.01, 3*time.Second), func(w *world) {
				j := newJournal()
				defer w.uplink(j, cloudsync.UplinkOpts{})()
				for seq := range uint64(40) {
					leg := []payment.Leg{payment.Complete, payment.Reverse, payment.Advise}[seq%3]
					j.sell(t, seq+1, leg)
					time.Sleep(time.Second)
				}
				time.Sleep(15 * time.Minute)
				if left := j.pending(); len(left) != 0 {
					t.Errorf("pending %v", left)
				}
			})
		})
	}
}
