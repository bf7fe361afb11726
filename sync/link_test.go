package cloudsync_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	cloudsync "github.com/cloudpos/cloudpos/sync"

	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/sync/wire"
)

func TestAnswer(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		m := message(1, payment.Authorise)
		a, took, err := w.exchange(m, time.Minute)
		want := payment.Answer{Key: m.Key, Verdict: payment.VerdictApproved, Code: "00", AuthCode: "123456", HostRef: "1", IssuerAuth: []byte{1, 2}}
		if err != nil || asJSON(a) != asJSON(want) || took != 0 {
			t.Errorf("Exchange = %+v, %v after %v, want %+v", a, err, took, want)
		}
		s := w.link.State()
		if want := (cloudsync.Counters{Connects: 1, Sent: 1, Answered: 1}); s.Counters != want || !s.Connected || s.LastError != nil || s.InFlight != 0 {
			t.Errorf("State = %+v, want %+v", s, want)
		}
	})
}

// One mishap each; the sale gets its answer, and the cloud sees one key.
func TestMishaps(t *testing.T) {
	lost := cloudsync.Fate{}
	late := func(d time.Duration) cloudsync.Fate { return cloudsync.Fate{Copies: []time.Duration{d}} }
	for _, c := range []struct {
		name   string
		match  func(cloudsync.Packet) bool
		fates  []cloudsync.Fate
		sent   int           // requests that reach the cloud
		within time.Duration // the answer is there
		stale  uint64        // answers nobody waits for
	}{
		{"request lost", isRequest, []cloudsync.Fate{lost}, 1, 2 * time.Second, 0},
		{"request lost thrice", isRequest, []cloudsync.Fate{lost, lost, lost}, 1, 6 * time.Second, 0},
		{"answer lost", isAnswer, []cloudsync.Fate{lost}, 2, 2 * time.Second, 0},
		{"request doubled", isRequest, []cloudsync.Fate{{Copies: []time.Duration{0, 0}}}, 2, 0, 1},
		{"answer doubled", isAnswer, []cloudsync.Fate{{Copies: []time.Duration{0, time.Second}}}, 1, 0, 1},
		{"request late", isRequest, []cloudsync.Fate{late(3 * time.Second)}, 2, 2 * time.Second, 1},
		{"answer late", isAnswer, []cloudsync.Fate{late(3 * time.Second)}, 2, 2 * time.Second, 1},
		{"cut before the request", isRequest, []cloudsync.Fate{{CutBefore: true}}, 1, 500 * time.Millisecond, 0},
		{"cut behind the request", isRequest, []cloudsync.Fate{{Copies: []time.Duration{0}, CutAfter: true}}, 2, 500 * time.Millisecond, 0},
		{"cut before the answer", isAnswer, []cloudsync.Fate{{CutBefore: true}}, 2, 500 * time.Millisecond, 0},
		{"cut behind the answer", isAnswer, []cloudsync.Fate{{Copies: []time.Duration{0}, CutAfter: true}}, 1, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, cloudsync.Opts{}, first(c.match, c.fates...), func(w *world) {
				m := message(1, payment.Authorise)
				if took := w.exchanged(m, time.Minute); took > c.within {
					t.Errorf("it took %v, want %v", took, c.within)
				}
				time.Sleep(10 * time.Second)
				got := w.received()
				if len(got) != c.sent {
					t.Errorf("the cloud got %d requests, want %d", len(got), c.sent)
				}
				for _, r := range got[1:] {
					if asJSON(r) != asJSON(got[0]) {
						t.Errorf("a repeated request differs: %s, %s", asJSON(r), asJSON(got[0]))
					}
				}
				if s := w.link.State(); s.Stale != c.stale || !s.Connected {
					t.Errorf("State = %+v, want %d stale and connected", s, c.stale)
				}
			})
		})
	}
}

// ErrNotSent is a promise: the sale needs no reversal.
func TestNotSentOrUnknown(t *testing.T) {
	mute := func(wire.Request) bool { return true }
	for _, c := range []struct {
		name     string
		before   func(*world)
		patience time.Duration
		want     error
		after    time.Duration
		arrived  bool
	}{
		{"cloud down, sale patient", func(w *world) { w.broker.Refuse(errOut) }, time.Minute, payment.ErrNotSent, 5 * time.Second, false},
		{"cloud down, sale in a hurry", func(w *world) { w.broker.Refuse(errOut) }, time.Second, payment.ErrNotSent, time.Second, false},
		{"sale over before it began", func(*world) {}, 0, payment.ErrNotSent, 0, false},
		{"cloud silent", func(w *world) { w.silent = mute }, 20 * time.Second, payment.ErrUnknown, 20 * time.Second, true},
		{"cloud silent, then down", func(w *world) {
			w.silent = mute
			time.AfterFunc(time.Second, func() { w.broker.Refuse(errOut) })
		}, 20 * time.Second, payment.ErrUnknown, 20 * time.Second, true},
		{"cloud comes up too late", func(w *world) {
			w.broker.Refuse(errOut)
			time.AfterFunc(7*time.Second, func() { w.broker.Refuse(nil) })
		}, time.Minute, payment.ErrNotSent, 5 * time.Second, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
				w.connected()
				c.before(w)
				synctest.Wait()
				_, took, err := w.exchange(message(1, payment.Authorise), c.patience)
				both := errors.Is(err, payment.ErrUnknown) && errors.Is(err, payment.ErrNotSent)
				if !errors.Is(err, c.want) || both || took != c.after {
					t.Errorf("Exchange = %v after %v, want %v after %v", err, took, c.want, c.after)
				}
				time.Sleep(time.Minute)
				if got := len(w.received()) > 0; got != c.arrived {
					t.Errorf("a request arrived: %v, want %v", got, c.arrived)
				}
			})
		})
	}
}

// A packet that was handed over and lost is unknown, not unsent: the link
// cannot tell the difference.
func TestLostForEverIsUnknown(t *testing.T) {
	lose := func(p cloudsync.Packet) cloudsync.Fate {
		if isRequest(p) {
			return cloudsync.Fate{CutBefore: true}
		}
		return cloudsync.Arrives()
	}
	inWorld(t, cloudsync.Opts{}, lose, func(w *world) {
		w.connected()
		if _, _, err := w.exchange(message(1, payment.Authorise), 10*time.Second); !errors.Is(err, payment.ErrUnknown) {
			t.Errorf("Exchange = %v, want ErrUnknown", err)
		}
	})
}

// A connection on which the cloud has not welcomed us carries no request.
func TestNoWelcomeNoRequest(t *testing.T) {
	lose := func(p cloudsync.Packet) cloudsync.Fate {
		if _, _, kind, err := wire.ParseTopic(p.Topic); err == nil && kind == wire.KindHello {
			return cloudsync.Fate{}
		}
		return cloudsync.Arrives()
	}
	inWorld(t, cloudsync.Opts{}, lose, func(w *world) {
		if _, took, err := w.exchange(message(1, payment.Authorise), time.Minute); !errors.Is(err, payment.ErrNotSent) || took != 5*time.Second {
			t.Errorf("Exchange = %v after %v, want ErrNotSent after 5s", err, took)
		}
		time.Sleep(time.Minute)
		if s := w.link.State(); s.Connected || s.Connects != 0 || s.LastError == nil {
			t.Errorf("State = %+v, want never connected, and why", s)
		}
	})
}

func TestCloudDownAtStart(t *testing.T) {
	inWorld(t, cloudsync.Opts{ConnectWait: time.Minute}, nil, func(w *world) {
		w.broker.Refuse(errOut)
		time.AfterFunc(20*time.Second, func() { w.broker.Refuse(nil) })
		if took := w.exchanged(message(1, payment.Authorise), 2*time.Minute); took < 20*time.Second || took > 40*time.Second {
			t.Errorf("it took %v, want 20 s and the pause to the next attempt", took)
		}
	})
}

// An answer behind the deadline belongs to nobody, not even to a later attempt
// or leg of the same sale.
func TestLateAnswer(t *testing.T) {
	inWorld(t, cloudsync.Opts{Resend: time.Hour}, nil, func(w *world) {
		w.connected()
		w.answer = func(r wire.Request) []answer {
			if r.Key.Leg == wire.LegAuthorise {
				return []answer{{after: 15 * time.Second, Answer: usual(r)}}
			}
			return []answer{{after: 10 * time.Second, Answer: usual(r)}}
		}
		if _, took, err := w.exchange(message(1, payment.Authorise), 10*time.Second); !errors.Is(err, payment.ErrUnknown) || took != 10*time.Second {
			t.Errorf("Exchange = %v after %v, want ErrUnknown after 10s", err, took)
		}
		a, took, err := w.exchange(message(1, payment.Reverse), time.Minute)
		if err != nil || a.Verdict != payment.VerdictRecorded || took != 10*time.Second {
			t.Errorf("reversal = %+v, %v after %v, want its own answer after 10s", a, err, took)
		}
		if s := w.link.State(); s.Stale != 1 {
			t.Errorf("State = %+v, want 1 stale", s)
		}
	})
}

func TestForeignAndMalformedAnswers(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		w.connected()
		w.answer = func(r wire.Request) []answer {
			change := func(f func(*wire.Key)) answer {
				a := usual(r)
				a.AuthCode = "WRONG"
				f(&a.Key)
				return answer{Answer: a}
			}
			good := must(wire.EncodeAnswer(usual(r)))
			return []answer{
				change(func(k *wire.Key) { k.Terminal = "dev:t2" }),
				change(func(k *wire.Key) { k.Epoch++ }),
				change(func(k *wire.Key) { k.Seq++ }),
				change(func(k *wire.Key) { k.Leg = wire.LegReverse }),
				change(func(k *wire.Key) { k.Attempt++ }),
				{raw: []byte("nonsense")},
				{raw: bytes.Replace(good, []byte(`"v":1`), []byte(`"v":9`), 1)},
				{raw: append(bytes.Repeat([]byte(" "), wire.MessageMax), good...)},
				{Answer: usual(r)},
			}
		}
		a, _, err := w.exchange(message(1, payment.Authorise), time.Minute)
		if err != nil || a.AuthCode != "123456" {
			t.Errorf("Exchange = %+v, %v, want the one true answer", a, err)
		}
		if got, want := w.link.State().Counters, (cloudsync.Counters{Connects: 1, Sent: 1, Answered: 1, Foreign: 1, Stale: 4, Malformed: 3}); got != want {
			t.Errorf("counters = %+v, want %+v", got, want)
		}
	})
}

func TestMessageThatCannotBeSent(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		w.connected()
		foreign, large := message(1, payment.Authorise), message(2, payment.Authorise)
		foreign.Key.Terminal = "dev:t2"
		large.Card.Chip = make([]byte, wire.MessageMax)
		for _, m := range []payment.Message{foreign, large} {
			_, took, err := w.exchange(m, time.Minute)
			if !errors.Is(err, payment.ErrNotSent) || !errors.Is(err, cloudsync.ErrRefused) || took != 0 {
				t.Errorf("Exchange(%v) = %v after %v, want ErrNotSent and ErrRefused at once", m.Key, err, took)
			}
		}
	})
}

func TestSameMessageTwiceAtOnce(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		w.connected()
		w.answer = func(r wire.Request) []answer { return []answer{{after: time.Second, Answer: usual(r)}} }
		m := message(1, payment.Authorise)
		var wg sync.WaitGroup
		wg.Go(func() { w.exchanged(m, time.Minute) })
		synctest.Wait()
		if _, _, err := w.exchange(m, time.Minute); !errors.Is(err, payment.ErrUnknown) || errors.Is(err, payment.ErrNotSent) {
			t.Errorf("the second Exchange = %v, want ErrUnknown", err)
		}
		wg.Wait()
	})
}

func TestInFlightIsBounded(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		w.connected()
		w.silent = func(wire.Request) bool { return true }
		var wg sync.WaitGroup
		var mu sync.Mutex
		errs := map[string]int{}
		for seq := range uint64(20) {
			wg.Go(func() {
				_, _, err := w.exchange(message(seq+1, payment.Authorise), 10*time.Second)
				mu.Lock()
				defer mu.Unlock()
				errs[fmt.Sprint(errors.Is(err, payment.ErrNotSent), errors.Is(err, payment.ErrUnknown))]++
			})
		}
		synctest.Wait()
		if n := w.link.State().InFlight; n != 16 {
			t.Errorf("%d in flight, want 16", n)
		}
		wg.Wait()
		if errs["true false"] != 4 || errs["false true"] != 16 {
			t.Errorf("errors = %v, want 4 not sent and 16 unknown", errs)
		}
	})
}

// The welcome is heard before any request leaves; while it is refused, none does.
func TestOnWelcome(t *testing.T) {
	var heard []wire.Welcome
	var accept atomic.Bool
	opts := cloudsync.Opts{
		ConnectWait: time.Minute,
		Hello:       func() wire.Hello { return wire.Hello{Epoch: 1, Seq: 5, Software: "0.1.0", Params: 3} },
		OnWelcome: func(w wire.Welcome) error {
			heard = append(heard, w)
			if accept.Load() {
				return nil
			}
			return errOut
		},
	}
	inWorld(t, opts, nil, func(w *world) {
		time.AfterFunc(30*time.Second, func() {
			if s := w.link.State(); s.Connected || !errors.Is(s.LastError, errOut) {
				t.Errorf("State = %+v, want the refused welcome", s)
			}
			if len(w.received()) != 0 {
				t.Error("a request left before the welcome was accepted")
			}
			accept.Store(true)
		})
		if took := w.exchanged(message(1, payment.Authorise), 2*time.Minute); took < 30*time.Second {
			t.Errorf("it took %v", took)
		}
		if len(heard) < 3 || heard[0].Epoch != 1 || heard[0].Seq != 7 {
			t.Errorf("heard %+v", heard)
		}
	})
}

func TestStateAndChanges(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := start
	inWorld(t, cloudsync.Opts{Now: func() time.Time { return now }}, nil, func(w *world) {
		w.connected()
		if s := w.link.State(); !s.Since.Equal(start) {
			t.Errorf("State = %+v", s)
		}
		changed := w.link.Changed()
		now = start.Add(time.Hour)
		w.broker.Refuse(errOut)
		<-changed
		time.Sleep(time.Second)
		if s := w.link.State(); s.Connected || !s.Since.Equal(now) || !errors.Is(s.LastError, errOut) {
			t.Errorf("State = %+v, want down since %v because of %v", s, now, errOut)
		}
		changed = w.link.Changed()
		w.broker.Refuse(nil)
		<-changed
		if s := w.link.State(); !s.Connected || s.LastError != nil || s.Connects != 2 {
			t.Errorf("State = %+v, want connected", s)
		}
	})
}

// gone is a transport whose connections are lost at the very moment of the
// first request.
type gone struct{ done chan struct{} }

func (g gone) Connect(_ context.Context, _ string, _ []string, deliver func(string, []byte)) (cloudsync.Conn, error) {
	deliver("cloudpos/v1/dev/t1/down/hello", must(wire.EncodeWelcome(wire.Welcome{Now: time.Now()})))
	return g, nil
}

func (g gone) Publish(_ context.Context, topic string, _ []byte) error {
	if topic == "cloudpos/v1/dev/t1/up/request" {
		return cloudsync.ErrClosed
	}
	return nil
}

func (g gone) Done() <-chan struct{} { return g.done }
func (g gone) Err() error            { return errOut }
func (g gone) Close()                {}

// What a closed connection refuses has not left.
func TestClosedIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := must(cloudsync.New(gone{make(chan struct{})}, cloudsync.Opts{Terminal: terminal}))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- link.Run(ctx) }()
		if _, err := link.Exchange(ctx, message(1, payment.Authorise)); !errors.Is(err, payment.ErrNotSent) {
			t.Errorf("Exchange = %v, want ErrNotSent", err)
		}
		if s := link.State(); !s.Connected || s.Sent != 0 {
			t.Errorf("State = %+v, want connected and none sent", s)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestLateWelcomeIsStale(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		w.connected()
		w.publish(wire.KindHello, must(wire.EncodeWelcome(wire.Welcome{Epoch: 9, Now: time.Now()})))
		w.publish(wire.KindHello, []byte("nonsense"))
		w.broker.Publish("cloudpos/v1/dev/t1/down/other", nil) // not subscribed
		w.connected()
		if s := w.link.State(); s.Stale != 1 || s.Malformed != 1 || s.Connects != 1 {
			t.Errorf("State = %+v, want one stale, one malformed", s)
		}
	})
}

func TestNewRefusesATerminal(t *testing.T) {
	if _, err := cloudsync.New(nil, cloudsync.Opts{Terminal: "t1"}); !errors.Is(err, wire.ErrTerminal) {
		t.Errorf("New = %v, want ErrTerminal", err)
	}
}

// Run ends exchanges no sooner than their own context does.
func TestStopWhileExchanging(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		w.connected()
		w.silent = func(wire.Request) bool { return true }
		ctx, cancel := context.WithCancel(w.Context())
		ended := make(chan error)
		go func() {
			_, err := w.link.Exchange(ctx, message(1, payment.Authorise))
			ended <- err
		}()
		synctest.Wait()
		w.stop()
		cancel()
		if err := <-ended; !errors.Is(err, payment.ErrUnknown) {
			t.Errorf("Exchange = %v, want ErrUnknown", err)
		}
	})
}
