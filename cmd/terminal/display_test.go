package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/ui"
)

// withScreen is an installation whose terminal has a screen.
func withScreen(t *testing.T, lines ...string) string {
	t.Helper()
	return installation(t, `panel = "sim:../sim"`, "panel = \"sim:../sim\"\n\n[screen]\n"+strings.Join(lines, "\n"))
}

func TestScreenConfigErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`output = "/dev/fb0"`, "output: not a device address"},
		{`output = "hdmi:1"`, `output: not a device address: no output "hdmi", there are drm, fb, file, window and none`},
		{`output = "fb:"`, "fb wants a path"},
		{`output = "none:/dev/fb0"`, "none takes no path"},
		{`output = "window:large"`, "write window: or window:full"},
		{`output = "fb:/dev/fb0?bits=16"`, "fb knows no option bits"},
		{`size = "720"`, `size is "720", want pixels like 720x1280`},
		{`size = "720x12800"`, "from 240 to 8192"},
		{`dpi = -1`, "dpi is -1"},
		{`rotation = 45`, "rotation is 45, want 0, 90, 180 or 270"},
		{`calibration = [1.0, 0.0]`, "calibration has 2 numbers, want 6"},
		{`touch = ["1","2","3","4","5","6","7","8","9"]`, "touch names 9 devices, at most 8"},
		{`web = "8082"`, `web is "8082", write it like 127.0.0.1:8082`},
		{`web = "127.0.0.1:70000"`, "write it like 127.0.0.1:8082"},
		{`web = "0.0.0.0:8082"`, "other machines can reach: web_token_file is missing"},
		{`web = ":8082"`, "web_token_file is missing"},
		{`colour = true`, "colour"},
	} {
		file := withScreen(t, c.line)
		_, err := loadConfig(file)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want %q and the file's name", c.line, err, c.want)
		}
	}
	for _, good := range []string{
		`output = "drm:/dev/dri/card0"`, "output = \"fb:/dev/fb0\"\ntouch = [\"auto\"]\nrotation = 270\ncalibration = [-1.0, 0.0, 1.0, 0.0, 1.0, 0.0]",
		`web = "127.0.0.1:0"`, `web = "[::1]:8082"`, "web = \"0.0.0.0:8082\"\nweb_token_file = \"token\"",
	} {
		cfg, err := loadConfig(withScreen(t, good))
		if err != nil || !cfg.Screen.fitted() {
			t.Errorf("%s: %v, want a screen", good, err)
		}
	}
	if cfg, err := loadConfig(installation(t)); err != nil || cfg.Screen.fitted() {
		t.Errorf("%v: a terminal has no screen unless it is named", err)
	}
}

// TestScreenThatCannotBeOpened wants the file, the key and the reason named,
// and nothing left open.
func TestScreenThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	short := filepath.Join(dir, "short")
	if err := os.WriteFile(short, []byte("guess\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{[]string{`output = "fb:` + dir + `/fb7"`}, "screen.output: fb: "},
		{[]string{`output = "drm:` + dir + `/card7"`}, "screen.output: fb: "},
		{[]string{`output = "file:` + dir + `/no/such/folder/shot.png"`}, "screen.output: "},
		{[]string{`web = "127.0.0.1:0"`, `web_token_file = "` + dir + `/none"`}, "screen.web: open "},
		{[]string{`web = "127.0.0.1:0"`, `web_token_file = "` + short + `"`}, "a token of 5 characters"},
		{[]string{`web = "127.0.0.1:0"`, `web_view_token_file = "` + os.DevNull + `"`}, "the token is empty"},
	} {
		file := withScreen(t, append(c.lines, `size = "480x320"`)...)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		status, err := run(ctx, []string{"run", "--config", file}, io.Discard, io.Discard)
		cancel()
		if status != exitError || err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: status %d, %v, want %q and the file's name", c.lines, status, err, c.want)
		}
	}
}

func TestDotsPerInch(t *testing.T) {
	for _, c := range []struct {
		pixels, mm image.Point
		want       float32
	}{
		{image.Pt(720, 1280), image.Pt(68, 121), 720 * 25.4 / 68},
		{image.Pt(800, 480), image.Pt(0, 0), 0},
		{image.Pt(800, 480), image.Pt(1, 1), 0},    // 20320
		{image.Pt(800, 480), image.Pt(700, 40), 0}, // 29
	} {
		if got := dotsPerInch(c.pixels, c.mm); got != c.want {
			t.Errorf("%v on %v mm: %v, want %v", c.pixels, c.mm, got, c.want)
		}
	}
}

func TestProblemOf(t *testing.T) {
	for err, want := range map[error]ui.Problem{
		nil:                    "",
		drivers.ErrCancelled:   "",
		drivers.ErrNoDevice:    ui.ProblemMissing,
		drivers.ErrSilent:      ui.ProblemMissing,
		drivers.ErrBusy:        ui.ProblemBusy,
		drivers.ErrPaperOut:    ui.ProblemPaperOut,
		drivers.ErrCoverOpen:   ui.ProblemCoverOpen,
		drivers.ErrNoKey:       ui.ProblemNoKey,
		drivers.ErrHardware:    ui.ProblemFault,
		drivers.ErrProtocol:    ui.ProblemFault,
		errors.New("whatever"): ui.ProblemFault,
	} {
		if err != nil {
			err = fmt.Errorf("device: %w", err)
		}
		if got := problemOf(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
