package hostsim_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/cloud/store"
	"github.com/cloudpos/cloudpos/sync/wire"
)

func TestStoreIsAllOrNothing(t *testing.T) {
	errStop := errors.New("stop")
	k := wire.Key{Terminal: "dev:t1", Epoch: 1, Seq: 1, Leg: "authorise", Attempt: 1}
	p := hostsim.Posting{Key: k, Account: "a", AmountMinor: 1, Approved: true, HostRef: "000000000001", IssuerAuth: []byte{1},
		Scripts: []byte{0x71, 0}, ScriptResults: "2000000001", At: today}
	forms(t, func(t *testing.T, s hostsim.Store) {
		write := func(fail error) error {
			return s.Update(t.Context(), func(tx hostsim.Tx) error {
				first, err := tx.Use("x")
				if !first {
					t.Error("what a failed Update used up stayed so")
				}
				return errors.Join(err, tx.Put(p), tx.PutAccount("a", hostsim.Balance{Minor: 9, Tries: 1}), tx.Bury(ingest.SaleOf(k)), fail)
			})
		}
		if err := write(errStop); !errors.Is(err, errStop) {
			t.Fatal(err)
		}
		read := func() (n int64, known, buried bool) {
			err := s.Update(t.Context(), func(tx hostsim.Tx) (err error) {
				if n, err = tx.Count(); err != nil {
					return err
				}
				if _, known, err = tx.Account("a"); err != nil {
					return err
				}
				buried, err = tx.Buried(ingest.SaleOf(k))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n, known, buried
		}
		if n, known, buried := read(); n != 0 || known || buried {
			t.Errorf("a failed Update left %d postings, account %v, tombstone %v", n, known, buried)
		}
		if err := write(nil); err != nil {
			t.Fatal(err)
		}
		if n, known, buried := read(); n != 1 || !known || !buried {
			t.Errorf("Update left %d postings, account %v, tombstone %v", n, known, buried)
		}
		all, err := s.Postings(t.Context(), 10)
		if err != nil || len(all) != 1 || fmt.Sprint(all[0]) != fmt.Sprint(p) {
			t.Errorf("Postings = %+v, %v; want %+v", all, err, p)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Update(ctx, func(hostsim.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("Update with an ended context: %v", err)
		}
	})
}

// A database of before there were scripts is listed as it is, and gets their
// table when it is opened to be written.
func TestDatabaseWithoutScripts(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), "host.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	k := wire.Key{Terminal: "dev:t1", Epoch: 1, Seq: 1, Leg: "authorise", Attempt: 1}
	put := func(p hostsim.Posting) {
		t.Helper()
		s, err := hostsim.OpenSQL(t.Context(), db)
		if err == nil {
			err = s.Update(t.Context(), func(tx hostsim.Tx) error { return tx.Put(p) })
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put(hostsim.Posting{Key: k, Account: "a", HostRef: "000000000001", At: today})
	if _, err := db.ExecContext(t.Context(), "DROP TABLE host_scripts"); err != nil {
		t.Fatal(err)
	}
	if all, err := hostsim.ReadSQL(db).Postings(t.Context(), 10); err != nil || len(all) != 1 || all[0].Account != "a" {
		t.Errorf("before: %+v, %v", all, err)
	}
	k.Seq = 2
	put(hostsim.Posting{Key: k, Account: "b", HostRef: "000000000002", Scripts: []byte{0x72, 0}, At: today})
	s, err := hostsim.OpenSQL(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Postings(t.Context(), 10)
	if err != nil || len(all) != 2 || string(all[0].Scripts) != "\x72\x00" || all[1].Scripts != nil {
		t.Errorf("after: %+v, %v", all, err)
	}
}
