package virtual

import (
	"testing"
	"time"

	cloudsync "github.com/cloudpos/cloudpos/sync"
)

// faults are what may befall a message. A terminal sends again after 1.5 to
// 2.5 seconds and gives a host up after 30.
var faults = []struct {
	name string
	weather
}{
	{"lost", weather{}},
	{"delayed past the re-send", late(3 * time.Second)},
	{"delayed past the deadline", late(40 * time.Second)},
	{"doubled", late(latency, latency)},
	{"doubled late", late(latency, 10*time.Minute)},
	{"swapped with the next", weather{swap: true}},
	{"cut before", weather{Fate: cloudsync.Fate{CutBefore: true}}},
	{"cut after", weather{Fate: cloudsync.Fate{Copies: []time.Duration{latency}, CutAfter: true}}},
}

func late(copies ...time.Duration) weather {
	return weather{Fate: cloudsync.Fate{Copies: copies}}
}

// TestMessageMatrix: each message of each kind of sale meets each fault, one at
// a time. A fault of one message is always overcome, so the sale ends as it
// does without it.
func TestMessageMatrix(t *testing.T) {
	cases := 0
	for _, s := range chosen(t) {
		var trace []message
		inWorld(t, 1, func(w *world) {
			s.sell(w)
			s.check(w, w.settle())
			trace = w.net.messages()
		})
		if least := 2 + 2*s.attempts; len(trace) < least {
			t.Fatalf("%s: %d messages, want %d at least: %v", s.name, len(trace), least, trace)
		}
		for _, m := range trace {
			for _, f := range faults {
				cases++
				t.Run(s.name+"/"+m.String()+"/"+f.name, func(t *testing.T) {
					inWorld(t, 1, func(w *world) {
						met := false
						w.net.set(func(now message) weather {
							if now != m {
								return fair()
							}
							met = true
							return f.weather
						})
						s.sell(w)
						time.Sleep(time.Minute) // the uplink's messages meet their faults
						s.check(w, w.settle())
						if !met {
							t.Error("the message did not come")
						}
					})
				})
			}
		}
	}
	t.Logf("%d cases", cases)
}

// TestOutage: the cloud cannot be reached before, during or after the
// authorisation, for a while.
func TestOutage(t *testing.T) {
	for from := time.Duration(0); from <= 9*time.Second; from += 250 * time.Millisecond {
		for _, length := range []time.Duration{time.Second, 8 * time.Second, time.Minute, time.Hour} {
			inWorld(t, 1, func(w *world) {
				time.AfterFunc(from, func() { w.broker.Refuse(errFault) })
				time.AfterFunc(from+length, func() { w.broker.Refuse(nil) })
				w.start(w.terminals[0])
				if _, err := w.terminals[0].sell("pin", 1250); err != nil {
					t.Errorf("sell: %v", err)
				}
				time.Sleep(length)
				w.agree(w.settle())
				if t.Failed() {
					t.Fatalf("no connection from %v for %v", from, length)
				}
			})
		}
	}
}
