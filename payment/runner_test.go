package payment

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/money"
)

// counter is a shop counter made of fakes that each test bends to its story.
type counter struct {
	*Runner
	reader  *fakeReader
	pad     *fakePad
	host    *fakeHost
	journal *fakeJournal
	log     bytes.Buffer
}

func newCounter(card ...string) *counter {
	c := &counter{reader: &fakeReader{media: drivers.Contact}, pad: &fakePad{}, host: &fakeHost{code: "00"}, journal: &fakeJournal{}}
	c.Runner = NewRunner(Parts{
		Readers: []drivers.Reader{c.reader}, PINPad: c.pad, Panel: fakePanel{}, Journal: c.journal, Host: c.host,
		Now: func() (time.Time, bool) { return time.Now(), true },
		Configure: func(n Numbers) (Config, error) {
			cfg := testConfig(func(emv.Transaction, money.Currency) (emv.Machine, error) {
				return &scriptedCard{slices.Clone(card)}, nil
			})
			cfg.Numbers = n
			return cfg, nil
		},
		Log: slog.New(slog.NewTextHandler(&c.log, nil)),
	})
	return c
}

func (c *counter) sell(t *testing.T, ctx context.Context) Result {
	t.Helper()
	res, err := c.Run(ctx, Request{Kind: Sale, Amount: amountOf(1250)})
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return res
}

// untilScreen waits for a screen; virtual time stands still meanwhile.
func (c *counter) untilScreen(t *testing.T, want Screen) {
	t.Helper()
	for {
		v, changed := c.Views().Get()
		if v.Screen == want {
			return
		}
		select {
		case <-changed:
		case <-time.After(time.Hour):
			t.Fatalf("screen is %q, want %q", v.Screen, want)
		}
	}
}

func TestRunApproved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter("transmit", "pin", "online", "transmit", "approved")
		res := c.sell(t, t.Context())
		if res.View.Screen != ScreenApproved || res.Record.State != Approved || res.Record.Version != 2 {
			t.Errorf("screen %q, record %q version %d", res.View.Screen, res.Record.State, res.Record.Version)
		}
		if got := c.host.sent; len(got) != 1 || got[0].PIN == nil || got[0].Card.Track == nil {
			t.Errorf("sent %d messages, want one with PIN and track", len(got))
		}
		if v, _ := c.Views().Get(); v.Screen != ScreenIdle {
			t.Errorf("afterwards the screen is %q", v.Screen)
		}
		if !c.reader.released {
			t.Error("the card was not released")
		}
	})
}

// slowPanel takes longest for the first signal.
type slowPanel struct {
	fakePanel
	mu    sync.Mutex
	asked int
	shown []drivers.Signal
}

func (p *slowPanel) Show(_ context.Context, s drivers.Signal) error {
	p.mu.Lock()
	p.asked++
	takes := time.Minute / time.Duration(p.asked)
	p.mu.Unlock()
	time.Sleep(takes)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = append(p.shown, s)
	return nil
}

// However slow the panel is, it gets the signals in their order, and a sale
// does not wait for it before its end.
func TestRunSignalsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, panel := newCounter("online", "approved"), &slowPanel{}
		c.parts.Panel = panel
		res := c.sell(t, t.Context())
		if want := []drivers.Signal{drivers.SignalReady, drivers.SignalSuccess}; !slices.Equal(panel.shown, want) || res.View.Screen != ScreenApproved {
			t.Errorf("the panel has shown %v, want %v; the screen is %q", panel.shown, want, res.View.Screen)
		}
	})
}

func TestRunNumbersGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter("declined")
		first, second := c.sell(t, t.Context()), c.sell(t, t.Context())
		if first.Record.ID.Seq != 1 || second.Record.ID.Seq != 2 {
			t.Errorf("ids %v, %v", first.Record.ID, second.Record.ID)
		}
	})
}

func TestRunHostSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter("online")
		c.host.silent = true
		began := time.Now()
		res := c.sell(t, t.Context())
		if res.Record.State != Reversing || res.Record.Pending() != Reverse || res.View.Screen != ScreenInDoubt {
			t.Errorf("record %q, pending %q, screen %q", res.Record.State, res.Record.Pending(), res.View.Screen)
		}
		if waited := time.Since(began); waited != 20*time.Second {
			t.Errorf("waited %v, want the host's 20 s", waited)
		}
	})
}

func TestRunCancelAtTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter("online")
		c.reader.empty = true
		if err := c.Cancel(); !errors.Is(err, ErrIdle) {
			t.Errorf("Cancel when idle = %v, want ErrIdle", err)
		}
		go func() {
			c.untilScreen(t, ScreenPresentCard)
			if _, err := c.Run(t.Context(), Request{}); !errors.Is(err, ErrBusy) {
				t.Errorf("second Run = %v, want ErrBusy", err)
			}
			_ = c.Cancel()
		}()
		if res := c.sell(t, t.Context()); res.Record.State != Cancelled || res.Record.Ending.Reason != ReasonCancelled {
			t.Errorf("record %q, reason %q", res.Record.State, res.Record.Ending.Reason)
		}
	})
}

// A card that comes when the wait for it has just run out loses its power.
func TestRunCardComesTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter("online")
		c.reader.delay = time.Minute + time.Millisecond
		if res := c.sell(t, t.Context()); res.Record.State != Cancelled || res.Record.Ending.Reason != ReasonCardTimeout {
			t.Errorf("record %q, reason %q", res.Record.State, res.Record.Ending.Reason)
		}
		if c.reader.cards != 1 || c.reader.releases != 1 {
			t.Errorf("%d cards powered, %d released, want one of each", c.reader.cards, c.reader.releases)
		}
	})
}

func TestRunStoppedByContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter("pin", "online")
		c.pad.asleep = true
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			c.untilScreen(t, ScreenPIN)
			stop()
		}()
		if res := c.sell(t, ctx); res.Record.State != Cancelled {
			t.Errorf("record %q", res.Record.State)
		}
	})
}

// A stop while the host is asked does not leave the answer alone: it is waited
// for, and the sale stands.
func TestRunStoppedWhileAuthorising(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter("online", "transmit", "approved")
		c.host.delay = 10 * time.Second
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			c.untilScreen(t, ScreenAuthorising)
			stop()
		}()
		if res := c.sell(t, ctx); res.Record.State != Approved {
			t.Errorf("record %q", res.Record.State)
		}
	})
}

func TestRunCardStaysInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter("declined")
		c.reader.stuck = true
		began := time.Now()
		if res := c.sell(t, t.Context()); res.Record.State != Declined {
			t.Errorf("record %q", res.Record.State)
		}
		if waited := time.Since(began); waited != time.Minute {
			t.Errorf("waited %v for the card to be pulled, want a minute", waited)
		}
	})
}

func TestRunDiskFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter("online", "approved")
		c.journal.fullAfter = 1 // Authorising fits, Approved does not
		res, err := c.Run(t.Context(), Request{Kind: Sale, Amount: amountOf(1250)})
		if !errors.Is(err, ErrStore) || res.View.Screen != ScreenInDoubt || res.Record.State != Authorising {
			t.Fatalf("Run = %v, screen %q, record %q", err, res.View.Screen, res.Record.State)
		}
		if _, err := c.Run(t.Context(), Request{Kind: Sale, Amount: amountOf(1250)}); !errors.Is(err, ErrStore) {
			t.Errorf("the next sale with a full disk: %v, want ErrStore", err)
		}
		c.journal.empty()
		c.sell(t, t.Context())
		if r, err := c.journal.Load(res.Record.ID); err != nil || r.State != Reversing || r.Ending.Reason != ReasonRestart {
			t.Errorf("once there is room the first is %q (%v), want reversing", r.State, err)
		}
	})
}

// A sale that could not be stored is reversed once there is room, with no
// further sale.
func TestKeepSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter("online", "approved")
		ctx, stop := context.WithCancel(t.Context())
		var keeper sync.WaitGroup
		keeper.Go(func() { c.KeepSettled(ctx) })
		c.host.delay = 15 * time.Second // the keeper leaves a running sale alone
		c.journal.fullAfter = 1
		res, err := c.Run(t.Context(), Request{Kind: Sale, Amount: amountOf(1250)})
		if !errors.Is(err, ErrStore) || res.Record.State != Authorising {
			t.Fatalf("Run = %v, record %q", err, res.Record.State)
		}
		time.Sleep(time.Minute)
		c.journal.empty()
		time.Sleep(time.Minute)
		stop()
		keeper.Wait()
		if r, err := c.journal.Load(res.Record.ID); err != nil || r.State != Reversing {
			t.Errorf("record %q, %v, want reversing", r.State, err)
		}
	})
}

// A flow that fails for a bug stops everything and leaves the reversal armed.
func TestRunBug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter("online", "no-such-word")
		res, err := c.Run(t.Context(), Request{Kind: Sale, Amount: amountOf(1250)})
		if err == nil || res.Record.State != Authorising || !c.reader.released {
			t.Fatalf("Run = %v, record %q, card released %t", err, res.Record.State, c.reader.released)
		}
		if err := c.Settle(); err != nil {
			t.Fatal(err)
		}
		if r, _ := c.journal.Load(res.Record.ID); r.State != Reversing {
			t.Errorf("record %q after Settle", r.State)
		}
	})
}

// Readers are armed together, and the first one wins ties.
func TestReadersTogether(t *testing.T) {
	for name, story := range map[string]struct {
		readers []*fakeReader
		want    int // which card is used
	}{
		"both at once": {[]*fakeReader{{}, {}}, 0},
		"second only":  {[]*fakeReader{{empty: true}, {delay: time.Second}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCounter("declined")
				c.parts.Readers = nil
				for _, r := range story.readers {
					c.parts.Readers = append(c.parts.Readers, r)
				}
				if res := c.sell(t, t.Context()); res.Record.State != Declined {
					t.Errorf("record %q", res.Record.State)
				}
				for i, r := range story.readers {
					if r.cards != r.releases {
						t.Errorf("reader %d: %d cards powered, %d released", i, r.cards, r.releases)
					}
				}
				if story.readers[story.want].cards != 1 {
					t.Errorf("card %d was not used", story.want)
				}
			})
		})
	}
}

type fakeReader struct {
	media    drivers.Media
	empty    bool // no card ever
	stuck    bool // the card is never pulled
	delay    time.Duration
	err      error
	mu       sync.Mutex
	cards    int
	releases int
	released bool
}

func (r *fakeReader) Media() drivers.Media { return max(r.media, drivers.Contact) }
func (r *fakeReader) Close() error         { return nil }
func (r *fakeReader) Await(ctx context.Context) (drivers.Card, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.empty {
		<-ctx.Done()
		return nil, drivers.ErrCancelled
	}
	time.Sleep(r.delay)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cards++
	return &fakeCard{r}, nil
}

// swipeReader gives a swipe, after some that were read badly.
type swipeReader struct {
	swipe   *drivers.Swipe
	after   time.Duration
	bad     int
	listens bool // to its context
}

func (r *swipeReader) Media() drivers.Media { return drivers.Stripe }
func (r *swipeReader) Close() error         { return nil }
func (r *swipeReader) Await(ctx context.Context) (drivers.Card, error) {
	time.Sleep(r.after)
	if r.listens && ctx.Err() != nil {
		return nil, drivers.ErrCancelled
	}
	if r.bad > 0 {
		r.bad--
		return nil, drivers.ErrUnread
	}
	return r.swipe, nil
}

type fakeCard struct{ r *fakeReader }

func (c *fakeCard) ATR() []byte { return []byte{0x3B} }
func (c *fakeCard) Exchange(context.Context, []byte) (drivers.Response, error) {
	return drivers.Response{Data: []byte{0x90, 0}}, nil
}

func (c *fakeCard) Gone(ctx context.Context) error {
	if c.r.stuck {
		<-ctx.Done()
		return drivers.ErrCancelled
	}
	return nil
}

func (c *fakeCard) Release(context.Context) error {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.r.releases++
	c.r.released = true
	return nil
}

type fakePad struct{ asleep bool }

func (p *fakePad) Ready(context.Context) error { return nil }
func (p *fakePad) Close() error                { return nil }
func (p *fakePad) EnterPIN(ctx context.Context, _ drivers.PINRequest) (drivers.PINEntry, error) {
	if p.asleep {
		<-ctx.Done()
		return drivers.PINEntry{}, drivers.ErrCancelled
	}
	return drivers.PINEntry{Block: []byte("12345678"), Scheme: drivers.SchemeTDESDUKPT}, nil
}

type fakePanel struct{}

func (fakePanel) Show(context.Context, drivers.Signal) error { return errors.New("no lamps") }
func (fakePanel) OpenDrawer(context.Context) error           { return nil }
func (fakePanel) Tampered(context.Context) (bool, error)     { return false, nil }
func (fakePanel) Close() error                               { return nil }

type fakeHost struct {
	code   string
	silent bool
	delay  time.Duration
	sent   []Message
}

func (h *fakeHost) Exchange(ctx context.Context, m Message) (Answer, error) {
	h.sent = append(h.sent, m)
	if h.silent {
		<-ctx.Done()
		return Answer{}, ErrUnknown
	}
	time.Sleep(h.delay)
	verdict := VerdictDeclined
	if h.code == CodeApproved {
		verdict = VerdictApproved
	}
	return Answer{Key: m.Key, Verdict: verdict, Code: h.code}, nil
}

// fakeJournal keeps entries in memory and is full after some of them.
type fakeJournal struct {
	mu        sync.Mutex
	entries   []Entry
	fullAfter int // 0: never
}

// empty makes room on the disk.
func (j *fakeJournal) empty() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fullAfter = 0
}

func (j *fakeJournal) Next() (Numbers, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := Numbers{ID: ID{"dev:t1", 1, 1}, STAN: 1, Receipt: 1}
	for _, e := range j.entries {
		n.ID.Seq = max(n.ID.Seq, e.ID.Seq+1)
	}
	return n, nil
}

func (j *fakeJournal) Commit(e Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fullAfter > 0 && len(j.entries) >= j.fullAfter {
		return errors.New("no space left on device")
	}
	j.entries = append(j.entries, e)
	return nil
}

func (j *fakeJournal) Load(id ID) (Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return Fold(slices.DeleteFunc(slices.Clone(j.entries), func(e Entry) bool { return e.ID != id }))
}

func (j *fakeJournal) Unfinished() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		j.mu.Lock()
		entries := slices.Clone(j.entries)
		j.mu.Unlock()
		for _, e := range entries {
			if e.Opening == nil {
				continue
			}
			if r, err := j.Load(e.ID); (err != nil || r.Unfinished()) && !yield(r, err) {
				return
			}
		}
	}
}
