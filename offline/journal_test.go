package offline

import (
	"errors"
	"iter"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/payment"
)

// journal is what both forms are.
type journal interface {
	payment.Journal
	Queue
	Outbox() iter.Seq2[payment.Record, error]
	List(limit int) ([]payment.Record, error)
	Last() time.Time
	Head() (epoch uint32, seq uint64)
	RaiseEpoch(cloudEpoch uint32) error
	CatchUp(cloudEpoch uint32, cloudSeq uint64) error
	Verify() error
	Close() error
}

var (
	_ journal = (*Journal)(nil)
	_ journal = (*Memory)(nil)
)

func open(t testing.TB, dir string) *Journal {
	t.Helper()
	return openWith(t, Opts{Dir: dir})
}

func openWith(t testing.TB, opts Opts) *Journal {
	t.Helper()
	if opts.Terminal == "" {
		opts.Terminal = terminal
	}
	j, err := Open(opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return j
}

func TestConformance(t *testing.T) {
	forms := map[string]func(t *testing.T) journal{
		"disk":   func(t *testing.T) journal { return open(t, t.TempDir()) },
		"memory": func(*testing.T) journal { return NewMemory(terminal) },
	}
	suite := map[string]func(*testing.T, journal){
		"numbers":     testNumbers,
		"wrap":        testWrap,
		"life":        testLife,
		"reversal":    testReversal,
		"refusals":    testRefusals,
		"list":        testList,
		"isolation":   testIsolation,
		"changed":     testChanged,
		"last":        testLast,
		"epoch":       testEpoch,
		"interleaved": testInterleaved,
	}
	for form, make := range forms {
		for name, test := range suite {
			t.Run(form+"/"+name, func(t *testing.T) {
				j := make(t)
				test(t, j)
				if err := j.Verify(); err != nil {
					t.Errorf("Verify: %v", err)
				}
			})
		}
	}
}

func testNumbers(t *testing.T, j journal) {
	want := payment.Numbers{ID: payment.ID{Terminal: terminal, Epoch: 1, Seq: 1}, STAN: 1, Receipt: 1}
	for range 2 { // nothing is taken by asking
		if got, err := j.Next(); err != nil || got != want {
			t.Fatalf("Next = %+v, %v, want %+v", got, err, want)
		}
	}
	s := newStory(t, j)
	commit(t, j, s.authorising(1), s.authorising(2), s.ends(payment.Declined))
	commit(t, j, newStory(t, j).opens(payment.Cancelled)) // has no STAN
	want = payment.Numbers{ID: payment.ID{Terminal: terminal, Epoch: 1, Seq: 3}, STAN: 3, Receipt: 3}
	if got, err := j.Next(); err != nil || got != want {
		t.Errorf("Next = %+v, %v, want %+v", got, err, want)
	}
	if epoch, seq := j.Head(); epoch != 1 || seq != 2 {
		t.Errorf("Head = %d/%d, want 1/2", epoch, seq)
	}
}

func testWrap(t *testing.T, j journal) {
	s := newStory(t, j)
	s.n.STAN, s.n.Receipt = 999_999, 999_999
	commit(t, j, s.authorising(1))
	if n, err := j.Next(); err != nil || n.STAN != 1 || n.Receipt != 1 {
		t.Errorf("after 999999 Next = %+v, %v, want STAN 1 and receipt 1", n, err)
	}
}

func testLife(t *testing.T, j journal) {
	s := newStory(t, j)
	steps := []struct {
		entry                     payment.Entry
		unfinished, outbox, spool int
	}{
		{s.authorising(1), 1, 0, 0},
		{s.ends(payment.Approved), 0, 1, 1},
		{s.mark(payment.Printed), 0, 1, 0},
		{s.mark(payment.Acknowledged), 0, 0, 0},
	}
	for i, step := range steps {
		commit(t, j, step.entry)
		r, err := j.Load(s.n.ID)
		if err != nil || r.Version != i+1 {
			t.Fatalf("Load = version %d, %v, want %d", r.Version, err, i+1)
		}
		got := [3]int{count(t, j.Unfinished()), count(t, j.Outbox()), count(t, j.Spool())}
		if want := [3]int{step.unfinished, step.outbox, step.spool}; got != want {
			t.Errorf("after entry %d unfinished, outbox, spool = %v, want %v", i+1, got, want)
		}
		st := j.Stats()
		if got := [3]int{st.Unfinished, st.Outbox, st.Spool}; got != [3]int{step.unfinished, step.outbox, step.spool} {
			t.Errorf("after entry %d Stats = %+v", i+1, st)
		}
		if st.Commits != uint64(i+1) || st.Entries != uint64(i+1) || st.Bytes == 0 {
			t.Errorf("after entry %d Stats = %+v", i+1, st)
		}
	}
	want, err := payment.Fold(s.whole())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := j.Load(s.n.ID); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Load = %+v, %v\nwant %+v", got, err, want)
	}
}

func count(t testing.TB, records iter.Seq2[payment.Record, error]) int {
	t.Helper()
	n := 0
	for r, err := range records {
		if err != nil {
			t.Errorf("%v: %v", r.ID, err)
		}
		n++
	}
	return n
}

func testReversal(t *testing.T, j journal) {
	s := newStory(t, j)
	commit(t, j, s.authorising(1), s.ends(payment.Reversing))
	for r, err := range j.Outbox() {
		if err != nil || r.ID != s.n.ID || r.Pending() != payment.Reverse {
			t.Errorf("Outbox gives %v, %q, %v", r.ID, r.Pending(), err)
		}
	}
	if n := count(t, j.Outbox()); n != 1 {
		t.Errorf("%d records in the outbox, want 1", n)
	}
	commit(t, j, s.reversed())
	if n := count(t, j.Outbox()) + count(t, j.Unfinished()); n != 0 {
		t.Errorf("%d records wait after the reversal, want 0", n)
	}
}

func testRefusals(t *testing.T, j journal) {
	first := newStory(t, j)
	commit(t, j, first.authorising(1))
	next := newStory(t, j)
	foreign, skipped, old, tooLong := next, next, next, next
	foreign.n.ID.Terminal = "dev:t2"
	skipped.n.ID.Seq++
	old.n.ID.Epoch = 0
	withTrack, withChip := next.authorising(1), next.authorising(1)
	withTrack.Attempt.Card.Track = []byte{1}
	withChip.Attempt.Card.Chip = []byte{1}
	withPIN := next.opens(payment.Declined)
	withPIN.Ending.Card.PIN = []byte{1}
	entries := map[string]payment.Entry{
		"opened twice":      first.authorising(1),
		"mark without end":  first.mark(payment.Printed),
		"other terminal":    foreign.authorising(1),
		"sequence left out": skipped.authorising(1),
		"old epoch":         old.authorising(1),
		"no opening":        next.ends(payment.Declined),
		"track":             withTrack,
		"attempt's chip":    withChip,
		"PIN":               withPIN,
	}
	before := j.Stats()
	for name, e := range entries {
		if err := j.Commit(e); !errors.Is(err, payment.ErrTransition) {
			t.Errorf("%s: Commit = %v, want ErrTransition", name, err)
		}
	}
	large := tooLong.opens(payment.Declined)
	large.Ending.Card.Chip = make([]byte, lineMax)
	if err := j.Commit(large); err == nil {
		t.Error("an entry of more than 64 KB was taken")
	}
	if after := j.Stats(); after != before {
		t.Errorf("refusals changed %+v to %+v", before, after)
	}
	for _, id := range []payment.ID{next.n.ID, foreign.n.ID} {
		if _, err := j.Load(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("Load(%v) = %v, want ErrNotFound", id, err)
		}
	}
}

func testList(t *testing.T, j journal) {
	const n = 2*keysMax + 10 // more than one read copies
	for range n {
		s := newStory(t, j)
		commit(t, j, s.authorising(1), s.ends(payment.Approved))
	}
	list, err := j.List(3)
	if err != nil || len(list) != 3 {
		t.Fatalf("List(3) = %d records, %v", len(list), err)
	}
	for i, r := range list {
		if want := uint64(n - i); r.ID.Seq != want || r.State != payment.Approved {
			t.Errorf("List[%d] = %v %s, want sequence %d", i, r.ID, r.State, want)
		}
	}
	if list, err = j.List(n + 5); err != nil || len(list) != n {
		t.Errorf("List = %d records, %v, want %d", len(list), err, n)
	}
	if list, err = j.List(0); err != nil || len(list) != 0 {
		t.Errorf("List(0) = %d records, %v", len(list), err)
	}
	// Oldest first, while the loop itself commits.
	var seq uint64
	for r, err := range j.Spool() {
		seq++
		if err != nil || r.ID.Seq != seq {
			t.Fatalf("Spool gives %v, %v, want sequence %d", r.ID, err, seq)
		}
		commit(t, j, story{n: payment.Numbers{ID: r.ID}, t: noon}.mark(payment.Printed))
	}
	if got := count(t, j.Spool()); seq != n || got != 0 {
		t.Errorf("%d slips given of %d, %d are left", seq, n, got)
	}
}

func testIsolation(t *testing.T, j journal) {
	s := newStory(t, j)
	e := s.authorising(1)
	commit(t, j, e)
	e.Attempt.Card.Account[0] ^= 0xFF // the caller's slice is the caller's
	r, err := j.Load(s.n.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.Attempts[0].Card.Account[1] ^= 0xFF
	again, err := j.Load(s.n.ID)
	if want := s.card(); err != nil || !reflect.DeepEqual(again.Attempts[0].Card, want) {
		t.Errorf("Load = %+v, %v, want %+v", again.Attempts[0].Card, err, want)
	}
}

func testChanged(t *testing.T, j journal) {
	first, second := j.Changed(), j.Changed()
	s := newStory(t, j)
	if err := j.Commit(s.mark(payment.Printed)); err == nil {
		t.Fatal("a mark without a record was taken")
	}
	select {
	case <-first:
		t.Error("Changed fired without a commit")
	default:
	}
	commit(t, j, s.authorising(1))
	for _, c := range []<-chan struct{}{first, second} { // everyone is woken
		select {
		case <-c:
		default:
			t.Error("Changed did not fire")
		}
	}
	select {
	case <-j.Changed():
		t.Error("Changed fired for a commit before it")
	default:
	}
}

func testLast(t *testing.T, j journal) {
	if got := j.Last(); !got.IsZero() {
		t.Errorf("Last of an empty journal = %v", got)
	}
	s := newStory(t, j)
	commit(t, j, s.authorising(1))
	untrusted := s.ends(payment.Approved)
	untrusted.At, untrusted.ClockTrusted = s.t.AddDate(50, 0, 0), false
	earlier := s.mark(payment.Printed)
	earlier.At = s.t.Add(-time.Hour)
	commit(t, j, untrusted, earlier)
	if got := j.Last(); !got.Equal(s.t) {
		t.Errorf("Last = %v, want %v", got, s.t)
	}
}

func testEpoch(t *testing.T, j journal) {
	s := newStory(t, j)
	commit(t, j, s.authorising(1))
	stale := newStory(t, j)
	steps := []struct {
		epoch     uint32
		seq       uint64
		wantEpoch uint32
		wantSeq   uint64
	}{
		{0, 99, 1, 1}, // the cloud is behind us
		{1, 1, 1, 1},  // it knows what we know
		{1, 2, 2, 0},  // it has seen more of our epoch: we are an old copy
		{1, 9, 2, 0},  // an epoch which we have left
		{7, 0, 8, 0},  // it has seen a higher one
	}
	for _, step := range steps {
		if err := j.CatchUp(step.epoch, step.seq); err != nil {
			t.Fatalf("CatchUp(%d, %d): %v", step.epoch, step.seq, err)
		}
		if epoch, seq := j.Head(); epoch != step.wantEpoch || seq != step.wantSeq {
			t.Errorf("after CatchUp(%d, %d) Head = %d/%d, want %d/%d", step.epoch, step.seq, epoch, seq, step.wantEpoch, step.wantSeq)
		}
	}
	if err := j.RaiseEpoch(math.MaxUint32); err == nil {
		t.Error("RaiseEpoch beyond the last epoch succeeded")
	}
	if err := j.Commit(stale.authorising(1)); !errors.Is(err, payment.ErrTransition) {
		t.Errorf("Commit with numbers of an old epoch = %v, want ErrTransition", err)
	}
	commit(t, j, s.ends(payment.Reversing)) // an open record goes on
	s = newStory(t, j)
	if want := (payment.ID{Terminal: terminal, Epoch: 8, Seq: 1}); s.n.ID != want || s.n.STAN != 2 || s.n.Receipt != 2 {
		t.Errorf("Next = %+v, want %v with STAN 2 and receipt 2", s.n, want)
	}
	commit(t, j, s.whole()...)
	if list, err := j.List(9); err != nil || len(list) != 2 || list[0].ID.Epoch != 8 {
		t.Errorf("List = %d records, %v", len(list), err)
	}
}

// An acknowledgement of an old sale may come in the middle of a new one.
func testInterleaved(t *testing.T, j journal) {
	var stories []story
	for range 5 {
		s := newStory(t, j)
		commit(t, j, s.authorising(1))
		stories = append(stories, s)
	}
	for i := range stories {
		s := stories[len(stories)-1-i]
		commit(t, j, s.whole()[1:]...)
	}
	for _, s := range stories {
		if r, err := j.Load(s.n.ID); err != nil || r.Version != 4 || !r.Acknowledged {
			t.Errorf("Load(%v) = version %d, %v", s.n.ID, r.Version, err)
		}
	}
	if n, err := j.Next(); err != nil || n.STAN != 6 {
		t.Errorf("Next = %+v, %v, want STAN 6", n, err)
	}
}
