package offline

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime/debug"

	"go.etcd.io/bbolt"

	"github.com/cloudpos/cloudpos/payment"
)

// The buckets. A record's key is epoch and sequence, so keys sort by age. The
// log has a record's lines side by side, under its key and a version; their
// order in time is in the lines. A log by position would need an index of
// records beside it, and a second tree costs a quarter more bytes written.
// Values are empty outside meta and log.
var (
	bucketMeta       = []byte("meta")       // format, terminal, anchor
	bucketLog        = []byte("log")        // record key, version → line
	bucketUnfinished = []byte("unfinished") // record key
	bucketOutbox     = []byte("outbox")     // record key: a leg is pending
	bucketSpool      = []byte("spool")      // record key: a slip is owed

	buckets = [][]byte{bucketMeta, bucketLog, bucketUnfinished, bucketOutbox, bucketSpool}

	keyFormat   = []byte("format")
	keyTerminal = []byte("terminal")
	keyAnchor   = []byte("anchor")
)

// format is the version of this layout; the entries have their own.
const format = 1

const (
	idKeySize   = 4 + 8
	lineKeySize = idKeySize + 1
)

// indexes are the lists of records which somebody has to do something about.
var indexes = []struct {
	bucket []byte
	owed   func(*payment.Record) bool
}{
	{bucketUnfinished, (*payment.Record).Unfinished},
	{bucketOutbox, inOutbox},
	{bucketSpool, (*payment.Record).ToPrint},
}

func inOutbox(r *payment.Record) bool { return r.Pending() != "" }

func idKey(id payment.ID) []byte {
	key := make([]byte, 0, lineKeySize)
	key = binary.BigEndian.AppendUint32(key, id.Epoch)
	return binary.BigEndian.AppendUint64(key, id.Seq)
}

// lineKey is the key of a record's entry; the first has version 1.
func lineKey(id payment.ID, version int) (key [lineKeySize]byte) {
	copy(key[:], append(idKey(id), byte(version)))
	return key
}

func keyID(terminal string, key []byte) payment.ID {
	return payment.ID{
		Terminal: terminal,
		Epoch:    binary.BigEndian.Uint32(key),
		Seq:      binary.BigEndian.Uint64(key[4:]),
	}
}

// guard makes errors of panics, those of a page that cannot be read included:
// a dying flash answers a read of mapped memory with SIGBUS.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	return f()
}

func bucket(tx *bbolt.Tx, name []byte) (*bbolt.Bucket, error) {
	if b := tx.Bucket(name); b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("%w: bucket %s is missing", ErrDamaged, name)
}

// create lays out an empty journal.
func create(tx *bbolt.Tx, terminal string, epoch uint32) error {
	for _, name := range buckets {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(bucketMeta)
	if err := meta.Put(keyFormat, binary.BigEndian.AppendUint16(nil, format)); err != nil {
		return err
	}
	if err := meta.Put(keyTerminal, []byte(terminal)); err != nil {
		return err
	}
	return meta.Put(keyAnchor, anchor{epoch: epoch}.encode())
}

// readMeta returns the terminal and the end of the log.
func readMeta(tx *bbolt.Tx) (string, anchor, error) {
	meta, err := bucket(tx, bucketMeta)
	if err != nil {
		return "", anchor{}, err
	}
	version := meta.Get(keyFormat)
	if len(version) != 2 {
		return "", anchor{}, fmt.Errorf("%w: format has %d bytes", ErrDamaged, len(version))
	}
	if v := binary.BigEndian.Uint16(version); v > format {
		return "", anchor{}, fmt.Errorf("%w: it has format %d, this program reads up to %d", ErrNewer, v, format)
	}
	a, err := decodeAnchor(meta.Get(keyAnchor))
	return string(meta.Get(keyTerminal)), a, err
}

// writeEntry appends the line, updates the keys of the record that the entry
// leads to, and moves the anchor.
func writeEntry(tx *bbolt.Tx, next anchor, line []byte, r *payment.Record) error {
	log, err := bucket(tx, bucketLog)
	if err != nil {
		return err
	}
	log.FillPercent = 1 // it grows at its end, but for a late mark
	if err := log.Put(next.key[:], line); err != nil {
		return err
	}
	key := idKey(r.ID)
	for _, index := range indexes {
		if err := setKey(tx, index.bucket, key, index.owed(r)); err != nil {
			return err
		}
	}
	return writeAnchor(tx, next)
}

// setKey writes only where something changes, to spare a page.
func setKey(tx *bbolt.Tx, name, key []byte, want bool) error {
	b, err := bucket(tx, name)
	if err != nil {
		return err
	}
	switch has := b.Get(key) != nil; {
	case want && !has:
		return b.Put(key, []byte{})
	case !want && has:
		return b.Delete(key)
	}
	return nil
}

func writeAnchor(tx *bbolt.Tx, a anchor) error {
	meta, err := bucket(tx, bucketMeta)
	if err != nil {
		return err
	}
	return meta.Put(keyAnchor, a.encode())
}

// readRecord folds the entries of a record.
func readRecord(tx *bbolt.Tx, id payment.ID) (payment.Record, error) {
	log, err := bucket(tx, bucketLog)
	if err != nil {
		return payment.Record{}, err
	}
	var r payment.Record
	prefix := idKey(id)
	cursor := log.Cursor()
	for key, line := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, line = cursor.Next() {
		e, err := decodeLine(key, line)
		if err != nil {
			return payment.Record{}, err
		}
		if want := lineKey(e.ID, r.Version+1); e.ID != id || string(key) != string(want[:]) {
			return payment.Record{}, fmt.Errorf("%w: entry %x is number %d of %v", ErrDamaged, key, r.Version+1, e.ID)
		}
		if err := r.Apply(e); err != nil {
			return payment.Record{}, fmt.Errorf("%w: entry %x: %w", ErrDamaged, key, err)
		}
	}
	if r.Version == 0 {
		return payment.Record{}, fmt.Errorf("%w: %v", ErrNotFound, id)
	}
	return r, nil
}
