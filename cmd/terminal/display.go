package main

import (
	"errors"
	"fmt"
	"image"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/secret"
	"github.com/cloudpos/cloudpos/ui/screen"
	"github.com/cloudpos/cloudpos/ui/screen/evdev"
	"github.com/cloudpos/cloudpos/ui/screen/fb"
	"github.com/cloudpos/cloudpos/ui/screen/web"
)

// Screen is the part of terminal.toml about what cashiers look at and touch.
type Screen struct {
	Output   string   `toml:"output"`   // "drm:/dev/dri/card0", "fb:/dev/fb0", "file:/run/screen.png", "window:", "none:"
	Touch    []string `toml:"touch"`    // evdev devices, or "auto" for all that there are
	Size     string   `toml:"size"`     // in pixels, of what has none of its own: "720x1280"
	DPI      float32  `toml:"dpi"`      // 0: what the panel says of its millimetres
	Rotation int      `toml:"rotation"` // clockwise: 0, 90, 180 or 270
	Dark     bool     `toml:"dark"`
	// Calibration is libinput's matrix of six numbers; nothing for a panel that
	// is exact.
	Calibration []float32 `toml:"calibration"`
	// Web is where the same screen is shown to browsers: "127.0.0.1:8082". Off
	// when empty. Other machines than this need a token.
	Web              string `toml:"web"`
	WebTokenFile     string `toml:"web_token_file"`
	WebViewTokenFile string `toml:"web_view_token_file"` // who has this one may only look
	WebViewOnly      bool   `toml:"web_view_only"`
}

// Bounds of a screen.
const (
	sideMin, sideMax = 240, 8192 // pixels
	dpiMax           = 1000
	touchMax         = 8 // devices
	tokenFileMax     = 1 << 10
)

const (
	autoTouch   = "auto"
	fullWindow  = "full" // as large as the monitor
	screenTitle = "cloudpos"
)

// schemes of outputs.
const (
	schemeNone   = "none"
	schemeDRM    = "drm"
	schemeFB     = "fb"
	schemeFile   = "file"
	schemeWindow = "window"
)

func (s *Screen) output() (drivers.URI, error) {
	u, err := drivers.ParseURI(s.Output)
	if err != nil {
		return u, err
	}
	switch u.Scheme {
	case schemeNone:
		if u.Path != "" {
			return u, fmt.Errorf("%w: none takes no path", drivers.ErrURI)
		}
	case schemeWindow:
		if u.Path != "" && u.Path != fullWindow {
			return u, fmt.Errorf("%w: %q, write window: or window:full", drivers.ErrURI, s.Output)
		}
	case schemeDRM, schemeFB, schemeFile:
		if u.Path == "" {
			return u, fmt.Errorf("%w: %s wants a path", drivers.ErrURI, u.Scheme)
		}
	default:
		return u, fmt.Errorf("%w: no output %q, there are drm, fb, file, window and none", drivers.ErrURI, u.Scheme)
	}
	return u, u.Only()
}

// fitted tells whether there is a screen at all.
func (s *Screen) fitted() bool { return s.Web != "" || !strings.HasPrefix(s.Output, schemeNone+":") }

// check refuses what makes no screen. Nothing is opened.
func (s *Screen) check() error {
	if _, err := s.output(); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	if _, err := s.size(); err != nil {
		return err
	}
	if s.DPI < 0 || s.DPI > dpiMax {
		return fmt.Errorf("dpi is %v, want 0 to %d", s.DPI, dpiMax)
	}
	if s.Rotation%90 != 0 || s.Rotation < 0 || s.Rotation > 270 {
		return fmt.Errorf("rotation is %d, want 0, 90, 180 or 270", s.Rotation)
	}
	if len(s.Touch) > touchMax {
		return fmt.Errorf("touch names %d devices, at most %d", len(s.Touch), touchMax)
	}
	if n := len(s.Calibration); n != 0 && n != len(evdev.Matrix{}) {
		return fmt.Errorf("calibration has %d numbers, want %d", n, len(evdev.Matrix{}))
	}
	return s.checkWeb()
}

// checkWeb refuses an address that others can reach without a token.
func (s *Screen) checkWeb() error {
	if s.Web == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(s.Web)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return fmt.Errorf("web is %q, write it like 127.0.0.1:8082", s.Web)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) && s.WebTokenFile == "" {
		return fmt.Errorf("web is %q, which other machines can reach: web_token_file is missing", s.Web)
	}
	return nil
}

// size is Size in pixels.
func (s *Screen) size() (image.Point, error) {
	across, down, ok := strings.Cut(s.Size, "x")
	x, errX := strconv.Atoi(across)
	y, errY := strconv.Atoi(down)
	if !ok || errX != nil || errY != nil || min(x, y) < sideMin || max(x, y) > sideMax {
		return image.Point{}, fmt.Errorf("size is %q, want pixels like 720x1280, from %d to %d", s.Size, sideMin, sideMax)
	}
	return image.Pt(x, y), nil
}

// openDisplay opens the panel, what is touched, and the page for browsers, which
// is nil when there is to be none. Without a panel the page is the display.
func openDisplay(cfg *Config, log *slog.Logger) (d screen.Display, page *web.Screen, err error) {
	s := &cfg.Screen
	d = screen.Display{DPI: s.DPI, Rotation: screen.Rotation(s.Rotation)}
	dpi := float32(0)
	if d.Output, dpi, err = openPanelOutput(cfg); err != nil {
		return d, nil, fmt.Errorf("output: %w", err)
	}
	if d.DPI == 0 {
		d.DPI = dpi
	}
	if s.Web != "" {
		if page, err = openWeb(cfg, d); err != nil {
			err = fmt.Errorf("web: %w", err)
			if d.Output != nil {
				err = errors.Join(err, d.Output.Close())
			}
			return d, nil, err
		}
	}
	switch {
	case page != nil && d.Output == nil:
		d.Output, d.Inputs = page, []screen.Input{page}
	case page != nil:
		d.Mirrors = []screen.Mirror{page}
	}
	for _, path := range s.Touch {
		o := evdev.KeepOpts{
			Opts:    evdev.Opts{Path: path, Size: d.Output.Size(), Grab: true, Matrix: matrixOf(s.Calibration)},
			OnError: func(err error) { log.Warn("touch", "error", err) },
		}
		if path == autoTouch {
			o.Path = ""
		}
		d.Inputs = append(d.Inputs, evdev.Keep(o))
	}
	return d, page, nil
}

// openPanelOutput opens the panel and tells its dots per inch, 0 if it does not
// know. There is none beside a web screen alone.
func openPanelOutput(cfg *Config) (screen.Output, float32, error) {
	u, err := cfg.Screen.output()
	if err != nil {
		return nil, 0, err
	}
	switch u.Scheme {
	case schemeDRM:
		d, err := fb.OpenDRM(u.Path)
		if err != nil {
			return nil, 0, err
		}
		return d, dotsPerInch(d.Size(), d.Millimetres()), nil
	case schemeFB:
		console := consolePath
		if _, err := os.Stat(console); errors.Is(err, os.ErrNotExist) {
			console = ""
		}
		f, err := fb.OpenFramebuffer(u.Path, console)
		if err != nil {
			return nil, 0, err
		}
		return f, dotsPerInch(f.Size(), f.Millimetres()), nil
	case schemeFile:
		size, err := cfg.Screen.size()
		if err != nil {
			return nil, 0, err
		}
		f, err := fb.NewFile(cfg.path(u.Path), size)
		if err != nil {
			return nil, 0, err
		}
		return f, 0, nil
	}
	return nil, 0, nil
}

// consolePath is the text console, if the kernel has one: it must not write
// over the picture.
const consolePath = "/dev/tty0"

// dotsPerInch is 0 for a panel that does not know its size, or lies: many say
// 0 or 1 mm.
func dotsPerInch(pixels, mm image.Point) float32 {
	const mmPerInch, least, most = 25.4, 60, dpiMax
	if mm.X <= 0 || mm.Y <= 0 {
		return 0
	}
	dpi := float32(pixels.X) * mmPerInch / float32(mm.X)
	if dpi < least || dpi > most {
		return 0
	}
	return dpi
}

// openWeb makes the page, of the picture's size if there is a panel.
func openWeb(cfg *Config, beside screen.Display) (*web.Screen, error) {
	s := &cfg.Screen
	size, err := s.size()
	if err != nil {
		return nil, err
	}
	if beside.Output != nil {
		size = beside.Rotation.Picture(beside.Output.Size())
	}
	o := web.Opts{Size: size, Title: screenTitle, ViewOnly: s.WebViewOnly}
	for _, token := range []struct {
		file string
		into *secret.Bytes
	}{{s.WebTokenFile, &o.Token}, {s.WebViewTokenFile, &o.ViewToken}} {
		if token.file == "" {
			continue
		}
		text, err := readBounded(cfg.path(token.file), tokenFileMax)
		if err != nil {
			return nil, err
		}
		if *token.into = secret.Bytes(strings.TrimSpace(string(text))); len(*token.into) == 0 {
			return nil, fmt.Errorf("%s: the token is empty", token.file)
		}
	}
	return web.New(o)
}

// closeDisplay closes what openDisplay opened.
func closeDisplay(d screen.Display) error {
	var errs []error
	for _, in := range d.Inputs {
		errs = append(errs, in.Close())
	}
	for _, m := range d.Mirrors {
		errs = append(errs, m.Close())
	}
	return errors.Join(append(errs, d.Output.Close())...)
}

func matrixOf(numbers []float32) (m evdev.Matrix) {
	copy(m[:], numbers)
	return m
}
