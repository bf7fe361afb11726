package screen_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"

	"github.com/cloudpos/cloudpos/ui/screen"
	"github.com/cloudpos/cloudpos/ui/screen/paint"
)

// TestTapsNeverLeakThroughModal taps at random while dialogs open and close,
// also between a finger's coming down and going up. The screen below is all
// buttons; none may be tapped while a dialog is open, nor by a finger that came
// down while one was.
func TestTapsNeverLeakThroughModal(t *testing.T) {
	const n = 10_000
	taps, leaks := 0, 0
	open, downUnder := false, false
	grid := container.NewGridWithColumns(4)
	for range 32 {
		grid.Add(widget.NewButton("x", func() {
			taps++
			if open || downUnder {
				leaks++
			}
		}))
	}
	run(t, func(*rig) fyne.CanvasObject { return grid }, func(r *rig) {
		random := rand.New(rand.NewPCG(1, 2))
		var d dialog.Dialog
		opened, closedByTap := 0, 0
		toggle := func() {
			r.do(func() {
				if open {
					d.Hide()
					return
				}
				// Without the usual dialogs' icons, whose drawing would take
				// most of the time.
				d = dialog.NewCustom("Cancel?", "No", widget.NewLabel("The sale is not finished."), r.w)
				d.SetOnClosed(func() { open = false })
				open = true
				opened++
				d.Show()
			})
		}
		for range n {
			if random.IntN(10) == 0 {
				toggle()
			}
			x, y := random.Float32()*480, random.Float32()*640
			downUnder = open
			r.touch(0, screen.Down, x, y)
			was := open
			if random.IntN(10) == 0 {
				toggle()
				was = open
			}
			r.touch(0, screen.Up, x, y)
			if was && !open {
				closedByTap++
			}
		}
		if leaks != 0 {
			t.Errorf("%d of %d taps leaked", leaks, taps)
		}
		// The test must have been able to fail.
		if taps < n/10 || opened < n/20 || closedByTap < 10 {
			t.Errorf("%d taps, %d dialogs, %d closed by a tap: too few to tell", taps, opened, closedByTap)
		}
	})
}

// TestDialogClosedUnderFinger is the leak that a tap at the place where the
// finger goes up would make.
func TestDialogClosedUnderFinger(t *testing.T) {
	tapped := 0
	run(t, func(*rig) fyne.CanvasObject {
		return widget.NewButton("below", func() { tapped++ })
	}, func(r *rig) {
		var d dialog.Dialog
		r.do(func() {
			d = dialog.NewInformation("Title", "Text", r.w)
			d.Show()
		})
		r.touch(0, screen.Down, 20, 20)
		r.do(d.Hide)
		r.touch(0, screen.Up, 20, 20)
		r.touch(0, screen.Down, 20, 20)
		r.do(d.Show)
		r.touch(0, screen.Up, 20, 20)
		if tapped != 0 {
			t.Errorf("%d taps below the dialog", tapped)
		}
		r.do(d.Hide)
		if r.tap(20, 20); tapped != 1 {
			t.Errorf("%d taps once it is closed, want 1", tapped)
		}
	})
}

func TestPopUpClosesOnTapOutside(t *testing.T) {
	below := 0
	run(t, func(*rig) fyne.CanvasObject {
		return widget.NewButton("below", func() { below++ })
	}, func(r *rig) {
		inside := 0
		b := widget.NewButton("inside", func() { inside++ })
		r.do(func() { widget.ShowPopUpAtPosition(b, r.w.Canvas(), fyne.NewPos(100, 100)) })
		r.tapOn(b)
		if inside != 1 || below != 0 {
			t.Errorf("inside %d, below %d; want 1 and 0", inside, below)
		}
		r.tap(400, 600)
		if below != 0 || r.w.Canvas().Overlays().Top() != nil {
			t.Errorf("a tap outside: below %d, want 0 and no pop-up", below)
		}
		r.tap(400, 600)
		if below != 1 {
			t.Errorf("below %d, want 1", below)
		}
	})
}

func TestOverlaysFillTheCanvasAndNest(t *testing.T) {
	run(t, func(*rig) fyne.CanvasObject { return widget.NewLabel("") }, func(r *rig) {
		first, second := container.NewStack(widget.NewLabel("1")), container.NewStack(widget.NewLabel("2"))
		stack := r.w.Canvas().Overlays()
		r.do(func() {
			stack.Add(first)
			stack.Add(second)
			stack.Add(nil)
		})
		if first.Size() != fyne.NewSize(480, 640) || second.Size() != first.Size() {
			t.Errorf("sizes %v and %v, want the canvas's", first.Size(), second.Size())
		}
		if len(stack.List()) != 2 || stack.Top() != fyne.CanvasObject(second) {
			t.Errorf("stack %v", stack.List())
		}
		r.do(func() { stack.Remove(first) })
		if stack.Top() != nil || len(stack.List()) != 0 {
			t.Errorf("%d overlays are left above one that was removed", len(stack.List()))
		}
	})
}

// TestMemoryOfDialogs: 200 dialogs took Fyne's textures to 199 MB.
func TestMemoryOfDialogs(t *testing.T) {
	if inChild(t) {
		return
	}
	small := func(r *rig) { // the painter's budget is full before we look
		r.opts.Painter = func() screen.Painter { return paint.New(paint.Opts{Cache: fonts, TextureMax: 128 << 10}) }
	}
	runWith(t, 480, 640, small, func(*rig) fyne.CanvasObject { return widget.NewLabel("") }, func(r *rig) {
		dialogs := func(n int) {
			for range n {
				var d dialog.Dialog
				r.do(func() {
					d = dialog.NewConfirm("Title", "A text of some length", func(bool) {}, r.w)
					d.Show()
				})
				r.pass(time.Second)
				r.do(d.Hide)
				r.pass(time.Second)
			}
			r.pass(3 * time.Minute)
			r.do(func() {}) // something happens, so the caches are cleaned
			r.pass(time.Minute)
		}
		heap := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		dialogs(20)
		before, known := heap(), r.s.Known()
		dialogs(200)
		after := heap()
		t.Logf("%d KiB before, %d KiB after", before>>10, after>>10)
		if after > before+256<<10 {
			t.Errorf("200 dialogs hold %d KiB", (after-before)>>10)
		}
		if got := r.s.Known(); got != known {
			t.Errorf("the tree knows %d objects, %d before", got, known)
		}
	})
}

// TestCacheExpiry runs with FYNE_CACHE=1s, which Fyne reads when it starts: a
// screen that shows, one that was away and one that was hidden must look as
// before after their renderers could expire.
func TestCacheExpiry(t *testing.T) {
	if inChild(t, "FYNE_CACHE=1s") {
		return
	}
	made := 0
	probe := &counted{made: &made}
	probe.ExtendBaseWidget(probe)
	hidden := container.NewVBox(widget.NewLabel("a label"), probe, widget.NewCheck("check", nil))
	screenful := container.NewVBox(widget.NewButton("button", nil), hidden)
	run(t, func(*rig) fyne.CanvasObject { return screenful }, func(r *rig) {
		picture := func() []byte { return append([]byte(nil), r.out.Image.Pix...) }
		expire := func() {
			for range 5 {
				r.pass(20 * time.Second)
				r.do(func() {})
			}
		}
		want := picture()
		if expire(); made != 1 {
			t.Errorf("a renderer that shows was made %d times", made)
		}
		for name, away := range map[string][2]func(){
			"replaced": {func() { r.w.SetContent(widget.NewLabel("other")) }, func() { r.w.SetContent(screenful) }},
			"hidden":   {hidden.Hide, hidden.Show},
		} {
			before := made
			r.do(away[0])
			if string(picture()) == string(want) {
				t.Errorf("%s: nothing changed", name)
			}
			expire()
			r.do(away[1])
			r.pass(time.Second)
			if made == before {
				t.Errorf("%s: the renderer did not expire, so this shows nothing", name)
			}
			if string(picture()) != string(want) {
				t.Errorf("%s: it looks different when it is back", name)
			}
		}
	})
}

// inChild runs the test in a process of its own, where Fyne's caches have not
// yet seen the time of another bubble. It returns true in the parent.
func inChild(t *testing.T, env ...string) bool {
	t.Helper()
	const mark = "SCREEN_TEST_CHILD=1"
	if slices.Contains(os.Environ(), mark) {
		return false
	}
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.v")
	c.Env = append(append(os.Environ(), mark), env...)
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in a process of its own: %v\n%s", err, out)
	}
	return true
}

// counted counts its renderers.
type counted struct {
	widget.BaseWidget
	made *int
}

func (c *counted) CreateRenderer() fyne.WidgetRenderer {
	*c.made++
	return widget.NewSimpleRenderer(container.NewVBox(widget.NewLabel("inside"), widget.NewSeparator(), widget.NewLabel("more")))
}
