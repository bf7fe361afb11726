package offline

import (
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"

	"github.com/cloudpos/cloudpos/durable"
)

// mostlyFree tells whether a copy would be less than half as large. A bbolt
// file never shrinks by itself.
func mostlyFree(db *bbolt.DB) bool {
	var used int64
	if err := db.View(func(tx *bbolt.Tx) error { used = tx.Size(); return nil }); err != nil {
		return false
	}
	free := int64(db.Stats().FreePageN) * int64(db.Info().PageSize)
	return used > compactMin && 2*free > used
}

// compact replaces the file by a copy without its free pages. Without room for
// the copy the journal stays as it is.
func (j *Journal) compact() error {
	temporary := j.path + ".new"
	err := j.copyTo(temporary)
	if err != nil {
		_ = os.Remove(temporary)
		j.notice(NoticeCompact, "the journal could not be compacted: %v", err)
		return nil
	}
	err = j.db.Close()
	j.db = nil
	if err == nil {
		err = durable.Rename(temporary, j.path)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	return j.openDB()
}

func (j *Journal) copyTo(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	db, err := openBolt(path)
	if err != nil {
		return err
	}
	err = guard(func() error {
		if err := bbolt.Compact(db, j.db, compactStep); err != nil {
			return err
		}
		return db.View(verify)
	})
	return errors.Join(err, db.Close())
}
