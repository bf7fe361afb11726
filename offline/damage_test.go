package offline

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/cloudpos/cloudpos/payment"
)

// original is a journal with a bit of everything in it.
func original(t *testing.T) (dir string, records []payment.Record) {
	t.Helper()
	dir = t.TempDir()
	j := open(t, dir)
	for i := range 12 {
		s := newStory(t, j)
		commit(t, j, s.whole()[:1+i%4]...)
	}
	records, err := j.List(100)
	if err := errors.Join(err, j.Close()); err != nil {
		t.Fatal(err)
	}
	return dir, records
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Whatever happens to the file, Open either gives all that was committed, or
// puts the file aside and begins anew.
func TestDamagedFiles(t *testing.T) {
	dir, records := original(t)
	sound, epoch := readFile(t, filepath.Join(dir, fileName)), readFile(t, filepath.Join(dir, epochName))
	used := len(bytes.TrimRight(sound, "\x00"))
	var found, harmless int
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		data := bytes.Clone(sound)
		var what string
		switch seed % 4 {
		case 0:
			n := random.IntN(used)
			data, what = data[:n], fmt.Sprintf("cut to %d bytes", n)
		case 1:
			n := random.IntN(used/512) * 512
			clear(data[n : n+512])
			what = fmt.Sprintf("sector at %d is zero", n)
		default:
			n, bit := random.IntN(used), byte(1)<<random.IntN(8)
			data[n] ^= bit
			what = fmt.Sprintf("bit %02x at %d is flipped", bit, n)
		}
		broken := t.TempDir()
		path := filepath.Join(broken, fileName)
		write(t, path, string(data))
		write(t, filepath.Join(broken, epochName), string(epoch))
		j, err := Open(Opts{Dir: broken, Terminal: terminal, Check: inChild("check", 5*time.Second)})
		if err != nil {
			t.Errorf("seed %d, %s: Open: %v", seed, what, err)
			continue
		}
		if head, _ := j.Head(); head == 1 {
			harmless++ // a page that is free
			if got, err := j.List(100); err != nil || !reflect.DeepEqual(got, records) {
				t.Errorf("seed %d, %s: List differs, %v", seed, what, err)
			}
		} else {
			found++
			if kept := readFile(t, path+damagedSuffix+"1"); !bytes.Equal(kept, data) {
				t.Errorf("seed %d, %s: the file put aside was changed", seed, what)
			}
		}
		commit(t, j, newStory(t, j).whole()...)
		if err := errors.Join(j.Verify(), j.Close()); err != nil {
			t.Errorf("seed %d, %s: %v", seed, what, err)
		}
	}
	t.Logf("%d damages found, %d without effect", found, harmless)
	if found < 20 {
		t.Errorf("only %d of 60 damages were found", found)
	}
}

// Each of these keeps bbolt happy: its pages are sound.
func TestCheckFindsWhatBoltDoesNot(t *testing.T) {
	first := key(1, 1)
	tests := []struct {
		name string
		want string
		edit func(*bbolt.Tx) error
	}{
		{"byte in an entry", "checksum", func(tx *bbolt.Tx) error {
			line := bytes.Clone(tx.Bucket(bucketLog).Get(first))
			line[linePayload+5] ^= 1
			return tx.Bucket(bucketLog).Put(first, line)
		}},
		{"entry rewritten with its checksum", "at 2 does not continue", func(tx *bbolt.Tx) error {
			payload := tx.Bucket(bucketLog).Get(first)[linePayload:]
			payload = bytes.Replace(payload, []byte("1250"), []byte("9250"), 1)
			return tx.Bucket(bucketLog).Put(first, makeLine(first, 1, payment.Schema, [32]byte{}, payload))
		}},
		{"entry under another key", "checksum", func(tx *bbolt.Tx) error {
			line := bytes.Clone(tx.Bucket(bucketLog).Get(first))
			return errors.Join(tx.Bucket(bucketLog).Delete(first), tx.Bucket(bucketLog).Put(key(99, 1), line))
		}},
		{"last entry of all gone", "has 29 entries, the anchor says 30", func(tx *bbolt.Tx) error {
			last, _ := tx.Bucket(bucketLog).Cursor().Last()
			return tx.Bucket(bucketLog).Delete(last)
		}},
		{"first entry gone", "has 29 entries", func(tx *bbolt.Tx) error { return tx.Bucket(bucketLog).Delete(first) }},
		{"entry twice", "has position 1 of 31", func(tx *bbolt.Tx) error {
			line := makeLine(key(99, 1), 1, payment.Schema, [32]byte{}, []byte("{}"))
			return errors.Join(tx.Bucket(bucketLog).Put(key(99, 1), line), editAnchor(tx, func(a *anchor) { a.count++ }))
		}},
		{"entry of no record", "is number 1 of", func(tx *bbolt.Tx) error {
			return appendLine(tx, key(99, 1), []byte("{}"))
		}},
		{"payload no JSON", "invalid character", func(tx *bbolt.Tx) error {
			return appendLine(tx, key(99, 1), []byte("?"))
		}},
		{"entry that does not follow", "does not follow", func(tx *bbolt.Tx) error {
			line := tx.Bucket(bucketLog).Get(key(4, 4))
			return appendLine(tx, key(4, 5), bytes.Clone(line[linePayload:]))
		}},
		{"entry too short", "5 bytes", func(tx *bbolt.Tx) error { return tx.Bucket(bucketLog).Put(first, []byte("short")) }},
		{"head", "not the one that was anchored", func(tx *bbolt.Tx) error {
			return editAnchor(tx, func(a *anchor) { a.head[0]++ })
		}},
		{"anchor", "anchor has checksum", func(tx *bbolt.Tx) error {
			a := bytes.Clone(tx.Bucket(bucketMeta).Get(keyAnchor))
			a[7]++
			return tx.Bucket(bucketMeta).Put(keyAnchor, a)
		}},
		{"anchor missing", "anchor has 0 bytes", func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyAnchor) }},
		{"format missing", "format has 0 bytes", func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyFormat) }},
		{"sequence behind", "the anchor says 1/3", func(tx *bbolt.Tx) error {
			return editAnchor(tx, func(a *anchor) { a.seq = 3 })
		}},
		{"sequence ahead", "the anchor says 1/30", func(tx *bbolt.Tx) error {
			return editAnchor(tx, func(a *anchor) { a.seq = 30 })
		}},
		{"outbox forgets", "found in outbox: false", func(tx *bbolt.Tx) error {
			key, _ := tx.Bucket(bucketOutbox).Cursor().First()
			return tx.Bucket(bucketOutbox).Delete(key)
		}},
		{"spool invents", "found in spool: true", func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketSpool).Put(idKey(payment.ID{Epoch: 1, Seq: 1}), []byte{})
		}},
		{"unfinished has a stranger", "unfinished has 4 keys for 3", func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketUnfinished).Put([]byte("stranger"), []byte{})
		}},
		{"bucket missing", "bucket spool is missing", func(tx *bbolt.Tx) error { return tx.DeleteBucket(bucketSpool) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir, _ := original(t)
			j := open(t, dir)
			err := errors.Join(j.db.Update(test.edit), j.Close())
			if err != nil {
				t.Fatal(err)
			}
			err = CheckFile(filepath.Join(dir, fileName))
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("CheckFile = %v, want ErrDamaged with %q", err, test.want)
			}
		})
	}
}

func key(seq uint64, version int) []byte {
	k := lineKey(payment.ID{Epoch: 1, Seq: seq}, version)
	return k[:]
}

func editAnchor(tx *bbolt.Tx, edit func(*anchor)) error {
	_, a, err := readMeta(tx)
	if err != nil {
		return err
	}
	edit(&a)
	return writeAnchor(tx, a)
}

// appendLine adds a line that the chain accepts.
func appendLine(tx *bbolt.Tx, key, payload []byte) error {
	return errors.Join(editAnchor(tx, func(a *anchor) {
		a.count++
		copy(a.key[:], key)
		line := makeLine(key, a.count, payment.Schema, a.head, payload)
		a.head = lineHash(key, line)
		if err := tx.Bucket(bucketLog).Put(key, line); err != nil {
			panic(err)
		}
	}))
}

// One entry that cannot be read does not hold up the records beside it.
func TestUnreadableRecord(t *testing.T) {
	j := open(t, t.TempDir())
	for range 3 {
		s := newStory(t, j)
		commit(t, j, s.authorising(1))
	}
	second := key(2, 1)
	err := j.db.Update(func(tx *bbolt.Tx) error {
		line := bytes.Clone(tx.Bucket(bucketLog).Get(second))
		line[len(line)-1] ^= 1
		return tx.Bucket(bucketLog).Put(second, line)
	})
	if err != nil {
		t.Fatal(err)
	}
	var read, unread []uint64
	for r, err := range j.Unfinished() {
		if errors.Is(err, ErrDamaged) {
			unread = append(unread, r.ID.Seq)
		} else if err == nil {
			read = append(read, r.ID.Seq)
		}
	}
	if !reflect.DeepEqual(read, []uint64{1, 3}) || !reflect.DeepEqual(unread, []uint64{2}) {
		t.Errorf("read %v, not read %v", read, unread)
	}
	if err := j.Verify(); !errors.Is(err, ErrDamaged) {
		t.Errorf("Verify = %v, want ErrDamaged", err)
	}
}

func TestCheckFileOfNoJournal(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	write(t, empty, "")
	if err := CheckFile(empty); !errors.Is(err, ErrDamaged) {
		t.Errorf("CheckFile of an empty file = %v, want ErrDamaged", err)
	}
	if err := CheckFile(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrDamaged) {
		t.Errorf("CheckFile of no file = %v, want ErrNotExist", err)
	}
	if err := CheckFile(dir); err == nil || errors.Is(err, ErrDamaged) {
		t.Errorf("CheckFile of a folder = %v", err)
	}
}
