package offline

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
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

// verifyChain walks the log from its first line to the anchor.
func verifyChain(tx *bbolt.Tx, end anchor) error {
	log, err := bucket(tx, bucketLog)
	if err != nil {
		return err
	}
	var at anchor
	cursor := log.Cursor()
	for key, line := cursor.First(); key != nil; key, line = cursor.Next() {
		at.count++
		if string(key) != string(positionKey(at.count)) {
			return fmt.Errorf("%w: position %x found where %d is due", ErrDamaged, key, at.count)
		}
		if err := checkLine(at.count, line); err != nil {
			return err
		}
		if string(line[linePrev:linePayload]) != string(at.head[:]) {
			return fmt.Errorf("%w: entry %d does not continue the one before", ErrDamaged, at.count)
		}
		at.head = lineHash(at.count, line)
	}
	if at.count != end.count || at.head != end.head {
		return fmt.Errorf("%w: the log has %d entries up to %x, the anchor says %d up to %x",
			ErrDamaged, at.count, at.head[:4], end.count, end.head[:4])
	}
	return nil
}

// verifyRecords folds every record, and compares the indexes with the folds.
// Each line is under exactly one key: a record's keys are unique and its
// entries bear its id, so counting is enough.
func verifyRecords(tx *bbolt.Tx, terminal string, end anchor) error {
	records, err := bucket(tx, bucketRecords)
	if err != nil {
		return err
	}
	owed := make([]int, len(indexes))
	var entries uint64
	var highest payment.ID
	cursor := records.Cursor()
	for key, _ := cursor.First(); key != nil; {
		if len(key) != recordKeySize {
			return fmt.Errorf("%w: %s has a key of %d bytes", ErrDamaged, bucketRecords, len(key))
		}
		highest = keyID(terminal, key)
		r, err := readRecord(tx, highest)
		if err != nil {
			return err
		}
		entries += uint64(r.Version)
		for i, index := range indexes {
			if err := verifyKey(tx, index.bucket, &r, index.owed(&r)); err != nil {
				return err
			}
			if index.owed(&r) {
				owed[i]++
			}
		}
		key, _ = cursor.Seek(binary.BigEndian.AppendUint64(idKey(highest), ^uint64(0)))
	}
	atHead := highest.Epoch == end.epoch && highest.Seq == end.seq
	if entries != end.count || end.behind(highest.Epoch, highest.Seq) || end.seq > 0 && !atHead {
		return fmt.Errorf("%w: records up to %v have %d entries, the log %d up to %d/%d",
			ErrDamaged, highest, entries, end.count, end.epoch, end.seq)
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
	key, line := tx.Bucket(bucketLog).Cursor().Last()
	if end.count == 0 && key == nil {
		return nil
	}
	if string(key) != string(positionKey(end.count)) {
		return fmt.Errorf("%w: the log ends at %x, the anchor says %d", ErrDamaged, key, end.count)
	}
	if err := checkLine(end.count, line); err != nil {
		return err
	}
	if lineHash(end.count, line) != end.head {
		return fmt.Errorf("%w: the last entry is not the one that was anchored", ErrDamaged)
	}
	return nil
}
