package evdev

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/ui/screen"
)

// plugged is a device that stands in a pipe, and the end that a finger writes.
func plugged(t *testing.T, path string) *os.File {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	// Held open for reading too, so that neither end waits for the other.
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func tap(t *testing.T, f *os.File) {
	t.Helper()
	for _, l := range []line{{evAbs, absMTX, 10}, {evAbs, absMTY, 20}, {evAbs, absID, 1}, syn, {evAbs, absID, -1}, syn} {
		if _, err := f.Write(encode(wordSize, time.Now(), l.kind, l.code, l.value)); err != nil {
			t.Fatal(err)
		}
	}
}

func next(t *testing.T, k *Kept) screen.Touch {
	t.Helper()
	select {
	case e := <-k.Events():
		return e.(screen.Touch)
	case <-time.After(10 * time.Second):
		t.Fatal("no event")
	}
	return screen.Touch{}
}

func TestKeptOutlivesItsDevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "event0")
	var told []string
	k := Keep(KeepOpts{
		Opts:    Opts{Path: path, Size: image.Pt(100, 200), X: Range{0, 99}, Y: Range{0, 199}},
		OnError: func(err error) { told = append(told, err.Error()) },
	})
	for range 2 {
		f := plugged(t, path)
		tap(t, f)
		for _, want := range []screen.TouchKind{screen.Down, screen.Up} {
			if got := next(t, k); got.Kind != want || got.X != 10.5 || got.Y != 20.5 || got.Finger != 0 {
				t.Errorf("%+v, want kind %d at 10.5, 20.5", got, want)
			}
		}
		if err := os.Remove(path); err != nil { // unplugged: first the name goes, then the device
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if _, ok := <-k.Events(); ok {
		t.Error("an event after Close")
	}
	// Whenever it was looked for in vain: before the first and after each.
	if len(told) > 3 || len(told) > 0 && !strings.Contains(told[0], path) {
		t.Errorf("told %q, want each change once", told)
	}
}

func TestKeptFindsAllPanels(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "devices")
	text := ""
	for i := range 2 {
		text += fmt.Sprintf("N: Name=\"panel %d\"\nH: Handlers=event77%d\nB: ABS=%s\n\n", i, i, bitmap(absMTX))
	}
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 8)
	k := Keep(KeepOpts{Opts: Opts{Size: image.Pt(100, 200)}, List: list, OnError: func(err error) { told <- err.Error() }})
	// The devices of the list are none: that each was tried shows in the errors.
	for i := range 2 {
		if got, want := <-told, fmt.Sprintf("/dev/input/event77%d", i); !strings.Contains(got, want) {
			t.Errorf("told %q, want %s", got, want)
		}
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

// bitmap is a bitmap of the kernel's with one bit.
func bitmap(n int) string {
	words := make([]string, n/strconv.IntSize+1)
	for i := range words {
		words[i] = "0"
	}
	words[0] = fmt.Sprintf("%x", uint64(1)<<(n%strconv.IntSize))
	return strings.Join(words, " ")
}
