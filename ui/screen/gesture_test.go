package screen_test

import (
	"fmt"
	"image/color"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/widget"

	"github.com/cloudpos/cloudpos/ui/screen"
)

// pad writes down what is done to it.
type pad struct {
	widget.BaseWidget
	log []string
}

func newPad() *pad {
	p := &pad{}
	p.ExtendBaseWidget(p)
	return p
}

func (p *pad) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(canvas.NewRectangle(color.Black))
}

func (p *pad) note(what string, at fyne.Position) {
	p.log = append(p.log, fmt.Sprintf("%s %v,%v", what, at.X, at.Y))
}

func (p *pad) Tapped(e *fyne.PointEvent)          { p.note("tap", e.Position) }
func (p *pad) TappedSecondary(e *fyne.PointEvent) { p.note("long", e.Position) }
func (p *pad) TouchDown(e *mobile.TouchEvent)     { p.note("down", e.Position) }
func (p *pad) TouchUp(e *mobile.TouchEvent)       { p.note("up", e.Position) }
func (p *pad) TouchCancel(e *mobile.TouchEvent)   { p.note("cancel", e.Position) }

// doublePad knows double taps too.
type doublePad struct{ pad }

func newDoublePad() *doublePad {
	p := &doublePad{}
	p.ExtendBaseWidget(p)
	return p
}

func (p *doublePad) DoubleTapped(e *fyne.PointEvent) { p.note("double", e.Position) }

// stroke is one touch event, after a pause.
type stroke struct {
	after  time.Duration
	finger int
	kind   screen.TouchKind
	x, y   float32
}

const ms = time.Millisecond

func (r *rig) strokes(all []stroke) {
	for _, s := range all {
		r.pass(s.after)
		r.touch(s.finger, s.kind, s.x, s.y)
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestTouches has two pads side by side, the left one at 0,0 and the right one
// at 100,0, each of 100 by 100 units.
func TestTouches(t *testing.T) {
	for _, c := range []struct {
		name        string
		strokes     []stroke
		left, right []string
	}{
		{"a tap", []stroke{{0, 0, screen.Down, 10, 20}, {50 * ms, 0, screen.Up, 10, 20}},
			[]string{"down 10,20", "up 10,20", "tap 10,20"}, nil},
		{"a tap that trembles is where it began", []stroke{{0, 0, screen.Down, 99, 20}, {9 * ms, 0, screen.Move, 103, 22}, {9 * ms, 0, screen.Up, 104, 22}},
			[]string{"down 99,20", "up 99,20", "tap 99,20"}, nil},
		{"sliding off taps neither", []stroke{{0, 0, screen.Down, 90, 20}, {9 * ms, 0, screen.Move, 150, 20}, {9 * ms, 0, screen.Up, 150, 20}},
			[]string{"down 90,20", "cancel 150,20"}, nil},
		{"sliding off and back taps nothing", []stroke{{0, 0, screen.Down, 90, 20}, {9 * ms, 0, screen.Move, 150, 20}, {9 * ms, 0, screen.Up, 90, 20}},
			[]string{"down 90,20", "cancel 150,20"}, nil},
		{"sliding off in the last event", []stroke{{0, 0, screen.Down, 90, 20}, {9 * ms, 0, screen.Up, 150, 20}},
			[]string{"down 90,20", "cancel 150,20"}, nil},
		{"holding is a second tap", []stroke{{0, 0, screen.Down, 10, 20}, {600 * ms, 0, screen.Up, 10, 20}},
			[]string{"down 10,20", "cancel 10,20", "long 10,20"}, nil},
		{"nearly holding is a tap", []stroke{{0, 0, screen.Down, 10, 20}, {499 * ms, 0, screen.Up, 10, 20}},
			[]string{"down 10,20", "up 10,20", "tap 10,20"}, nil},
		{"two fingers on two pads", []stroke{
			{0, 0, screen.Down, 10, 20}, {9 * ms, 1, screen.Down, 110, 30}, {9 * ms, 0, screen.Up, 10, 20}, {9 * ms, 1, screen.Up, 110, 30}},
			[]string{"down 10,20", "up 10,20", "tap 10,20"}, []string{"down 10,30", "up 10,30", "tap 10,30"}},
		{"the panel gives up", []stroke{{0, 0, screen.Down, 10, 20}, {9 * ms, 0, screen.Cancel, 10, 20}, {9 * ms, 0, screen.Up, 10, 20}},
			[]string{"down 10,20", "cancel 10,20"}, nil},
		{"an end was lost", []stroke{{0, 0, screen.Down, 10, 20}, {9 * ms, 0, screen.Down, 110, 20}, {9 * ms, 0, screen.Up, 110, 20}},
			[]string{"down 10,20", "cancel 10,20"}, []string{"down 10,20", "up 10,20", "tap 10,20"}},
		{"moves and ends of no finger", []stroke{{0, 3, screen.Move, 10, 20}, {0, 3, screen.Up, 10, 20}, {0, 0, screen.Up, 10, 20}}, nil, nil},
		{"beside both", []stroke{{0, 0, screen.Down, 300, 300}, {9 * ms, 0, screen.Up, 300, 300}}, nil, nil},
		{"beyond the panel", []stroke{{0, 0, screen.Down, -5, 9e9}, {9 * ms, 0, screen.Up, 3, 3}}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			left, right := newPad(), newPad()
			run(t, func(*rig) fyne.CanvasObject {
				right.Move(fyne.NewPos(100, 0))
				left.Resize(fyne.NewSize(100, 100))
				right.Resize(fyne.NewSize(100, 100))
				return container.NewWithoutLayout(left, right)
			}, func(r *rig) {
				r.strokes(c.strokes)
				if !equal(left.log, c.left) || !equal(right.log, c.right) {
					t.Errorf("left %q, right %q; want %q and %q", left.log, right.log, c.left, c.right)
				}
			})
		})
	}
}

func TestDoubleTap(t *testing.T) {
	down := func(after time.Duration) stroke { return stroke{after, 0, screen.Down, 10, 10} }
	up := stroke{20 * ms, 0, screen.Up, 10, 10}
	for _, c := range []struct {
		name    string
		strokes []stroke
		want    []string
	}{
		{"one tap comes late", []stroke{down(0), up}, []string{"tap 10,10"}},
		{"two in time", []stroke{down(0), up, down(100 * ms), up}, []string{"double 10,10"}},
		{"two apart", []stroke{down(0), up, down(400 * ms), up}, []string{"tap 10,10", "tap 10,10"}},
		{"three", []stroke{down(0), up, down(50 * ms), up, down(50 * ms), up}, []string{"double 10,10", "tap 10,10"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newDoublePad()
			run(t, func(*rig) fyne.CanvasObject { return p }, func(r *rig) {
				r.strokes(c.strokes)
				r.pass(time.Second)
				var taps []string
				for _, l := range p.log {
					if l[0] == 't' || l[:2] == "do" && l[2] == 'u' {
						taps = append(taps, l)
					}
				}
				if !equal(taps, c.want) {
					t.Errorf("%q, want %q", taps, c.want)
				}
			})
		})
	}
}

// rows is a list of a hundred rows, which counts the rows that were selected.
func rows(selected *int) *widget.List {
	l := widget.NewList(func() int { return 100 },
		func() fyne.CanvasObject { return widget.NewLabel("row") },
		func(i int, o fyne.CanvasObject) { o.(*widget.Label).SetText(fmt.Sprintf("row %d", i)) })
	l.OnSelected = func(int) { *selected++ }
	return l
}

// drag moves a finger up by a number of pixels in steps of 10 ms and lets go.
func (r *rig) drag(x, y, up float32, steps int) {
	r.touch(0, screen.Down, x, y)
	for i := range steps {
		r.pass(10 * ms)
		r.touch(0, screen.Move, x, y-up*float32(i+1)/float32(steps))
	}
	r.touch(0, screen.Up, x, y-up)
}

func TestListFollowsFingerAndRunsOn(t *testing.T) {
	selected := 0
	list := rows(&selected)
	run(t, func(*rig) fyne.CanvasObject { return list }, func(r *rig) {
		offset := func() (at float32) {
			r.do(func() { at = list.GetScrollOffset() })
			return at
		}
		r.drag(200, 500, 200, 10)
		at := offset()
		if at < 199 || at > 201 {
			t.Errorf("followed the finger by %v, want 200", at)
		}
		// 20 units in 10 ms are 32 a tick; all the ticks to come add 32/0.08.
		r.pass(5 * time.Second)
		if end := offset(); end < 500 || end > 640 {
			t.Errorf("ran on to %v, want about 570", end)
		}
		if selected != 0 {
			t.Error("a drag selected a row")
		}
		if r.pass(time.Minute); r.s.Armed() {
			t.Error("a timer still runs")
		}
	})
}

func TestFingerStopsWhatRunsOnAndTapsNothing(t *testing.T) {
	selected := 0
	list := rows(&selected)
	run(t, func(*rig) fyne.CanvasObject { return list }, func(r *rig) {
		r.drag(200, 500, 300, 10)
		r.pass(50 * ms)
		r.touch(0, screen.Down, 200, 300)
		var before, after float32
		r.do(func() { before = list.GetScrollOffset() })
		r.pass(300 * ms)
		r.do(func() { after = list.GetScrollOffset() })
		r.touch(0, screen.Up, 200, 300)
		if before != after || before <= 300 {
			t.Errorf("at %v, then at %v; want the same beyond 300", before, after)
		}
		if selected != 0 {
			t.Error("the finger that stopped the list selected a row")
		}
		r.tap(200, 300)
		if r.pass(time.Second); selected != 1 {
			t.Errorf("%d rows selected by the next tap, want 1", selected)
		}
	})
}

// TestKeyBesideWhatRunsOn is tapped at once, as it is in a hurry.
func TestKeyBesideWhatRunsOn(t *testing.T) {
	selected, taps := 0, 0
	back := widget.NewButton("back", func() { taps++ })
	run(t, func(*rig) fyne.CanvasObject { return container.NewBorder(back, nil, nil, nil, rows(&selected)) }, func(r *rig) {
		r.drag(200, 500, 300, 10)
		r.pass(20 * ms)
		r.tapOn(back)
		if taps != 1 || selected != 0 {
			t.Errorf("%d taps and %d rows selected, want the key beside the list to work", taps, selected)
		}
	})
}

func TestRestBeforeLettingGo(t *testing.T) {
	selected := 0
	list := rows(&selected)
	run(t, func(*rig) fyne.CanvasObject { return list }, func(r *rig) {
		r.touch(0, screen.Down, 200, 500)
		r.pass(10 * ms)
		r.touch(0, screen.Move, 200, 400)
		r.pass(200 * ms)
		r.touch(0, screen.Up, 200, 400)
		r.pass(time.Second)
		r.do(func() {
			if at := list.GetScrollOffset(); at != 100 {
				t.Errorf("at %v, want 100", at)
			}
		})
	})
}

func TestWheel(t *testing.T) {
	selected := 0
	list := rows(&selected)
	run(t, func(*rig) fyne.CanvasObject { return list }, func(r *rig) {
		r.s.Send(0, screen.Scroll{X: 100, Y: 100, DY: -50})
		r.do(func() {
			if at := list.GetScrollOffset(); at != 50 {
				t.Errorf("at %v, want 50", at)
			}
		})
	})
}
