package offline

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/cloudpos/cloudpos/payment"
)

const (
	keysMax = 256    // keys copied from one read transaction
	listMax = 10_000 // records of one List
)

// Stats counts since Open, and what is waiting.
type Stats struct {
	Commits    uint64 // transactions made durable
	Bytes      uint64 // of the log lines in them
	Entries    uint64 // in the log
	FileBytes  int64
	Unfinished int
	Outbox     int
	Spool      int
}

// Journal is the journal on disk. Its methods may be called by several
// goroutines; commits follow one another.
type Journal struct {
	dir      string
	path     string
	terminal string
	now      func() time.Time
	log      *slog.Logger
	lock     *os.File
	db       *bbolt.DB

	mu      sync.Mutex // held during a commit
	end     anchor
	stats   Stats
	changed chan struct{}
	broken  error // why nothing can be written any more
	notices []Notice
}

// Next gives the numbers of the next transaction. It writes nothing: they are
// taken by the commit of its first entry, and are given again until then.
func (j *Journal) Next() (payment.Numbers, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return payment.Numbers{}, j.broken
	}
	return j.end.next(j.terminal), nil
}

// Commit returns nil once the entry is on disk. It fails with
// payment.ErrTransition when the entry does not follow, and with ErrStore when
// it cannot be written; then it is not there, except when the disk failed in
// the very last step. In that case nothing more is written until the journal
// has been opened again, which shows what became of it.
func (j *Journal) Commit(e payment.Entry) error {
	payload, err := encodeEntry(e)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	// Reading first and apart: bbolt walks the whole file to roll back.
	before, err := j.load(e.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	after, err := j.end.admit(j.terminal, before, e)
	if err != nil {
		return fmt.Errorf("offline: %w", err)
	}
	next := j.end.note(e)
	next.count++
	next.key = lineKey(e.ID, after.Version)
	line := makeLine(next.key[:], next.count, payment.Schema, j.end.head, payload)
	next.head = lineHash(next.key[:], line)
	if err := j.update(next, func(tx *bbolt.Tx) error { return writeEntry(tx, next, line, &after) }); err != nil {
		return err
	}
	j.stats.Bytes += uint64(len(line))
	j.recount(&before, &after)
	close(j.changed)
	j.changed = make(chan struct{})
	return nil
}

// update makes one durable transaction that ends in next.
func (j *Journal) update(next anchor, write func(*bbolt.Tx) error) error {
	err := guard(func() error { return j.db.Update(write) })
	if err == nil {
		j.end = next
		j.stats.Commits++
		return nil
	}
	err = fmt.Errorf("%w: %s: %w", ErrStore, j.path, err)
	var there anchor
	look := j.view(func(tx *bbolt.Tx) (err error) {
		_, there, err = readMeta(tx)
		return err
	})
	if look != nil || there != j.end {
		// The file may hold what the program was told it does not.
		j.broken = fmt.Errorf("%w, and has to be opened again", err)
	}
	return err
}

func (j *Journal) recount(before, after *payment.Record) {
	for i, n := range []*int{&j.stats.Unfinished, &j.stats.Outbox, &j.stats.Spool} {
		owed := indexes[i].owed
		if before.Version > 0 && owed(before) {
			*n--
		}
		if owed(after) {
			*n++
		}
	}
}

// view reads. The function must neither wait nor keep slices of bbolt.
func (j *Journal) view(read func(*bbolt.Tx) error) error {
	return guard(func() error { return j.db.View(read) })
}

// Load returns a record, or ErrNotFound.
func (j *Journal) Load(id payment.ID) (payment.Record, error) {
	return j.load(id)
}

func (j *Journal) load(id payment.ID) (r payment.Record, err error) {
	if id.Terminal != j.terminal {
		return r, fmt.Errorf("offline: %w: %v in the journal of %s", ErrNotFound, id, j.terminal)
	}
	err = j.view(func(tx *bbolt.Tx) (err error) {
		r, err = readRecord(tx, id)
		return err
	})
	if err != nil {
		return payment.Record{}, fmt.Errorf("offline: %s: %w", j.path, err)
	}
	return r, nil
}

// Unfinished gives the records that a restart has to settle, oldest first. A
// record that cannot be read comes with its ID and an error; the others follow.
func (j *Journal) Unfinished() iter.Seq2[payment.Record, error] { return j.owed(0) }

// Outbox gives the records with a pending leg, as Unfinished does.
func (j *Journal) Outbox() iter.Seq2[payment.Record, error] { return j.owed(1) }

// Spool gives the records whose slip is owed, as Unfinished does.
func (j *Journal) Spool() iter.Seq2[payment.Record, error] { return j.owed(2) }

// owed walks an index. The caller may commit, wait and print in its loop: no
// transaction is open meanwhile.
func (j *Journal) owed(index int) iter.Seq2[payment.Record, error] {
	return func(yield func(payment.Record, error) bool) {
		var last []byte
		for {
			keys, err := j.keysAfter(indexes[index].bucket, last)
			if err != nil {
				yield(payment.Record{}, err)
				return
			}
			for _, key := range keys {
				id := keyID(j.terminal, key)
				r, err := j.load(id)
				if err != nil {
					r.ID = id
				} else if !indexes[index].owed(&r) {
					continue // settled since the keys were copied
				}
				if !yield(r, err) {
					return
				}
			}
			if len(keys) < keysMax {
				return
			}
			last = keys[len(keys)-1]
		}
	}
}

// keysAfter copies the next keys behind last.
func (j *Journal) keysAfter(name, last []byte) (keys [][]byte, err error) {
	err = j.view(func(tx *bbolt.Tx) error {
		b, err := bucket(tx, name)
		if err != nil {
			return err
		}
		cursor := b.Cursor()
		key, _ := cursor.Seek(last)
		if last != nil && string(key) == string(last) {
			key, _ = cursor.Next()
		}
		for ; key != nil && len(keys) < keysMax; key, _ = cursor.Next() {
			if len(key) != idKeySize {
				return fmt.Errorf("%w: %s has a key of %d bytes", ErrDamaged, name, len(key))
			}
			keys = append(keys, append([]byte(nil), key...))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("offline: %s: %w", j.path, err)
	}
	return keys, nil
}

// List returns the newest records, newest first.
func (j *Journal) List(limit int) ([]payment.Record, error) {
	var ids []payment.ID
	err := j.view(func(tx *bbolt.Tx) error {
		log, err := bucket(tx, bucketLog)
		if err != nil {
			return err
		}
		cursor := log.Cursor()
		for key, _ := cursor.Last(); key != nil && len(ids) < min(limit, listMax); key, _ = cursor.Prev() {
			if len(key) != lineKeySize {
				return fmt.Errorf("%w: %s has a key of %d bytes", ErrDamaged, bucketLog, len(key))
			}
			ids = append(ids, keyID(j.terminal, key))
			cursor.Seek(key[:idKeySize:idKeySize]) // the record's first entry
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("offline: %s: %w", j.path, err)
	}
	list := make([]payment.Record, 0, len(ids))
	for _, id := range ids {
		r, err := j.load(id)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// Changed returns a channel that is closed by the next commit. Take it before
// looking at what there is to do, and no commit is missed.
func (j *Journal) Changed() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changed
}

// Last is the latest time of an entry whose clock was trusted, or zero. It is
// a floor for a clock that has lost its battery.
func (j *Journal) Last() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.end.lastTime()
}

// Head is the highest id that was used: the epoch, and the sequence in it.
func (j *Journal) Head() (epoch uint32, seq uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.end.epoch, j.end.seq
}

// RaiseEpoch starts the epoch behind the cloud's when the cloud has seen a
// higher one than this journal has. Numbers that Next gave before are void.
func (j *Journal) RaiseEpoch(cloudEpoch uint32) error { return j.CatchUp(cloudEpoch, 0) }

// CatchUp starts a new epoch when the cloud has seen a higher id than this
// journal holds, be it in the same epoch: then the folder is an old copy.
func (j *Journal) CatchUp(cloudEpoch uint32, cloudSeq uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	if !j.end.behind(cloudEpoch, cloudSeq) {
		return nil
	}
	return j.raise(cloudEpoch)
}

// raise begins the epoch above seen and our own. The side file comes first: at
// a power cut in between, Open finds the journal behind it and raises again.
func (j *Journal) raise(seen uint32) error {
	epoch, err := epochAfter(seen, j.end.epoch)
	if err != nil {
		return err
	}
	if err := writeEpoch(j.dir, j.terminal, epoch); err != nil {
		return err
	}
	next := j.end
	next.epoch, next.seq = epoch, 0
	if err := j.update(next, func(tx *bbolt.Tx) error { return writeAnchor(tx, next) }); err != nil {
		return err
	}
	j.notice(NoticeEpoch, "ids go on in epoch %d: a higher one than the journal's was seen", epoch)
	return nil
}

// Verify reads everything and checks it: checksums, chain, folds, indexes.
func (j *Journal) Verify() error {
	if err := j.view(verify); err != nil {
		return fmt.Errorf("offline: %s: %w", j.path, err)
	}
	return nil
}

// Stats counts.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.Entries = j.end.count
	if info, err := os.Stat(j.path); err == nil {
		s.FileBytes = info.Size()
	}
	return s
}

// Close gives the file free. A commit under way is finished first.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.lock == nil {
		return nil
	}
	j.broken = fmt.Errorf("%w: %s is closed", ErrStore, j.path)
	err := errors.Join(j.db.Close(), j.lock.Close())
	j.lock = nil
	return err
}
