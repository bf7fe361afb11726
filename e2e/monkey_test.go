package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/e2e/rig"
	"github.com/cloudpos/cloudpos/params"
)

var (
	monkeySeed   = flag.Uint64("monkey.seed", 1, "what the monkey's first round does")
	monkeyEvents = flag.Int("monkey.events", 50_000, "touches, keys and turns of the wheel in a round")
	monkeyRounds = flag.Int("monkey.rounds", 1, "rounds, each with the next seed and a new installation")
)

// monkey plays with a running terminal: with its glass, with the cards, the
// PIN pad and the paper, and with the cloud's plug.
type monkey struct {
	*testing.T
	*rand.Rand
	rig   *rig.Rig
	glass *rig.Glass
	size  image.Point
	cards []string
	home  [][]byte // the idle screen, in both languages

	events  int
	down    [fingers]image.Point // where fingers are that it holds down
	held    [fingers]bool
	mends   []mend // of what it has broken
	actions map[string]int
}

// mend makes something well again. Nobody changes a roll or closes a printer
// between two looks that the terminal takes at it, a second apart: what came out
// then is a slip in two pieces of which it knows nothing.
type mend struct {
	what string
	from time.Time
	do   func() error
}

const byHand = 1500 * time.Millisecond

// breaks breaks something that is not broken already.
func (m *monkey) breaks(what string, breaks, mends func() error) {
	m.Helper()
	if slices.ContainsFunc(m.mends, func(x mend) bool { return x.what == what }) {
		return
	}
	m.did(what, breaks())
	m.mends = append(m.mends, mend{what, time.Now().Add(byHand), mends})
}

// A hand has more fingers than the monkey uses.
const fingers = 3

// How often the monkey does something but touch the glass, in events.
const (
	actEvery   = 60
	goneEvery  = 4_000 // it looks away, with its fingers on the glass
	cloudEvery = 15_000
)

// TestMonkey: whatever is done to a terminal, it neither dies nor gets stuck:
// from wherever it is it comes back to its idle screen, sells, and its books
// agree with everyone's.
func TestMonkey(t *testing.T) {
	events := *monkeyEvents
	if rig.Race {
		events = min(events, 3_000)
	}
	for i := range *monkeyRounds {
		seed := *monkeySeed + uint64(i)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			m := newMonkey(t, seed)
			m.play(events)
			m.rest()
			m.checks()
		})
	}
}

func newMonkey(t *testing.T, seed uint64) *monkey {
	t.Helper()
	r := newRig(t, rig.Opts{Screen: true})
	must(t, r.EditParams(func(d *params.Document) {
		d.Timeouts = params.Timeouts{Card: 2 * time.Second, Choice: time.Second, PIN: time.Second, Host: 2 * time.Second}
	}))
	must(t, r.StartAgent(t.Context()))
	// The shop keeps the last two hundred slips, and the monkey likes to print.
	must(t, r.Shop.Slow(30*time.Millisecond))
	m := &monkey{T: t, Rand: rand.New(rand.NewPCG(seed, seed)), rig: r, actions: map[string]int{}}
	m.look()
	t.Cleanup(func() { must(t, m.glass.Close()) })
	cards, err := r.Shop.Cards()
	must(t, err)
	for _, c := range cards {
		m.cards = append(m.cards, c.Name)
	}
	m.learnHome()
	return m
}

// look connects to the screen.
func (m *monkey) look() {
	var err error
	m.glass, err = rig.LookAt(m.Context(), m.rig.Screen)
	must(m.T, err)
	m.size = m.glass.Size()
}

// The keys that it finds again at the end, in parts of the screen.
func (m *monkey) languageKey() image.Point { return m.at(0.86, 0.086) }
func (m *monkey) backKey() image.Point     { return m.at(0.10, 0.086) }
func (m *monkey) cornerKey() image.Point   { return m.at(0.75, 0.94) }

func (m *monkey) at(x, y float64) image.Point {
	return image.Pt(int(x*float64(m.size.X)), int(y*float64(m.size.Y)))
}

// learnHome remembers the idle screen as it is when all is well.
func (m *monkey) learnHome() {
	m.Helper()
	for range 2 {
		m.settle()
		m.home = append(m.home, m.picture())
		must(m.T, m.glass.Tap(m.languageKey()))
	}
	m.settle()
	if now := m.picture(); !bytes.Equal(now, m.home[0]) || bytes.Equal(now, m.home[1]) {
		m.keepPicture()
		m.Fatal("the key of the language does not switch it there and back")
	}
}

// settle waits until the picture has not changed for a while.
func (m *monkey) settle() {
	m.Helper()
	const quiet = 700 * time.Millisecond
	for {
		ctx, cancel := context.WithTimeout(m.Context(), quiet)
		err := m.glass.UntilChanged(ctx, m.glass.Changes())
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return
		}
		must(m.T, err)
	}
}

// patience is how long the monkey waits for what must come.
const patience = 20 * time.Second

func (m *monkey) picture() []byte {
	m.Helper()
	img, err := m.glass.Picture()
	must(m.T, err)
	return img.Pix
}

// sees waits until the picture is as it is wanted.
func (m *monkey) sees(most time.Duration, holds func([]byte) bool) error {
	ctx, cancel := context.WithTimeout(m.Context(), most)
	defer cancel()
	return m.glass.UntilSeen(ctx, "what is wanted", func() bool {
		img, err := m.glass.Picture()
		return err == nil && holds(img.Pix)
	})
}

func (m *monkey) seen(most time.Duration, what string, holds func([]byte) bool) {
	m.Helper()
	if err := m.sees(most, holds); err != nil {
		m.keepPicture()
		m.Fatalf("%s: %v", what, err)
	}
}

// keepPicture keeps what shows for whoever looks into a failure: go test
// -artifacts.
func (m *monkey) keepPicture() {
	m.Helper()
	img, err := m.glass.Picture()
	must(m.T, err)
	f, err := os.Create(filepath.Join(m.ArtifactDir(), "screen.png"))
	must(m.T, err)
	must(m.T, errors.Join(png.Encode(f, img), f.Close()))
	m.Logf("what shows is in %s", f.Name())
}

// play does so many random things.
func (m *monkey) play(events int) {
	m.Helper()
	restarted := make(chan error, 1)
	restarted <- nil
	for m.events < events {
		before := m.events
		must(m.T, m.gesture())
		if crossed(before, m.events, actEvery) {
			m.act()
			m.watch()
		}
		if crossed(before, m.events, goneEvery) {
			must(m.T, m.glass.Close())
			m.held = [fingers]bool{}
			m.look()
		}
		if crossed(before, m.events, cloudEvery) {
			must(m.T, <-restarted)
			go func() { restarted <- m.restartCloud() }()
		}
		if m.rig.Agent.Ended() {
			m.Fatalf("the terminal has ended after %d events", m.events)
		}
	}
	must(m.T, <-restarted)
	m.Logf("%d events, and meanwhile %v", m.events, m.actions)
}

// watch lets the terminal go on for a moment, so that sales get somewhere; of
// those that have begun it leaves one in a few alone for longer.
func (m *monkey) watch() {
	m.Helper()
	moment := 8 * time.Millisecond
	status, err := m.rig.Status()
	must(m.T, err)
	if status.Screen != "idle" && m.IntN(5) == 0 {
		m.actions["a sale is left alone"]++
		moment = 150 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(m.Context(), moment)
	defer cancel()
	_ = m.glass.UntilSeen(ctx, "nothing", func() bool { return false }) // time passes
}

// crossed tells whether a count has passed a multiple.
func crossed(before, now, every int) bool { return before/every != now/every }

func (m *monkey) restartCloud() error {
	return errors.Join(m.rig.Cloud.Stop(), m.rig.StartCloud())
}

// place is anywhere, more often where large keys are.
func (m *monkey) place() image.Point {
	switch m.IntN(8) {
	case 0:
		return m.cornerKey()
	case 1:
		return m.at(0.5, 0.4)
	case 2:
		return m.backKey()
	}
	return image.Pt(m.IntN(m.size.X), m.IntN(m.size.Y))
}

// gesture does one thing to the glass.
func (m *monkey) gesture() error {
	finger := m.IntN(fingers)
	switch n := m.IntN(100); {
	case n < 60:
		m.events += 2
		m.held[0] = false
		return m.glass.Tap(m.place())
	case n < 70:
		steps := 1 + m.IntN(6)
		m.events += steps + 2
		m.held[0] = false
		return m.glass.Drag(m.place(), m.place(), steps)
	case n < 85:
		return m.finger(finger)
	case n < 92:
		m.events++
		return m.glass.Scroll(m.place(), m.IntN(400)-200, m.IntN(2000)-1000)
	}
	m.events += 2
	keys := [][2]string{{"Return", ""}, {"Escape", ""}, {"Tab", ""}, {"BackSpace", ""}, {"5", "5"}, {"A", "a"}, {"Down", ""},
		{"Prior", ""}, {"F5", ""}, {"LeftControl", ""}, {"", "收"}, {"NoSuchKey", ""}}
	key := keys[m.IntN(len(keys))]
	return m.glass.Key(key[0], key[1])
}

// finger puts a finger down and leaves it there, moves it, or lifts it: several
// are down at once, and some for long.
func (m *monkey) finger(i int) error {
	m.events++
	switch {
	case !m.held[i]:
		m.held[i], m.down[i] = true, m.place()
		return m.glass.Down(i, m.down[i])
	case m.IntN(2) == 0:
		m.down[i] = m.down[i].Add(image.Pt(m.IntN(61)-30, m.IntN(61)-30))
		return m.glass.Move(i, m.down[i])
	}
	m.held[i] = false
	return m.glass.Up(i, m.down[i])
}

// act does something in the shop. What it breaks it mends some time later.
func (m *monkey) act() {
	m.Helper()
	shop := m.rig.Shop
	card := m.cards[m.IntN(len(m.cards))]
	n := m.IntN(100)
	switch {
	case n < 25:
		m.did("a customer comes", shop.SetCustomer(sim.Customer{Card: card, Auto: true}))
	case n < 30:
		m.did("nobody comes", shop.SetCustomer(sim.Customer{}))
	case n < 34:
		m.did("a card is swiped", shop.Swipe(card))
	case n < 40:
		m.did("a card is put in", shop.Insert(card))
	case n < 55:
		m.did("a card is pulled", shop.Pull())
	case n < 60:
		m.did("a card will be pulled", shop.PullAt(1+m.IntN(12)))
	case n < 80:
		keys := []string{"0", "1", "2", "3", "4", "9", sim.KeyClear, sim.KeyEnter, sim.KeyEnter, sim.KeyCancel}
		m.did("a key of the pad", shop.Press(keys[m.IntN(len(keys))]))
	case n < 84:
		m.breaks("PINs are typed by hand", func() error { return shop.ByHand(true) }, func() error { return shop.ByHand(false) })
	case n < 88:
		m.breaks("paper out", func() error { return shop.PaperOut(0) }, shop.PaperIn)
	case n < 90:
		m.breaks("cover open", func() error { return shop.Cover(true) }, func() error { return shop.Cover(false) })
	case n < 92:
		device := []string{sim.ReaderLine, sim.PINPadLine, sim.PrinterLine}[m.IntN(3)]
		m.breaks("cable of the "+device, func() error { return shop.Unplug(device) }, func() error { return shop.Replug(device) })
	default:
		m.mend()
	}
}

// did counts an action. That there is no card to be pulled, and the like, is no
// failure.
func (m *monkey) did(what string, err error) {
	m.Helper()
	m.actions[what]++
	if err != nil && !errors.Is(err, sim.ErrControl) {
		m.Fatalf("%s: %v", what, err)
	}
}

// mend mends what was broken some time ago.
func (m *monkey) mend() {
	m.Helper()
	now := time.Now()
	for len(m.mends) > 0 && m.mends[0].from.Before(now) {
		m.did("mended", m.mends[0].do())
		m.mends = m.mends[1:]
	}
}

// rest makes everything well again, and takes its fingers off the glass.
func (m *monkey) rest() {
	m.Helper()
	for len(m.mends) > 0 {
		m.settle()
		m.mend()
	}
	shop := m.rig.Shop
	m.did("rest", shop.Slow(0))
	m.did("rest", shop.PullAt(0))
	m.did("rest", shop.SetCustomer(sim.Customer{}))
	m.did("rest", shop.Pull())
	for i := range fingers {
		if m.held[i] {
			must(m.T, m.glass.Up(i, m.down[i]))
		}
	}
}

// checks demands that the terminal is alive and as good as new.
func (m *monkey) checks() {
	m.Helper()
	r := m.rig
	must(m.T, r.UntilScreen(m.Context(), "idle"))
	must(m.T, r.UntilOnline(m.Context()))
	must(m.T, r.UntilSettled(m.Context()))
	m.goHome()
	sells(m.T, r, "approve")
	m.goHome()
	must(m.T, r.Agree(m.Context()))
	journal, err := r.Journal(m.Context())
	must(m.T, err)
	states := map[string]int{}
	for _, rec := range journal {
		states[rec.State]++
	}
	m.Logf("%d sales: %v", len(journal), states)
	if least := m.events / 5000; len(journal) < least {
		m.Errorf("%d sales in %d events, want at least %d: the monkey did nothing of interest", len(journal), m.events, least)
	}
	for line := range strings.Lines(r.Agent.Output()) {
		for _, bad := range []string{"panic", "level=ERROR", "fatal error", "goroutine "} {
			if strings.Contains(line, bad) {
				m.Errorf("the terminal said %q", line)
			}
		}
	}
	if r.Agent.Ended() {
		m.Error("the terminal has ended")
	}
}

// goHome taps its way to the idle screen as a cashier does who does not look:
// the way back, and at the end of a sale the way on.
func (m *monkey) goHome() {
	m.Helper()
	const tries, glance = 25, 500 * time.Millisecond
	atHome := func(now []byte) bool {
		return slices.ContainsFunc(m.home, func(p []byte) bool { return bytes.Equal(p, now) })
	}
	for i := range tries {
		if m.sees(glance, atHome) == nil {
			return
		}
		key := m.backKey()
		if i%3 == 2 {
			key = m.cornerKey()
		}
		must(m.T, m.glass.Tap(key))
	}
	m.seen(patience, "the idle screen", atHome)
}
