package fb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// info answers a framebuffer's two requests.
func info(v varInfo, fix fixInfo) func(uint32, unsafe.Pointer) error {
	return func(request uint32, arg unsafe.Pointer) error {
		switch request {
		case fbioGetVScreenInfo:
			*(*varInfo)(arg) = v
		case fbioGetFScreenInfo:
			*(*fixInfo)(arg) = fix
		default:
			return unix.ENOTTY
		}
		return nil
	}
}

// small is a panel of 5 × 4 pixels whose picture begins one row and two
// pixels into memory, with rows longer than they need be.
func small(bits uint32, f format) (varInfo, fixInfo) {
	bit := func(f field) bitfield { return bitfield{Offset: f.offset, Length: f.length} }
	v := varInfo{
		XRes: 5, YRes: 4, XVirtual: 8, YVirtual: 6, XOffset: 2, YOffset: 1, BitsPerPixel: bits,
		Red: bit(f.red), Green: bit(f.green), Blue: bit(f.blue), WidthMM: 154, HeightMM: 86,
	}
	return v, fixInfo{Length: 6 * 40, LineLength: 40}
}

// TestFramebuffer presents two damaged parts and reads the file that stands
// for the panel: those pixels are there in its layout, and no other byte has
// changed.
func TestFramebuffer(t *testing.T) {
	bgr565 := format{2, field{0, 5}, field{5, 6}, field{11, 5}}
	rgb24 := format{3, field{16, 8}, field{8, 8}, field{0, 8}}
	xbgr := format{4, field{0, 8}, field{8, 8}, field{16, 8}}
	for _, f := range []format{xrgb8888, rgb565, bgr565, rgb24, xbgr} {
		v, fix := small(uint32(8*f.bytes), f)
		s := newStand(t, int(fix.Length), info(v, fix))
		out, err := newFramebuffer(s, nil)
		if err != nil {
			t.Fatalf("%v: %v", f, err)
		}
		if got := out.Size(); got != image.Pt(5, 4) {
			t.Fatalf("size %v", got)
		}
		if got := out.Millimetres(); got != image.Pt(154, 86) {
			t.Errorf("%v mm", got)
		}
		img := noise(image.Rect(0, 0, 5, 4))
		damage := []image.Rectangle{image.Rect(1, 0, 3, 2), image.Rect(4, 3, 99, 99), image.Rect(-5, -5, 0, 9)}
		if err := out.Present(img, damage); err != nil {
			t.Fatal(err)
		}
		want := bytes.Repeat([]byte{0xee}, int(fix.Length))
		for _, p := range []image.Point{{1, 0}, {2, 0}, {1, 1}, {2, 1}, {4, 3}} {
			c := img.RGBAAt(p.X, p.Y)
			pixel := uint32(c.R)>>(8-f.red.length)<<f.red.offset | uint32(c.G)>>(8-f.green.length)<<f.green.offset |
				uint32(c.B)>>(8-f.blue.length)<<f.blue.offset
			var b [4]byte
			binary.LittleEndian.PutUint32(b[:], pixel)
			copy(want[(p.Y+1)*40+(p.X+2)*f.bytes:], b[:f.bytes])
		}
		if got := s.memory(t); !bytes.Equal(got, want) {
			t.Errorf("%v: memory\n% x\nwant\n% x", f, got, want)
		}
		if err := out.Close(); err != nil || !s.closed {
			t.Errorf("Close: %v, device closed: %v", err, s.closed)
		}
		if err := out.Present(img, damage); !errors.Is(err, ErrClosed) {
			t.Errorf("Present after Close: %v", err)
		}
		if err := out.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	}
}

// TestConsole: it is put into graphics mode and back into the mode before.
func TestConsole(t *testing.T) {
	v, fix := small(32, xrgb8888)
	s := newStand(t, int(fix.Length), info(v, fix))
	tty := newStand(t, 1, func(request uint32, arg unsafe.Pointer) error {
		if request != kdGetMode {
			return unix.ENOTTY
		}
		*(*int32)(arg) = 3
		return nil
	})
	out, err := newFramebuffer(s, tty)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if want := [][2]uint64{{kdSetMode, kdGraphics}, {kdSetMode, 3}}; !slices.Equal(tty.commands, want) || !tty.closed {
		t.Errorf("console got %v and was closed: %v, want %v", tty.commands, tty.closed, want)
	}
	if want := [][2]uint64{{fbioBlank, 0}}; !slices.Equal(s.commands, want) {
		t.Errorf("panel got %v, want %v", s.commands, want)
	}
	none := newStand(t, 1, func(uint32, unsafe.Pointer) error { return unix.ENOTTY })
	if _, err := newFramebuffer(newStand(t, int(fix.Length), info(v, fix)), none); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("a console that is none gives %v", err)
	}
}

// TestNonsense: a driver that contradicts itself is refused, not believed.
func TestNonsense(t *testing.T) {
	for name, change := range map[string]func(*varInfo, *fixInfo){
		"no pixels":         func(v *varInfo, _ *fixInfo) { v.XRes = 0 },
		"too many":          func(v *varInfo, _ *fixInfo) { v.YRes = 1 << 31 },
		"8 bits":            func(v *varInfo, _ *fixInfo) { v.BitsPerPixel = 8 },
		"12 bits":           func(v *varInfo, _ *fixInfo) { v.BitsPerPixel = 12 },
		"planes":            func(_ *varInfo, f *fixInfo) { f.Type = 1 },
		"grey":              func(v *varInfo, _ *fixInfo) { v.Grayscale = 1 },
		"short rows":        func(_ *varInfo, f *fixInfo) { f.LineLength = 19 },
		"huge rows":         func(_ *varInfo, f *fixInfo) { f.LineLength = 1<<32 - 1 },
		"rows that wrap":    func(_ *varInfo, f *fixInfo) { f.LineLength = 1 << 30 },
		"little memory":     func(_ *varInfo, f *fixInfo) { f.Length = 187 },
		"much memory":       func(_ *varInfo, f *fixInfo) { f.Length = 1<<32 - 1 },
		"panned away":       func(v *varInfo, _ *fixInfo) { v.YOffset = 1 << 30 },
		"panned too far":    func(v *varInfo, _ *fixInfo) { v.YOffset = 3 },
		"no red":            func(v *varInfo, _ *fixInfo) { v.Red.Length = 0 },
		"green beyond":      func(v *varInfo, _ *fixInfo) { v.Green.Offset = 25 },
		"blue that wraps":   func(v *varInfo, _ *fixInfo) { v.Blue.Offset = 1<<32 - 4 },
		"ten bits a colour": func(v *varInfo, _ *fixInfo) { v.Red.Length = 10 },
	} {
		v, fix := small(32, xrgb8888)
		change(&v, &fix)
		s := newStand(t, 6*40, info(v, fix))
		if _, err := newFramebuffer(s, nil); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want %v", name, err, ErrFormat)
		}
	}
	for _, failing := range []uint32{fbioGetVScreenInfo, fbioGetFScreenInfo} {
		v, fix := small(32, xrgb8888)
		works := info(v, fix)
		s := newStand(t, 240, func(request uint32, arg unsafe.Pointer) error {
			if request == failing {
				return unix.EIO
			}
			return works(request, arg)
		})
		if _, err := newFramebuffer(s, nil); !errors.Is(err, unix.EIO) {
			t.Errorf("request %#x fails and the answer is %v", failing, err)
		}
	}
	v, fix := small(32, xrgb8888)
	v.HeightMM = 1<<32 - 1
	out, err := newFramebuffer(newStand(t, 240, info(v, fix)), nil)
	if err != nil || out.Millimetres() != (image.Point{}) {
		t.Errorf("an unknown height: %v", err)
	}
}

// FuzzFramebuffer: whatever a driver says, no write leaves its memory: that
// would be a panic here and a crash on a device.
func FuzzFramebuffer(f *testing.F) {
	f.Add(uint32(5), uint32(4), uint32(2), uint32(1), uint32(32), uint32(40), uint32(240), uint32(16), uint32(8))
	f.Add(uint32(5), uint32(4), uint32(0), uint32(0), uint32(16), uint32(10), uint32(40), uint32(11), uint32(5))
	f.Add(uint32(1<<31), uint32(1<<31), uint32(9), uint32(9), uint32(24), uint32(1<<31), uint32(99), uint32(1<<31), uint32(8))
	img := noise(image.Rect(-3, -3, 40, 40))
	f.Fuzz(func(t *testing.T, w, h, x, y, bits, line, length, offset, depth uint32) {
		v := varInfo{XRes: w, YRes: h, XOffset: x, YOffset: y, BitsPerPixel: bits}
		v.Red, v.Green, v.Blue = bitfield{Offset: offset, Length: depth}, bitfield{Length: 5}, bitfield{Length: depth}
		out, err := newFramebuffer(&memory{info(v, fixInfo{Length: length, LineLength: line})}, nil)
		if err != nil {
			return
		}
		if err := out.Present(img, []image.Rectangle{img.Rect}); err != nil {
			t.Error(err)
		}
	})
}

// memory is a device of at most some kilobytes.
type memory struct {
	answer func(uint32, unsafe.Pointer) error
}

func (m *memory) ioctl(request uint32, arg unsafe.Pointer) error { return m.answer(request, arg) }
func (m *memory) command(uint32, uintptr) error                  { return nil }
func (m *memory) munmap([]byte) error                            { return nil }
func (m *memory) Close() error                                   { return nil }

func (m *memory) mmap(_ int64, length int) ([]byte, error) {
	if length > 1<<16 {
		return nil, unix.ENOMEM
	}
	return make([]byte, length), nil
}

// TestOddAddress: memory that cannot be read in words gives the same pixels.
func TestOddAddress(t *testing.T) {
	src := noise(image.Rect(0, 0, 9, 1)).Pix
	odd := append(make([]byte, 1, 64), src...)[1:]
	for _, f := range []format{xrgb8888, rgb565} {
		want := make([]byte, 9*f.bytes)
		f.convert(want, src)
		for name, from := range map[string][]byte{"even": src, "odd": odd} {
			to := make([]byte, 64)[1:][:9*f.bytes]
			if f.convert(to, from); !bytes.Equal(to, want) {
				t.Errorf("%v from an %s address: % x, want % x", f, name, to, want)
			}
		}
		to := make([]byte, 9*f.bytes)
		if f.convert(to, odd); !bytes.Equal(to, want) {
			t.Errorf("%v: % x, want % x", f, to, want)
		}
	}
}

func benchmark(b *testing.B, f format) {
	w, h := 720, 1280
	s := surface{make([]byte, w*h*f.bytes), w * f.bytes, image.Pt(w, h), f}
	img := noise(image.Rect(0, 0, w, h))
	var written []image.Rectangle
	b.SetBytes(int64(4 * w * h))
	b.ReportAllocs()
	for b.Loop() {
		written = s.put(written[:0], img, []image.Rectangle{img.Rect})
	}
}

// A whole picture of 720×1280 into memory.
func BenchmarkPut32(b *testing.B) { benchmark(b, xrgb8888) }
func BenchmarkPut16(b *testing.B) { benchmark(b, rgb565) }
func BenchmarkPut24(b *testing.B) {
	benchmark(b, format{3, field{16, 8}, field{8, 8}, field{0, 8}})
}
