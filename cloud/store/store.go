// Package store opens the cloud's SQLite files, and is the one home of the
// driver. Everyone else speaks database/sql.
//
// A file is in WAL mode with synchronous=FULL: what was committed survives a
// power cut, and another process may read while this one writes. One connection
// does all the writing of a process, so that SQLite's single writer is queued
// for in Go, where contexts end the wait, and not in SQLite's busy loop.
//
//	db, err := store.Open("data/ledger.db")
//	if errors.Is(err, store.ErrReadOnly) { ... }
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What can be wrong with a store, in words for the one who runs it.
var (
	ErrReadOnly = errors.New("the disk or the file is read-only")
	ErrFull     = errors.New("the disk is full")
	ErrLocked   = errors.New("another program has it locked")
	ErrDamaged  = errors.New("the file is damaged or not a database")
	ErrMissing  = errors.New("there is no such file")
)

// busyMax is how long a write waits for another process.
const busyMax = 5 * time.Second

// Open opens a database for reading and writing, and makes it, with mode 0600,
// when it is missing. Its folder must exist.
func Open(path string) (*sql.DB, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, Explain(err))
	}
	db, err := open(path, url.Values{
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", busyMax.Milliseconds()),
			"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		},
		"_txlock": {"immediate"},
	})
	if err != nil {
		return nil, err
	}
	if err := probe(db); err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", path, Explain(err)), db.Close())
	}
	return db, nil
}

// OpenReader opens a database that exists for reading, also while another
// process writes it.
func OpenReader(path string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("store: read %s: %w", path, Explain(err))
	}
	return open(path, url.Values{
		"_pragma": {fmt.Sprintf("busy_timeout(%d)", busyMax.Milliseconds()), "query_only(1)"},
	})
}

func open(path string, options url.Values) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	dsn := url.URL{Scheme: "file", Path: absolute, RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, Explain(err))
	}
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	if err := db.PingContext(context.Background()); err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", path, Explain(err)), db.Close())
	}
	return db, nil
}

// probe writes once, so that a store which cannot be written shows at start
// and not at the first sale.
func probe(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	if _, err := tx.Exec("PRAGMA user_version = 1"); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Explain puts the sentinel in front of an error that SQLite or the operating
// system gave, and returns any other as it is.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	if known := classify(err); known != nil && !errors.Is(err, known) {
		return fmt.Errorf("%w (%w)", known, err)
	}
	return err
}

func classify(err error) error {
	switch {
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return ErrReadOnly
	case errors.Is(err, syscall.ENOSPC):
		return ErrFull
	case errors.Is(err, fs.ErrNotExist):
		return ErrMissing
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return nil
	}
	if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // no room for the file that WAL readers share
		return ErrFull
	}
	switch e.Code() & 0xFF { // the rest is the extended code
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return ErrReadOnly
	case sqlite3.SQLITE_FULL:
		return ErrFull
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrLocked
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return ErrDamaged
	}
	return nil
}

// Lock takes a data folder for this process until it ends or unlocks, or fails
// with ErrLocked. The folder is made, with mode 0700, when it is missing.
func Lock(folder string) (unlock func() error, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("store: data folder %s: %w", folder, Explain(err))
	}
	f, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store: data folder %s: %w", folder, Explain(err))
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(fmt.Errorf("store: data folder %s: %w", folder, Explain(err)), f.Close())
	}
	return f.Close, nil
}
