// Package ledger keeps the cloud's books: what was heard of each sale, and what
// was answered.
//
// Two forms satisfy one conformance suite: [SQL], whose text runs on SQLite and
// PostgreSQL alike ($1 placeholders, ON CONFLICT DO NOTHING, no locks in the
// text), and [Memory] for simulation.
//
//	books, err := ledger.OpenSQL(ctx, db)
//	core := ingest.New(ingest.Parts{Ledger: books, ...})
//	sales, err := books.List(ctx, ledger.Query{Terminal: "dev:t1", Max: 100})
//
// The tables: sales (a row for each sale; its reversal is the tombstone),
// messages (unique by terminal, epoch, sequence, leg and attempt; with the hash
// of the request and the answer), terminals (the highest position each one
// claimed). No sealed card data is kept.
package ledger

import (
	"errors"

	"github.com/cloudpos/cloudpos/cloud/ingest"
)

// ListMax bounds a list.
const ListMax = 10_000

// ErrUnknown is a sale that was never heard of.
var ErrUnknown = errors.New("ledger: unknown sale")

// Query selects sales for a list: those of one terminal, or of all when it is
// empty, the newest Max of them (ListMax when it is 0).
type Query struct {
	Terminal string
	Max      int
}

func (q Query) max() int {
	if q.Max <= 0 || q.Max > ListMax {
		return ListMax
	}
	return q.Max
}

// Line is a sale as reports show it.
type Line struct {
	ingest.Sale
	State     ingest.State `json:"state"`
	HeldMinor int64        `json:"held_minor"`
}

func lineOf(s ingest.Sale) Line { return Line{s, s.State(), s.HeldMinor()} }
