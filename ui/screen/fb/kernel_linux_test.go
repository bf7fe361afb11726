package fb

import (
	"bytes"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stand is a file that stands for a device: its memory is really mapped, and
// requests are answered by a function.
type stand struct {
	device
	path   string
	answer func(request uint32, arg unsafe.Pointer) error
	// commands are the requests with a number, in order.
	commands [][2]uint64
	closed   bool
}

// newStand makes a device of so many bytes, each of which is 0xee.
func newStand(t *testing.T, size int, answer func(uint32, unsafe.Pointer) error) *stand {
	t.Helper()
	path := filepath.Join(t.TempDir(), "device")
	if err := os.WriteFile(path, bytes.Repeat([]byte{0xee}, size), 0o600); err != nil {
		t.Fatal(err)
	}
	opened, err := openDevice(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{device: *opened.(*device), path: path, answer: answer}
	t.Cleanup(func() { _ = s.device.Close() })
	return s
}

func (s *stand) ioctl(request uint32, arg unsafe.Pointer) error { return s.answer(request, arg) }

func (s *stand) command(request uint32, value uintptr) error {
	s.commands = append(s.commands, [2]uint64{uint64(request), uint64(value)})
	if request == fbioBlank {
		return unix.EINVAL // as many drivers answer
	}
	return nil
}

func (s *stand) Close() error {
	s.closed = true
	return s.device.Close()
}

// memory is what the panel shows now.
func (s *stand) memory(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// noise is an opaque picture, the same each time.
func noise(r image.Rectangle) *image.RGBA {
	random := rand.New(rand.NewPCG(1, 1))
	img := image.NewRGBA(r)
	for i := range img.Pix {
		img.Pix[i] = uint8(random.Uint32())
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	return img
}

// TestStructures compares with the kernel's headers: sizes, and requests as
// strace shows them.
func TestStructures(t *testing.T) {
	word := unsafe.Sizeof(uintptr(0))
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"fb_var_screeninfo", unsafe.Sizeof(varInfo{}), 160},
		{"fb_fix_screeninfo", unsafe.Sizeof(fixInfo{}), 56 + 3*word},
		{"fb_fix_screeninfo.line_length", unsafe.Offsetof(fixInfo{}.LineLength), 40 + word},
		{"drm_mode_modeinfo", unsafe.Sizeof(mode{}), 68},
		{"drm_mode_crtc.mode", unsafe.Offsetof(crtc{}.Mode), 36},
		{"drm_mode_get_connector.connection", unsafe.Offsetof(connector{}.Connection), 60},
		{"MODE_GETRESOURCES", uintptr(drmGetResources), 0xc04064a0},
		{"MODE_GETCRTC", uintptr(drmGetCRTC), 0xc06864a1},
		{"MODE_SETCRTC", uintptr(drmSetCRTC), 0xc06864a2},
		{"MODE_GETENCODER", uintptr(drmGetEncoder), 0xc01464a6},
		{"MODE_GETCONNECTOR", uintptr(drmGetConnector), 0xc05064a7},
		{"MODE_ADDFB", uintptr(drmAddFB), 0xc01c64ae},
		{"MODE_RMFB", uintptr(drmRemoveFB), 0xc00464af},
		{"MODE_DIRTYFB", uintptr(drmDirtyFB), 0xc01864b1},
		{"MODE_CREATE_DUMB", uintptr(drmCreateDumb), 0xc02064b2},
		{"MODE_MAP_DUMB", uintptr(drmMapDumb), 0xc01064b3},
		{"MODE_DESTROY_DUMB", uintptr(drmDestroyDumb), 0xc00464b4},
		{"GET_CAP", uintptr(drmGetCap), 0xc010640c},
	} {
		if c.got != c.want {
			t.Errorf("%s is %#x, want %#x", c.name, c.got, c.want)
		}
	}
}

// TestNoDevice: a plain file answers no request, and what is missing is told.
func TestNoDevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(path, make([]byte, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, path + ".missing"} {
		if f, err := OpenFramebuffer(p, ""); err == nil {
			t.Errorf("%s is a framebuffer: %v", p, f.Size())
		}
		if d, err := OpenDRM(p); err == nil {
			t.Errorf("%s is a DRM device: %v", p, d.Size())
		}
	}
	if _, err := OpenFramebuffer(path, path+".missing"); err == nil {
		t.Error("a console that is missing goes unnoticed")
	}
}
