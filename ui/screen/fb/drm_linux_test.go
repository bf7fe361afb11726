package fb

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// card is a DRM device with two sockets: nothing in the first, and a panel of
// 6 × 3 pixels in the second, which prefers its second mode. It logs what
// changes.
type card struct {
	log      []string
	fails    map[uint32]error
	panels   int // connected ones: 0 or 1
	encoder  uint32
	possible uint32
	before   crtc
	clips    []clip
}

func newCard() *card { return &card{panels: 1, possible: 2, fails: map[uint32]error{}} }

// at returns the array of n elements at an address that a structure holds as
// a number, as the kernel would.
func at[T any](address *uint64, n uint32) []T {
	if *address == 0 {
		return nil
	}
	return unsafe.Slice(*(**T)(unsafe.Pointer(address)), n)
}

func (c *card) answer(request uint32, arg unsafe.Pointer) error {
	if err := c.fails[request]; err != nil {
		return err
	}
	switch request {
	case drmGetCap:
		(*capability)(arg).Value = 1
	case drmGetResources:
		r := (*resources)(arg)
		copy(at[uint32](&r.CRTCs, r.CountCRTCs), []uint32{40, 41})
		copy(at[uint32](&r.Connectors, r.CountConnectors), []uint32{50, 51})
		r.CountCRTCs, r.CountConnectors = 2, 2
	case drmGetConnector:
		c.getConnector((*connector)(arg))
	case drmGetEncoder:
		e := (*encoder)(arg)
		if e.ID != 60 {
			return unix.ENOENT
		}
		e.CRTC, e.PossibleCRTCs = c.encoder, c.possible
	case drmGetCRTC:
		id := (*crtc)(arg).ID
		*(*crtc)(arg) = c.before
		(*crtc)(arg).ID = id
	case drmSetCRTC:
		s := (*crtc)(arg)
		c.log = append(c.log, fmt.Sprintf("crtc %d shows %d on %v in %s", s.ID, s.FB, at[uint32](&s.Connectors, s.CountConnectors), name(s.Mode)))
	default:
		return c.picture(request, arg)
	}
	return nil
}

func (c *card) getConnector(k *connector) {
	k.Connection = 2
	if k.ID == 51 && c.panels > 0 {
		modes := []mode{{HDisplay: 9, VDisplay: 9}, {HDisplay: 6, VDisplay: 3, Type: preferred}}
		copy(modes[0].Name[:], "nine")
		copy(modes[1].Name[:], "six")
		copy(at[mode](&k.Modes, k.CountModes), modes)
		copy(at[uint32](&k.Encoders, k.CountEncoders), []uint32{60})
		k.Connection, k.CountModes, k.CountEncoders, k.WidthMM, k.HeightMM = connected, 2, 1, 60, 30
	}
}

func name(m mode) string { return string(bytes.TrimRight(m.Name[:], "\x00")) }

// picture answers what is about the dumb buffer.
func (c *card) picture(request uint32, arg unsafe.Pointer) error {
	switch request {
	case drmCreateDumb:
		d := (*dumb)(arg)
		d.Handle, d.Pitch = 7, 32
		d.Size = uint64(d.Pitch * d.Height)
		c.log = append(c.log, fmt.Sprintf("create %d × %d, %d bits", d.Width, d.Height, d.Bits))
	case drmMapDumb:
		(*mapDumb)(arg).Offset = 4096
	case drmAddFB:
		a := (*addFB)(arg)
		a.ID = 70
		c.log = append(c.log, fmt.Sprintf("add %d: pitch %d, depth %d", a.Handle, a.Pitch, a.Depth))
	case drmDirtyFB:
		d := (*dirty)(arg)
		c.clips = slices.Clone(at[clip](&d.Clips, d.CountClips))
		c.log = append(c.log, fmt.Sprintf("dirty %d: %v", d.FB, c.clips))
	case drmRemoveFB:
		c.log = append(c.log, fmt.Sprintf("remove %d", *(*uint32)(arg)))
	case drmDestroyDumb:
		c.log = append(c.log, fmt.Sprintf("destroy %d", *(*uint32)(arg)))
	default:
		return unix.ENOTTY
	}
	return nil
}

// TestDRM: a life of a panel, as its driver sees it.
func TestDRM(t *testing.T) {
	c := newCard()
	c.before = crtc{FB: 9, ModeValid: 1}
	copy(c.before.Mode.Name[:], "boot")
	s := newStand(t, 4096+96, c.answer)
	out, err := newDRM(s)
	if err != nil {
		t.Fatal(err)
	}
	if out.Size() != image.Pt(6, 3) || out.Millimetres() != image.Pt(60, 30) {
		t.Fatalf("size %v, %v mm", out.Size(), out.Millimetres())
	}
	img := noise(image.Rect(0, 0, 6, 3))
	if err := out.Present(img, []image.Rectangle{image.Rect(1, 1, 3, 2), image.Rect(9, 9, 10, 10), image.Rect(5, 0, 8, 1)}); err != nil {
		t.Fatal(err)
	}
	if err := out.Present(img, nil); err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte{0xee}, 96)
	for _, p := range []image.Point{{1, 1}, {2, 1}, {5, 0}} {
		c := img.RGBAAt(p.X, p.Y)
		copy(want[p.Y*32+p.X*4:], []byte{c.B, c.G, c.R, 0})
	}
	if got := s.memory(t)[4096:]; !bytes.Equal(got, want) {
		t.Errorf("memory\n% x\nwant\n% x", got, want)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(out.Close(), nil); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if err := out.Present(img, []image.Rectangle{img.Rect}); !errors.Is(err, ErrClosed) {
		t.Errorf("Present after Close: %v", err)
	}
	wantLog := []string{
		"create 6 × 3, 32 bits", "add 7: pitch 32, depth 24", "crtc 41 shows 70 on [51] in six",
		"dirty 70: [{1 1 3 2} {5 0 6 1}]",
		"crtc 41 shows 9 on [51] in boot", "remove 70", "destroy 7",
	}
	if !slices.Equal(c.log, wantLog) || !s.closed {
		t.Errorf("the driver saw\n%s\nwant\n%s", strings.Join(c.log, "\n"), strings.Join(wantLog, "\n"))
	}
}

// TestDRMFeeder: the CRTC that feeds a panel already goes before another.
func TestDRMFeeder(t *testing.T) {
	c := newCard()
	c.encoder = 40
	if _, err := newDRM(newStand(t, 4096+96, c.answer)); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(c.log, "crtc 40 shows 70 on [51] in six") {
		t.Errorf("the driver saw %q", c.log)
	}
}

// TestDRMUntold: a driver that refuses to be told is not told again; one that
// fails otherwise is an error.
func TestDRMUntold(t *testing.T) {
	c := newCard()
	out, err := newDRM(newStand(t, 4096+96, c.answer))
	if err != nil {
		t.Fatal(err)
	}
	img, all := noise(image.Rect(0, 0, 6, 3)), []image.Rectangle{image.Rect(0, 0, 6, 3)}
	c.fails[drmDirtyFB] = fmt.Errorf("broken: %w", unix.EIO)
	if err := out.Present(img, all); !errors.Is(err, unix.EIO) {
		t.Errorf("a broken driver gives %v", err)
	}
	many := slices.Repeat(all, clipsMax+1)
	delete(c.fails, drmDirtyFB)
	if err := out.Present(img, many); err != nil || len(c.clips) != 1 {
		t.Errorf("%d parts are told as %d (%v), want as one", len(many), len(c.clips), err)
	}
	c.fails[drmDirtyFB] = fmt.Errorf("unknown: %w", unix.ENOSYS)
	if err := out.Present(img, all); err != nil {
		t.Error(err)
	}
	delete(c.fails, drmDirtyFB)
	before := len(c.log)
	if err := out.Present(img, all); err != nil || len(c.log) != before {
		t.Errorf("the driver is told again: %q, %v", c.log[before:], err)
	}
}

// TestDRMFailures: each request may fail. The error is told, and what was
// made until then is undone.
func TestDRMFailures(t *testing.T) {
	for _, request := range []uint32{
		drmGetCap, drmGetResources, drmGetConnector, drmGetCRTC, drmCreateDumb, drmAddFB, drmMapDumb, drmSetCRTC,
	} {
		c := newCard()
		c.fails[request] = unix.EIO
		if _, err := newDRM(newStand(t, 4096+96, c.answer)); !errors.Is(err, unix.EIO) {
			t.Errorf("request %#x fails and the answer is %v", request, err)
		}
		made := slices.ContainsFunc(c.log, func(s string) bool { return strings.HasPrefix(s, "create") })
		if made && c.log[len(c.log)-1] != "destroy 7" {
			t.Errorf("request %#x fails and the picture stays: %q", request, c.log)
		}
	}
	for name, c := range map[string]*card{
		"nothing connected": {possible: 2},
		"no way to it":      {panels: 1},
		"no encoder":        {panels: 1, possible: 2, fails: map[uint32]error{drmGetEncoder: unix.ENOENT}},
	} {
		if _, err := newDRM(newStand(t, 4096+96, c.answer)); !errors.Is(err, ErrNoDisplay) {
			t.Errorf("%s: %v, want %v", name, err, ErrNoDisplay)
		}
	}
	plain := func(request uint32, _ unsafe.Pointer) error {
		if request != drmGetCap {
			t.Errorf("request %#x after no dumb buffers", request)
		}
		return nil
	}
	if _, err := newDRM(newStand(t, 1, plain)); !errors.Is(err, ErrNoDisplay) {
		t.Errorf("no dumb buffers: %v, want %v", err, ErrNoDisplay)
	}
}
