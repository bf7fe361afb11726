package offline

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime/debug"

	"go.etcd.io/bbolt"

	"github.com/cloudpos/cloudpos/payment"
)

// The buckets. A record's key is epoch and sequence, so keys sort by age.
// Values are empty outside meta and log.
var (
	bucketMeta       = []byte("meta")       // format, terminal, anchor
	bucketLog        = []byte("log")        // position → line
	bucketRecords    = []byte("records")    // record key and position
	bucketUnfinished = []byte("unfinished") // record key
	bucketOutbox     = []byte("outbox")     // record key: a leg is pending
	bucketSpool      = []byte("spool")      // record key: a slip is owed

	buckets = [][]byte{bucketMeta, bucketLog, bucketRecords, bucketUnfinished, bucketOutbox, bucketSpool}

	keyFormat   = []byte("format")
	keyTerminal = []byte("terminal")
	keyAnchor   = []byte("anchor")
)

// format is the version of this layout; the entries have their own.
const format = 1

const (
	idKeySize     = 4 + 8
	recordKeySize = idKeySize + 8
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
	key := make([]byte, 0, recordKeySize)
	key = binary.BigEndian.AppendUint32(key, id.Epoch)
	return binary.BigEndian.AppendUint64(key, id.Seq)
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
	log.FillPercent = 1 // it only grows at its end
	if err := log.Put(positionKey(next.count), line); err != nil {
		return err
	}
	key := idKey(r.ID)
	records, err := bucket(tx, bucketRecords)
	if err != nil {
		return err
	}
	records.FillPercent = 1
	if err := records.Put(binary.BigEndian.AppendUint64(key, next.count), []byte{}); err != nil {
		return err
	}
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
	records, err := bucket(tx, bucketRecords)
	if err != nil {
		return payment.Record{}, err
	}
	log, err := bucket(tx, bucketLog)
	if err != nil {
		return payment.Record{}, err
	}
	var r payment.Record
	prefix := idKey(id)
	cursor := records.Cursor()
	for key, _ := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = cursor.Next() {
		if len(key) != recordKeySize || r.Version >= recordEntriesMax {
			return payment.Record{}, fmt.Errorf("%w: %v: key of %d bytes behind %d entries", ErrDamaged, id, len(key), r.Version)
		}
		position := binary.BigEndian.Uint64(key[idKeySize:])
		e, err := decodeLine(position, log.Get(key[idKeySize:]))
		if err != nil {
			return payment.Record{}, err
		}
		if e.ID != id {
			return payment.Record{}, fmt.Errorf("%w: entry %d is of %v, its key says %v", ErrDamaged, position, e.ID, id)
		}
		if err := r.Apply(e); err != nil {
			return payment.Record{}, fmt.Errorf("%w: entry %d: %w", ErrDamaged, position, err)
		}
	}
	if r.Version == 0 {
		return payment.Record{}, fmt.Errorf("%w: %v", ErrNotFound, id)
	}
	return r, nil
}
