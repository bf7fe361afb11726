package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/cloud/ledger"
	"github.com/cloudpos/cloudpos/sync/wire"
)

const terminal = "dev:t1"

var sale = ingest.ID{Terminal: terminal, Epoch: 1, Seq: 7}

type bench struct {
	t      *testing.T
	books  *ledger.Memory
	issuer *scripted
	core   *ingest.Core
	log    bytes.Buffer
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, books: &ledger.Memory{}, issuer: newScripted()}
	b.restart()
	return b
}

// restart is what a new process has: ledger and issuer stay, all else is gone.
func (b *bench) restart() {
	b.core = ingest.New(ingest.Parts{
		Ledger: b.books, Issuer: b.issuer, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
		Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 1, 0, time.UTC) },
	})
}

func (b *bench) send(req wire.Request) ([]byte, error) {
	kind, reply, err := b.core.Handle(b.t.Context(), terminal, wire.KindRequest, encoded(req))
	if err == nil && kind != wire.KindAnswer {
		b.t.Errorf("answer of kind %q", kind)
	}
	return reply, err
}

// want sends and checks the verdict and the code of the answer.
func (b *bench) want(req wire.Request, verdict, code string) []byte {
	b.t.Helper()
	reply, err := b.send(req)
	if err != nil {
		b.t.Fatalf("%s/%d: %v", req.Key.Leg, req.Key.Attempt, err)
	}
	a, err := wire.DecodeAnswer(reply)
	if err != nil || a.Key != req.Key || a.Verdict != verdict || a.Code != code {
		b.t.Fatalf("%s/%d answered %s (%v), want %s %q", req.Key.Leg, req.Key.Attempt, reply, err, verdict, code)
	}
	return reply
}

func (b *bench) state(want ingest.State) ledger.Line {
	b.t.Helper()
	line, err := b.books.Get(b.t.Context(), sale)
	if err != nil || line.State != want {
		b.t.Errorf("the sale is %q (%v), want %q", line.State, err, want)
	}
	if held := b.issuer.heldFor(sale); held != line.HeldMinor {
		b.t.Errorf("the host holds %d, the ledger says %d", held, line.HeldMinor)
	}
	return line
}

var (
	auth1    = message(wire.LegAuthorise, 1, 1)
	auth2    = message(wire.LegAuthorise, 2, 2)
	complete = message(wire.LegComplete, 1, 2)
	reverse  = message(wire.LegReverse, 1, 2)
	advise   = message(wire.LegAdvise, 1, 2)
)

func TestSale(t *testing.T) {
	b := newBench(t)
	first := b.want(auth1, wire.VerdictApproved, "00")
	b.state(ingest.StateAuthorised)
	for range 3 {
		if again := b.want(auth1, wire.VerdictApproved, "00"); !bytes.Equal(again, first) {
			t.Errorf("a duplicate got %s, the first %s", again, first)
		}
	}
	if n := b.issuer.asked[auth1.Key]; n != 1 {
		t.Errorf("the issuer was asked %d times", n)
	}
	b.want(complete, wire.VerdictRecorded, "")
	line := b.state(ingest.StateCompleted)
	if line.AuthCode != "A00001" || line.HostRef != "ref" || line.Version != 2 || line.Reason != "because" {
		t.Errorf("the ledger has %+v", line)
	}
	if b.log.Len() > 0 {
		t.Errorf("logged: %s", &b.log)
	}
}

func TestWrongPINThenRight(t *testing.T) {
	b := newBench(t)
	b.issuer.decline[auth1.Key] = "55"
	b.want(auth1, wire.VerdictDeclined, "55")
	b.state(ingest.StateDeclined)
	b.want(auth2, wire.VerdictApproved, "00")
	b.want(auth1, wire.VerdictDeclined, "55")
	line := b.state(ingest.StateAuthorised)
	if line.Attempt != 2 || line.Code != "00" {
		t.Errorf("the ledger has %+v", line)
	}
}

// TestOneAuthorisationOfASale: an attempt begins only when all earlier ones
// were declined, whatever a terminal sends.
func TestOneAuthorisationOfASale(t *testing.T) {
	b := newBench(t)
	b.want(auth1, wire.VerdictApproved, "00")
	b.want(auth2, wire.VerdictDeclined, "12")
	b.state(ingest.StateAuthorised)

	b = newBench(t)
	b.issuer.decline[auth2.Key] = "51"
	b.want(auth2, wire.VerdictDeclined, "51")
	b.want(auth1, wire.VerdictDeclined, "12")
	b.state(ingest.StateDeclined)
	if n := b.issuer.asked[auth1.Key]; n != 0 {
		t.Errorf("the issuer was asked %d times for a superseded attempt", n)
	}
}

func TestReversal(t *testing.T) {
	b := newBench(t)
	b.want(auth1, wire.VerdictApproved, "00")
	first := b.want(reverse, wire.VerdictRecorded, "")
	b.state(ingest.StateReversed)
	if again := b.want(reverse, wire.VerdictRecorded, ""); !bytes.Equal(again, first) {
		t.Errorf("a duplicate got %s, the first %s", again, first)
	}
	// A late copy of the authorisation must not look like an approval.
	b.want(auth1, wire.VerdictDeclined, "12")
	b.want(auth2, wire.VerdictDeclined, "12")
	b.state(ingest.StateReversed)
}

func TestReversalOfAnUnknownSaleLeavesATombstone(t *testing.T) {
	b := newBench(t)
	b.want(reverse, wire.VerdictRecorded, "")
	b.state(ingest.StateReversed)
	b.want(auth1, wire.VerdictDeclined, "12")
	b.restart()
	b.want(auth1, wire.VerdictDeclined, "12")
	b.want(auth2, wire.VerdictDeclined, "12")
	if len(b.issuer.asked) != 0 {
		t.Errorf("the issuer was asked: %v", b.issuer.asked)
	}
	b.state(ingest.StateReversed)
}

func TestCompleteAfterReverseIsAConflict(t *testing.T) {
	for _, order := range [][]wire.Request{{reverse, complete}, {complete, reverse}, {auth1, reverse, complete}, {reverse, advise}} {
		b := newBench(t)
		for _, req := range order {
			if _, err := b.send(req); err != nil {
				t.Fatal(err)
			}
		}
		line := b.state(ingest.StateConflict)
		if line.Reversal != ingest.Reversed || !strings.Contains(b.log.String(), "sale in conflict") {
			t.Errorf("reversal %q, log %q; want reversed and an alarm", line.Reversal, &b.log)
		}
		b.want(auth1, wire.VerdictDeclined, "12")
	}
}

// A completion is acknowledged once the issuer has heard of it, which may hear
// of it again.
func TestIssuerHearsOfTheCompletion(t *testing.T) {
	b := newBench(t)
	b.want(auth1, wire.VerdictApproved, "00")
	b.issuer.faults = []fault{lostRequest, lostAnswer}
	for range 2 {
		if reply, err := b.send(complete); !errors.Is(err, errLine) {
			t.Fatalf("without the issuer: %s, %v", reply, err)
		}
		b.state(ingest.StateAuthorised)
	}
	b.want(complete, wire.VerdictRecorded, "")
	b.state(ingest.StateCompleted)
	if n := b.issuer.completed[complete.Key]; n != 2 {
		t.Errorf("the issuer has heard of it %d times, want once at first and once again", n)
	}
}

func TestCompleteBeforeAuthorise(t *testing.T) {
	b := newBench(t)
	b.want(complete, wire.VerdictRecorded, "")
	b.state(ingest.StateUnmatched)
	b.want(auth1, wire.VerdictApproved, "00")
	b.state(ingest.StateCompleted)

	b = newBench(t)
	b.issuer.decline[auth1.Key] = "51"
	b.want(complete, wire.VerdictRecorded, "")
	b.want(auth1, wire.VerdictDeclined, "51")
	b.state(ingest.StateConflict)
}

func TestAdvice(t *testing.T) {
	b := newBench(t)
	b.want(advise, wire.VerdictRecorded, "")
	b.want(advise, wire.VerdictRecorded, "")
	b.state(ingest.StateAdvised)
	b.want(auth1, wire.VerdictDeclined, "12") // a stray copy: money is held once
	b.state(ingest.StateAdvised)

	b = newBench(t)
	b.want(auth1, wire.VerdictApproved, "00")
	b.want(advise, wire.VerdictRecorded, "")
	b.state(ingest.StateConflict)
	b.want(reverse, wire.VerdictRecorded, "")
	b.state(ingest.StateConflict)
}

func TestAnotherAmountIsAConflict(t *testing.T) {
	b := newBench(t)
	b.want(auth1, wire.VerdictApproved, "00")
	other := complete
	other.AmountMinor = 9999
	b.want(other, wire.VerdictRecorded, "")
	if line := b.state(ingest.StateConflict); line.AmountMinor != 1250 || line.Alarm == "" {
		t.Errorf("the ledger has %+v", line)
	}
}

func TestVersions(t *testing.T) {
	b := newBench(t)
	b.want(auth1, wire.VerdictApproved, "00")
	third := complete
	third.Version, third.Ending = 3, &wire.Ending{Reason: "third"}
	b.want(third, wire.VerdictRecorded, "")
	second := complete
	second.Ending = &wire.Ending{Reason: "second"}
	b.want(second, wire.VerdictRecorded, "") // lower: ignored, acknowledged
	if line := b.state(ingest.StateCompleted); line.Version != 3 || line.Reason != "third" {
		t.Errorf("the ledger has version %d, %q; want 3, third", line.Version, line.Reason)
	}
	fourth := complete
	fourth.Version, fourth.Ending = 4, &wire.Ending{Reason: "fourth"}
	b.want(fourth, wire.VerdictRecorded, "")
	if line := b.state(ingest.StateCompleted); line.Version != 4 || line.Reason != "fourth" {
		t.Errorf("the ledger has version %d, %q; want 4, fourth", line.Version, line.Reason)
	}
}

func TestRefusals(t *testing.T) {
	with := func(change func(*wire.Request)) wire.Request { req := auth1; change(&req); return req }
	for name, c := range map[string]struct {
		req  wire.Request
		want error
	}{
		"foreign terminal": {with(func(r *wire.Request) { r.Key.Terminal = "dev:t2" }), ingest.ErrForeign},
		"zero amount":      {with(func(r *wire.Request) { r.AmountMinor = 0 }), ingest.ErrRefused},
		"currency":         {with(func(r *wire.Request) { r.Currency = "XXX" }), ingest.ErrRefused},
		"exponent":         {with(func(r *wire.Request) { r.Exponent = 0 }), ingest.ErrRefused},
		"kind":             {with(func(r *wire.Request) { r.Kind = "refund" }), ingest.ErrRefused},
		"epoch 0":          {with(func(r *wire.Request) { r.Key.Epoch = 0 }), ingest.ErrRefused},
		"sequence":         {with(func(r *wire.Request) { r.Key.Seq = 1 << 63 }), ingest.ErrRefused},
		"attempt":          {with(func(r *wire.Request) { r.Key.Attempt = 17 }), ingest.ErrRefused},
		"clear number":     {with(func(r *wire.Request) { r.Card.Masked = "9999010000000012" }), ingest.ErrRefused},
	} {
		b := newBench(t)
		reply, err := b.send(c.req)
		if reply != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %s, %v; want %v", name, reply, err, c.want)
		}
		if lines, err := b.books.List(t.Context(), ledger.Query{}); len(lines) > 0 || err != nil {
			t.Errorf("%s: the ledger has %v, %v", name, lines, err)
		}
	}
	b := newBench(t)
	for _, kind := range []string{wire.KindRequest, wire.KindHello, "else"} {
		if _, _, err := b.core.Handle(t.Context(), terminal, kind, []byte("{")); !errors.Is(err, ingest.ErrRefused) {
			t.Errorf("garbage as %s: %v, want ErrRefused", kind, err)
		}
	}
}

func TestSameKeyOtherMessage(t *testing.T) {
	b := newBench(t)
	b.want(auth1, wire.VerdictApproved, "00")
	other := auth1
	other.AmountMinor = 1
	if reply, err := b.send(other); !errors.Is(err, ingest.ErrMismatch) {
		t.Errorf("another amount under the same key: %s, %v; want ErrMismatch", reply, err)
	}
	b.state(ingest.StateAuthorised)
}

func TestHello(t *testing.T) {
	b := newBench(t)
	b.want(auth1, wire.VerdictApproved, "00")
	hello := func(at wire.Hello) wire.Welcome {
		data, err := wire.EncodeHello(at)
		if err != nil {
			t.Fatal(err)
		}
		kind, reply, err := b.core.Handle(t.Context(), terminal, wire.KindHello, data)
		if err != nil || kind != wire.KindHello {
			t.Fatalf("%q, %v", kind, err)
		}
		w, err := wire.DecodeWelcome(reply)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if w := hello(wire.Hello{Terminal: terminal, Epoch: 1, Seq: 2}); w.Epoch != 1 || w.Seq != 7 || w.Now.IsZero() {
		t.Errorf("Welcome = %+v, want epoch 1, sequence 7 and the time", w)
	}
	data, err := wire.EncodeHello(wire.Hello{Terminal: "dev:t2", Epoch: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.core.Handle(t.Context(), terminal, wire.KindHello, data); !errors.Is(err, ingest.ErrForeign) {
		t.Errorf("another's hello: %v, want ErrForeign", err)
	}
}

// TestPendingAfterRestart stops the program between the two commits of an
// authorisation: the issuer has decided, the answer is lost.
func TestPendingAfterRestart(t *testing.T) {
	for _, f := range []fault{lostRequest, lostAnswer} {
		b := newBench(t)
		b.issuer.faults = []fault{f}
		if reply, err := b.send(auth1); !errors.Is(err, errLine) {
			t.Fatalf("%s, %v; want the issuer's error and no answer", reply, err)
		}
		line, err := b.books.Get(t.Context(), sale)
		if err != nil || line.State != ingest.StatePending {
			t.Errorf("the sale is %q (%v), want pending", line.State, err)
		}
		b.restart()
		b.want(auth1, wire.VerdictApproved, "00")
		b.state(ingest.StateAuthorised)

		b = newBench(t)
		b.issuer.tombstones = false
		b.issuer.faults = []fault{f}
		_, _ = b.send(auth1) // no answer, as above
		b.restart()
		b.want(reverse, wire.VerdictRecorded, "")
		before := b.issuer.asked[auth1.Key]
		b.want(auth1, wire.VerdictDeclined, "12")
		b.state(ingest.StateReversed)
		if n := b.issuer.asked[auth1.Key]; n != before {
			t.Error("the issuer was asked about a reversed sale")
		}
	}
}

// TestRecover stops the program while it tells the issuer of a reversal.
func TestRecover(t *testing.T) {
	for _, f := range []fault{lostRequest, lostAnswer} {
		b := newBench(t)
		b.want(auth1, wire.VerdictApproved, "00")
		b.issuer.faults = []fault{f}
		if reply, err := b.send(reverse); !errors.Is(err, errLine) {
			t.Fatalf("%s, %v; want no acknowledgement", reply, err)
		}
		if line, err := b.books.Get(t.Context(), sale); err != nil || line.State != ingest.StateReversing {
			t.Errorf("the sale is %q (%v), want reversing", line.State, err)
		}
		b.want(auth1, wire.VerdictDeclined, "12")
		b.restart()
		if n, err := b.core.Recover(t.Context()); n != 1 || err != nil {
			t.Errorf("Recover = %d, %v; want 1", n, err)
		}
		b.state(ingest.StateReversed)
		b.want(reverse, wire.VerdictRecorded, "")
		if n, err := b.core.Recover(t.Context()); n != 0 || err != nil {
			t.Errorf("a second Recover = %d, %v; want 0", n, err)
		}
	}
}

// TestDuplicatesUnderWay sends copies while the issuer thinks: more than a
// terminal may have under way, and they are not in the way of its reversal.
func TestDuplicatesUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.issuer.delays = []time.Duration{time.Minute}
		var wg sync.WaitGroup
		wg.Go(func() { b.want(auth1, wire.VerdictDeclined, "12") })
		for range 20 {
			time.Sleep(time.Second)
			if reply, err := b.send(auth1); !errors.Is(err, ingest.ErrUnderWay) {
				t.Errorf("a duplicate under way: %s, %v, want ErrUnderWay", reply, err)
			}
		}
		wg.Go(func() { b.want(reverse, wire.VerdictRecorded, "") })
		synctest.Wait()
		b.state(ingest.StateReversing) // the tombstone stands before the issuer is done
		wg.Wait()
		b.state(ingest.StateReversed)
		b.want(auth1, wire.VerdictDeclined, "12")
		if n := b.issuer.asked[auth1.Key]; n != 1 {
			t.Errorf("the issuer was asked %d times", n)
		}
	})
}

// TestReversalOvertakes reverses while the issuer thinks, with an issuer that
// keeps no tombstones, in one process and in two. Within one, the reversal is
// not acknowledged while the issuer may still do something for the sale.
func TestReversalOvertakes(t *testing.T) {
	for _, c := range []struct {
		first         wire.Request
		verdict, code string
		end           ingest.State
	}{
		{auth1, wire.VerdictDeclined, "12", ingest.StateReversed},
		{advise, wire.VerdictRecorded, "", ingest.StateConflict},
	} {
		for _, processes := range []int{1, 2} {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.issuer.tombstones = false
				b.issuer.delays = []time.Duration{10 * time.Second}
				var wg sync.WaitGroup
				wg.Go(func() { b.want(c.first, c.verdict, c.code) })
				time.Sleep(time.Second)
				synctest.Wait()
				if processes == 2 {
					b.restart()
				}
				b.want(reverse, wire.VerdictRecorded, "")
				if processes == 1 {
					time.Sleep(6 * time.Second) // when it has decided and not yet answered
					b.state(c.end)
				}
				wg.Wait()
				b.state(c.end)
			})
		}
	}
}

// TestNothingIsToldAfterATombstone: the issuer hears of reversals only.
func TestNothingIsToldAfterATombstone(t *testing.T) {
	b := newBench(t)
	b.want(reverse, wire.VerdictRecorded, "")
	for _, req := range []wire.Request{auth1, advise, complete, auth2} {
		if _, err := b.send(req); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.issuer.asked) != 0 {
		t.Errorf("the issuer was told of %v", b.issuer.asked)
	}
}

// TestOneTerminalDoesNotTakeAll bounds what a terminal has under way.
func TestOneTerminalDoesNotTakeAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.issuer.delays = slices.Repeat([]time.Duration{time.Minute}, 20)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var mu sync.Mutex
		busy := 0
		for i := range 12 {
			wg.Go(func() {
				req := auth1
				req.Key.Seq = uint64(i + 1)
				_, _, err := b.core.Handle(ctx, terminal, wire.KindRequest, encoded(req))
				if errors.Is(err, ingest.ErrBusy) {
					mu.Lock()
					defer mu.Unlock()
					busy++
				}
			})
		}
		synctest.Wait()
		if busy != 4 {
			t.Errorf("%d of 12 messages were refused as too many, want 4", busy)
		}
		cancel()
		wg.Wait()
		b.issuer.heal()
		b.want(auth1, wire.VerdictApproved, "00")
	})
}
