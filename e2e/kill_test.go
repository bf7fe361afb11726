package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cloudpos/cloudpos/e2e/killer"
	"github.com/cloudpos/cloudpos/e2e/rig"
)

// killRigs is how many installations count side by side. They wait a lot.
const killRigs = 4

// Bounds of counting: a sale with more calls than callsMax does not end, and
// one with fewer than callsMin was not counted.
const (
	callsMax = 1000
	callsMin = 20
)

// renewEach is after how many kills an installation gets empty books: what the
// four of them say is compared after each.
const renewEach = 20

// cut is a program that the killer ends before one of its calls.
type cut struct {
	opts  killer.Opts
	trace killer.Trace
}

// launch starts the program under the killer.
func (c *cut) launch(t *testing.T) rig.Launch {
	return func(cmd *exec.Cmd) (func() error, error) {
		p, err := killer.Start(t.Context(), cmd, c.opts)
		if err != nil {
			return nil, err
		}
		return func() (err error) {
			c.trace, err = p.Wait()
			return err
		}, nil
	}
}

// needKiller leaves a test on a system without the killer.
func needKiller(t *testing.T) {
	t.Helper()
	_, err := killer.Run(t.Context(), exec.Command(programs.Terminal, "version"), killer.Opts{})
	if errors.Is(err, killer.ErrUnsupported) && (os.Getenv("CI") == "" || runtime.GOARCH != "amd64") {
		t.Skip(err)
	}
	must(t, err) // a build machine must have it
}

// points counts kill points by kind.
type points [killer.Send + 1]int

func (p *points) add(c killer.Call) { p[c.Kind]++ }

func (p *points) sum() (n int) {
	for _, k := range p {
		n += k
	}
	return n
}

// String lists the kinds that there were: "81 points: 1 create, 18 write ...".
func (p *points) String() string {
	var kinds []string
	for kind, n := range p {
		if n > 0 {
			kinds = append(kinds, fmt.Sprintf("%d %v", n, killer.Kind(kind)))
		}
	}
	return fmt.Sprintf("%d points: %s", p.sum(), strings.Join(kinds, ", "))
}

// ruin is a story in which a program is killed before its n-th call. It returns
// what the cashier was told, nil if nothing, and leaves no agent but a cloud.
type ruin struct {
	name, card string
	exit       int // of the sale if nothing is killed
	kill       func(t *testing.T, r *rig.Rig, card string, n int) (killer.Trace, *rig.Report)
}

// count has several installations kill at n = 1, 2, 3 ... until none of them
// is killed any more.
func (c ruin) count(t *testing.T, rigs []*rig.Rig) {
	var next, told atomic.Int32
	var mu sync.Mutex
	var counted points
	var work sync.WaitGroup
	for i, r := range rigs {
		work.Go(func() {
			t.Run(fmt.Sprint("rig ", i), func(t *testing.T) {
				for runs := 0; ; runs++ {
					if runs%renewEach == 0 {
						must(t, r.Renew())
						must(t, c.sell(t.Context(), r)) // the files of a new terminal are a story of their own
					}
					n := int(next.Add(1))
					trace, report := c.kill(t, r, c.card, n)
					if report != nil && trace.Killed {
						told.Add(1)
					}
					if err := c.restart(t.Context(), r, report); err != nil {
						t.Errorf("killed at %d: %v\n%v", n, err, trace)
					}
					if !trace.Killed {
						return
					}
					mu.Lock()
					counted.add(trace.Calls[len(trace.Calls)-1])
					mu.Unlock()
					if n > callsMax {
						t.Fatalf("more than %d calls", callsMax)
					}
				}
			})
		})
	}
	work.Wait()
	if counted.sum() < callsMin {
		t.Errorf("%v: too few, something is not counted", &counted)
	}
	t.Logf("%s: killed at each of %v; the cashier had been told %d times", c.name, &counted, told.Load())
}

// restart demands that everything settles and agrees, that no promise is
// broken, and that the next sale goes as ever.
func (c ruin) restart(ctx context.Context, r *rig.Rig, told *rig.Report) error {
	if err := r.StartAgent(ctx); err != nil {
		return errors.Join(fmt.Errorf("start again: %w", err), r.Agent.Stop())
	}
	err := r.Agree(ctx)
	if told != nil {
		err = errors.Join(err, r.Keeps(ctx, *told))
	}
	return errors.Join(err, c.sell(ctx, r), r.Agree(ctx), r.Agent.Stop())
}

// sell sells while nothing is killed.
func (c ruin) sell(ctx context.Context, r *rig.Rig) error {
	report, err := r.Sale(ctx, "--amount", "12.50", "--card", c.card)
	if err == nil && report.Exit != c.exit {
		err = fmt.Errorf("a sale without a kill: exit %d, want %d (%s)", report.Exit, c.exit, report.Error)
	}
	return err
}

// TestKills kills the terminal or the cloud before each write, fsync and send
// that a sale makes it do, and starts it again.
func TestKills(t *testing.T) {
	t.Parallel()
	if rig.Race {
		t.Skip("with the race detector: the points are counted in the programs as they are shipped")
	}
	needKiller(t)
	var rigs []*rig.Rig
	for range killRigs {
		rigs = append(rigs, newRig(t, rig.Opts{HostSeconds: 3}))
	}
	for _, c := range []ruin{
		{"sale, approved", "approve", 0, killSale},
		{"sale, first of a terminal", "approve", 0, killFirstSale},
		{"sale, PIN", "pin", 0, killSale},
		{"sale, wrong PIN", "wrongpin", 0, killSale},
		{"sale, reversed", "cardsaysno", 5, killSale},
		{"sale, declined", "decline", 3, killSale},
		{"agent, approved", "approve", 0, killAgent},
		{"agent, reversed", "cardsaysno", 5, killAgent},
		{"agent, signed", "signature", 0, killAgent},
		{"restart, to be reversed", "approve", 0, killRestart(asking)},
		{"restart, to be printed", "approve", 0, killRestart(printing)},
		{"cloud, approved", "approve", 0, killCloud},
		{"cloud, reversed", "cardsaysno", 5, killCloud},
	} {
		t.Run(c.name, func(t *testing.T) { c.count(t, rigs) })
	}
}

// killFirstSale is killSale on a new terminal, which makes its files.
func killFirstSale(t *testing.T, r *rig.Rig, card string, n int) (killer.Trace, *rig.Report) {
	t.Helper()
	must(t, r.Renew())
	return killSale(t, r, card, n)
}

// killSale kills terminal sale, a process of its own, from its start on.
func killSale(t *testing.T, r *rig.Rig, card string, n int) (killer.Trace, *rig.Report) {
	t.Helper()
	k := &cut{opts: killer.Opts{KillAt: n}}
	report, told, err := r.SaleUnder(k.launch(t), "--amount", "12.50", "--card", card)
	must(t, err)
	if !told {
		return k.trace, nil
	}
	return k.trace, &report
}

// killAgent kills a running terminal from the sale's request on until all is
// settled and it has been told to stop. Its answers to the test's own questions
// are not counted.
func killAgent(t *testing.T, r *rig.Rig, card string, n int) (killer.Trace, *rig.Report) {
	t.Helper()
	var selling, sold atomic.Bool
	k := &cut{opts: killer.Opts{
		KillAt: n,
		Start:  func(killer.Call) bool { return selling.Load() },
		Ignore: func(c killer.Call) bool { return sold.Load() && answers(c) },
	}}
	must(t, r.StartAgentUnder(t.Context(), k.launch(t)))
	selling.Store(true)
	report, err := r.Sale(t.Context(), "--amount", "12.50", "--card", card)
	sold.Store(true)
	var told *rig.Report
	if err == nil {
		told = &report
	}
	k.untilSettled(t, r)
	if err != nil && (!k.trace.Killed || !strings.Contains(err.Error(), "the outcome is not known")) {
		t.Errorf("killed %t, and the cashier reads: %v", k.trace.Killed, err)
	}
	return k.trace, told
}

// asking is true from the first send to the cloud behind a commit on: the sale
// is authorising, and must be reversed.
func asking(*testing.T, *rig.Rig) func(killer.Call) bool {
	committed := false
	return func(c killer.Call) bool {
		committed = committed || c.Kind == killer.Sync && strings.HasSuffix(c.Target, "journal.db")
		return committed && c.Kind == killer.Send && strings.HasPrefix(c.Target, "tcp")
	}
}

// printing is true from the first send to the printer on: the sale is approved,
// and has no slip yet.
func printing(t *testing.T, r *rig.Rig) func(killer.Call) bool {
	t.Helper()
	printer, err := filepath.EvalSymlinks(r.Path("sim", "printer"))
	must(t, err)
	return func(c killer.Call) bool { return c.Target == printer }
}

// killRestart kills a sale at a certain point, and then the terminal that makes
// good for it before its n-th call, from its start until it has been told to
// stop.
func killRestart(at func(*testing.T, *rig.Rig) func(killer.Call) bool) func(*testing.T, *rig.Rig, string, int) (killer.Trace, *rig.Report) {
	return func(t *testing.T, r *rig.Rig, card string, n int) (killer.Trace, *rig.Report) {
		t.Helper()
		first := &cut{opts: killer.Opts{KillAt: 1, Start: at(t, r)}}
		_, told, err := r.SaleUnder(first.launch(t), "--amount", "12.50", "--card", card)
		must(t, err)
		if told || !first.trace.Killed {
			t.Fatalf("the sale itself was not killed:\n%v", first.trace)
		}
		k := &cut{opts: killer.Opts{KillAt: n, Ignore: answers}}
		err = r.StartAgentUnder(t.Context(), k.launch(t))
		if err == nil {
			k.untilSettled(t, r)
		}
		if must(t, r.Agent.Stop()); err != nil && !k.trace.Killed {
			t.Fatal(err)
		}
		return k.trace, nil
	}
}

// answers are what a running terminal says on its socket.
func answers(c killer.Call) bool {
	return c.Kind == killer.Send && strings.HasSuffix(c.Target, "terminal.sock")
}

// untilSettled waits until everything is settled, or the agent killed, and
// stops it.
func (c *cut) untilSettled(t *testing.T, r *rig.Rig) {
	t.Helper()
	must(t, errors.Join(r.Until(t.Context(), "it is settled or dead", func() (bool, error) {
		return r.Agent.Ended() || r.Settled(t.Context()) == nil, nil
	}), r.Agent.Stop()))
}

// killCloud kills the cloud from the sale's request on until it has been told
// to stop, and starts it again while the terminal waits.
func killCloud(t *testing.T, r *rig.Rig, card string, n int) (killer.Trace, *rig.Report) {
	t.Helper()
	must(t, r.Cloud.Stop())
	var selling atomic.Bool
	k := &cut{opts: killer.Opts{KillAt: n, Start: func(killer.Call) bool { return selling.Load() }}}
	must(t, r.StartCloudUnder(k.launch(t)))
	dying := r.Cloud
	selling.Store(true)
	sale, err := r.Begin("--amount", "12.50", "--card", card)
	must(t, err)
	ended := make(chan struct{})
	again := make(chan error, 1)
	go func() { again <- replace(r, dying, ended) }()
	report, saleErr := sale.End(t.Context())
	close(ended)
	must(t, errors.Join(saleErr, <-again))
	return k.trace, &report
}

// replace starts the cloud again when it has died, or has been stopped once
// the sale has ended.
func replace(r *rig.Rig, dying *rig.Process, sale <-chan struct{}) error {
	var err error
	select {
	case <-dying.Done():
	case <-sale:
		err = dying.Stop()
	}
	return errors.Join(err, r.StartCloud())
}
