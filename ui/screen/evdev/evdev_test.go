package evdev

import (
	"encoding/binary"
	"errors"
	"image"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/cloudpos/cloudpos/ui/screen"
)

// encode is the kernel's side of decode.
func encode(word int, when time.Time, kind, code uint16, value int32) []byte {
	order := binary.NativeEndian
	var b []byte
	if word == 8 {
		b = order.AppendUint64(b, uint64(when.Unix()))
		b = order.AppendUint64(b, uint64(when.Nanosecond()/1000))
	} else {
		b = order.AppendUint32(b, uint32(when.Unix()))
		b = order.AppendUint32(b, uint32(when.Nanosecond()/1000))
	}
	b = order.AppendUint16(b, kind)
	b = order.AppendUint16(b, code)
	return order.AppendUint32(b, uint32(value))
}

// line is an event without its time.
type line struct {
	kind, code uint16
	value      int32
}

var syn = line{evSyn, synReport, 0}

// stories are what devices say and what fingers did. The panel has 100 by 200
// steps on 100 by 200 pixels, so a step's middle is half a pixel on.
var stories = []struct {
	name  string
	lines []line
	want  []screen.Touch
}{
	{"a tap of one finger in a slot", []line{
		{evAbs, absID, 7}, {evAbs, absMTX, 10}, {evAbs, absMTY, 20}, {evKey, btnTouch, 1}, {evAbs, absX, 10}, {evAbs, absY, 20}, syn,
		{evAbs, absID, -1}, {evKey, btnTouch, 0}, syn,
	}, []screen.Touch{{Kind: screen.Down, X: 10.5, Y: 20.5}, {Kind: screen.Up, X: 10.5, Y: 20.5}}},

	{"two fingers, of which the first goes up first", []line{
		{evAbs, absSlot, 0}, {evAbs, absID, 1}, {evAbs, absMTX, 10}, {evAbs, absMTY, 10}, syn,
		{evAbs, absSlot, 1}, {evAbs, absID, 2}, {evAbs, absMTX, 50}, {evAbs, absMTY, 50}, syn,
		{evAbs, absMTX, 51}, {evAbs, absSlot, 0}, {evAbs, absID, -1}, syn,
		{evAbs, absSlot, 1}, {evAbs, absID, -1}, syn,
	}, []screen.Touch{
		{Kind: screen.Down, X: 10.5, Y: 10.5},
		{Finger: 1, Kind: screen.Down, X: 50.5, Y: 50.5},
		{Kind: screen.Up, X: 10.5, Y: 10.5},
		{Finger: 1, Kind: screen.Move, X: 51.5, Y: 50.5},
		{Finger: 1, Kind: screen.Up, X: 51.5, Y: 50.5},
	}},

	{"a finger that only changes one axis", []line{
		{evAbs, absID, 1}, {evAbs, absMTX, 10}, {evAbs, absMTY, 10}, syn,
		{evAbs, absMTY, 11}, syn, syn,
	}, []screen.Touch{{Kind: screen.Down, X: 10.5, Y: 10.5}, {Kind: screen.Move, X: 10.5, Y: 11.5}}},

	{"another finger in the same slot within one report", []line{
		{evAbs, absID, 1}, {evAbs, absMTX, 10}, {evAbs, absMTY, 10}, syn,
		{evAbs, absID, -1}, {evAbs, absID, 2}, {evAbs, absMTX, 90}, syn,
	}, []screen.Touch{
		{Kind: screen.Down, X: 10.5, Y: 10.5}, {Kind: screen.Up, X: 90.5, Y: 10.5}, {Kind: screen.Down, X: 90.5, Y: 10.5},
	}},

	{"a palm taps nothing", []line{
		{evAbs, absID, 1}, {evAbs, absMTX, 10}, {evAbs, absMTY, 10}, syn,
		{evAbs, absToolType, toolPalm}, syn,
		{evAbs, absID, -1}, syn,
		{evAbs, absID, 2}, syn,
	}, []screen.Touch{
		{Kind: screen.Down, X: 10.5, Y: 10.5}, {Kind: screen.Cancel, X: 10.5, Y: 10.5}, {Kind: screen.Down, X: 10.5, Y: 10.5},
	}},

	{"a panel of one finger", []line{
		{evAbs, absX, 30}, {evAbs, absY, 40}, {evKey, btnTouch, 1}, syn,
		{evAbs, absX, 31}, syn,
		{evKey, btnTouch, 0}, syn,
	}, []screen.Touch{
		{Kind: screen.Down, X: 30.5, Y: 40.5}, {Kind: screen.Move, X: 31.5, Y: 40.5}, {Kind: screen.Up, X: 31.5, Y: 40.5},
	}},

	{"a tablet that moves without touching", []line{
		{evAbs, absX, 30}, {evAbs, absY, 40}, syn, {evAbs, absX, 35}, syn,
		{evKey, btnLeft, 1}, syn, {evKey, btnLeft, 0}, syn,
	}, []screen.Touch{{Kind: screen.Down, X: 35.5, Y: 40.5}, {Kind: screen.Up, X: 35.5, Y: 40.5}}},

	{"lost events end the touch, and the rest of that report is not believed", []line{
		{evAbs, absID, 1}, {evAbs, absMTX, 10}, {evAbs, absMTY, 10}, syn,
		{evSyn, synDropped, 0}, {evAbs, absID, 5}, {evAbs, absMTX, 99}, syn,
		{evAbs, absMTX, 12}, syn,
		{evAbs, absID, 6}, syn,
	}, []screen.Touch{
		{Kind: screen.Down, X: 10.5, Y: 10.5}, {Kind: screen.Cancel, X: 10.5, Y: 10.5}, {Kind: screen.Down, X: 12.5, Y: 10.5},
	}},

	{"slots beyond those that are followed", []line{
		{evAbs, absSlot, 10}, {evAbs, absID, 1}, {evAbs, absMTX, 10}, syn,
		{evAbs, absSlot, -3}, {evAbs, absID, 1}, syn,
		{evAbs, absSlot, 9}, {evAbs, absID, 1}, {evAbs, absMTX, 1}, {evAbs, absMTY, 1}, syn,
	}, []screen.Touch{{Finger: 9, Kind: screen.Down, X: 1.5, Y: 1.5}}},

	{"beyond the panel is its edge", []line{
		{evAbs, absID, 1}, {evAbs, absMTX, 1000}, {evAbs, absMTY, -5}, syn,
	}, []screen.Touch{{Kind: screen.Down, X: 99.5, Y: 0.5}}},
}

func TestTouchStories(t *testing.T) {
	p := panel{x: Range{0, 99}, y: Range{0, 199}, size: image.Pt(100, 200)}
	for _, s := range stories {
		touch := touch{panel: p}
		var got []screen.Touch
		for _, l := range s.lines {
			for _, e := range touch.event(event{kind: l.kind, code: l.code, value: l.value}) {
				got = append(got, e.(screen.Touch))
			}
		}
		if len(got) != len(s.want) {
			t.Errorf("%s: got %v, want %v", s.name, got, s.want)
			continue
		}
		for i := range got {
			if got[i] != s.want[i] {
				t.Errorf("%s: touch %d is %+v, want %+v", s.name, i, got[i], s.want[i])
			}
		}
	}
}

// TestRemembered: a device tells only what differs from what it has told
// before, to whomever. Seen with Linux 6.1: the first tap after a restart, at
// the place of the last one before, was felt in a corner.
func TestRemembered(t *testing.T) {
	slots := places{many: true, slot: 1}
	slots.slots[1].x, slots.slots[1].y = 50, 60
	var single places
	single.single.x, single.single.y = 30, 40
	for _, c := range []struct {
		name  string
		known places
		lines []line
		want  []screen.Touch
	}{
		{"a finger in the slot that was spoken of last, where one was before", slots,
			[]line{{evAbs, absID, 9}, {evKey, btnTouch, 1}, syn},
			[]screen.Touch{{Finger: 1, Kind: screen.Down, X: 50.5, Y: 60.5}}},
		{"one axis differs", single,
			[]line{{evAbs, absX, 31}, {evKey, btnTouch, 1}, syn},
			[]screen.Touch{{Kind: screen.Down, X: 31.5, Y: 40.5}}},
		{"a finger that was down already taps nothing", slots,
			[]line{{evAbs, absMTX, 51}, syn, {evAbs, absID, -1}, {evKey, btnTouch, 0}, syn}, nil},
	} {
		touch := touch{panel: panel{x: Range{0, 99}, y: Range{0, 199}, size: image.Pt(100, 200)}}
		touch.know(c.known)
		var got []screen.Touch
		for _, l := range c.lines {
			for _, e := range touch.event(event{kind: l.kind, code: l.code, value: l.value}) {
				got = append(got, e.(screen.Touch))
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestAskedAfterLoss: when lost events are over, and not before, the device is
// to be asked.
func TestAskedAfterLoss(t *testing.T) {
	var touch touch
	for _, c := range []struct {
		line line
		want bool
	}{{line{evSyn, synDropped, 0}, false}, {line{evAbs, absMTX, 5}, false}, {syn, true}} {
		touch.event(event{kind: c.line.kind, code: c.line.code, value: c.line.value})
		if touch.lost != c.want {
			t.Errorf("after %v lost is %t, want %t", c.line, touch.lost, c.want)
		}
	}
	if touch.know(places{}); touch.lost {
		t.Error("lost after it was asked")
	}
}

// file writes events as a device of this word size would and gives the path.
func file(t *testing.T, word int, lines []line) string {
	t.Helper()
	var b []byte
	for _, l := range lines {
		b = append(b, encode(word, time.Now(), l.kind, l.code, l.value)...)
	}
	path := filepath.Join(t.TempDir(), "event0")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var axis99 = Range{0, 99}

func TestDeviceOfBothWordSizes(t *testing.T) {
	for _, word := range []int{4, 8} {
		path := file(t, word, []line{
			{evAbs, absID, 1}, {evAbs, absMTX, 49}, {evAbs, absMTY, 49}, syn,
			{evKey, 30, 1}, {evKey, 30, 0}, syn,
		})
		d, err := Open(Opts{Path: path, Size: image.Pt(1000, 1000), X: axis99, Y: axis99, Word: word})
		if err != nil {
			t.Fatal(err)
		}
		var got []screen.Event
		for e := range d.Events() {
			got = append(got, e)
		}
		// Down, A, A up, and Cancel since the finger is down when the device ends.
		if len(got) != 4 {
			t.Fatalf("word of %d: %v, want 4 events", word, got)
		}
		if down := got[0].(screen.Touch); down.Kind != screen.Down || down.X != 495 || down.Y != 495 || down.At.IsZero() {
			t.Errorf("word of %d: %+v, want down at 495, 495", word, down)
		}
		if a := got[1].(screen.Key); a.Name != fyne.KeyA || a.Rune != 'a' || !a.Down {
			t.Errorf("word of %d: %+v, want a", word, a)
		}
		if gone := got[3].(screen.Touch); gone.Kind != screen.Cancel {
			t.Errorf("word of %d: %+v, want a cancel", word, gone)
		}
		if err := d.Err(); !errors.Is(err, io.EOF) {
			t.Errorf("word of %d: %v, want EOF", word, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTruncatedEvent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "event0")
	if err := os.WriteFile(path, make([]byte, eventSize(wordSize)+3), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(Opts{Path: path, X: axis99, Y: axis99})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Err(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v, want an unexpected EOF", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestCloseEndsRead stands a pipe for a device that is silent.
func TestCloseEndsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "event0")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip("no named pipes here: ", err)
	}
	device, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = device.Close() }()
	d, err := Open(Opts{Path: path, Size: image.Pt(100, 100), X: axis99, Y: axis99})
	if err != nil {
		t.Fatal(err)
	}
	// In two parts, to be put together.
	e := append(encode(wordSize, time.Now(), evKey, 28, 1), encode(wordSize, time.Now(), evSyn, 0, 0)...)
	for _, part := range [][]byte{e[:5], e[5:]} {
		if _, err := device.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if key := (<-d.Events()).(screen.Key); key.Name != fyne.KeyReturn {
		t.Errorf("%+v, want return", key)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, open := <-d.Events(); open {
		t.Error("events after close")
	}
	if err := d.Err(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	plain := file(t, wordSize, nil)
	for name, o := range map[string]Opts{
		"no file":            {Path: filepath.Join(t.TempDir(), "none")},
		"a file has no axes": {Path: plain},
		"reversed axis":      {Path: plain, X: Range{5, 0}, Y: axis99},
		"words of 3 bytes":   {Path: plain, X: axis99, Y: axis99, Word: 3},
		"a file to grab":     {Path: plain, X: axis99, Y: axis99, Grab: true},
	} {
		if d, err := Open(o); err == nil {
			t.Errorf("%s: opened", name)
			_ = d.Close()
		}
	}
}

func TestKeyboard(t *testing.T) {
	var k keyboard
	typed := func(code uint16, value int32) screen.Key {
		key, ok := k.event(event{kind: evKey, code: code, value: value})
		if !ok {
			t.Fatalf("code %d is no key", code)
		}
		return key
	}
	for _, c := range []struct {
		code  uint16
		value int32
		name  fyne.KeyName
		rune  rune
	}{
		{2, 1, fyne.Key1, '1'}, {11, 1, fyne.Key0, '0'}, {16, 1, fyne.KeyQ, 'q'}, {44, 1, fyne.KeyZ, 'z'},
		{50, 1, fyne.KeyM, 'm'}, {53, 1, fyne.KeySlash, '/'}, {41, 1, fyne.KeyBackTick, '`'}, {43, 1, fyne.KeyBackslash, '\\'},
		{71, 1, fyne.Key7, '7'}, {82, 1, fyne.Key0, '0'}, {83, 1, fyne.KeyPeriod, '.'}, {57, 1, fyne.KeySpace, ' '},
		{14, 2, fyne.KeyBackspace, 0}, {96, 1, fyne.KeyEnter, 0},
		{codeLeftShift, 1, "LeftShift", 0}, {16, 1, fyne.KeyQ, 'Q'}, {3, 1, fyne.Key2, '@'}, {40, 1, fyne.KeyApostrophe, '"'},
		{codeLeftShift, 0, "LeftShift", 0}, {16, 0, fyne.KeyQ, 0},
		{codeCapsLock, 1, "CapsLock", 0}, {codeCapsLock, 0, "CapsLock", 0}, {16, 1, fyne.KeyQ, 'Q'}, {3, 1, fyne.Key2, '2'},
		{codeRightShift, 1, "RightShift", 0}, {16, 1, fyne.KeyQ, 'q'},
	} {
		if got := typed(c.code, c.value); got.Name != c.name || got.Rune != c.rune || got.Down != (c.value != 0) {
			t.Errorf("code %d, value %d: %+v, want %q %q", c.code, c.value, got, c.name, c.rune)
		}
	}
	if _, ok := k.event(event{kind: evKey, code: btnTouch, value: 1}); ok {
		t.Error("a touch is a key")
	}
}

func TestCalibrate(t *testing.T) {
	// The panel is mirrored, turned, and begins late.
	wrong := func(p Point) Point { return Point{0.9 - 0.8*p.Y, 0.05 + 0.9*p.X} }
	marks := [3]Point{{0.1, 0.1}, {0.9, 0.2}, {0.4, 0.9}}
	var touched [3]Point
	for i, m := range marks {
		touched[i] = wrong(m)
	}
	m, err := Calibrate(touched, marks)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []Point{{0, 0}, {1, 1}, {0.3, 0.7}} {
		raw := wrong(p)
		x, y := m.Apply(raw.X, raw.Y)
		if math.Abs(float64(x-p.X)) > 1e-4 || math.Abs(float64(y-p.Y)) > 1e-4 {
			t.Errorf("%v became %v, %v", p, x, y)
		}
	}
	if _, err := Calibrate([3]Point{{0, 0}, {0.5, 0.5}, {1, 1}}, marks); !errors.Is(err, ErrFlat) {
		t.Errorf("points on a line: %v, want ErrFlat", err)
	}
	nan := float32(math.NaN())
	if _, err := Calibrate([3]Point{{nan, 0}, {0.5, 0.5}, {1, 1}}, marks); !errors.Is(err, ErrFlat) {
		t.Errorf("no number: %v, want ErrFlat", err)
	}
	for _, c := range []struct {
		m    Matrix
		x, y float32
	}{{Identity, 0.2, 0.3}, {Matrix{}, 0.2, 0.3}, {SwapXY, 0.3, 0.2}, {FlipX, 0.8, 0.3}, {FlipY, 0.2, 0.7}} {
		if x, y := c.m.Apply(0.2, 0.3); math.Abs(float64(x-c.x)) > 1e-6 || math.Abs(float64(y-c.y)) > 1e-6 {
			t.Errorf("%v: %v, %v, want %v, %v", c.m, x, y, c.x, c.y)
		}
	}
}

// list is the kernel's list on a board of 64 bits.
const list = `I: Bus=0018 Vendor=0416 Product=038f Version=1060
N: Name="Goodix Capacitive TouchScreen"
P: Phys=input/ts
S: Sysfs=/devices/platform/i2c/input/input0
H: Handlers=event0
B: PROP=2
B: EV=b
B: KEY=400 0 0 0 0 0
B: ABS=2658000 3

I: Bus=0003 Vendor=05f9 Product=2216 Version=0110
N: Name="Barcode Scanner"
H: Handlers=sysrq kbd leds event2
B: EV=120013
B: KEY=1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe

I: Bus=0003 Vendor=0627 Product=0001 Version=0001
N: Name="QEMU Virtio Tablet"
H: Handlers=event3
B: EV=f
B: KEY=1f0000 0 0 0 0
B: REL=100
B: ABS=3

N: Name="joystick"
H: Handlers=js0 event4
B: KEY=ffff000000000000 0 0 0 0
B: ABS=3

N: Name="Power Button"
H: Handlers=kbd event1
B: EV=3
B: KEY=10000000000000 0
`

func TestFind(t *testing.T) {
	if wordSize != 8 {
		t.Skip("the list is of a board of 64 bits")
	}
	got, err := parse(strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	want := []Found{
		{"Goodix Capacitive TouchScreen", "/dev/input/event0", true, false},
		{"Barcode Scanner", "/dev/input/event2", false, true},
		{"QEMU Virtio Tablet", "/dev/input/event3", true, false},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v, want %+v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
}

func TestBit(t *testing.T) {
	for _, c := range []struct {
		bitmap string
		n      int
		word   int
		want   bool
	}{
		{"3", 0, 64, true}, {"3", 1, 32, true}, {"3", 2, 64, false}, {"3", 200, 64, false},
		{"1 0", 64, 64, true}, {"1 0", 32, 32, true}, {"1 0", 32, 64, false}, {"", 0, 64, false}, {"zz", 0, 64, false},
	} {
		if got := bitOf(c.bitmap, c.n, c.word); got != c.want {
			t.Errorf("bit %d of %q in words of %d: %v", c.n, c.bitmap, c.word, got)
		}
	}
}

// FuzzDevice feeds any bytes; fingers must go down, move and come up in order.
func FuzzDevice(f *testing.F) {
	for _, s := range stories {
		var b []byte
		for _, l := range s.lines {
			b = append(b, encode(8, time.Unix(1, 2000), l.kind, l.code, l.value)...)
		}
		f.Add(b, true)
		f.Add(b, false)
	}
	f.Fuzz(func(t *testing.T, b []byte, long bool) {
		word := 4
		if long {
			word = 8
		}
		touch := touch{panel: panel{x: axis99, y: axis99, size: image.Pt(100, 100)}}
		var keys keyboard
		down := map[int]bool{}
		for ; len(b) >= eventSize(word); b = b[eventSize(word):] {
			e, err := decode(b, word)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := keys.event(e); ok {
				continue
			}
			for _, e := range touch.event(e) {
				one, ok := e.(screen.Touch)
				if !ok {
					continue
				}
				if (one.Kind == screen.Down) == down[one.Finger] {
					t.Fatalf("%+v while down is %v", one, down[one.Finger])
				}
				if one.Kind != screen.Move {
					down[one.Finger] = one.Kind == screen.Down
				}
				if !(one.X >= 0 && one.X <= 100 && one.Y >= 0 && one.Y <= 100) {
					t.Fatalf("%+v is not on the picture", one)
				}
			}
		}
		if _, err := decode(b, word); err == nil {
			t.Fatal("a part of an event was read as one")
		}
	})
}
