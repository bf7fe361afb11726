//go:build linux

// Command guest shows the cashier's screens on a panel of the guest and tells
// what fingers and keys do:
//
//	guest OUTPUT DPI [INPUT ...]
//
// OUTPUT is drm:PATH or fb:PATH, INPUT a device of /dev/input, or auto. It says
// "shows 720x1280 of 187x332 mm", then lines such as "touch 0 down 12.5 80.5"
// and "key A down", and at SIGTERM "closed".
package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cloudpos/cloudpos/e2e/vm/scene"
	"github.com/cloudpos/cloudpos/ui/screen"
	"github.com/cloudpos/cloudpos/ui/screen/evdev"
	"github.com/cloudpos/cloudpos/ui/screen/fb"
)

// console is the text console, which framebuffers have to be kept from.
const console = "/dev/tty1"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		say("error %s", strings.ReplaceAll(err.Error(), "\n", "; "))
		os.Exit(1)
	}
	say("closed")
}

// say writes a line at once; several goroutines do.
var say = func() func(string, ...any) {
	var mu sync.Mutex
	return func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format+"\n", args...)
	}
}()

func run(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: guest OUTPUT DPI [INPUT ...]")
	}
	dpi, err := strconv.ParseFloat(args[1], 32)
	if err != nil {
		return err
	}
	out, err := open(args[0])
	if err != nil {
		return err
	}
	inputs, err := openInputs(args[2:], out.Size())
	if err != nil {
		return errors.Join(err, out.Close())
	}
	s, err := scene.Start(scene.Opts{
		Displays: []screen.Display{{Output: out, Inputs: inputs, DPI: float32(dpi)}},
		Error:    func(err error) { say("error %v", err) },
	})
	if err != nil {
		return errors.Join(err, out.Close())
	}
	size, mm := out.Size(), out.Millimetres()
	say("shows %dx%d of %dx%d mm with %s bits, terminal %s", size.X, size.Y, mm.X, mm.Y, bits(), controlling())
	<-ctx.Done()
	s.Stop()
	return nil
}

// output is what both kinds of panel are.
type output interface {
	screen.Output
	Millimetres() image.Point
}

func open(uri string) (output, error) {
	kind, path, _ := strings.Cut(uri, ":")
	switch kind {
	case "drm":
		return fb.OpenDRM(path)
	case "fb":
		return fb.OpenFramebuffer(path, console)
	}
	return nil, fmt.Errorf("no output %q", uri)
}

func openInputs(paths []string, size image.Point) ([]screen.Input, error) {
	var inputs []screen.Input
	for _, path := range paths {
		found := []evdev.Found{{Path: path}}
		if path == "auto" {
			var err error
			if found, err = evdev.Find("/proc/bus/input/devices"); err != nil {
				return inputs, err
			}
		}
		for _, f := range found {
			dev, err := evdev.Open(evdev.Opts{Path: f.Path, Size: size, Grab: true})
			if err != nil {
				return inputs, err
			}
			say("input %s touch %t keyboard %t", f.Name, f.Touch, f.Keyboard)
			inputs = append(inputs, newEcho(dev))
		}
	}
	return inputs, nil
}

// bits is what a pixel of the kernel's framebuffer has.
func bits() string {
	text, err := os.ReadFile("/sys/class/graphics/fb0/bits_per_pixel")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

// controlling tells whether a text console has become this program's
// controlling terminal, whose keys then end it. None should.
func controlling() string {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
	if errors.Is(err, unix.ENXIO) {
		return "none"
	}
	return fmt.Sprint("taken ", errors.Join(err, tty.Close()))
}

// echo is an input that tells what passes.
type echo struct {
	screen.Input
	events chan screen.Event
}

func newEcho(in screen.Input) *echo {
	e := &echo{in, make(chan screen.Event)}
	go func() {
		defer close(e.events)
		for event := range in.Events() {
			tell(event)
			e.events <- event
		}
	}()
	return e
}

func (e *echo) Events() <-chan screen.Event { return e.events }

func tell(event screen.Event) {
	switch event := event.(type) {
	case screen.Touch:
		kind := map[screen.TouchKind]string{screen.Down: "down", screen.Move: "move", screen.Up: "up", screen.Cancel: "cancel"}
		say("touch %d %s %.2f %.2f", event.Finger, kind[event.Kind], event.X, event.Y)
	case screen.Key:
		kind := map[bool]string{true: "down", false: "up"}
		say("key %s %s %q", event.Name, kind[event.Down], event.Rune)
	case screen.Scroll:
		say("scroll %.0f %.0f", event.DX, event.DY)
	}
}
