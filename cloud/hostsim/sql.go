package hostsim

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/sync/wire"
)

var schema = []string{
	`CREATE TABLE IF NOT EXISTS host_accounts (
		name TEXT NOT NULL PRIMARY KEY, minor BIGINT NOT NULL, tries BIGINT NOT NULL
	)`,
	`CREATE TABLE IF NOT EXISTS host_postings (
		terminal TEXT NOT NULL, epoch BIGINT NOT NULL, seq BIGINT NOT NULL, leg TEXT NOT NULL, attempt BIGINT NOT NULL,
		account TEXT NOT NULL, amount_minor BIGINT NOT NULL, currency TEXT NOT NULL, approved BIGINT NOT NULL,
		reversed BIGINT NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL, auth_code TEXT NOT NULL,
		host_ref TEXT NOT NULL, issuer_auth TEXT NOT NULL, at_ms BIGINT NOT NULL,
		PRIMARY KEY (terminal, epoch, seq, leg, attempt)
	)`,
	`CREATE INDEX IF NOT EXISTS host_postings_ref ON host_postings (host_ref)`,
	`CREATE TABLE IF NOT EXISTS host_scripts (
		terminal TEXT NOT NULL, epoch BIGINT NOT NULL, seq BIGINT NOT NULL, leg TEXT NOT NULL, attempt BIGINT NOT NULL,
		scripts TEXT NOT NULL, results TEXT NOT NULL,
		PRIMARY KEY (terminal, epoch, seq, leg, attempt)
	)`,
	`CREATE TABLE IF NOT EXISTS host_used (thing TEXT NOT NULL PRIMARY KEY)`,
	`CREATE TABLE IF NOT EXISTS host_tombstones (
		terminal TEXT NOT NULL, epoch BIGINT NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (terminal, epoch, seq)
	)`,
}

const selectPosting = `SELECT terminal, epoch, seq, leg, attempt, account, amount_minor, currency, approved,
	reversed, code, reason, auth_code, host_ref, issuer_auth, at_ms FROM host_postings`

// SQL is a store in a database with one writer, as cloud/store opens it.
type SQL struct {
	db      *sql.DB
	scripts bool // there is a table of them
}

// OpenSQL makes the tables where they are missing. db stays the caller's to
// close.
func OpenSQL(ctx context.Context, db *sql.DB) (*SQL, error) {
	for _, text := range schema {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return nil, fmt.Errorf("hostsim: make tables: %w", err)
		}
	}
	return &SQL{db: db, scripts: true}, nil
}

// ReadSQL opens a store for Postings only: it writes nothing, not even the table
// of scripts that an older database does not have. So it tells of none.
func ReadSQL(db *sql.DB) *SQL { return &SQL{db: db} }

// Update implements Store.
func (s *SQL) Update(ctx context.Context, change func(Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("hostsim: begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err := change(sqlTx{ctx, tx}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("hostsim: commit: %w", err)
	}
	return nil
}

// Postings implements Store.
func (s *SQL) Postings(ctx context.Context, limit int) ([]Posting, error) {
	rows, err := s.db.QueryContext(ctx, selectPosting+` ORDER BY host_ref DESC LIMIT $1`, limit)
	all, err := postings(rows, err)
	if err != nil || !s.scripts {
		return all, err
	}
	return all, addScripts(ctx, s.db, all, "")
}

// queryer is a database or a transaction in one.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// addScripts adds the scripts to the postings that have some. where picks their
// rows.
func addScripts(ctx context.Context, db queryer, all []Posting, where string, args ...any) error {
	rows, err := db.QueryContext(ctx, `SELECT terminal, epoch, seq, leg, attempt, scripts, results FROM host_scripts`+where, args...)
	if err != nil {
		return fmt.Errorf("hostsim: read scripts: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	type row struct {
		scripts []byte
		results string
	}
	found := map[wire.Key]row{}
	for rows.Next() {
		var k wire.Key
		var r row
		var scripts string
		err := rows.Scan(&k.Terminal, &k.Epoch, &k.Seq, &k.Leg, &k.Attempt, &scripts, &r.results)
		if err == nil {
			r.scripts, err = hex.DecodeString(scripts)
		}
		if err != nil {
			return fmt.Errorf("hostsim: read scripts: %w", err)
		}
		found[k] = r
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("hostsim: read scripts: %w", err)
	}
	for i := range all {
		r := found[all[i].Key]
		all[i].Scripts, all[i].ScriptResults = r.scripts, r.results
	}
	return nil
}

// sqlTx lives no longer than the call of Update that its context is from.
type sqlTx struct {
	ctx context.Context
	tx  *sql.Tx
}

func (t sqlTx) Posting(k wire.Key) (Posting, bool, error) {
	const where = ` WHERE terminal = $1 AND epoch = $2 AND seq = $3 AND leg = $4 AND attempt = $5`
	key := []any{k.Terminal, int64(k.Epoch), int64(k.Seq), k.Leg, int64(k.Attempt)}
	rows, err := t.tx.QueryContext(t.ctx, selectPosting+where, key...)
	all, err := postings(rows, err)
	if err != nil || len(all) == 0 {
		return Posting{}, false, err
	}
	err = addScripts(t.ctx, t.tx, all, where, key...)
	return all[0], true, err
}

func (t sqlTx) PostingsOf(id ingest.ID) ([]Posting, error) {
	rows, err := t.tx.QueryContext(t.ctx, selectPosting+` WHERE terminal = $1 AND epoch = $2 AND seq = $3`,
		id.Terminal, int64(id.Epoch), int64(id.Seq))
	return postings(rows, err)
}

func postings(rows *sql.Rows, err error) (all []Posting, _ error) {
	if err != nil {
		return nil, fmt.Errorf("hostsim: read postings: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	for rows.Next() {
		var p Posting
		var auth string
		var at int64
		err := rows.Scan(&p.Terminal, &p.Epoch, &p.Seq, &p.Leg, &p.Attempt, &p.Account, &p.AmountMinor, &p.Currency,
			&p.Approved, &p.Reversed, &p.Code, &p.Reason, &p.AuthCode, &p.HostRef, &auth, &at)
		if err != nil {
			return nil, fmt.Errorf("hostsim: read postings: %w", err)
		}
		p.At = time.UnixMilli(at).UTC()
		if p.IssuerAuth, err = hex.DecodeString(auth); err != nil || auth == "" {
			p.IssuerAuth = nil
		}
		if err != nil {
			return nil, fmt.Errorf("hostsim: read postings: %w", err)
		}
		all = append(all, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("hostsim: read postings: %w", err)
	}
	return all, nil
}

func (t sqlTx) exec(text string, args ...any) (int64, error) {
	result, err := t.tx.ExecContext(t.ctx, text, args...)
	if err != nil {
		return 0, fmt.Errorf("hostsim: write: %w", err)
	}
	return result.RowsAffected()
}

func (t sqlTx) Put(p Posting) error {
	_, err := t.exec(`INSERT INTO host_postings (terminal, epoch, seq, leg, attempt, account, amount_minor, currency,
			approved, reversed, code, reason, auth_code, host_ref, issuer_auth, at_ms)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (terminal, epoch, seq, leg, attempt) DO UPDATE SET reversed = excluded.reversed`,
		p.Terminal, int64(p.Epoch), int64(p.Seq), p.Leg, int64(p.Attempt), p.Account, p.AmountMinor, p.Currency,
		p.Approved, p.Reversed, p.Code, p.Reason, p.AuthCode, p.HostRef, hex.EncodeToString(p.IssuerAuth), p.At.UnixMilli())
	if err != nil || len(p.Scripts) == 0 {
		return err
	}
	_, err = t.exec(`INSERT INTO host_scripts (terminal, epoch, seq, leg, attempt, scripts, results)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (terminal, epoch, seq, leg, attempt) DO UPDATE SET results = excluded.results`,
		p.Terminal, int64(p.Epoch), int64(p.Seq), p.Leg, int64(p.Attempt), hex.EncodeToString(p.Scripts), p.ScriptResults)
	return err
}

func (t sqlTx) Account(name string) (b Balance, ok bool, err error) {
	err = t.tx.QueryRowContext(t.ctx, `SELECT minor, tries FROM host_accounts WHERE name = $1`, name).Scan(&b.Minor, &b.Tries)
	if errors.Is(err, sql.ErrNoRows) {
		return b, false, nil
	}
	if err != nil {
		return b, false, fmt.Errorf("hostsim: read account: %w", err)
	}
	return b, true, nil
}

func (t sqlTx) PutAccount(name string, b Balance) error {
	_, err := t.exec(`INSERT INTO host_accounts (name, minor, tries) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET minor = excluded.minor, tries = excluded.tries`, name, b.Minor, b.Tries)
	return err
}

func (t sqlTx) Use(thing string) (bool, error) {
	n, err := t.exec(`INSERT INTO host_used (thing) VALUES ($1) ON CONFLICT DO NOTHING`, thing)
	return n == 1, err
}

func (t sqlTx) Used(thing string) (bool, error) {
	var n int64
	if err := t.tx.QueryRowContext(t.ctx, `SELECT COUNT(*) FROM host_used WHERE thing = $1`, thing).Scan(&n); err != nil {
		return false, fmt.Errorf("hostsim: read what is used: %w", err)
	}
	return n > 0, nil
}

func (t sqlTx) Buried(id ingest.ID) (bool, error) {
	var n int64
	err := t.tx.QueryRowContext(t.ctx, `SELECT COUNT(*) FROM host_tombstones WHERE terminal = $1 AND epoch = $2 AND seq = $3`,
		id.Terminal, int64(id.Epoch), int64(id.Seq)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("hostsim: read tombstone: %w", err)
	}
	return n > 0, nil
}

func (t sqlTx) Bury(id ingest.ID) error {
	_, err := t.exec(`INSERT INTO host_tombstones (terminal, epoch, seq) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		id.Terminal, int64(id.Epoch), int64(id.Seq))
	return err
}

func (t sqlTx) Count() (n int64, err error) {
	if err = t.tx.QueryRowContext(t.ctx, `SELECT COUNT(*) FROM host_postings`).Scan(&n); err != nil {
		return 0, fmt.Errorf("hostsim: count: %w", err)
	}
	return n, nil
}
