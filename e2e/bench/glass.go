package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"github.com/cloudpos/cloudpos/e2e/rig"
	"github.com/cloudpos/cloudpos/payment"
)

// A day's exercise of the terminal's screen.
const (
	keysPressed   = 5000
	pagesOpened   = 200
	listsScrolled = 500
	salesBefore   = 20 // so that there is something to scroll
	idleFor       = 10 * time.Second
)

// day is what a terminal with a screen comes to.
type day struct {
	idle       float64 // CPU, of one core
	first, rss float64 // resident bytes, before and after the exercise
	pictures   uint64  // that browsers were sent meanwhile
}

// exercise runs a terminal with a web screen that somebody looks at, measures
// it at rest, and then uses its screen as much as a long day does, by real
// touches.
func exercise(ctx context.Context, programs rig.Programs, dir string) (d day, err error) {
	r, err := rig.New(rig.Opts{Programs: programs, Dir: dir, Screen: true})
	if err != nil {
		return day{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := r.StartAgent(ctx); err != nil {
		return day{}, err
	}
	for range salesBefore {
		if report, err := r.Sale(ctx, "--amount", "12.50", "--card", "approve"); err != nil || report.Exit != 0 {
			return day{}, fmt.Errorf("a sale ended with %d: %s: %w", report.Exit, report.Error, err)
		}
	}
	if err := r.UntilSettled(ctx); err != nil {
		return day{}, err
	}
	g, err := rig.LookAt(ctx, r.Screen)
	if err != nil {
		return day{}, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	h, err := newHand(ctx, g)
	if err != nil {
		return day{}, err
	}
	if err := h.leaveEnd(); err != nil {
		return day{}, err
	}
	if d.idle, err = idleCPU(r); err != nil {
		return day{}, err
	}
	if d.first, err = procNumber(r, "status", "VmRSS:"); err != nil {
		return day{}, err
	}
	before := g.Changes()
	if err := errors.Join(h.keys(), h.pages(), h.scrolls()); err != nil {
		return day{}, err
	}
	d.pictures = g.Changes() - before
	d.rss, err = procNumber(r, "status", "VmRSS:")
	d.first, d.rss = d.first*1024, d.rss*1024
	return d, err
}

// idleCPU is the share of a core that the terminal takes while nothing happens.
func idleCPU(r *rig.Rig) (float64, error) {
	before, err := cpuTicks(r)
	if err != nil {
		return 0, err
	}
	time.Sleep(idleFor)
	after, err := cpuTicks(r)
	const ticksASecond = 100 // USER_HZ, which is the same on every Linux
	return (after - before) / ticksASecond / idleFor.Seconds(), err
}

// cpuTicks is utime and stime of the terminal: proc_pid_stat(5), 14 and 15.
func cpuTicks(r *rig.Rig) (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(r.Agent.PID()), "stat"))
	if err != nil {
		return 0, err
	}
	// The second field is the name in parentheses; the third follows it.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %q", r.Agent.PID(), text)
	}
	user, errUser := strconv.ParseFloat(fields[11], 64)
	system, errSystem := strconv.ParseFloat(fields[12], 64)
	return user + system, errors.Join(errUser, errSystem)
}

// hand is a finger on a running terminal. It finds keys on the same screens in
// this process, which it keeps in step.
type hand struct {
	ctx   context.Context
	glass *rig.Glass
	twin  *stage
	// blinks is how often nothing was seen of what it did.
	blinks int
}

func newHand(ctx context.Context, g *rig.Glass) (*hand, error) {
	twin, err := newStage(nil)
	if err != nil {
		return nil, err
	}
	if size := g.Size(); size != image.Pt(panelWidth, panelHeight) {
		return nil, fmt.Errorf("the terminal's screen has %v pixels, want %dx%d", size, panelWidth, panelHeight)
	}
	newScene("", twin) // lays it out
	twin.ui.ShowHistory(records())
	return &hand{ctx: ctx, glass: g, twin: twin}, nil
}

// tap taps keys, here and there, each when the one before has been seen.
func (h *hand) tap(words ...string) error {
	for _, w := range words {
		at, err := h.twin.press(w)
		if err != nil {
			return err
		}
		if err := h.do(func() error { return h.glass.Tap(at) }); err != nil {
			return fmt.Errorf("tap %q: %w", w, err)
		}
	}
	return nil
}

// do does something and waits until the picture has changed. Two taps that
// undo each other within one frame change nothing: that passes, if it is rare.
func (h *hand) do(something func() error) error {
	const most, blinksMax = 250 * time.Millisecond, 100
	ctx, cancel := context.WithTimeout(h.ctx, most)
	defer cancel()
	before := h.glass.Changes()
	if err := something(); err != nil {
		return err
	}
	err := h.glass.UntilChanged(ctx, before)
	if errors.Is(err, context.DeadlineExceeded) && h.blinks < blinksMax {
		h.blinks++
		return h.ctx.Err()
	}
	return err
}

// leaveEnd leaves the end of the last sale for the idle screen.
func (h *hand) leaveEnd() error {
	for _, at := range []payment.Screen{payment.ScreenApproved, payment.ScreenIdle} {
		h.twin.ui.Show(payment.View{Screen: at})
	}
	return h.tap("New sale", "<back>")
}

// inStep fails when the terminal does not show what it ought to.
func (h *hand) inStep() error {
	want := image.NewRGBA(image.Rect(0, 0, panelWidth, panelHeight))
	h.twin.painter().Paint(want, panelScale, image.Black, []fyne.CanvasObject{h.twin.ui.Content()})
	const most = 10 * time.Second
	ctx, cancel := context.WithTimeout(h.ctx, most)
	defer cancel()
	return h.glass.UntilSeen(ctx, "what was tapped", func() bool {
		got, err := h.glass.Picture()
		return err == nil && alike(got, want)
	})
}

// alike tells whether two pictures are the same but for the edges of icons,
// which are drawn finer where nothing is known of the panel.
func alike(a, b *image.RGBA) bool {
	const visible, oneIn = 64, 400
	far := 0
	for i := range a.Pix {
		if d := int(a.Pix[i]) - int(b.Pix[i]); d > visible || d < -visible {
			far++
		}
	}
	return a.Rect == b.Rect && far*oneIn < len(a.Pix)
}

// keys keys in amounts of eight digits.
func (h *hand) keys() error {
	if err := h.tap("New sale"); err != nil {
		return err
	}
	for i := range keysPressed {
		words := strconv.Itoa(i%9 + 1)
		if i%9 == 8 {
			words = "Clear"
		}
		if err := h.tap(words); err != nil {
			return fmt.Errorf("key %d: %w", i, err)
		}
	}
	if err := h.inStep(); err != nil {
		return err
	}
	return h.tap("<back>")
}

// pages opens a sale's details above the list, and leaves them.
func (h *hand) pages() error {
	if err := h.tap("History"); err != nil {
		return err
	}
	first, err := find(h.twin.ui.Content(), "<check>")
	if err != nil {
		return err
	}
	for i := range pagesOpened {
		if err := h.do(func() error { return h.glass.Tap(first.middle()) }); err != nil {
			return fmt.Errorf("page %d: %w", i, err)
		}
		if err := h.do(func() error { return h.glass.Tap(back(h.twin)) }); err != nil {
			return fmt.Errorf("page %d: %w", i, err)
		}
	}
	return h.tap("<back>")
}

// back is where the key stands that leaves a screen; it is the same on all.
func back(s *stage) image.Point {
	key, _ := find(s.ui.Content(), "<back>")
	return key.middle()
}

// scrolls drags the history up and down.
func (h *hand) scrolls() error {
	if err := h.tap("History"); err != nil {
		return err
	}
	top, bottom := image.Pt(panelWidth/2, panelHeight/4), image.Pt(panelWidth/2, panelHeight*3/4)
	for i := range listsScrolled {
		from, to := bottom, top
		if i%2 == 1 {
			from, to = top, bottom
		}
		const steps = 6
		if err := h.do(func() error { return h.glass.Drag(from, to, steps) }); err != nil {
			return fmt.Errorf("scroll %d: %w", i, err)
		}
	}
	// The first tap may only stop a list that still runs on.
	if err := h.glass.Tap(back(h.twin)); err != nil {
		return err
	}
	return errors.Join(h.tap("<back>", "New sale"), h.inStep())
}
