package virtual

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cloudsync "github.com/cloudpos/cloudpos/sync"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// stormSales is how many each of the two terminals makes in a storm.
const stormSales = 5

// hands are the cards that go to each terminal: a card is in one place.
var hands = [][]string{
	{"approve", "pin", "cardsaysno", "decline", "tap-2-pin", "tap-3-offline"},
	{"t1", "wrongpin", "nopse", "blocked", "tap-3-update", "tap-7-phone"},
}

// dice are thrown anew for each thing, from the storm's seed and the thing's
// name, so that what befalls one does not depend on the order of others.
func dice(seed uint64, name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

func upTo(r *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(most)))
}

// stormOver makes the network lose, double, delay and cut at random.
func stormOver(seed uint64) func(message) weather {
	r := dice(seed, "network")
	loss, double, cut := r.Float64()*0.3, r.Float64()*0.3, r.Float64()*0.2
	delayMax := []time.Duration{100 * time.Millisecond, time.Second, 5 * time.Second, 45 * time.Second}[r.IntN(4)]
	return func(m message) weather {
		fate := cloudsync.Chaos(dice(seed, m.String()).Uint64(), loss, double, cut, delayMax)
		return weather{Fate: fate(cloudsync.Packet{})}
	}
}

// moody makes the host slow at random, before and after it decides.
func moody(seed uint64) func(wire.Key) (before, after time.Duration) {
	return func(k wire.Key) (before, after time.Duration) {
		r := dice(seed, fmt.Sprint("host", k))
		switch r.IntN(4) {
		case 0:
			return upTo(r, 80*time.Second), 0
		case 1:
			return 0, upTo(r, 80*time.Second)
		}
		return hostTime, 0
	}
}

// storm is sales at two terminals while everything goes wrong: network, host,
// power of terminals and cloud, disks.
func storm(w *world, seed uint64) {
	w.net.set(stormOver(seed))
	w.cloud.slow = moody(seed)
	over := make(chan struct{})
	var sales, cloud sync.WaitGroup
	for i, t := range w.terminals {
		sales.Go(func() { t.stormSales(seed, hands[i%len(hands)]) })
	}
	cloud.Go(func() { w.cloud.stumble(seed, over) })
	sales.Wait()
	close(over)
	cloud.Wait()
	// A sale that could not be stored is settled before the next one or at the
	// next start, whichever comes first.
	for _, t := range w.terminals {
		t.stop()
	}
}

// stormSales makes sales, on a terminal whose power and disk fail.
func (t *terminal) stormSales(seed uint64, cards []string) {
	r := dice(seed, t.id)
	for range stormSales {
		for t.run == nil || t.run.power.isOff() {
			time.Sleep(upTo(r, 2*time.Minute))
			var plan func(point) mishap
			if r.IntN(2) == 0 {
				plan = badDisk(seed, fmt.Sprint(t.id, t.starts))
			}
			if err := t.start(plan); err != nil && !errors.Is(err, errFault) {
				t.w.Errorf("start of %s: %v", t.id, err)
			}
			if r.IntN(2) == 0 {
				run := t.run
				time.AfterFunc(upTo(r, 3*time.Minute), run.power.cut)
			}
		}
		time.Sleep(upTo(r, 90*time.Second))
		if _, err := t.sell(cards[r.IntN(len(cards))], 100+r.Int64N(100_00)); errors.Is(err, errPower) {
			continue
		}
	}
}

// badDisk lets one in ten commits fail.
func badDisk(seed uint64, name string) func(point) mishap {
	return func(p point) mishap {
		if p.after || !p.commit() || dice(seed, name+p.String()).IntN(10) != 0 {
			return nothing
		}
		return fail
	}
}

// stumble restarts the cloud at random until it is over.
func (c *cloud) stumble(seed uint64, over <-chan struct{}) {
	r := dice(seed, "cloud")
	for {
		select {
		case <-over:
			return
		case <-time.After(upTo(r, 8*time.Minute)):
		}
		c.stop()
		time.Sleep(upTo(r, 45*time.Second))
		if err := c.start(nil); err != nil {
			c.w.Errorf("restart of the cloud: %v", err)
		}
	}
}

// TestStorm: whatever goes wrong at random, once it is over the books agree.
func TestStorm(t *testing.T) {
	first, last := uint64(1), *seeds
	if *seed != 0 {
		first, last = *seed, *seed
	}
	ends := map[string]int{}
	for n := first; n <= last; n++ {
		ok := t.Run(fmt.Sprint(n), func(t *testing.T) {
			inWorld(t, len(hands), func(w *world) {
				storm(w, n)
				b := w.settle()
				w.agree(b)
				for _, r := range b.journal {
					ends[string(r.State)]++
				}
			})
		})
		if !ok {
			t.Fatalf("replay with: go test ./e2e/virtual -run TestStorm -seed %d -v", n)
		}
	}
	t.Logf("%v", ends)
	if *seed == 0 && *seeds >= 10 && (ends["approved"] == 0 || ends["declined"] == 0 || ends["reversed"] == 0) {
		t.Errorf("too fair or too foul: %v", ends)
	}
}

// TestStormReplays: the same seed makes the same storm, message by message.
func TestStormReplays(t *testing.T) {
	for n := range uint64(3) {
		var stories [2][]string
		for i := range stories {
			inWorld(t, len(hands), func(w *world) {
				storm(w, n)
				w.settle()
				stories[i] = strings.Split(w.net.story(), "\n")
			})
			slices.Sort(stories[i]) // those of one instant have no order
		}
		if !slices.Equal(stories[0], stories[1]) {
			t.Errorf("storm %d has %d messages, then %d; or other ones", n, len(stories[0]), len(stories[1]))
		}
	}
}
