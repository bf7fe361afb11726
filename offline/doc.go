// Package offline is what survives a power cut: the journal of entries, and
// with it the outbox for the cloud and the spool for the printer.
//
// A Journal is one bbolt file. An entry is appended to its log and never
// changed; a record is the fold of its entries and is stored nowhere else.
// Outbox, spool and the list of unfinished records hold keys only. They are
// derived from the fold at each Commit, in the same transaction, so one Commit
// is one fsync.
//
// The rules that the package keeps:
//
//   - Commit returns nil once the entry is on disk, and refuses an entry that
//     does not follow from its record before anything is written.
//   - Each entry has a checksum and the hash of the one before; the head of the
//     chain is anchored. bbolt's own data pages have no checksum.
//   - A damaged file is put aside, never deleted, and a new one begins with a
//     higher epoch, so that no transaction id is ever given out twice. The
//     epoch lives in a file of its own too.
//   - A file that a newer program wrote is refused, never put aside.
//   - A disk that is full, read-only or broken is an error that wraps ErrStore:
//     no sale without a journal, but no crash either.
//   - No read transaction stays open while a caller works: it would block a
//     writer that has to remap, and make the file grow.
//
// bbolt panics, hangs or reads wrong data on damaged files, so a file is
// checked before it is opened, in a child process with a time limit:
//
//	journal, err := offline.Open(offline.Opts{
//		Dir:      dir,
//		Terminal: "dev:t1",
//		Check:    offline.CheckInChild(time.Minute, func(path string) []string { return []string{exe, "check-journal", path} }),
//	})
//
// Memory is the same thing without a disk, for simulation.
package offline

import "errors"

// What callers decide on.
var (
	// ErrStore means that nothing can be written: disk full, read-only or
	// broken. What was there before stays readable.
	ErrStore = errors.New("journal cannot be written")
	// ErrNotFound means that there is no such record.
	ErrNotFound = errors.New("no such record")
	// ErrInUse means that another process has the journal open.
	ErrInUse = errors.New("journal is in use by another process")
	// ErrDamaged means that the file is not what was written.
	ErrDamaged = errors.New("journal is damaged")
	// ErrNewer means that the file is sound, and this program too old for it.
	ErrNewer = errors.New("journal was written by a newer program")
	// ErrEpoch means that no epoch can be chosen that was surely never used:
	// give the cloud's in Opts.MinEpoch.
	ErrEpoch = errors.New("the last epoch is not known")
)
