package virtual

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// errPower is what a machine's parts meet once its power is cut. Nobody sees
// it: whatever they do then has no effect.
var errPower = errors.New("the power is cut")

// errFault is a failure that leaves the machine running.
var errFault = errors.New("fault of the test")

// point is a moment before or after something that a machine does to the
// world.
type point struct {
	what  string // "commit 1 approved"
	n     int    // the n-th time since the power came on
	after bool
}

func (p point) String() string {
	side := "before"
	if p.after {
		side = "after"
	}
	return fmt.Sprintf("%s %s #%d", side, p.what, p.n)
}

// commit tells whether it is about a commit to a journal.
func (p point) commit() bool { return strings.HasPrefix(p.what, "commit ") }

// mishap is what befalls a machine at a point.
type mishap uint8

const (
	nothing mishap = iota
	cut            // the power
	fail           // this one thing
)

// power is one run of a machine, from switching on until the power is cut. All
// that the machine does to the world goes through do. A process that is killed
// leaves no goroutine behind; here they remain for a while, without power, and
// change nothing.
type power struct {
	plan func(point) mishap // nil: nothing happens
	off  chan struct{}

	mu      sync.Mutex
	dead    bool
	count   map[string]int
	points  []point
	atCut   []func()
	mishaps int
}

func newPower(plan func(point) mishap) *power {
	if plan == nil {
		plan = func(point) mishap { return nothing }
	}
	return &power{plan: plan, off: make(chan struct{}), count: map[string]int{}}
}

// whenCut has f called, without waiting for anything, when the power goes.
func (p *power) whenCut(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.atCut = append(p.atCut, f)
}

func (p *power) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutLocked()
}

func (p *power) cutLocked() {
	if p.dead {
		return
	}
	p.dead = true
	close(p.off)
	for _, f := range p.atCut {
		f()
	}
}

func (p *power) isOff() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// do has an effect on the world, unless the power is off. effect does not wait.
func (p *power) do(what string, effect func() error) error {
	p.mu.Lock()
	p.count[what]++
	here := point{what: what, n: p.count[what]}
	p.mu.Unlock()
	if err := p.pass(here); err != nil {
		return err
	}
	err := effect()
	here.after = true
	return errors.Join(p.pass(here), err)
}

// pass tells why the machine does not come past a point.
func (p *power) pass(here point) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return errPower
	}
	p.points = append(p.points, here)
	switch p.plan(here) {
	case cut:
		p.mishaps++
		p.cutLocked()
		return errPower
	case fail:
		p.mishaps++
		return fmt.Errorf("%w %v", errFault, here)
	case nothing:
	}
	return nil
}

// passed are the points so far, and how many mishaps there were.
func (p *power) passed() ([]point, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]point{}, p.points...), p.mishaps
}

// worthTrying are the points so far. Of what is done again and again only the
// first two times count.
func (p *power) worthTrying(t *testing.T) []point {
	t.Helper()
	const least = 8 // even a cloud that declines comes past so many
	all, _ := p.passed()
	some := slices.DeleteFunc(all, func(p point) bool { return p.n > 2 && !strings.HasPrefix(p.what, "apdu") })
	if len(some) < least {
		t.Fatalf("only %d points: %v", len(some), some)
	}
	return some
}

// at is a plan: the mishap m at one point.
func at(where point, m mishap) func(point) mishap {
	return func(p point) mishap {
		if p == where {
			return m
		}
		return nothing
	}
}
