package offline

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/cloudpos/cloudpos/payment"
)

const (
	problemsMax   = 3 // named in an error
	boltFileMin   = 4 * pageSize
	checkLockWait = time.Second
)

// CheckFile tells whether a journal can be opened and believed. It fails with
// ErrDamaged, ErrNewer or ErrInUse, or because the file cannot be read. On a
// damaged file it may crash or hang all the same, since bbolt does: run it in
// a process of its own, as CheckInChild does.
func CheckFile(path string) error {
	if err := checkSize(path); err != nil {
		return err
	}
	err := guard(func() error {
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{
			ReadOnly: true, Timeout: checkLockWait, FreelistType: bbolt.FreelistMapType,
		})
		if err != nil {
			return openError(err)
		}
		err = db.View(func(tx *bbolt.Tx) error {
			if err := checkPages(tx); err != nil {
				return err
			}
			return verify(tx)
		})
		return errors.Join(err, db.Close())
	})
	if err != nil {
		return fmt.Errorf("offline: %s: %w", path, err)
	}
	return nil
}

// checkSize finds the truncated file on which bbolt.Open would panic.
func checkSize(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("offline: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("offline: %s: %w: not a regular file", path, fs.ErrInvalid)
	}
	if info.Size() < boltFileMin {
		return fmt.Errorf("%w: %s has only %d bytes", ErrDamaged, path, info.Size())
	}
	return nil
}

// openError sorts what bbolt.Open fails with.
func openError(err error) error {
	for _, damage := range []error{bolterrors.ErrInvalid, bolterrors.ErrChecksum, bolterrors.ErrVersionMismatch} {
		if errors.Is(err, damage) {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	if errors.Is(err, bolterrors.ErrTimeout) {
		return fmt.Errorf("%w: %w", ErrInUse, err)
	}
	return err
}

func checkPages(tx *bbolt.Tx) error {
	var problems []error
	for err := range tx.Check() { // to its end: the sender waits for us
		if len(problems) < problemsMax {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("%w: %w", ErrDamaged, errors.Join(problems...))
	}
	return nil
}

// verify checks all that the package has written.
func verify(tx *bbolt.Tx) error {
	terminal, end, err := readMeta(tx)
	if err != nil {
		return err
	}
	if err := verifyChain(tx, end); err != nil {
		return err
	}
	return verifyRecords(tx, terminal, end)
}

// link is what a line says of its place in the chain.
type link struct{ prev, hash [sha256.Size]byte }

// verifyChain checks every line, and that each position up to the anchor's is
// there once and continues the one before.
func verifyChain(tx *bbolt.Tx, end anchor) error {
	log, err := bucket(tx, bucketLog)
	if err != nil {
		return err
	}
	if n := countKeys(tx, bucketLog); uint64(n) != end.count {
		return fmt.Errorf("%w: the log has %d entries, the anchor says %d", ErrDamaged, n, end.count)
	}
	links := make([]link, end.count+1) // the first stays zero, as the first line's prev is
	cursor := log.Cursor()
	for key, line := cursor.First(); key != nil; key, line = cursor.Next() {
		if err := checkLine(key, line); err != nil {
			return err
		}
		at := position(line)
		if at == 0 || at > end.count || links[at].hash != [sha256.Size]byte{} {
			return fmt.Errorf("%w: entry %x has position %d of %d", ErrDamaged, key, at, end.count)
		}
		copy(links[at].prev[:], line[linePrev:])
		links[at].hash = lineHash(key, line)
	}
	for at := 1; at < len(links); at++ {
		if links[at].prev != links[at-1].hash {
			return fmt.Errorf("%w: entry at %d does not continue the one before", ErrDamaged, at)
		}
	}
	if links[end.count].hash != end.head {
		return fmt.Errorf("%w: the last entry is not the one that was anchored", ErrDamaged)
	}
	return nil
}

// verifyRecords folds every record, and compares the indexes with the folds.
func verifyRecords(tx *bbolt.Tx, terminal string, end anchor) error {
	log, err := bucket(tx, bucketLog)
	if err != nil {
		return err
	}
	owed := make([]int, len(indexes))
	var highest payment.ID
	cursor := log.Cursor()
	for key, _ := cursor.First(); key != nil; {
		highest = keyID(terminal, key)
		r, err := readRecord(tx, highest)
		if err != nil {
			return err
		}
		for i, index := range indexes {
			if err := verifyKey(tx, index.bucket, &r, index.owed(&r)); err != nil {
				return err
			}
			if index.owed(&r) {
				owed[i]++
			}
		}
		key, _ = cursor.Seek(append(idKey(highest), math.MaxUint8))
	}
	atHead := highest.Epoch == end.epoch && highest.Seq == end.seq
	if end.behind(highest.Epoch, highest.Seq) || end.seq > 0 && !atHead {
		return fmt.Errorf("%w: the last record is %v, the anchor says %d/%d", ErrDamaged, highest, end.epoch, end.seq)
	}
	for i, index := range indexes {
		if n := countKeys(tx, index.bucket); n != owed[i] {
			return fmt.Errorf("%w: %s has %d keys for %d records", ErrDamaged, index.bucket, n, owed[i])
		}
	}
	return nil
}

func verifyKey(tx *bbolt.Tx, name []byte, r *payment.Record, want bool) error {
	b, err := bucket(tx, name)
	if err != nil {
		return err
	}
	if has := b.Get(idKey(r.ID)) != nil; has != want {
		return fmt.Errorf("%w: %v is %s, found in %s: %t", ErrDamaged, r.ID, r.State, name, has)
	}
	return nil
}

func countKeys(tx *bbolt.Tx, name []byte) (n int) {
	cursor := tx.Bucket(name).Cursor()
	for key, _ := cursor.First(); key != nil; key, _ = cursor.Next() {
		n++
	}
	return n
}

// checkEnd compares the log's last line with the anchor: all that Open looks
// at itself.
func checkEnd(tx *bbolt.Tx, end anchor) error {
	for _, name := range buckets {
		if _, err := bucket(tx, name); err != nil {
			return err
		}
	}
	if end.count == 0 {
		return nil
	}
	line := tx.Bucket(bucketLog).Get(end.key[:])
	if line == nil {
		return fmt.Errorf("%w: the last entry is missing", ErrDamaged)
	}
	if err := checkLine(end.key[:], line); err != nil {
		return err
	}
	if lineHash(end.key[:], line) != end.head {
		return fmt.Errorf("%w: the last entry is not the one that was anchored", ErrDamaged)
	}
	return nil
}
