package offline

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/cloudpos/cloudpos/payment"
)

func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "var", "terminal") // made by Open
	j := open(t, dir)
	s := newStory(t, j)
	commit(t, j, s.whole()[:3]...)
	waiting := newStory(t, j)
	commit(t, j, waiting.authorising(1))
	before, err := j.List(9)
	if err != nil {
		t.Fatal(err)
	}
	last := j.Last()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Commit(s.mark(payment.Acknowledged)); !errors.Is(err, ErrStore) {
		t.Errorf("Commit after Close = %v, want ErrStore", err)
	}

	j = openWith(t, Opts{Dir: dir, Check: inChild("check", checkTime)})
	after, err := j.List(9)
	if err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("List = %+v, %v\nwant %+v", after, err, before)
	}
	if got := j.Last(); !got.Equal(last) {
		t.Errorf("Last = %v, want %v", got, last)
	}
	if st := j.Stats(); st.Unfinished != 1 || st.Outbox != 1 || st.Spool != 0 || st.Entries != 4 || st.Commits != 0 {
		t.Errorf("Stats = %+v", st)
	}
	if n, err := j.Next(); err != nil || n.ID.Seq != 3 || n.STAN != 3 {
		t.Errorf("Next = %+v, %v", n, err)
	}
	if n := j.Notices(); len(n) != 0 {
		t.Errorf("Notices = %v", n)
	}
	commit(t, j, s.mark(payment.Acknowledged), waiting.ends(payment.Reversing))
}

func TestOpenRefusals(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	commit(t, j, newStory(t, j).whole()...)

	if _, err := Open(Opts{Dir: dir, Terminal: terminal}); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second Open = %v, want ErrInUse", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "dev:t1/2", strings.Repeat("x", 65)} {
		if _, err := Open(Opts{Dir: dir, Terminal: name}); err == nil {
			t.Errorf("Open for terminal %q succeeded", name)
		}
	}
	if _, err := Open(Opts{Dir: dir, Terminal: "dev:t2"}); err == nil || !strings.Contains(err.Error(), `"dev:t1"`) {
		t.Errorf("Open for another terminal = %v", err)
	}
	if err := os.Remove(filepath.Join(dir, epochName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Opts{Dir: dir, Terminal: "dev:t2"}); err == nil || !strings.Contains(err.Error(), `"dev:t1"`) {
		t.Errorf("Open for another terminal without an epoch file = %v", err)
	}
	file := filepath.Join(dir, fileName)
	if _, err := Open(Opts{Dir: file, Terminal: terminal}); !errors.Is(err, ErrStore) {
		t.Errorf("Open of a file as a folder = %v, want ErrStore", err)
	}
}

// What a check says decides between a sale, a refusal and a new journal.
func TestCheckVerdicts(t *testing.T) {
	noProgram := CheckInChild(checkTime, func(string) []string { return []string{"/nonexistent/program"} })
	tests := map[string]struct {
		check   func(string) error
		want    error // of Open; nil when it opens
		damaged bool  // puts the file aside
	}{
		"sound":           {check: inChild("check", checkTime)},
		"damaged":         {check: inChild("exit 10", checkTime), damaged: true},
		"crashed":         {check: inChild("exit 2", checkTime), damaged: true},
		"hangs":           {check: inChild("hang", 50*time.Millisecond), damaged: true},
		"newer":           {check: inChild("exit 11", checkTime), want: ErrNewer},
		"in use":          {check: inChild("exit 12", checkTime), want: ErrInUse},
		"stopped":         {check: inChild("stopped", checkTime), want: errAny},
		"unknown":         {check: inChild("exit 1", checkTime), want: errAny},
		"no such program": {check: noProgram, want: errAny},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir)
			commit(t, j, newStory(t, j).whole()...)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			j, err := Open(Opts{Dir: dir, Terminal: terminal, Check: test.check})
			if test.want != nil {
				if !isError(err, test.want) {
					t.Errorf("Open = %v, want %v", err, test.want)
				}
				j = open(t, dir) // and nothing has happened to it
			} else if err != nil {
				t.Fatalf("Open: %v", err)
			}
			wantEpoch, wantEntries := uint32(1), uint64(4)
			if test.damaged {
				wantEpoch, wantEntries = 2, 0
			}
			if epoch, _ := j.Head(); epoch != wantEpoch || j.Stats().Entries != wantEntries {
				t.Errorf("epoch %d with %d entries, want %d with %d", epoch, j.Stats().Entries, wantEpoch, wantEntries)
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// errAny stands for an error without a name.
var errAny = errors.New("any")

func isError(got, want error) bool {
	return errors.Is(got, want) || got != nil && errors.Is(want, errAny)
}

func TestNewerFormats(t *testing.T) {
	tests := map[string]func(*bbolt.Tx) error{
		"layout": func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyFormat, []byte{0, format + 1}) },
		"entry": func(tx *bbolt.Tx) error {
			_, end, err := readMeta(tx)
			if err != nil {
				return err
			}
			end.count++
			end.key = lineKey(payment.ID{Epoch: 1, Seq: 2}, 1)
			line := makeLine(end.key[:], end.count, payment.Schema+1, end.head, []byte(`{"of":"tomorrow"}`))
			end.head = lineHash(end.key[:], line)
			return errors.Join(tx.Bucket(bucketLog).Put(end.key[:], line), writeAnchor(tx, end))
		},
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir)
			commit(t, j, newStory(t, j).whole()...)
			if err := errors.Join(j.db.Update(edit), j.Close()); err != nil {
				t.Fatal(err)
			}
			for name, check := range map[string]func(string) error{"": nil, " with a check": inChild("check", checkTime)} {
				_, err := Open(Opts{Dir: dir, Terminal: terminal, Check: check})
				if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "written by a newer program") {
					t.Errorf("Open%s = %v, want ErrNewer", name, err)
				}
			}
			if kept, err := filepath.Glob(filepath.Join(dir, "*damaged*")); err != nil || len(kept) > 0 {
				t.Errorf("put aside: %v, %v", kept, err)
			}
		})
	}
}

func TestEpochRules(t *testing.T) {
	const none = ""
	tests := []struct {
		name    string
		journal uint32 // epoch of the file, 0 for none
		damage  bool
		side    string // content of the epoch file
		cloud   uint32
		want    uint32
		wantErr error
	}{
		{"first start", 0, false, none, 0, 1, nil},
		{"first start, known to the cloud", 0, false, none, 4, 5, nil},
		{"as it was", 3, false, side(3), 3, 3, nil},
		{"cloud behind", 3, false, side(3), 2, 3, nil},
		{"cloud ahead", 3, false, side(3), 5, 6, nil},
		{"journal lost", 0, false, side(3), 0, 4, nil},
		{"journal lost, cloud ahead", 0, false, side(3), 8, 9, nil},
		{"journal lost, cloud behind", 0, false, side(3), 2, 4, nil},
		{"journal is an old copy", 2, false, side(5), 0, 6, nil},
		{"epoch file lost", 3, false, none, 0, 3, nil},
		{"epoch file damaged", 3, false, "{", 0, 3, nil},
		{"epoch file behind", 3, false, side(1), 0, 3, nil},
		{"journal damaged", 3, true, side(3), 0, 4, nil},
		{"both damaged", 3, true, "{}", 0, 0, ErrEpoch},
		{"both damaged, cloud knows", 3, true, "{}", 3, 4, nil},
		{"damaged and lost", 3, true, none, 0, 0, ErrEpoch},
		{"lost and damaged", 0, false, "", 0, 1, nil},
		{"epochs used up", 0, false, side(math.MaxUint32), 0, 0, errAny},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if test.journal > 0 {
				j := openWith(t, Opts{Dir: dir, MinEpoch: test.journal - 1})
				commit(t, j, newStory(t, j).whole()...)
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
			}
			file, epoch := filepath.Join(dir, fileName), filepath.Join(dir, epochName)
			if test.damage {
				write(t, file, "not a journal")
			}
			if test.side == none {
				_ = os.Remove(epoch)
			} else {
				write(t, epoch, test.side)
			}
			j, err := Open(Opts{Dir: dir, Terminal: terminal, MinEpoch: test.cloud, Check: inChild("check", checkTime)})
			if test.wantErr != nil {
				if !isError(err, test.wantErr) {
					t.Fatalf("Open = %v, want %v", err, test.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			if got, _ := j.Head(); got != test.want {
				t.Errorf("epoch %d, want %d", got, test.want)
			}
			commit(t, j, newStory(t, j).whole()...)
			if err := errors.Join(j.Verify(), j.Close()); err != nil {
				t.Error(err)
			}
			// Both places agree now.
			if got, err := readEpoch(dir, terminal); err != nil || got != test.want {
				t.Errorf("epoch file = %d, %v, want %d", got, err, test.want)
			}
			if got, _ := open(t, dir).Head(); got != test.want {
				t.Errorf("epoch after a restart %d, want %d", got, test.want)
			}
		})
	}
}

func side(epoch uint32) string { return fmt.Sprintf(`{"terminal":%q,"epoch":%d}`, terminal, epoch) }

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNotices(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, fileName), "not a journal")
	now := func() time.Time { return noon }
	j = openWith(t, Opts{Dir: dir, Now: now})
	if n := j.Notices(); len(n) != 1 || n[0].Code != NoticeDamaged || !n[0].At.Equal(noon) || !strings.Contains(n[0].Text, "journal.db.damaged-1") {
		t.Errorf("Notices = %+v", n)
	}
	if err := errors.Join(j.RaiseEpoch(9), j.Close()); err != nil {
		t.Fatal(err)
	}
	if n := j.Notices(); len(n) != 2 || n[1].Code != NoticeEpoch {
		t.Errorf("Notices = %+v", n)
	}
	// It is not forgotten at the next start, and the name is not used again.
	write(t, filepath.Join(dir, fileName), "not a journal either")
	j = openWith(t, Opts{Dir: dir, Now: now})
	if n := j.Notices(); len(n) != 2 || n[0].Code != NoticeKept || !strings.Contains(n[1].Text, "journal.db.damaged-2") {
		t.Errorf("Notices = %+v", n)
	}
	for n, want := range map[int]string{1: "not a journal", 2: "not a journal either"} {
		got, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("journal.db.damaged-%d", n)))
		if err != nil || string(got) != want {
			t.Errorf("journal.db.damaged-%d = %q, %v, want %q", n, got, err, want)
		}
	}
}

// drained makes a journal that is mostly free pages.
func drained(t *testing.T, edit func(*bbolt.Tx) error) (dir string, bytes int64) {
	t.Helper()
	dir = t.TempDir()
	j := open(t, dir)
	commit(t, j, newStory(t, j).whole()...)
	filler := []byte("filler")
	fill := func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(filler)
		if err != nil {
			return err
		}
		return b.Put(filler, make([]byte, 2*compactMin))
	}
	drain := func(tx *bbolt.Tx) error { return tx.DeleteBucket(filler) }
	if err := errors.Join(j.db.Update(fill), j.db.Update(drain), j.db.Update(edit), j.Close()); err != nil {
		t.Fatal(err)
	}
	return dir, size(t, j.path)
}

// A copy that is not sound does not replace the journal.
func TestCompactionFails(t *testing.T) {
	dir, before := drained(t, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketSpool).Put(idKey(payment.ID{Epoch: 1, Seq: 1}), []byte{})
	})
	j := open(t, dir)
	if n := j.Notices(); len(n) != 1 || n[0].Code != NoticeCompact {
		t.Errorf("Notices = %+v", n)
	}
	if after := j.Stats().FileBytes; after != before {
		t.Errorf("%d bytes became %d", before, after)
	}
	commit(t, j, newStory(t, j).whole()...)
}

func TestCompaction(t *testing.T) {
	dir, before := drained(t, func(*bbolt.Tx) error { return nil })
	j := open(t, dir)
	if after := j.Stats().FileBytes; before < 2*compactMin || after > compactMin {
		t.Errorf("%d bytes became %d", before, after)
	}
	if err := j.Verify(); err != nil {
		t.Error(err)
	}
	if info := j.db.Info(); info.PageSize != pageSize {
		t.Errorf("page size %d after compaction", info.PageSize)
	}
	commit(t, j, newStory(t, j).whole()...)
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("folder holds %v, %v, want journal and epoch", files, err)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// The disk fails after the last write: the file may hold the entry, so nothing
// more is written on top of what is not known.
func TestCommitInDoubt(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	commit(t, j, newStory(t, j).whole()...)
	next := j.end
	next.last++
	err := j.update(next, func(tx *bbolt.Tx) error {
		tx.OnCommit(func() { panic("the disk is gone") })
		return writeAnchor(tx, next)
	})
	if !errors.Is(err, ErrStore) || !strings.Contains(err.Error(), "the disk is gone") {
		t.Fatalf("update = %v, want ErrStore", err)
	}
	if _, err := j.Next(); !errors.Is(err, ErrStore) {
		t.Errorf("Next = %v, want ErrStore", err)
	}
	s := story{n: payment.Numbers{ID: payment.ID{Terminal: terminal, Epoch: 1, Seq: 2}}, t: noon}
	if err := errors.Join(j.Commit(s.authorising(1)), j.RaiseEpoch(5)); !errors.Is(err, ErrStore) {
		t.Errorf("Commit = %v, want ErrStore", err)
	}
	if _, err := j.List(1); err != nil { // what is there stays readable
		t.Errorf("List: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	commit(t, j, newStory(t, j).whole()...)
}

// A failed write that left nothing behind does not end the journal.
func TestCommitFailsCleanly(t *testing.T) {
	j := open(t, t.TempDir())
	next := j.end
	next.seq++
	cause := errors.New("no luck")
	err := j.update(next, func(*bbolt.Tx) error { return cause })
	if !errors.Is(err, ErrStore) || !errors.Is(err, cause) {
		t.Errorf("update = %v, want ErrStore and its cause", err)
	}
	s := newStory(t, j)
	if s.n.ID.Seq != 1 {
		t.Errorf("Next = %v", s.n.ID)
	}
	commit(t, j, s.whole()...)
}
