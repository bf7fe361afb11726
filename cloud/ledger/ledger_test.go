package ledger_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/cloud/ledger"
	"github.com/cloudpos/cloudpos/cloud/store"
)

type books interface {
	ingest.Ledger
	List(context.Context, ledger.Query) ([]ledger.Line, error)
	Get(context.Context, ingest.ID) (ledger.Line, error)
}

var (
	_       books = (*ledger.SQL)(nil)
	_       books = (*ledger.Memory)(nil)
	t0            = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	errStop       = errors.New("stop")
)

// forms runs the test on each ledger. reopen gives what is there after a
// restart; the form in memory has none.
func forms(t *testing.T, test func(t *testing.T, b books, reopen func() books)) {
	t.Run("memory", func(t *testing.T) {
		b := &ledger.Memory{}
		test(t, b, func() books { return b })
	})
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "ledger.db")
		open := func() (*sql.DB, books) {
			db, err := store.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			b, err := ledger.OpenSQL(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			return db, b
		}
		db, b := open()
		t.Cleanup(func() { _ = db.Close() })
		test(t, b, func() books {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db, b = open()
			return b
		})
	})
}

func id(terminal string, seq uint64) ingest.ID {
	return ingest.ID{Terminal: terminal, Epoch: 1, Seq: seq}
}

// full is a dossier with every field set.
func full(at ingest.ID) ingest.Dossier {
	return ingest.Dossier{
		Sale: ingest.Sale{
			ID: at, Authorisation: ingest.AuthApproved, Attempt: 2, Completion: ingest.Completed,
			Reversal: ingest.Reversed, Alarm: "a", Version: 3, Kind: "sale", AmountMinor: 999_999_999_999,
			Currency: "CNY", Exponent: 2, Masked: "999901******0012", Token: "t", Code: "00", AuthCode: "A1",
			HostRef: "r", Entry: "07", Receipt: 4_000_000_000, STAN: 123456, Merchant: "m", AcquirerTID: "q", Reason: "why",
			At: t0, First: t0.Add(time.Millisecond), Last: t0.Add(time.Second),
		},
		Messages: []ingest.Message{
			{Leg: "authorise", Attempt: 1, Version: 1, Hash: "h1", Received: t0, Answer: []byte(`{"v":1}`)},
			{Leg: "reverse", Attempt: 2, Version: 3, Hash: "h2", Received: t0.Add(time.Second)},
		},
	}
}

func read(t *testing.T, b books, at ingest.ID) (d ingest.Dossier) {
	t.Helper()
	err := b.Update(t.Context(), at, func(stored *ingest.Dossier) error { d = stored.Clone(); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestKeepsEveryField(t *testing.T) {
	forms(t, func(t *testing.T, b books, reopen func() books) {
		at := id("dev:t1", 1<<62)
		want := full(at)
		if err := b.Update(t.Context(), at, func(d *ingest.Dossier) error { *d = want.Clone(); return nil }); err != nil {
			t.Fatal(err)
		}
		b = reopen()
		if got := read(t, b, at); !reflect.DeepEqual(got, want) {
			t.Errorf("read back\n%+v\nwant\n%+v", got, want)
		}
		line, err := b.Get(t.Context(), at)
		if err != nil || line.Sale != want.Sale || line.State != ingest.StateConflict {
			t.Errorf("Get = %+v, %v; want the sale, in conflict", line, err)
		}
		// A change of the sale and of its second message.
		want.Sale.Alarm, want.Sale.Completion = "", ""
		want.Messages[1].Answer = []byte("{}")
		if err := b.Update(t.Context(), at, func(d *ingest.Dossier) error { *d = want.Clone(); return nil }); err != nil {
			t.Fatal(err)
		}
		b = reopen()
		if got := read(t, b, at); !reflect.DeepEqual(got, want) {
			t.Errorf("after a change\n%+v\nwant\n%+v", got, want)
		}
	})
}

// TestOldLedger: one from before it knew how cards were read is read as it is,
// and gets the column where it is written.
func TestOldLedger(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	at := id("dev:t1", 1)
	tapped := func() {
		t.Helper()
		b, err := ledger.OpenSQL(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Update(t.Context(), at, func(d *ingest.Dossier) error { *d = full(at); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	reads := func(want string) {
		t.Helper()
		b := ledger.ReadSQL(t.Context(), db)
		lines, err := b.List(t.Context(), ledger.Query{Terminal: "dev:t1"})
		if err != nil || len(lines) != 1 || lines[0].Entry != want || lines[0].Receipt != full(at).Sale.Receipt {
			t.Errorf("List = %+v, %v; want entry mode %q", lines, err, want)
		}
		if line, err := b.Get(t.Context(), at); err != nil || line.Entry != want {
			t.Errorf("Get = %+v, %v; want entry mode %q", line, err, want)
		}
	}
	tapped()
	reads("07")
	if _, err := db.ExecContext(t.Context(), `ALTER TABLE sales DROP COLUMN entry`); err != nil {
		t.Fatal(err)
	}
	reads("")
	tapped()
	reads("07")
}

func TestFailedChangeLeavesNothing(t *testing.T) {
	forms(t, func(t *testing.T, b books, reopen func() books) {
		at := id("dev:t1", 1)
		err := b.Update(t.Context(), at, func(d *ingest.Dossier) error { *d = full(at); return errStop })
		if !errors.Is(err, errStop) {
			t.Errorf("Update = %v, want the error of change", err)
		}
		b = reopen()
		if d := read(t, b, at); d.Known() {
			t.Errorf("there is %+v", d)
		}
		if _, err := b.Get(t.Context(), at); !errors.Is(err, ledger.ErrUnknown) {
			t.Errorf("Get = %v, want ErrUnknown", err)
		}
		if err := b.Update(t.Context(), at, func(d *ingest.Dossier) error { *d = full(at); return nil }); err != nil {
			t.Fatal(err)
		}
		err = b.Update(t.Context(), at, func(d *ingest.Dossier) error {
			d.Messages[0].Answer, d.Sale.Code = nil, "99"
			return errStop
		})
		if !errors.Is(err, errStop) || !reflect.DeepEqual(read(t, b, at), full(at)) {
			t.Errorf("a failed change (%v) left %+v", err, read(t, b, at))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Update(ctx, at, func(*ingest.Dossier) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("Update with an ended context: %v", err)
		}
	})
}

func TestUpdateIsAlone(t *testing.T) {
	forms(t, func(t *testing.T, b books, _ func() books) {
		const writers, each = 8, 10
		at := id("dev:t1", 1)
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					err := b.Update(t.Context(), at, func(d *ingest.Dossier) error {
						if !d.Known() {
							*d = full(at)
							d.Sale.Receipt = 0
						}
						d.Sale.Receipt++
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if got := read(t, b, at).Sale.Receipt; got != writers*each {
			t.Errorf("%d updates left %d", writers*each, got)
		}
	})
}

// TestTwoProcesses lets two connections change one file: the revision is what
// keeps them apart in a database without a single writer.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	var all [2]*ledger.SQL
	for i := range all {
		db, err := store.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		if all[i], err = ledger.OpenSQL(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
	const each = 20
	at := id("dev:t1", 1)
	var wg sync.WaitGroup
	for _, b := range all {
		wg.Go(func() {
			for range each {
				err := b.Update(t.Context(), at, func(d *ingest.Dossier) error {
					if !d.Known() {
						*d = full(at)
						d.Sale.Receipt = 0
					}
					d.Sale.Receipt++
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := read(t, all[0], at).Sale.Receipt; got != 2*each {
		t.Errorf("%d updates left %d", 2*each, got)
	}
}

func TestUnsettled(t *testing.T) {
	forms(t, func(t *testing.T, b books, _ func() books) {
		for seq, change := range map[uint64]func(*ingest.Dossier){
			1: func(d *ingest.Dossier) { d.Sale.Reversal = ingest.Reversing },
			2: func(*ingest.Dossier) {}, // reversed, with a message open
			3: func(d *ingest.Dossier) { d.Messages[1].Answer = []byte("{}") },
			4: func(d *ingest.Dossier) { d.Sale.Reversal = "" },
		} {
			if err := b.Update(t.Context(), id("dev:t1", seq), func(d *ingest.Dossier) error {
				*d = full(id("dev:t1", seq))
				change(d)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := b.Unsettled(t.Context())
		if want := []ingest.ID{id("dev:t1", 1), id("dev:t1", 2)}; err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Unsettled = %v, %v; want %v", got, err, want)
		}
	})
}

func TestGreet(t *testing.T) {
	forms(t, func(t *testing.T, b books, reopen func() books) {
		if err := b.Update(t.Context(), id("dev:t1", 7), func(d *ingest.Dossier) error {
			*d = full(id("dev:t1", 7))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			terminal string
			at, want ingest.Position
		}{
			{"dev:t1", ingest.Position{Epoch: 1, Seq: 3}, ingest.Position{Epoch: 1, Seq: 7}}, // an older journal
			{"dev:t1", ingest.Position{Epoch: 1, Seq: 9}, ingest.Position{Epoch: 1, Seq: 9}},
			{"dev:t1", ingest.Position{Epoch: 1, Seq: 2}, ingest.Position{Epoch: 1, Seq: 9}},
			{"dev:t1", ingest.Position{Epoch: 2, Seq: 0}, ingest.Position{Epoch: 2, Seq: 0}}, // a new journal
			{"dev:t1", ingest.Position{Epoch: 1, Seq: 50}, ingest.Position{Epoch: 2, Seq: 0}},
			{"dev:t2", ingest.Position{}, ingest.Position{}},
		} {
			b = reopen()
			got, err := b.Greet(t.Context(), ingest.Greeting{Terminal: c.terminal, Position: c.at, At: t0})
			if err != nil || got != c.want {
				t.Errorf("Greet(%s, %v) = %v, %v; want %v", c.terminal, c.at, got, err, c.want)
			}
		}
	})
}

func TestList(t *testing.T) {
	forms(t, func(t *testing.T, b books, _ func() books) {
		for i, terminal := range []string{"dev:t1", "dev:t2", "dev:t1"} {
			at := id(terminal, uint64(i+1))
			if err := b.Update(t.Context(), at, func(d *ingest.Dossier) error {
				*d = full(at)
				d.Sale.First = t0.Add(time.Duration(i) * time.Second)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			query ledger.Query
			want  []uint64
		}{
			{ledger.Query{}, []uint64{3, 2, 1}},
			{ledger.Query{Max: 2}, []uint64{3, 2}},
			{ledger.Query{Terminal: "dev:t1"}, []uint64{3, 1}},
			{ledger.Query{Terminal: "dev:t1", Max: 1}, []uint64{3}},
			{ledger.Query{Terminal: "dev:t3"}, nil},
		} {
			lines, err := b.List(t.Context(), c.query)
			var got []uint64
			for _, l := range lines {
				got = append(got, l.Seq)
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("List(%+v) = %v, %v; want %v", c.query, got, err, c.want)
			}
		}
	})
}
