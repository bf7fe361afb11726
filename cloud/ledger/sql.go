package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/cloudpos/cloudpos/cloud/ingest"
)

// retriesMax bounds how often Update starts anew because another process
// changed the same sale meanwhile.
const retriesMax = 20

// errRetry is such a change.
var errRetry = errors.New("ledger: the sale was changed meanwhile")

// SQL is a ledger in a database.
type SQL struct {
	db      *sql.DB
	columns string // of a sale, as scanSale reads them
}

// OpenSQL makes the tables where they are missing. db stays the caller's to
// close.
func OpenSQL(ctx context.Context, db *sql.DB) (*SQL, error) {
	for _, text := range schema {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return nil, fmt.Errorf("ledger: make tables: %w", err)
		}
	}
	if !knowsEntry(ctx, db) {
		// Of two processes that both do so the second finds the column.
		if _, err := db.ExecContext(ctx, addEntry); err != nil && !knowsEntry(ctx, db) {
			return nil, fmt.Errorf("ledger: add a column: %w", err)
		}
	}
	return &SQL{db, columns}, nil
}

// ReadSQL opens a ledger for List and Get only: it writes nothing, not even
// tables. Of sales in an older ledger it does not tell how the card was read.
func ReadSQL(ctx context.Context, db *sql.DB) *SQL {
	if !knowsEntry(ctx, db) {
		return &SQL{db, columnsBefore}
	}
	return &SQL{db, columns}
}

// knowsEntry tells whether the ledger has the column. One that cannot be read
// fails where it is read next.
func knowsEntry(ctx context.Context, db *sql.DB) bool {
	rows, err := db.QueryContext(ctx, probeEntry)
	if err != nil {
		return false
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	return rows.Err() == nil
}

// Update implements ingest.Ledger. A revision in the sale's row tells when
// another process was faster; then change runs again on what that one left.
func (l *SQL) Update(ctx context.Context, id ingest.ID, change func(*ingest.Dossier) error) error {
	for range retriesMax {
		err := l.update(ctx, id, change)
		if !errors.Is(err, errRetry) {
			return err
		}
	}
	return fmt.Errorf("%w, %d times: %v", errRetry, retriesMax, id)
}

func (l *SQL) update(ctx context.Context, id ingest.ID, change func(*ingest.Dossier) error) (err error) {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("ledger: begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	stored, revision, err := load(ctx, tx, id)
	if err != nil {
		return fmt.Errorf("ledger: read %v: %w", id, err)
	}
	d := stored.Clone()
	if err := change(&d); err != nil {
		return err
	}
	if !d.Known() || reflect.DeepEqual(d, stored) {
		return nil
	}
	if err := save(ctx, tx, id, revision, &stored, &d); err != nil {
		return fmt.Errorf("ledger: write %v: %w", id, err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("ledger: commit %v: %w", id, err)
	}
	return nil
}

// load reads a dossier, and the revision of its row, 0 when there is none.
func load(ctx context.Context, tx *sql.Tx, id ingest.ID) (d ingest.Dossier, revision int64, err error) {
	d.Sale.ID = id
	row := tx.QueryRowContext(ctx, `SELECT revision, `+columns+fromSale, id.Terminal, int64(id.Epoch), int64(id.Seq))
	err = scanSale(row, &d.Sale, &revision)
	if errors.Is(err, sql.ErrNoRows) {
		return ingest.Dossier{Sale: ingest.Sale{ID: id}}, 0, nil
	}
	if err != nil {
		return d, 0, err
	}
	rows, err := tx.QueryContext(ctx, selectMessages, id.Terminal, int64(id.Epoch), int64(id.Seq))
	if err != nil {
		return d, 0, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	for rows.Next() {
		var m ingest.Message
		var received int64
		var answer sql.NullString
		if err := rows.Scan(&m.Leg, &m.Attempt, &m.Version, &m.Hash, &received, &answer); err != nil {
			return d, 0, err
		}
		m.Received = timeOf(received)
		if answer.Valid {
			m.Answer = []byte(answer.String)
		}
		d.Messages = append(d.Messages, m)
	}
	return d, revision, rows.Err()
}

// save writes what differs.
func save(ctx context.Context, tx *sql.Tx, id ingest.ID, revision int64, old, d *ingest.Dossier) error {
	args := append([]any{id.Terminal, int64(id.Epoch), int64(id.Seq), boolInt(d.Unsettled())}, saleArgs(&d.Sale)...)
	text := insertSale
	if revision > 0 {
		text, args = updateSale, append(args, revision)
	}
	result, err := tx.ExecContext(ctx, text, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(errRetry, err)
	}
	for i, m := range d.Messages {
		if i < len(old.Messages) && reflect.DeepEqual(m, old.Messages[i]) {
			continue
		}
		answer := sql.NullString{String: string(m.Answer), Valid: m.Answer != nil}
		if _, err := tx.ExecContext(ctx, upsertMessage, id.Terminal, int64(id.Epoch), int64(id.Seq),
			m.Leg, int64(m.Attempt), m.Version, m.Hash, m.Received.UnixMilli(), answer); err != nil {
			return err
		}
	}
	return nil
}

// saleArgs are state and columns, in this order.
func saleArgs(s *ingest.Sale) []any {
	return []any{
		string(s.State()), string(s.Authorisation), int64(s.Attempt), string(s.Completion), string(s.Reversal),
		s.Alarm, s.Version, s.Kind, s.AmountMinor, s.Currency, int64(s.Exponent), s.Masked, s.Token, s.Code,
		s.AuthCode, s.HostRef, int64(s.Receipt), int64(s.STAN), s.Merchant, s.AcquirerTID, s.Reason,
		s.At.UnixMilli(), s.First.UnixMilli(), s.Last.UnixMilli(), s.Entry,
	}
}

type scanner interface{ Scan(...any) error }

// scanSale reads columns, after what the caller selected before them.
func scanSale(row scanner, s *ingest.Sale, before ...any) error {
	var at, first, last int64
	if err := row.Scan(append(before,
		&s.Authorisation, &s.Attempt, &s.Completion, &s.Reversal, &s.Alarm, &s.Version, &s.Kind, &s.AmountMinor,
		&s.Currency, &s.Exponent, &s.Masked, &s.Token, &s.Code, &s.AuthCode, &s.HostRef, &s.Receipt, &s.STAN,
		&s.Merchant, &s.AcquirerTID, &s.Reason, &at, &first, &last, &s.Entry)...); err != nil {
		return err
	}
	s.At, s.First, s.Last = timeOf(at), timeOf(first), timeOf(last)
	return nil
}

// Unsettled implements ingest.Ledger.
func (l *SQL) Unsettled(ctx context.Context) ([]ingest.ID, error) {
	rows, err := l.db.QueryContext(ctx, selectUnsettled)
	if err != nil {
		return nil, fmt.Errorf("ledger: unsettled: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	var ids []ingest.ID
	for rows.Next() {
		var id ingest.ID
		if err := rows.Scan(&id.Terminal, &id.Epoch, &id.Seq); err != nil {
			return nil, fmt.Errorf("ledger: unsettled: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Greet implements ingest.Ledger.
func (l *SQL) Greet(ctx context.Context, g ingest.Greeting) (seen ingest.Position, err error) {
	if _, err = l.db.ExecContext(ctx, greet, g.Terminal, int64(g.Epoch), int64(g.Seq), g.Software,
		int64(g.Params), g.At.UnixMilli()); err != nil {
		return seen, fmt.Errorf("ledger: greet %s: %w", g.Terminal, err)
	}
	if err = l.db.QueryRowContext(ctx, selectHighest, g.Terminal).Scan(&seen.Epoch, &seen.Seq); err != nil {
		return seen, fmt.Errorf("ledger: greet %s: %w", g.Terminal, err)
	}
	return seen, nil
}

// List returns the newest sales first.
func (l *SQL) List(ctx context.Context, q Query) ([]Line, error) {
	selected := `SELECT terminal, epoch, seq, ` + l.columns + ` FROM sales`
	text, args := selected+` ORDER BY first_ms DESC, terminal DESC, epoch DESC, seq DESC LIMIT $1`, []any{q.max()}
	if q.Terminal != "" {
		text = selected + ` WHERE terminal = $2 ORDER BY first_ms DESC, terminal DESC, epoch DESC, seq DESC LIMIT $1`
		args = append(args, q.Terminal)
	}
	rows, err := l.db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, fmt.Errorf("ledger: list: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	var lines []Line
	for rows.Next() {
		var s ingest.Sale
		if err := scanSale(rows, &s, &s.Terminal, &s.Epoch, &s.Seq); err != nil {
			return nil, fmt.Errorf("ledger: list: %w", err)
		}
		lines = append(lines, lineOf(s))
	}
	return lines, rows.Err()
}

// Get returns one sale, or ErrUnknown.
func (l *SQL) Get(ctx context.Context, id ingest.ID) (Line, error) {
	s := ingest.Sale{ID: id}
	var revision int64
	row := l.db.QueryRowContext(ctx, `SELECT revision, `+l.columns+fromSale, id.Terminal, int64(id.Epoch), int64(id.Seq))
	err := scanSale(row, &s, &revision)
	if errors.Is(err, sql.ErrNoRows) {
		return Line{}, fmt.Errorf("%w: %v", ErrUnknown, id)
	}
	if err != nil {
		return Line{}, fmt.Errorf("ledger: get %v: %w", id, err)
	}
	return lineOf(s), nil
}

func timeOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
