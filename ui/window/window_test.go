//go:build window

package window

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/ui"
)

// Tests do not run on the main goroutine, so the test binary is also the
// program with the window: roleVar says which one, a panel or "full".
const roleVar = "WINDOW_TEST_ROLE"

// exitNoDisplay is the program's word for ErrNoDisplay.
const exitNoDisplay = 3

func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	o := Opts{ID: "cloudpos.test", Title: "test", Width: 720, Height: 1280, DPI: 267, FullScreen: true}
	if p, ok := panels[role]; ok {
		o.Width, o.Height, o.DPI, o.FullScreen = p.width, p.height, p.dpi, false
	}
	err := show(o)
	switch {
	case errors.Is(err, ErrNoDisplay):
		os.Exit(exitNoDisplay)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// panels have a golden image among those of ui. The first one's scale is nearly
// what Fyne makes of it, the second one's is not, and shows in millimetres.
var panels = map[string]struct {
	width, height int
	dpi           float32
}{
	"720x1280": {720, 1280, 267},
	"1280x800": {1280, 800, 151},
}

// silent is a shop that hears and does nothing.
type silent struct{}

func (silent) Sell(money.Amount, ui.Method) {}
func (silent) Cancel()                      {}
func (silent) Choose(int)                   {}
func (silent) History()                     {}
func (silent) Reprint(payment.ID)           {}

// patience is for machines that paint OpenGL without a GPU, while they are
// busy with other things.
const patience = time.Minute

// show runs the terminal's screens in a window until standard input ends.
func show(o Opts) error {
	w, err := New(o)
	if err != nil {
		return err
	}
	u := ui.New(w.App(), silent{}, ui.Opts{
		Merchant: "Corner Shop 街角小店", Currency: money.Currency{Code: "CNY", Numeric: 156, Exponent: 2}, PerMM: w.PerMM(),
	})
	defer u.Close()
	u.ShowStatus(ui.Status{Online: true})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() {
		defer cancel()
		_, _ = os.Stdin.Read(make([]byte, 1))
	}()
	w.Run(ctx, u.Content())
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	return nil
}

// program is the test binary with a role, on a display and in a home of its
// own.
func program(t *testing.T, role, display string) *exec.Cmd {
	t.Helper()
	home := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVar+"="+role, "DISPLAY="+display, "WAYLAND_DISPLAY=", "LIBGL_ALWAYS_SOFTWARE=1",
		"HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
	return cmd
}

// photograph runs a role until its picture is right, and then ends it. It
// returns what is still wrong when patience ends.
func photograph(t *testing.T, role string, wrong func(*image.RGBA) error) error {
	t.Helper()
	x := startX(t)
	cmd := program(t, role, x.display)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Errorf("the program with the window: %v\n%s", err, &log)
		}
	}()
	by := time.Now().Add(patience)
	for {
		picture, err := x.picture()
		if err == nil {
			err = wrong(picture)
		}
		if err == nil || time.Now().After(by) {
			return err
		}
	}
}

// TestWindow compares the idle screen in a window with what the terminal's own
// painter makes of it: the same panel, theme, faces and places. OpenGL smooths
// edges in another way, and the first light may be on or off.
func TestWindow(t *testing.T) {
	for name, panel := range panels {
		t.Run(name, func(t *testing.T) {
			want := readPNG(t, filepath.Join("..", "testdata", "golden", name+"-en-idle.png"))
			size := image.Rect(0, 0, panel.width, panel.height)
			const farMax = 0.03
			err := photograph(t, name, func(got *image.RGBA) error {
				if far := farOff(got, want, size); far > farMax {
					return fmt.Errorf("%.1f %% of the pixels are far off, at most %.0f %% may be", 100*far, 100*farMax)
				}
				if beside := got.RGBAAt(size.Max.X, size.Max.Y); beside != (color.RGBA{A: 0xFF}) {
					return fmt.Errorf("the window covers more than its panel: %v", beside)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// farOff is the part of the pixels that are clearly different.
func farOff(got, want image.Image, size image.Rectangle) float64 {
	const far = 64
	differ := func(a, b uint32) uint32 { return (max(a, b) - min(a, b)) >> 8 }
	n := 0
	for y := range size.Dy() {
		for x := range size.Dx() {
			r1, g1, b1, _ := got.At(x, y).RGBA()
			r2, g2, b2, _ := want.At(x, y).RGBA()
			if max(differ(r1, r2), differ(g1, g2), differ(b1, b2)) > far {
				n++
			}
		}
	}
	return float64(n) / float64(size.Dx()*size.Dy())
}

// TestFullScreen looks at the corners of the monitor, which is black where
// there is no window.
func TestFullScreen(t *testing.T) {
	err := photograph(t, "full", func(got *image.RGBA) error {
		first, last := got.RGBAAt(0, 0), got.RGBAAt(screenWidth-1, screenHeight-1)
		if first.R == 0 || first != last {
			return fmt.Errorf("the first pixel is %v, the last one %v", first, last)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestNoDisplay(t *testing.T) {
	for _, display := range []string{"", ":65000"} {
		cmd := program(t, "full", display)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != exitNoDisplay {
			t.Errorf("DISPLAY=%s: %v, want exit status %d\n%s", display, err, exitNoDisplay, out)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct{ dpi, scale, perMM float32 }{
		{0, 1, 160 / 25.4},
		{160, 1, 160 / 25.4},
		{267, 1.7, 267 / 25.4 / 1.7},
		{133, 0.8, 133 / 25.4 / 0.8},
		{1, 0.1, 1 / 25.4 / 0.1},
	} {
		scale, perMM := unitsOf(c.dpi)
		if off := perMM/c.perMM - 1; scale != c.scale || off < -1e-6 || off > 1e-6 {
			t.Errorf("unitsOf(%v) = %v, %v, want %v, %v", c.dpi, scale, perMM, c.scale, c.perMM)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, o := range []Opts{{Width: 720}, {Height: 1280}, {Width: -1, Height: 1}, {Width: 720, Height: 1280, DPI: -1}} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), "size") {
			t.Errorf("New(%+v) = %v, want an error about its size", o, err)
		}
	}
}
