package screen_test

import (
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/cloudpos/cloudpos/font"
	"github.com/cloudpos/cloudpos/ui/screen"
	"github.com/cloudpos/cloudpos/ui/screen/paint"
)

// fonts is shared by all tests; reading the faces takes a while.
var fonts = font.NewCache(2 << 20)

// rig is an app on a picture in memory. Its tests run in a synctest bubble, so
// that time passes only when everybody waits.
type rig struct {
	t      *testing.T
	s      *screen.Screen
	out    *screen.Memory
	w      fyne.Window
	frames []screen.Frame
	errs   []error
	opts   screen.Opts
	done   chan struct{}
}

// options are the usual ones for a panel of this size.
func (r *rig) options(width, height int) {
	r.out = screen.NewMemory(width, height)
	r.opts = screen.Opts{
		ID:       "test",
		Displays: []screen.Display{{Output: r.out}},
		Painter:  func() screen.Painter { return paint.New(paint.Opts{Cache: fonts}) },
		Measure: func(text string, size float32, style fyne.TextStyle) (fyne.Size, float32) {
			return paint.MeasureText(fonts, text, size, style)
		},
		OnFrame: func(f screen.Frame) { r.frames = append(r.frames, f) },
		OnError: func(err error) { r.errs = append(r.errs, err) },
	}
}

// run makes an app of 480 by 640 pixels, one pixel a unit, shows what content
// gives, runs the test on it and quits.
func run(t *testing.T, content func(*rig) fyne.CanvasObject, test func(*rig)) {
	t.Helper()
	runWith(t, 480, 640, nil, content, test)
}

func runWith(t *testing.T, width, height int, change func(*rig), content func(*rig) fyne.CanvasObject, test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t}
		r.options(width, height)
		if change != nil {
			change(r)
		}
		r.start(content)
		defer r.stop()
		test(r)
	})
}

func (r *rig) start(content func(*rig) fyne.CanvasObject) {
	r.t.Helper()
	s, err := screen.New(r.opts)
	if err != nil {
		r.t.Fatal(err)
	}
	r.s = s
	r.done = make(chan struct{})
	r.w = s.NewWindow("test")
	r.w.SetPadded(false)
	r.w.SetContent(content(r))
	r.w.Show()
	go func() {
		defer close(r.done)
		s.Run()
	}()
	synctest.Wait()
}

func (r *rig) stop() {
	r.s.Quit()
	<-r.done
	for _, err := range r.errs {
		r.t.Error(err)
	}
}

// do runs f on the UI goroutine and waits until all has settled.
func (r *rig) do(f func()) {
	fyne.DoAndWait(f)
	synctest.Wait()
}

// pass lets time go by.
func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rig) touch(finger int, kind screen.TouchKind, x, y float32) {
	r.s.Send(0, screen.Touch{Finger: finger, Kind: kind, X: x, Y: y})
	synctest.Wait()
}

// tap taps a place.
func (r *rig) tap(x, y float32) {
	r.touch(0, screen.Down, x, y)
	r.pass(50 * time.Millisecond)
	r.touch(0, screen.Up, x, y)
}

// middle is the middle of an object on the canvas.
func (r *rig) middle(o fyne.CanvasObject) (x, y float32) {
	r.do(func() {
		pos := fyne.CurrentApp().Driver().AbsolutePositionForObject(o)
		x, y = pos.X+o.Size().Width/2, pos.Y+o.Size().Height/2
	})
	return x, y
}

// tapOn taps the middle of an object.
func (r *rig) tapOn(o fyne.CanvasObject) {
	x, y := r.middle(o)
	r.tap(x, y)
}

// keys types text on a real keyboard.
func (r *rig) keys(events ...screen.Key) {
	for _, e := range events {
		r.s.Send(0, e)
	}
	synctest.Wait()
}

// drawn makes a test fail if the picture is of one colour only.
func (r *rig) drawn() {
	r.t.Helper()
	first := r.out.Image.RGBAAt(0, 0)
	for y := range r.out.Image.Rect.Dy() {
		for x := range r.out.Image.Rect.Dx() {
			if r.out.Image.RGBAAt(x, y) != first {
				return
			}
		}
	}
	r.t.Error("the picture is empty")
}

// buttons is a column of buttons that count their taps.
func buttons(n int, taps []int) (*fyne.Container, []*widget.Button) {
	column := container.NewVBox()
	var all []*widget.Button
	for i := range n {
		b := widget.NewButton("Button", func() { taps[i]++ })
		all = append(all, b)
		column.Add(b)
	}
	return column, all
}

func TestTapPaintsAndCounts(t *testing.T) {
	taps := make([]int, 2)
	var all []*widget.Button
	run(t, func(*rig) fyne.CanvasObject {
		column, b := buttons(2, taps)
		all = b
		return column
	}, func(r *rig) {
		r.drawn()
		before := len(r.frames)
		r.tapOn(all[1])
		if taps[0] != 0 || taps[1] != 1 {
			t.Errorf("taps = %v, want [0 1]", taps)
		}
		r.pass(time.Second)
		if len(r.frames) == before {
			t.Error("a tap on a button painted nothing")
		}
	})
}

func TestIdleCostsNothing(t *testing.T) {
	run(t, func(*rig) fyne.CanvasObject { return widget.NewLabel("idle") }, func(r *rig) {
		r.pass(time.Minute)
		frames := len(r.frames)
		var armed bool
		r.do(func() { armed = r.s.Armed() })
		r.pass(24 * time.Hour)
		if len(r.frames) != frames {
			t.Errorf("%d frames in an idle day", len(r.frames)-frames)
		}
		if armed {
			t.Error("a timer runs on an idle screen")
		}
	})
}

func TestAnimationTicksOnlyWhileItRuns(t *testing.T) {
	run(t, func(*rig) fyne.CanvasObject { return widget.NewLabel("") }, func(r *rig) {
		var seen []float32
		a := &fyne.Animation{Duration: 160 * time.Millisecond, Curve: fyne.AnimationLinear, AutoReverse: true,
			Tick: func(f float32) { seen = append(seen, f) }}
		r.do(a.Start)
		r.pass(time.Minute)
		if len(seen) != 20 || seen[9] != 1 || seen[19] != 0 || seen[4] != 0.5 {
			t.Errorf("%d ticks: %v, want 10 forth and 10 back", len(seen), seen)
		}
		n := len(seen)
		forever := &fyne.Animation{Duration: 32 * time.Millisecond, RepeatCount: fyne.AnimationRepeatForever, Tick: a.Tick}
		r.do(forever.Start)
		r.pass(1600 * time.Millisecond)
		r.do(forever.Stop)
		if got := len(seen) - n; got != 100 {
			t.Errorf("%d ticks in 1.6 s, want 100", got)
		}
		n = len(seen)
		r.pass(time.Minute)
		if len(seen) != n {
			t.Error("a stopped animation ticks")
		}
	})
}
