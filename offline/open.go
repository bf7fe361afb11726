package offline

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/cloudpos/cloudpos/durable"
)

const (
	fileName      = "journal.db"
	damagedSuffix = ".damaged-"
	damagedMax    = 99 // files put aside; a store that breaks more often is no store

	pageSize    = 1024 // halves the bytes written against 4096, measured
	mapSize     = 256 << 10
	growSize    = 1 << 20
	lockWait    = time.Second
	compactMin  = 4 << 20
	compactStep = 1 << 20 // bytes in one transaction of compaction
)

// Opts says where the journal is, and whose.
type Opts struct {
	Dir      string // made when it is not there
	Terminal string // "dev:t1"
	// Check is run on the file before it is opened, without a lock held on the
	// file itself. An error that wraps ErrDamaged puts the file aside, any
	// other one is returned. Nil trusts the file: a damaged one may crash.
	Check func(path string) error
	Now   func() time.Time // nil: time.Now
	// MinEpoch is the highest epoch that the cloud has seen, 0 when not known.
	MinEpoch uint32
	Log      *slog.Logger // nil: none
}

// NoticeCode says what sort of thing happened.
type NoticeCode string

// The codes.
const (
	NoticeDamaged   NoticeCode = "journal_damaged"    // put aside just now; what it held is missing here
	NoticeKept      NoticeCode = "journal_kept"       // a file put aside earlier is still there
	NoticeEpoch     NoticeCode = "epoch_raised"       // the journal was behind the epoch
	NoticeEpochFile NoticeCode = "epoch_file_written" // it was missing or damaged
	NoticeCompact   NoticeCode = "compaction_failed"  // the journal is as large as before
)

// Notice is what operator and cloud have to be told.
type Notice struct {
	At   time.Time
	Code NoticeCode
	Text string
}

// Open opens the journal, or makes it. It puts a damaged file aside and says
// so in Notices. It fails with ErrInUse, ErrNewer, ErrStore or ErrEpoch.
func Open(opts Opts) (*Journal, error) {
	if opts.Terminal == "" || len(opts.Terminal) > terminalMax || strings.Contains(opts.Terminal, "/") {
		return nil, fmt.Errorf("offline: %q cannot be the id of a terminal", opts.Terminal)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if err := durable.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	lock, err := lockDir(opts.Dir, lockWait)
	if err != nil {
		return nil, fmt.Errorf("offline: %w", err)
	}
	j := &Journal{
		dir:      opts.Dir,
		path:     filepath.Join(opts.Dir, fileName),
		terminal: opts.Terminal,
		now:      opts.Now,
		log:      opts.Log,
		lock:     lock,
		changed:  make(chan struct{}),
	}
	if err := j.open(opts); err != nil {
		if j.db != nil {
			err = errors.Join(err, j.db.Close())
		}
		return nil, errors.Join(err, lock.Close())
	}
	return j, nil
}

func (j *Journal) open(opts Opts) error {
	j.noticeKept()
	side, sideErr := readEpoch(j.dir, j.terminal)
	if sideErr != nil && !errors.Is(sideErr, ErrDamaged) {
		return sideErr
	}
	there, err := exists(j.path)
	if there {
		err = j.openFile(opts.Check)
	}
	if damaged := errors.Is(err, ErrDamaged); damaged || !there && err == nil {
		if opts.MinEpoch == 0 && (sideErr != nil || damaged && side == 0) {
			return fmt.Errorf("%w: %w", ErrEpoch, errors.Join(sideErr, err))
		}
		var epoch uint32
		if epoch, err = epochAfter(side, opts.MinEpoch); err != nil {
			return err
		}
		return j.begin(epoch, damaged)
	}
	if err != nil {
		return err
	}
	if seen := max(side, opts.MinEpoch); seen > j.end.epoch {
		return j.raise(seen)
	}
	if side != j.end.epoch {
		j.notice(NoticeEpochFile, "%s was missing or damaged, and was written again from the journal", epochName)
		return writeEpoch(j.dir, j.terminal, j.end.epoch)
	}
	return nil
}

// begin starts a new file. The epoch is on disk before the file is, and before
// a damaged one is moved away: after a power cut in between, the next Open
// takes one epoch more, and none is used twice.
func (j *Journal) begin(epoch uint32, damaged bool) error {
	if err := writeEpoch(j.dir, j.terminal, epoch); err != nil {
		return err
	}
	if damaged {
		if err := j.putAside(epoch); err != nil {
			return err
		}
	}
	if there, err := exists(j.path); there || err != nil {
		return fmt.Errorf("%w: %s is in the way: %w", ErrStore, j.path, errors.Join(fs.ErrExist, err))
	}
	// A power cut while bbolt lays out a file is known to damage it
	// (etcd-io/bbolt#567), so it gets its name when it is whole.
	temporary := j.path + ".new"
	if err := j.createFile(temporary, epoch); err != nil {
		_ = os.Remove(temporary)
		return fmt.Errorf("%w: %s: %w", ErrStore, temporary, err)
	}
	if err := durable.Rename(temporary, j.path); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	return j.openFile(nil)
}

func (j *Journal) createFile(path string, epoch uint32) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := openBolt(path)
	if err != nil {
		return err
	}
	err = guard(func() error {
		return db.Update(func(tx *bbolt.Tx) error { return create(tx, j.terminal, epoch) })
	})
	return errors.Join(err, db.Close())
}

// putAside renames a damaged file to the first free name.
func (j *Journal) putAside(epoch uint32) error {
	for n := 1; n <= damagedMax; n++ {
		aside := fmt.Sprintf("%s%s%d", j.path, damagedSuffix, n)
		taken, err := exists(aside)
		if err != nil {
			return err
		}
		if taken {
			continue
		}
		if err := durable.Rename(j.path, aside); err != nil {
			return fmt.Errorf("%w: %w", ErrStore, err)
		}
		j.notice(NoticeDamaged, "the journal was damaged and is kept as %s; a new one begins with epoch %d", aside, epoch)
		return nil
	}
	return fmt.Errorf("%w: %d damaged journals lie in %s already", ErrStore, damagedMax, j.dir)
}

// openFile checks and opens what is there, and compacts it when it pays.
func (j *Journal) openFile(check func(path string) error) error {
	if err := checkSize(j.path); err != nil {
		return err
	}
	if check != nil {
		if err := check(j.path); err != nil {
			return fmt.Errorf("check of the journal: %w", err)
		}
	}
	if err := j.openDB(); err != nil {
		return err
	}
	if mostlyFree(j.db) {
		return j.compact()
	}
	return nil
}

// openDB opens the file and takes its end from it.
func (j *Journal) openDB() error {
	db, err := openBolt(j.path)
	if err != nil {
		return err
	}
	j.db = db
	err = j.view(func(tx *bbolt.Tx) error {
		terminal, end, err := readMeta(tx)
		if err != nil {
			return err
		}
		if terminal != j.terminal {
			return fmt.Errorf("it belongs to terminal %q, this is %q", terminal, j.terminal)
		}
		j.end = end
		return checkEnd(tx, end)
	})
	if err == nil {
		err = j.view(func(tx *bbolt.Tx) error {
			j.stats.Unfinished = countKeys(tx, bucketUnfinished)
			j.stats.Outbox = countKeys(tx, bucketOutbox)
			j.stats.Spool = countKeys(tx, bucketSpool)
			return nil
		})
	}
	if err != nil {
		j.db = nil
		return errors.Join(fmt.Errorf("offline: %s: %w", j.path, err), db.Close())
	}
	return nil
}

// openBolt opens with the options that storage and flash asked for: without a
// stored freelist, since a drained backlog would write all of it at each
// commit, and small, since the mapping's size becomes the file's.
func openBolt(path string) (db *bbolt.DB, err error) {
	err = guard(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:         lockWait,
			NoFreelistSync:  true,
			FreelistType:    bbolt.FreelistMapType,
			PageSize:        pageSize,
			InitialMmapSize: mapSize,
		})
		return err
	})
	switch sorted := openError(err); {
	case err == nil:
		db.AllocSize = growSize
		return db, nil
	case errors.Is(sorted, ErrDamaged), errors.Is(sorted, ErrInUse):
		return nil, fmt.Errorf("offline: %s: %w", path, sorted)
	default:
		return nil, fmt.Errorf("%w: %s: %w", ErrStore, path, err)
	}
}

// Notices are what Open, and raised epochs since, have to tell.
func (j *Journal) Notices() []Notice {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]Notice(nil), j.notices...)
}

func (j *Journal) notice(code NoticeCode, format string, args ...any) {
	n := Notice{At: j.now(), Code: code, Text: fmt.Sprintf(format, args...)}
	j.notices = append(j.notices, n)
	j.log.Warn(n.Text, "code", string(code))
}

func (j *Journal) noticeKept() {
	for n := 1; n <= damagedMax; n++ {
		aside := fmt.Sprintf("%s%s%d", j.path, damagedSuffix, n)
		if kept, _ := exists(aside); kept {
			j.notice(NoticeKept, "%s holds what a damaged journal knew", aside)
		}
	}
}
