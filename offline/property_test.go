package offline

import (
	"errors"
	"iter"
	"os"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cloudpos/cloudpos/payment"
)

// Any history is taken or refused alike by disk and memory, an entry at a time
// and with restarts in between, and folds to the same records.
func TestHistories(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(root, "")
		if err != nil {
			rt.Fatal(err)
		}
		disk, err := Open(Opts{Dir: dir, Terminal: terminal})
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = disk.Close() }()
		memory := NewMemory(terminal)
		var known []payment.Numbers
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch rapid.IntRange(0, 19).Draw(rt, "step") {
			case 0: // power cut
				if err := disk.Close(); err != nil {
					rt.Fatal(err)
				}
				if disk, err = Open(Opts{Dir: dir, Terminal: terminal}); err != nil {
					rt.Fatal(err)
				}
			case 1: // the cloud has seen more
				epoch, seq := rapid.Uint32Range(0, 3).Draw(rt, "epoch"), rapid.Uint64Range(0, 3).Draw(rt, "seq")
				if err := errors.Join(disk.CatchUp(epoch, seq), memory.CatchUp(epoch, seq)); err != nil {
					rt.Fatal(err)
				}
			default:
				e := drawEntry(rt, memory, &known)
				onDisk, inMemory := disk.Commit(e), memory.Commit(e)
				if (onDisk == nil) != (inMemory == nil) {
					rt.Fatalf("entry %+v: disk says %v, memory %v", e, onDisk, inMemory)
				}
				if onDisk != nil && !errors.Is(onDisk, payment.ErrTransition) {
					rt.Fatalf("entry %+v: %v", e, onDisk)
				}
			}
			if d, m := disk.Stats(), memory.Stats(); d.Entries != m.Entries || d.Unfinished != m.Unfinished || d.Outbox != m.Outbox || d.Spool != m.Spool {
				rt.Fatalf("disk has %+v, memory %+v", d, m)
			}
		}
		same(rt, disk, memory)
	})
}

// drawEntry draws mostly entries that follow, and some that do not.
func drawEntry(rt *rapid.T, j journal, known *[]payment.Numbers) payment.Entry {
	if len(*known) == 0 || rapid.IntRange(0, 2).Draw(rt, "new") == 0 {
		n, err := j.Next()
		if err != nil {
			rt.Fatal(err)
		}
		s := story{n: n, t: noon.Add(time.Duration(n.ID.Seq) * time.Minute)}
		*known = append(*known, n)
		return rapid.SampledFrom([]payment.Entry{
			s.authorising(1), s.authorising(1), s.opens(payment.Approved), s.opens(payment.Declined), s.opens(payment.Cancelled),
			s.opens(payment.Reversing), s.ends(payment.Approved),
		}).Draw(rt, "opening")
	}
	n := rapid.SampledFrom(*known).Draw(rt, "record")
	s := story{n: n, t: noon}
	offline := s.ends(payment.Approved)
	offline.Ending.Offline = true
	return rapid.SampledFrom([]payment.Entry{
		s.ends(payment.Approved), offline, s.authorising(2), s.ends(payment.Declined), s.ends(payment.Reversing),
		s.reversed(), s.mark(payment.Printed), s.mark(payment.Acknowledged), s.mark("smudged"),
		s.signs(), s.mark(payment.SignedCopy),
	}).Draw(rt, "entry")
}

// same compares all that both can tell.
func same(rt *rapid.T, disk *Journal, memory *Memory) {
	for name, each := range map[string][2]iter.Seq2[payment.Record, error]{
		"unfinished": {disk.Unfinished(), memory.Unfinished()},
		"outbox":     {disk.Outbox(), memory.Outbox()},
		"spool":      {disk.Spool(), memory.Spool()},
	} {
		if d, m := collect(rt, each[0]), collect(rt, each[1]); !reflect.DeepEqual(d, m) {
			rt.Errorf("%s: disk has %+v\nmemory %+v", name, d, m)
		}
	}
	d, errD := disk.List(100)
	m, errM := memory.List(100)
	if errD != nil || errM != nil || len(d)+len(m) > 0 && !reflect.DeepEqual(d, m) {
		rt.Errorf("List: disk has %+v, %v\nmemory %+v, %v", d, errD, m, errM)
	}
	nextD, errD := disk.Next()
	nextM, errM := memory.Next()
	if nextD != nextM || errD != nil || errM != nil || !disk.Last().Equal(memory.Last()) {
		rt.Errorf("Next: disk gives %+v, %v, memory %+v, %v", nextD, errD, nextM, errM)
	}
	if err := errors.Join(disk.Verify(), memory.Verify()); err != nil {
		rt.Error(err)
	}
}

func collect(rt *rapid.T, records iter.Seq2[payment.Record, error]) (list []payment.Record) {
	for r, err := range records {
		if err != nil {
			rt.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}
