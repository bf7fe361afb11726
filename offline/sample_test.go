package offline

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/cloudpos/cloudpos/payment"
)

var newSample = flag.Bool("newsample", false, "write the sample of a new format; existing ones are never written again")

// sample is what testdata/journal-v1.db holds: each kind of end once.
func sample(t *testing.T, j journal) {
	t.Helper()
	whole := newStory(t, j)
	commit(t, j, whole.whole()...)
	wrongPIN := newStory(t, j)
	commit(t, j, wrongPIN.authorising(1), wrongPIN.authorising(2), wrongPIN.ends(payment.Declined))
	cancelled := newStory(t, j)
	commit(t, j, cancelled.opens(payment.Cancelled))
	reversed := newStory(t, j)
	commit(t, j, reversed.authorising(1), reversed.ends(payment.Reversing), reversed.reversed())
	owed := newStory(t, j)
	commit(t, j, owed.authorising(1), owed.ends(payment.Approved))
	doubtful := newStory(t, j)
	commit(t, j, doubtful.authorising(1), doubtful.ends(payment.Reversing))
	cut := newStory(t, j)
	commit(t, j, cut.authorising(1))
}

// TestSampleV1 opens for ever what the first version has written.
func TestSampleV1(t *testing.T) {
	path := filepath.Join("testdata", "journal-v1.db")
	if *newSample {
		makeSample(t, path)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, fileName), string(readFile(t, path)))
	j := openWith(t, Opts{Dir: dir, Check: inChild("check", checkTime)})
	if n := j.Notices(); len(n) != 1 || n[0].Code != NoticeEpochFile {
		t.Errorf("Notices = %+v, want that the epoch file was missing", n)
	}
	memory := NewMemory(terminal)
	sample(t, memory)
	got, err := j.List(100)
	if err != nil {
		t.Fatal(err)
	}
	want, err := memory.List(100)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("List = %+v\nwant %+v, %v", got, want, err)
	}
	d, m := j.Stats(), memory.Stats()
	if d.Entries != 16 || [3]int{d.Unfinished, d.Outbox, d.Spool} != [3]int{m.Unfinished, m.Outbox, m.Spool} {
		t.Errorf("Stats = %+v, want as in %+v", d, m)
	}
	s := newStory(t, j)
	if s.n.ID.Seq != 8 || s.n.STAN != 8 || s.n.Receipt != 8 {
		t.Errorf("Next = %+v", s.n)
	}
	commit(t, j, s.whole()...)
	if err := j.Verify(); err != nil {
		t.Error(err)
	}
}

func makeSample(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%s is there already, and stays as it is", path)
	}
	j := open(t, t.TempDir())
	sample(t, j)
	small, err := bbolt.Open(path, 0o644, &bbolt.Options{PageSize: pageSize, NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(bbolt.Compact(small, j.db, 0), small.Close()); err != nil {
		t.Fatal(err)
	}
}
