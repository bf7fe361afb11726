package virtual

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/offline"
	cloudsync "github.com/cloudpos/cloudpos/sync"

	"github.com/cloudpos/cloudpos/cloud/ledger"
	"github.com/cloudpos/cloudpos/payment"
)

// settleTime is how long everything may take to come to rest.
const settleTime = 4 * time.Hour

// world is terminals, network and cloud, in virtual time.
type world struct {
	*testing.T
	began     time.Time
	log       *slog.Logger
	logged    bytes.Buffer
	net       *network
	broker    *cloudsync.Memory
	cloud     *cloud
	terminals []*terminal
}

// inWorld runs a story in a world of n terminals, which are not started yet;
// the cloud is. Afterwards no goroutine is left and no secret was shown.
func inWorld(t *testing.T, n int, story func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, began: time.Now()}
		w.log = slog.New(slog.NewTextHandler(&w.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		w.net = newNetwork(w)
		w.cloud = &cloud{w: w}
		w.broker = cloudsync.NewMemory(w.cloud.serve, w.net.fate)
		if err := w.cloud.start(nil); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			id := fmt.Sprintf("dev:t%d", i+1)
			counter, err := newCounter(shared, byte(i))
			if err != nil {
				t.Fatal(err)
			}
			w.terminals = append(w.terminals, &terminal{w: w, id: id, counter: counter, journal: offline.NewMemory(id)})
		}
		defer func() {
			w.close()
			w.checkSecrets()
			if t.Failed() && testing.Verbose() {
				t.Logf("messages:\n%s", w.net.story())
				t.Logf("log:\n%s", &w.logged)
			}
		}()
		story(w)
	})
}

// now is the wall clock of everybody.
func (w *world) now() time.Time { return opened.Add(time.Since(w.began)) }

// close stops all machines and waits for what they have left running.
func (w *world) close() {
	for _, t := range w.terminals {
		t.stop()
	}
	w.cloud.stop()
	for _, t := range w.terminals {
		t.running.Wait()
	}
	w.cloud.handlers.Wait()
	w.broker.Close()
}

// start switches a terminal on and demands that it works.
func (w *world) start(t *terminal) {
	w.Helper()
	if err := t.start(nil); err != nil {
		w.Fatalf("start of %s: %v", t.id, err)
	}
}

// revive switches on what has no power.
func (w *world) revive() {
	w.Helper()
	if w.cloud.current().power.isOff() {
		if err := w.cloud.start(nil); err != nil {
			w.Fatalf("restart of the cloud: %v", err)
		}
	}
	for _, t := range w.terminals {
		if t.run == nil || t.run.power.isOff() {
			w.start(t)
		}
	}
}

// settle waits, in fair weather, until everything has come to rest, and looks
// into the books. The cloud is restarted at the end: what a stop has left half
// done, and no terminal asks for again, it settles then.
func (w *world) settle() *books {
	w.Helper()
	w.net.set(nil)
	w.revive()
	time.Sleep(settleTime)
	w.cloud.stop()
	w.revive()
	synctest.Wait()
	b, err := w.read()
	if err != nil {
		w.Fatalf("the books cannot be read: %v", err)
	}
	return b
}

// read takes the books as they are.
func (w *world) read() (*books, error) {
	b := &books{paper: map[string][]string{}, opening: map[string]int64{}, closing: map[string]int64{}}
	for _, t := range w.terminals {
		records, err := t.journal.List(1 << 16)
		if err != nil {
			return nil, err
		}
		b.journal = append(b.journal, records...)
		b.paper[t.id] = t.counter.slips()
		b.told = append(b.told, t.told...)
		b.restarted = b.restarted || t.starts > 1
	}
	ctx := context.Background()
	var err error
	if b.answers, err = w.net.answers(); err != nil {
		return nil, err
	}
	if b.ledger, err = w.cloud.books.List(ctx, ledger.Query{}); err != nil {
		return nil, err
	}
	if b.unsettled, err = w.cloud.books.Unsettled(ctx); err != nil {
		return nil, err
	}
	if b.host, err = w.cloud.host.Postings(ctx, 1<<16); err != nil {
		return nil, err
	}
	return b, w.cloud.host.Update(ctx, func(tx hostsim.Tx) error {
		for _, a := range shared.host.Accounts {
			balance, known, err := tx.Account(a.Name)
			if err != nil || !known {
				return errors.Join(err, fmt.Errorf("account %s: known %t", a.Name, known))
			}
			b.opening[a.Name], b.closing[a.Name] = a.BalanceMinor, balance.Minor
		}
		return nil
	})
}

// agree reports each difference between the books.
func (w *world) agree(b *books) {
	w.Helper()
	for _, d := range b.differences() {
		w.Error(d)
	}
}

// recordOf finds a sale in the books, by its number.
func (b *books) recordOf(seq uint64) payment.Record {
	for _, r := range b.journal {
		if r.ID.Seq == seq {
			return r
		}
	}
	return payment.Record{}
}
