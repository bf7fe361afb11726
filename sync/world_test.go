package cloudsync_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	cloudsync "github.com/cloudpos/cloudpos/sync"

	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const terminal = "dev:t1"

var errOut = errors.New("out of order")

// world is one terminal's link, a broker in memory and a cloud which answers
// everything, in virtual time.
type world struct {
	*testing.T
	broker *cloudsync.Memory
	link   *cloudsync.Link
	stop   func() // ends the link and waits

	mu       sync.Mutex
	hellos   int
	requests []wire.Request
	silent   func(wire.Request) bool     // no answer
	answer   func(wire.Request) []answer // nil for the usual one
}

type answer struct {
	after time.Duration
	wire.Answer
	raw []byte
}

// inWorld runs a story. opts.Terminal is filled in; run tells whether the link
// starts connecting at once.
func inWorld(t *testing.T, opts cloudsync.Opts, fate func(cloudsync.Packet) cloudsync.Fate, story func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t}
		w.broker = cloudsync.NewMemory(w.serve, fate)
		defer w.broker.Close()
		opts.Terminal = terminal
		if opts.Rand == nil {
			opts.Rand = func() float64 { return 0.5 }
		}
		link, err := cloudsync.New(w.broker, opts)
		if err != nil {
			t.Fatal(err)
		}
		w.link = link
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- link.Run(ctx) }()
		w.stop = sync.OnceFunc(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run = %v", err)
			}
		})
		defer w.stop()
		story(w)
	})
}

// serve is the cloud.
func (w *world) serve(p cloudsync.Packet) {
	id, _, kind, err := wire.ParseTopic(p.Topic)
	if err != nil {
		w.Errorf("topic %q: %v", p.Topic, err)
		return
	}
	if kind == wire.KindHello {
		h, err := wire.DecodeHello(p.Payload)
		if err != nil || h.Terminal != id {
			w.Errorf("hello %s: %v", p.Payload, err)
		}
		w.mu.Lock()
		w.hellos++
		w.mu.Unlock()
		w.publish(wire.KindHello, must(wire.EncodeWelcome(wire.Welcome{Epoch: 1, Seq: 7, Now: time.Now()})))
		return
	}
	r, err := wire.DecodeRequest(p.Payload)
	if err != nil {
		w.Errorf("request %s: %v", p.Payload, err)
		return
	}
	w.mu.Lock()
	if w.hellos == 0 {
		w.Errorf("%v came before hello", r.Key)
	}
	w.requests = append(w.requests, r)
	silent, custom := w.silent, w.answer
	w.mu.Unlock()
	if silent != nil && silent(r) {
		return
	}
	answers := []answer{{Answer: usual(r)}}
	if custom != nil {
		answers = custom(r)
	}
	for _, a := range answers {
		data := a.raw
		if data == nil {
			data = must(wire.EncodeAnswer(a.Answer))
		}
		if a.after == 0 {
			w.publish(wire.KindAnswer, data)
			continue
		}
		time.AfterFunc(a.after, func() { w.publish(wire.KindAnswer, data) })
	}
}

func (w *world) publish(kind string, data []byte) {
	w.broker.Publish(must(wire.Topic(terminal, wire.Down, kind)), data)
}

func usual(r wire.Request) wire.Answer {
	if r.Key.Leg == wire.LegAuthorise {
		return wire.Answer{Key: r.Key, Verdict: wire.VerdictApproved, Code: "00", AuthCode: "123456", HostRef: "1", IssuerAuth: []byte{1, 2}}
	}
	return wire.Answer{Key: r.Key, Verdict: wire.VerdictRecorded}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// received is what the cloud has got so far.
func (w *world) received() []wire.Request {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests
}

// exchange asks the host, for so long, and says how long it took.
func (w *world) exchange(m payment.Message, patience time.Duration) (payment.Answer, time.Duration, error) {
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	began := time.Now()
	a, err := w.link.Exchange(ctx, m)
	return a, time.Since(began), err
}

// exchanged demands the usual answer.
func (w *world) exchanged(m payment.Message, patience time.Duration) time.Duration {
	w.Helper()
	a, took, err := w.exchange(m, patience)
	if err != nil || a.Key != m.Key {
		w.Errorf("Exchange(%v) = %+v, %v", m.Key, a, err)
	}
	return took
}

func (w *world) connected() {
	w.Helper()
	synctest.Wait()
	if s := w.link.State(); !s.Connected {
		w.Fatalf("not connected: %+v", s)
	}
}

func message(seq uint64, leg payment.Leg) payment.Message {
	cny, err := money.Lookup("CNY")
	if err != nil {
		panic(err)
	}
	m := payment.Message{
		Key:     payment.Key{ID: payment.ID{Terminal: terminal, Epoch: 1, Seq: seq}, Leg: leg, Attempt: 1},
		Version: 1, At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Kind: payment.Sale,
		Amount: money.Amount{Minor: 1250, Currency: cny},
	}
	if leg != payment.Authorise {
		m.Ending = &payment.Ending{Reason: "test"}
	}
	return m
}

func isRequest(p cloudsync.Packet) bool {
	_, _, kind, err := wire.ParseTopic(p.Topic)
	return err == nil && p.Up && kind == wire.KindRequest
}

func isAnswer(p cloudsync.Packet) bool {
	_, _, kind, err := wire.ParseTopic(p.Topic)
	return err == nil && !p.Up && kind == wire.KindAnswer
}

// first returns a fate for the first packets that match, in order; the others
// arrive.
func first(match func(cloudsync.Packet) bool, fates ...cloudsync.Fate) func(cloudsync.Packet) cloudsync.Fate {
	return func(p cloudsync.Packet) cloudsync.Fate {
		if len(fates) == 0 || !match(p) {
			return cloudsync.Arrives()
		}
		fate := fates[0]
		fates = fates[1:]
		return fate
	}
}

func asJSON(v any) string { return string(must(json.Marshal(v))) }
