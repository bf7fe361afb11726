package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenIsDurableAndPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?#%.db")
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000"} {
		var got string
		if err := db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("PRAGMA %s = %q, %v; want %q", pragma, got, err, want)
		}
	}
	if _, err := db.Exec("CREATE TABLE t (n BIGINT)"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(e.Name(), "a b?#%.db") || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want a file of this name with 0600", e.Name(), info.Mode())
		}
	}
}

func TestReaderSeesTheWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if _, err := OpenReader(path); !errors.Is(err, ErrMissing) {
		t.Fatalf("OpenReader without a file: %v, want ErrMissing", err)
	}
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE t (n BIGINT)"); err != nil {
		t.Fatal(err)
	}
	count := func() (n int) {
		reader, err := OpenReader(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = reader.Close() }()
		if err := reader.QueryRow("SELECT COUNT(*) FROM t").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if _, err := reader.Exec("INSERT INTO t VALUES (9)"); err == nil {
			t.Error("a reader could write")
		}
		return n
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 0 {
		t.Errorf("the reader saw %d rows before the commit", n)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 1 {
		t.Errorf("the reader saw %d rows after the commit, want 1", n)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 1 {
		t.Errorf("the reader saw %d rows after the writer closed, want 1", n)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	damaged := filepath.Join(dir, "damaged.db")
	if err := os.WriteFile(damaged, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		want error
	}{
		{damaged, ErrDamaged},
		{filepath.Join(dir, "no such folder", "x.db"), ErrMissing},
	} {
		_, err := Open(c.path)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Open(%s) = %v, want one line with the path and %v", c.path, err, c.want)
		}
	}
}

func TestLockedByAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	first, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	second, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	if _, err := second.Exec("PRAGMA busy_timeout(1)"); err != nil {
		t.Fatal(err)
	}
	tx, err := first.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := second.BeginTx(context.Background(), nil); !errors.Is(Explain(err), ErrLocked) {
		t.Errorf("Begin while another holds the write lock: %v, want ErrLocked", Explain(err))
	}
}

func TestFull(t *testing.T) {
	db, err := Open(filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec("CREATE TABLE t (x TEXT)"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA max_page_count = 10"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO t VALUES ($1)", strings.Repeat("x", 100_000)); !errors.Is(Explain(err), ErrFull) {
		t.Errorf("write beyond the limit: %v, want ErrFull", Explain(err))
	}
	if _, err := db.Exec("INSERT INTO t VALUES ('small')"); err != nil {
		t.Errorf("a small write afterwards: %v", err)
	}
}

func TestLock(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	unlock, err := Lock(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(folder); !errors.Is(err, ErrLocked) {
		t.Errorf("second Lock: %v, want ErrLocked", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = Lock(folder)
	if err != nil {
		t.Fatalf("Lock after unlock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}
