package hostsim_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/cloud/ingest"
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
