package cloudsync_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	cloudsync "github.com/cloudpos/cloudpos/sync"

	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// A broker that is away for hours is asked rarely; one that cuts every
// connection at once is not hammered either.
func TestBackoff(t *testing.T) {
	for name, fate := range map[string]func(cloudsync.Packet) cloudsync.Fate{
		"refused": nil,
		"cut":     func(p cloudsync.Packet) cloudsync.Fate { return cloudsync.Fate{CutBefore: p.Up} },
	} {
		t.Run(name, func(t *testing.T) {
			var attempts []time.Time
			opts := cloudsync.Opts{Hello: func() wire.Hello {
				attempts = append(attempts, time.Now())
				return wire.Hello{}
			}}
			if fate == nil {
				opts.OnWelcome = func(wire.Welcome) error { return errOut }
			}
			inWorld(t, opts, fate, func(w *world) {
				time.Sleep(time.Hour)
				w.stop()
				var pauses []time.Duration
				for i, at := range attempts[1:] {
					pauses = append(pauses, at.Sub(attempts[i]))
				}
				if len(attempts) > 180 || pauses[0] > 500*time.Millisecond || slices.Max(pauses) > 30*time.Second || !slices.IsSorted(pauses) {
					t.Errorf("%d attempts in an hour, pauses %v", len(attempts), pauses)
				}
			})
		})
	}
}

// A connection that has served for a while and is lost is replaced at once.
func TestReconnectAfterALongTimeIsQuick(t *testing.T) {
	inWorld(t, cloudsync.Opts{}, nil, func(w *world) {
		for range 20 {
			time.Sleep(time.Hour)
			w.connected()
			w.broker.Cut(terminal)
			time.Sleep(500 * time.Millisecond)
			w.connected()
		}
	})
}

// Many exchanges in every kind of weather: each has its own answer, and none
// is claimed unsent which arrived.
func TestChaos(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			fate := cloudsync.Chaos(seed, 0.2, 0.2, 0.01, 3*time.Second)
			inWorld(t, cloudsync.Opts{ConnectWait: 30 * time.Second}, fate, func(w *world) {
				var wg sync.WaitGroup
				var mu sync.Mutex
				notSent := map[uint64]bool{}
				answered := 0
				for seq := range uint64(12) {
					wg.Go(func() {
						a, _, err := w.exchange(message(seq+1, payment.Authorise), 40*time.Second)
						mu.Lock()
						defer mu.Unlock()
						switch {
						case err == nil && a.Key.Seq == seq+1:
							answered++
						case err == nil:
							t.Errorf("%d got the answer of %v", seq+1, a.Key)
						case errors.Is(err, payment.ErrNotSent):
							notSent[seq+1] = true
						case !errors.Is(err, payment.ErrUnknown):
							t.Errorf("Exchange = %v", err)
						}
					})
				}
				wg.Wait()
				time.Sleep(time.Minute)
				for _, r := range w.received() {
					if notSent[r.Key.Seq] {
						t.Errorf("%v arrived, which was not sent", r.Key)
					}
				}
				if answered < 6 {
					t.Errorf("%d of 12 answered", answered)
				}
			})
		})
	}
}
