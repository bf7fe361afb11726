package screen_test

import (
	"errors"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/cloudpos/cloudpos/ui/screen"
)

// TestRotation compares all rotations of a random picture with turning each
// pixel's middle, and the way back with that.
func TestRotation(t *testing.T) {
	panel := image.Pt(7, 5)
	random := rand.New(rand.NewPCG(3, 4))
	for _, r := range []screen.Rotation{0, 90, 180, 270} {
		size := panel
		if r == 90 || r == 270 {
			size = image.Pt(panel.Y, panel.X)
		}
		picture := image.NewRGBA(image.Rectangle{Max: size})
		for i := range picture.Pix {
			picture.Pix[i] = byte(random.Uint32())
		}
		out := image.NewRGBA(image.Rectangle{Max: panel})
		part := image.Rect(1, 1, size.X, size.Y-1)
		screen.Turn(r, out, picture, part)
		touched := image.Rectangle{}
		for y := range panel.Y {
			for x := range panel.X {
				lx, ly := screen.ToLogical(r, float32(x)+0.5, float32(y)+0.5, panel)
				at := image.Pt(int(lx), int(ly))
				want := color.RGBA{}
				if at.In(part) {
					want = picture.RGBAAt(at.X, at.Y)
					touched = touched.Union(image.Rect(x, y, x+1, y+1))
				}
				if got := out.RGBAAt(x, y); got != want {
					t.Errorf("%d degrees: pixel %d,%d is %v, want %v", r, x, y, got, want)
				}
			}
		}
		if got := screen.ToPanel(r, part, panel); got != touched {
			t.Errorf("%d degrees: damage %v, want %v", r, got, touched)
		}
	}
}

// TestRotatedScreen taps the same button where it is on the panel.
func TestRotatedScreen(t *testing.T) {
	for _, c := range []struct {
		rotation screen.Rotation
		x, y     float32 // of the picture's top left corner, a little inward
	}{{0, 5, 5}, {90, 635, 5}, {180, 635, 475}, {270, 5, 475}} {
		taps := 0
		runWith(t, 640, 480, func(r *rig) { r.opts.Displays[0].Rotation = c.rotation }, func(*rig) fyne.CanvasObject {
			red := canvas.NewRectangle(color.NRGBA{R: 255, A: 255})
			b := widget.NewButton("", func() { taps++ })
			red.Resize(fyne.NewSize(20, 20))
			b.Resize(fyne.NewSize(20, 20))
			return container.NewWithoutLayout(b, red)
		}, func(r *rig) {
			if got := r.out.Image.RGBAAt(int(c.x), int(c.y)); got != (color.RGBA{R: 255, A: 255}) {
				t.Errorf("%d degrees: pixel %v,%v is %v, want red", c.rotation, c.x, c.y, got)
			}
			if r.tap(c.x, c.y); taps != 1 {
				t.Errorf("%d degrees: %d taps, want 1", c.rotation, taps)
			}
			size := r.w.Canvas().Size()
			if portrait := size.Width < size.Height; portrait != (c.rotation%180 != 0) {
				t.Errorf("%d degrees: canvas of %v", c.rotation, size)
			}
		})
	}
}

// TestScale: a square of 10 mm is as many pixels as the panel has in 10 mm.
func TestScale(t *testing.T) {
	for _, dpi := range []float32{0, 133, 160, 267} {
		runWith(t, 300, 300, func(r *rig) { r.opts.Displays[0].DPI = dpi }, func(*rig) fyne.CanvasObject {
			square := canvas.NewRectangle(color.NRGBA{R: 255, A: 255})
			square.Resize(fyne.NewSquareSize(10 * screen.UnitsPerMM))
			return container.NewWithoutLayout(square)
		}, func(r *rig) {
			wide := 0
			for x := range 300 {
				if r.out.Image.RGBAAt(x, 20).R == 255 {
					wide++
				}
			}
			if dpi == 0 {
				dpi = 160
			}
			if want := float64(dpi) / 2.54; math.Abs(float64(wide)-want) > 1 {
				t.Errorf("%v dpi: %d pixels, want %.1f", dpi, wide, want)
			}
		})
	}
}

func TestWindows(t *testing.T) {
	customer := screen.NewMemory(100, 50)
	runWith(t, 480, 640, func(r *rig) {
		r.opts.Displays = append(r.opts.Displays, screen.Display{Output: customer})
	}, func(*rig) fyne.CanvasObject { return widget.NewLabel("cashier") }, func(r *rig) {
		taps := 0
		r.do(func() {
			w := r.s.NewWindowOn(1, "customer")
			w.SetPadded(false)
			w.SetContent(widget.NewButton("", func() { taps++ }))
			w.Show()
		})
		r.s.Send(1, screen.Touch{Kind: screen.Down, X: 50, Y: 25})
		r.s.Send(1, screen.Touch{Kind: screen.Up, X: 50, Y: 25})
		synctest.Wait()
		if taps != 1 || customer.Presents == 0 {
			t.Errorf("customer's display: %d taps, %d frames", taps, customer.Presents)
		}
		r.s.Send(7, screen.Touch{Kind: screen.Down}) // there is no such display
		below := append([]byte(nil), r.out.Image.Pix...)
		closed := 0
		var second fyne.Window
		r.do(func() {
			second = r.s.NewWindow("second")
			second.SetContent(widget.NewLabel("on top"))
			second.SetOnClosed(func() { closed++ })
			second.Show()
		})
		if string(r.out.Image.Pix) == string(below) {
			t.Error("the second window does not show")
		}
		r.do(second.Hide)
		if string(r.out.Image.Pix) != string(below) {
			t.Error("hiding the second window does not show the first")
		}
		r.do(func() {
			second.Show()
			second.Close()
			second.Close()
			second.Show()
		})
		if string(r.out.Image.Pix) != string(below) || closed != 1 || len(r.s.Driver().AllWindows()) != 2 {
			t.Errorf("after close: closed %d times, %d windows", closed, len(r.s.Driver().AllWindows()))
		}
	})
}

func TestClosingTheMasterQuits(t *testing.T) {
	run(t, func(*rig) fyne.CanvasObject { return widget.NewLabel("") }, func(r *rig) {
		var log []string
		r.s.Lifecycle().SetOnExitedForeground(func() { log = append(log, "exited") })
		r.s.Lifecycle().SetOnStopped(func() { log = append(log, "stopped") })
		r.do(func() {
			r.w.SetMaster()
			r.s.NewWindow("other").Show()
			r.w.Close()
		})
		<-r.done
		if want := []string{"exited", "stopped"}; !equal(log, want) {
			t.Errorf("%q, want %q", log, want)
		}
	})
}

func TestFrames(t *testing.T) {
	label := widget.NewLabel("0")
	run(t, func(*rig) fyne.CanvasObject {
		return container.NewVBox(widget.NewButton("", func() { label.SetText("1") }), label)
	}, func(r *rig) {
		r.pass(time.Minute)
		before := len(r.frames)
		at := time.Now()
		r.s.Send(0, screen.Touch{Kind: screen.Down, X: 20, Y: 20, At: at})
		synctest.Wait()
		r.s.Send(0, screen.Touch{Kind: screen.Up, X: 20, Y: 20, At: at.Add(3 * time.Millisecond)})
		synctest.Wait()
		if len(r.frames) != before+1 {
			t.Fatalf("%d frames for a tap, want 1", len(r.frames)-before)
		}
		f := r.frames[before]
		if !f.Input.Equal(at.Add(3*time.Millisecond)) || f.Parts == 0 || f.Pixels == 0 || f.Pixels > 480*640/4 {
			t.Errorf("%+v, want the time of the tap's end and some pixels", f)
		}
		r.s.Invalidate()
		synctest.Wait()
		if f := r.frames[len(r.frames)-1]; f.Pixels != 480*640 || !f.Input.IsZero() {
			t.Errorf("%+v, want all pixels and no input", f)
		}
	})
}

// broken fails now and then.
type broken struct {
	*screen.Memory
	err error
}

func (b *broken) Present(img *image.RGBA, damage []image.Rectangle) error {
	if b.err != nil {
		return b.err
	}
	return b.Memory.Present(img, damage)
}

func TestOutputFailsAndRecovers(t *testing.T) {
	label := widget.NewLabel("0")
	var out *broken
	runWith(t, 480, 640, func(r *rig) {
		out = &broken{Memory: r.out}
		r.opts.Displays[0].Output = out
	}, func(*rig) fyne.CanvasObject { return label }, func(r *rig) {
		lost := errors.New("panel is off")
		r.do(func() {
			out.err = lost
			label.SetText("1")
		})
		if len(r.errs) == 0 || !errors.Is(r.errs[0], lost) {
			t.Fatalf("errors %v, want %v", r.errs, lost)
		}
		r.do(func() { out.err = nil })
		r.errs = nil
		want := screen.NewMemory(480, 640)
		r.do(func() {
			img := r.w.Canvas().Capture().(*image.RGBA)
			if err := want.Present(img, []image.Rectangle{img.Rect}); err != nil {
				t.Error(err)
			}
		})
		if string(r.out.Image.Pix) != string(want.Image.Pix) {
			t.Error("after an error the panel does not show the whole picture")
		}
	})
}

// mirror is a browser beside the panel.
type mirror struct {
	*screen.Memory
	events chan screen.Event
}

func (m mirror) Events() <-chan screen.Event { return m.events }

// TestMirrorIsUpright wants the picture upright beside a panel that is mounted
// in each way, whatever the panel's errors, and touches there to hit what they
// point at.
func TestMirrorIsUpright(t *testing.T) {
	for _, rotation := range []screen.Rotation{0, 90, 180, 270} {
		size := rotation.Picture(image.Pt(640, 480))
		var m mirror
		taps := 0
		runWith(t, 640, 480, func(r *rig) {
			d := &r.opts.Displays[0]
			m = mirror{screen.NewMemory(size.X, size.Y), make(chan screen.Event)}
			d.Rotation, d.Mirrors = rotation, []screen.Mirror{m}
			d.Output = &broken{r.out, errors.New("off")}
			r.opts.OnError = func(error) {}
		}, func(*rig) fyne.CanvasObject {
			red := canvas.NewRectangle(color.NRGBA{R: 255, A: 255})
			b := widget.NewButton("", func() { taps++ })
			red.Resize(fyne.NewSize(20, 20))
			b.Resize(fyne.NewSize(20, 20))
			return container.NewWithoutLayout(b, red)
		}, func(r *rig) {
			if got := m.Image.RGBAAt(5, 5); got != (color.RGBA{R: 255, A: 255}) {
				t.Errorf("%d degrees: pixel 5,5 of the mirror is %v, want red", rotation, got)
			}
			for _, kind := range []screen.TouchKind{screen.Down, screen.Up} {
				m.events <- screen.Touch{Kind: kind, X: 5, Y: 5}
				r.pass(50 * time.Millisecond)
			}
			if taps != 1 {
				t.Errorf("%d degrees: %d taps, want 1", rotation, taps)
			}
		})
	}
	r := &rig{}
	r.options(640, 480)
	r.opts.Displays[0].Mirrors = []screen.Mirror{mirror{Memory: screen.NewMemory(480, 640)}}
	if _, err := screen.New(r.opts); err == nil {
		t.Error("a mirror of another size is taken")
	}
}

func TestThemeAndVariant(t *testing.T) {
	icon := widget.NewIcon(theme.ConfirmIcon())
	runWith(t, 100, 100, func(r *rig) { r.opts.Variant = theme.VariantDark }, func(*rig) fyne.CanvasObject { return icon }, func(r *rig) {
		told := 0
		var dark, light []byte
		r.do(func() { r.s.Settings().AddListener(func(fyne.Settings) { told++ }) })
		dark = append(dark, r.out.Image.Pix...)
		r.do(func() { r.s.SetVariant(theme.VariantLight) })
		light = append(light, r.out.Image.Pix...)
		corner := r.out.Image.RGBAAt(0, 0)
		if corner.R < 200 || told != 1 {
			t.Errorf("light background %v, told %d times", corner, told)
		}
		// The icon is drawn in the new colour: dark on light.
		darkest := uint8(255)
		for i := 0; i < len(light); i += 4 {
			darkest = min(darkest, light[i])
		}
		if darkest > 100 {
			t.Errorf("the icon has kept its colour: nothing is darker than %d", darkest)
		}
		r.do(func() { r.s.SetVariant(theme.VariantDark) })
		if string(r.out.Image.Pix) != string(dark) {
			t.Error("dark again looks different")
		}
	})
}
