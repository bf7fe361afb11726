package offline

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/payment"
)

// paper is a printer that remembers, and that can be out of paper.
type paper struct {
	mu    sync.Mutex
	out   error
	left  int // slips until the paper ends
	tries int
	slips []string
}

func (p *paper) print(_ context.Context, r payment.Record, which payment.Mark, isCopy bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
	if p.out != nil || p.left == 0 {
		return errors.Join(p.out, errPaper)
	}
	p.left--
	slip := fmt.Sprint(r.ID.Seq)
	if which == payment.SignedCopy {
		slip += " to sign"
	}
	if isCopy {
		slip += " copy"
	}
	p.slips = append(p.slips, slip)
	return nil
}

func newPaper() *paper { return &paper{left: 100} }

// load puts in paper for n slips.
func (p *paper) load(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = n
}

func (p *paper) set(out error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = out
}

func (p *paper) want(t *testing.T, tries int, slips ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tries != tries || !reflect.DeepEqual(p.slips, slips) {
		t.Errorf("%d tries for slips %q, want %d for %q", p.tries, p.slips, tries, slips)
	}
}

func sell(t *testing.T, j journal) {
	t.Helper()
	s := newStory(t, j)
	commit(t, j, s.authorising(1), s.ends(payment.Approved))
}

// spool runs a spooler in a bubble of virtual time.
func spool(t *testing.T, before func(*Memory, *paper), story func(*Memory, *paper, *Spooler)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		j, p := NewMemory(terminal), newPaper()
		before(j, p)
		s := NewSpooler(j, p.print, SpoolerOpts{Trusted: func() bool { return true }})
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { s.Run(ctx) })
		synctest.Wait()
		story(j, p, s)
		cancel()
		done.Wait()
	})
}

func nothing(*Memory, *paper) {}

var errPaper = errors.New("out of paper")

func TestSpoolerPrintsWhatIsApproved(t *testing.T) {
	spool(t, nothing, func(j *Memory, p *paper, s *Spooler) {
		sell(t, j)
		declined := newStory(t, j)
		commit(t, j, declined.authorising(1), declined.ends(payment.Declined))
		sell(t, j)
		synctest.Wait()
		p.want(t, 2, "1", "3")
		if got := s.Status(); got != (SpoolStatus{}) {
			t.Errorf("Status = %+v", got)
		}
		if r, err := j.Load(payment.ID{Terminal: terminal, Epoch: 1, Seq: 3}); err != nil || !r.Printed {
			t.Errorf("record is printed: %t, %v", r.Printed, err)
		}
	})
}

func TestSpoolerCopiesWhatWaited(t *testing.T) {
	before := func(j *Memory, p *paper) {
		sell(t, j)
		sell(t, j)
		p.out = errPaper
	}
	spool(t, before, func(j *Memory, p *paper, s *Spooler) {
		sell(t, j)
		p.set(nil)
		s.Retry()
		synctest.Wait()
		p.want(t, 4, "1 copy", "2 copy", "3")
	})
}

// A slip of which the printer did not tell how it ended may be whole.
func TestSpoolerCopiesWhatMayBePrinted(t *testing.T) {
	before := func(_ *Memory, p *paper) { p.out = fmt.Errorf("%w: line down", ErrMaybePrinted) }
	spool(t, before, func(j *Memory, p *paper, s *Spooler) {
		sell(t, j)
		synctest.Wait()
		p.set(errPaper) // it stays a copy, whatever comes between
		s.Retry()
		synctest.Wait()
		sell(t, j)
		p.set(nil)
		s.Retry()
		synctest.Wait()
		p.want(t, 4, "1 copy", "2")
	})
}

func TestSpoolerWaitsForPaper(t *testing.T) {
	spool(t, nothing, func(j *Memory, p *paper, s *Spooler) {
		p.set(errPaper)
		sell(t, j)
		synctest.Wait()
		p.want(t, 1)
		if got := s.Status(); got.Waiting != 1 || !errors.Is(got.Err, errPaper) {
			t.Errorf("Status = %+v", got)
		}
		sell(t, j) // a new sale is no reason to try
		synctest.Wait()
		p.want(t, 1)
		// Tries after 1, 3, 7, 15, 31 s, then every 30 s.
		for _, step := range []struct {
			after time.Duration
			tries int
		}{{time.Second, 2}, {2 * time.Second, 3}, {4 * time.Second, 4}, {24 * time.Second, 6}, {300 * time.Second, 16}} {
			time.Sleep(step.after)
			synctest.Wait()
			p.want(t, step.tries)
		}
		p.set(nil)
		s.Retry()
		synctest.Wait()
		p.want(t, 18, "1", "2")
		if got := s.Status(); got != (SpoolStatus{}) {
			t.Errorf("Status = %+v", got)
		}
	})
}

// A slip that is on paper is not printed again because the disk is full.
func TestSpoolerMarksLater(t *testing.T) {
	full := errors.New("no space left")
	before := func(_ *Memory, p *paper) { p.out = errPaper }
	spool(t, before, func(j *Memory, p *paper, s *Spooler) {
		sell(t, j)
		synctest.Wait()
		j.Fail(full)
		p.set(nil)
		s.Retry()
		time.Sleep(10 * time.Minute)
		p.want(t, 2, "1")
		if got := s.Status(); got.Waiting != 1 || !errors.Is(got.Err, ErrStore) || !errors.Is(got.Err, full) {
			t.Errorf("Status = %+v", got)
		}
		j.Fail(nil)
		s.Retry()
		synctest.Wait()
		p.want(t, 2, "1")
		if got := s.Status(); got != (SpoolStatus{}) {
			t.Errorf("Status = %+v", got)
		}
	})
}

// sellSigned is a sale whose customer has to sign.
func sellSigned(t *testing.T, j journal) story {
	t.Helper()
	s := newStory(t, j)
	commit(t, j, s.authorising(1), s.signs())
	return s
}

// A sale with a signature has two slips. The paper may end between them: what
// is printed is not printed again, and what is owed is not forgotten.
func TestSpoolerPrintsBothSlips(t *testing.T) {
	spool(t, nothing, func(j *Memory, p *paper, s *Spooler) {
		sellSigned(t, j)
		synctest.Wait()
		p.want(t, 2, "1 to sign", "1")
		p.load(1)
		sellSigned(t, j)
		sell(t, j)
		synctest.Wait()
		p.want(t, 4, "1 to sign", "1", "2 to sign")
		if got := s.Status(); got.Waiting != 2 || !errors.Is(got.Err, errPaper) {
			t.Errorf("Status = %+v", got)
		}
		p.load(9)
		s.Retry()
		synctest.Wait()
		p.want(t, 6, "1 to sign", "1", "2 to sign", "2", "3")
	})
}

// After a restart only the slip that was owed next may be on paper already.
func TestSpoolerCopiesOneOfTwo(t *testing.T) {
	before := func(j *Memory, p *paper) {
		sellSigned(t, j)
		half := sellSigned(t, j)
		commit(t, j, half.mark(payment.SignedCopy))
	}
	spool(t, before, func(_ *Memory, p *paper, _ *Spooler) {
		p.want(t, 3, "1 to sign copy", "1", "2 copy")
	})
}

// The second slip waits until the journal knows of the first.
func TestSpoolerMarksBetweenSlips(t *testing.T) {
	spool(t, nothing, func(j *Memory, p *paper, s *Spooler) {
		p.load(0)
		sellSigned(t, j)
		synctest.Wait()
		j.Fail(errors.New("no space left"))
		p.load(9)
		s.Retry()
		time.Sleep(10 * time.Minute)
		p.want(t, 2, "1 to sign")
		j.Fail(nil)
		s.Retry()
		synctest.Wait()
		p.want(t, 3, "1 to sign", "1")
	})
}

// Somebody else, like a reprint on demand, may set the mark first.
func TestSpoolerFindsMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := NewMemory(terminal)
		printed := 0
		s := NewSpooler(j, func(_ context.Context, r payment.Record, _ payment.Mark, _ bool) error {
			printed++
			return j.Commit(story{n: payment.Numbers{ID: r.ID}, t: noon}.mark(payment.Printed))
		}, SpoolerOpts{})
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { s.Run(ctx) })
		sell(t, j)
		synctest.Wait()
		if got := s.Status(); printed != 1 || got != (SpoolStatus{}) {
			t.Errorf("printed %d times, Status = %+v", printed, got)
		}
		cancel()
		done.Wait()
	})
}

// The printer may be in the middle of a slip when the program stops.
func TestSpoolerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := NewMemory(terminal)
		s := NewSpooler(j, func(ctx context.Context, _ payment.Record, _ payment.Mark, _ bool) error {
			<-ctx.Done()
			return ctx.Err()
		}, SpoolerOpts{})
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { s.Run(ctx) })
		sell(t, j)
		synctest.Wait()
		cancel()
		done.Wait()
		if got := s.Status(); got.Waiting != 1 || got.Err != nil {
			t.Errorf("Status = %+v", got)
		}
	})
}

// On the disk as in memory.
func TestSpoolerOnDisk(t *testing.T) {
	j, p := open(t, t.TempDir()), newPaper()
	sell(t, j)
	s := NewSpooler(j, p.print, SpoolerOpts{})
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { s.Run(ctx) })
	for {
		changed := j.Changed()
		if s.Status().Waiting == 0 {
			break
		}
		<-changed
	}
	cancel()
	done.Wait()
	p.want(t, 1, "1 copy")
}
