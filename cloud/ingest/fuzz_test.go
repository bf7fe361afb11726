package ingest_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/cloud/ledger"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// FuzzHandle feeds any message to a core: it must not panic, must answer the
// same twice, and must not write about another terminal.
func FuzzHandle(f *testing.F) {
	for _, req := range []wire.Request{auth1, auth2, complete, reverse, advise} {
		f.Add(wire.KindRequest, encoded(req))
	}
	f.Add(wire.KindHello, []byte(`{"v":1,"terminal":"dev:t1","epoch":1,"seq":7}`))
	f.Fuzz(func(t *testing.T, kind string, payload []byte) {
		books := &ledger.Memory{}
		core := ingest.New(ingest.Parts{Ledger: books, Issuer: newScripted(), Now: func() time.Time { return time.Unix(1, 0) }})
		_, first, err := core.Handle(t.Context(), terminal, kind, payload)
		_, again, errAgain := core.Handle(t.Context(), terminal, kind, payload)
		if (err == nil) != (errAgain == nil) || !bytes.Equal(first, again) {
			t.Errorf("first %s, %v; then %s, %v", first, err, again, errAgain)
		}
		lines, err := books.List(t.Context(), ledger.Query{})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if l.Terminal != terminal {
				t.Errorf("the ledger has a sale of %s", l.Terminal)
			}
		}
	})
}
