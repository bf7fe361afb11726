//go:build vm

package vm

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/e2e/vm/scene"
	"github.com/cloudpos/cloudpos/ui"
	"github.com/cloudpos/cloudpos/ui/screen"
)

// virtio are the modules of QEMU's own devices.
var virtio = []string{"virtio_pci", "virtio_input", "evdev"}

const (
	tablet   = "virtio-tablet-pci"
	keyboard = "virtio-keyboard-pci"
)

// dpi makes a pixel one of Fyne's units.
const dpi = 160

// rig is a machine, and the picture that it should show.
type rig struct {
	t     *testing.T
	m     *Machine
	model *scene.Model
	size  image.Point
	// bits are how many of a colour's eight the panel has: red, green, blue.
	bits [3]int
	// onSide is a panel whose picture is turned by 90 degrees.
	onSide bool
	// mute is a guest that does not tell what it feels.
	mute bool
}

var (
	trueColour = [3]int{8, 8, 8}
	highColour = [3]int{5, 6, 5} // 16 bits a pixel
)

// kernelOf opens the kernel that the environment names.
func kernelOf(t *testing.T) *Kernel {
	t.Helper()
	root := os.Getenv("VM_KERNEL")
	if root == "" {
		root = "/"
	}
	k, err := OpenKernel(root)
	if err != nil {
		t.Fatalf("%v; VM_KERNEL names the folder of an unpacked kernel package", err)
	}
	return k
}

// program makes a program for the guest, once.
func program(t *testing.T, path, pkg string) File {
	t.Helper()
	if f, ok := programs[path]; ok {
		return f
	}
	f := build(t, path, pkg)
	programs[path] = f
	return f
}

var programs = map[string]File{}

func build(t *testing.T, path, pkg string) File {
	t.Helper()
	out := filepath.Join(t.TempDir(), "program")
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", out, pkg)
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, text)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return File{Path: path, Mode: 0o755, Data: data}
}

// parts are what a machine is made of.
type parts struct {
	devices []string
	modules []string // loaded at start
	later   []string // for the command "load /later"
	append  string   // to the kernel's command line
	files   []File
}

// boot starts a machine.
func boot(t *testing.T, p parts) *rig {
	t.Helper()
	k := kernelOf(t)
	files := append(p.files, program(t, "init", "./init"), program(t, "guest", "./guest"))
	for folder, names := range map[string][]string{"modules": p.modules, "later": p.later} {
		loaded, err := k.Modules(folder, names...)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, loaded...)
	}
	console := filepath.Join(t.TempDir(), "console")
	started := time.Now()
	m, err := Boot(Opts{
		Kernel: k, Files: files, Devices: p.devices, Append: p.append, Accel: os.Getenv("VM_ACCEL"), Log: console,
	})
	t.Cleanup(func() {
		if text, err := os.ReadFile(console); t.Failed() && err == nil {
			t.Logf("the kernel said:\n%s", text[max(0, len(text)-4000):])
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("booted in %v", time.Since(started).Round(time.Millisecond))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the guest said:\n%s", strings.Join(m.Said(), "\n"))
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return &rig{t: t, m: m, bits: trueColour}
}

func (r *rig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) tell(words ...string) {
	r.t.Helper()
	r.check(r.m.Tell(words...))
	r.expect("done " + words[0])
}

func (r *rig) expect(words string) string {
	r.t.Helper()
	rest, err := r.m.Expect(words)
	r.check(err)
	return rest
}

// show starts the guest's screens on an output of this size, and the same ones
// in memory. It returns what the guest says about the panel.
func (r *rig) show(output string, size image.Point, inputs ...string) string {
	r.t.Helper()
	r.size = size
	r.tell(append([]string{"run", "/guest", output, fmt.Sprint(dpi)}, inputs...)...)
	about := r.expect(fmt.Sprintf("out shows %dx%d", size.X, size.Y))
	model, err := scene.NewModel(size, dpi, 0, ui.Opts{})
	r.check(err)
	r.model = model
	r.same("the idle screen")
	return about
}

// stop ends the guest's screens.
func (r *rig) stop() {
	r.t.Helper()
	r.check(r.m.Tell("stop"))
	r.expect("out closed")
	if how := r.expect("ended"); how != "<nil>" {
		r.t.Errorf("the guest's program ended with %s", how)
	}
	r.expect("done")
	r.model.Stop()
}

// patience is how long a picture may take to be on the panel: framebuffers
// under DRM are copied some time after they were written to.
const patience = 30 * time.Second

// same waits until the panel shows exactly what is in memory.
func (r *rig) same(what string) {
	r.t.Helper()
	want := r.model.Picture()
	var got *image.RGBA
	r.until(func() string {
		got = r.shot()
		return r.difference(got, want)
	}, func(why string) {
		r.t.Fatalf("%s: %s; see %s", what, why, keep(r.t, got, want))
	})
}

// until asks again until it gets no answer.
func (r *rig) until(ask func() string, fail func(string)) {
	r.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(patience); ; <-tick.C {
		why := ask()
		if why == "" {
			return
		}
		if time.Now().After(late) {
			fail(why)
			return
		}
	}
}

// difference tells the first dot that differs in what the panel can show.
func (r *rig) difference(got, want *image.RGBA) string {
	if got.Rect != want.Rect {
		return fmt.Sprintf("the panel has %v, want %v", got.Rect, want.Rect)
	}
	n, first := 0, image.Point{}
	for i := 0; i < len(got.Pix); i += 4 {
		for c, bits := range r.bits {
			if (got.Pix[i+c]^want.Pix[i+c])>>(8-bits) != 0 {
				if n == 0 {
					first = image.Pt(i/4%got.Rect.Dx(), i/4/got.Rect.Dx())
				}
				n++
				break
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d dots differ, the first at %v: %v, want %v", n, first,
		got.RGBAAt(first.X, first.Y), want.RGBAAt(first.X, first.Y))
}

// shot is what the panel shows.
func (r *rig) shot() *image.RGBA {
	r.t.Helper()
	img, err := r.m.Shot()
	r.check(err)
	return img
}

// keep leaves two pictures to look at.
func keep(t *testing.T, pictures ...*image.RGBA) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "vm-pictures")
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range pictures {
		f, err := os.Create(filepath.Join(dir, []string{"got.png", "want.png"}[i]))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, p); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	return dir
}

// tap taps a text with a finger, and looks at the panel while it is down and
// when it has gone up.
func (r *rig) tap(text string, press func(at image.Point, down bool)) {
	r.t.Helper()
	at := r.place(text)
	for _, s := range []struct {
		kind screen.TouchKind
		word string
	}{{screen.Down, "down"}, {screen.Up, "up"}} {
		press(at, s.kind == screen.Down)
		r.felt(0, s.word, at)
		r.check(r.model.Touch(screen.Touch{Kind: s.kind, X: float32(at.X), Y: float32(at.Y)}))
		r.same(fmt.Sprintf("finger %s on %q", s.word, text))
	}
}

// place is where a text is on the panel.
func (r *rig) place(text string) image.Point {
	r.t.Helper()
	at, err := r.model.Place(text)
	r.check(err)
	if r.onSide {
		return image.Pt(r.size.X-1-at.Y, at.X)
	}
	return at
}

// felt checks the place that the guest has felt a finger at.
func (r *rig) felt(finger int, word string, at image.Point) {
	r.t.Helper()
	if r.mute {
		return
	}
	felt := r.expect(fmt.Sprintf("out touch %d %s", finger, word))
	var x, y float32
	if _, err := fmt.Sscanf(felt, "%f %f", &x, &y); err != nil {
		r.t.Fatalf("%q: %v", felt, err)
	}
	if dx, dy := x-float32(at.X)-0.5, y-float32(at.Y)-0.5; max(dx, -dx, dy, -dy) > 0.1 {
		r.t.Errorf("a finger on the middle of dot %v is felt at %v, %v", at, x, y)
	}
}

// byTablet taps with QEMU's tablet.
func (r *rig) byTablet(at image.Point, down bool) {
	r.t.Helper()
	r.check(r.m.Tablet(at, r.size, down))
}

// sell goes from the idle screen to an amount.
func (r *rig) sell(press func(image.Point, bool)) {
	r.t.Helper()
	for _, text := range []string{"New sale", "1", "2", "5", "00"} {
		r.tap(text, press)
	}
}

// noText checks that neither the kernel nor a program can write on the
// picture.
func (r *rig) noText() {
	r.t.Helper()
	r.tell("text", strings.Repeat("console text ", 40))
	r.same("with text on the console")
}

// hasText checks that the panel shows the console, where text does change the
// picture: else noText would prove nothing.
func (r *rig) hasText() {
	r.t.Helper()
	before := r.shot()
	r.tell("text", strings.Repeat("console text ", 40))
	r.until(func() string {
		if r.difference(r.shot(), before) == "" {
			return "the console shows no text"
		}
		return ""
	}, func(why string) { r.t.Fatal(why) })
}

// byPanel taps with the panel that knows slots.
func (r *rig) byPanel(at image.Point, down bool) {
	r.t.Helper()
	r.finger(0, at, down)
}

func (r *rig) finger(slot int, at image.Point, down bool) {
	r.t.Helper()
	words := []string{"finger", fmt.Sprint(slot)}
	if down {
		words = append(words, fmt.Sprint(at.X), fmt.Sprint(at.Y))
	}
	r.check(r.m.Tell(words...)) // it is done when the touch is felt
}

// twoFingers holds one key down while another one is tapped.
func (r *rig) twoFingers(first, second string) {
	r.t.Helper()
	places := [2]image.Point{r.place(first), r.place(second)}
	for _, s := range []struct {
		finger int
		kind   screen.TouchKind
		word   string
	}{{0, screen.Down, "down"}, {1, screen.Down, "down"}, {1, screen.Up, "up"}, {0, screen.Up, "up"}} {
		at := places[s.finger]
		r.finger(s.finger, at, s.kind == screen.Down)
		r.felt(s.finger, s.word, at)
		r.check(r.model.Touch(screen.Touch{Finger: s.finger, Kind: s.kind, X: float32(at.X), Y: float32(at.Y)}))
		r.same(fmt.Sprintf("finger %d %s", s.finger, s.word))
	}
}

// typed presses keys of the keyboard, and looks what the guest makes of them.
func (r *rig) typed() {
	r.t.Helper()
	for _, k := range []struct {
		name string
		down bool
		want string
	}{
		{"7", true, `7 down '7'`}, {"7", false, `7 up`},
		{"shift", true, "LeftShift down"}, {"a", true, `A down 'A'`}, {"a", false, "A up"}, {"shift", false, "LeftShift up"},
		{"a", true, `A down 'a'`}, {"a", false, "A up"}, {"ret", true, "Return down"}, {"ret", false, "Return up"},
	} {
		r.check(r.m.Key(k.name, k.down))
		r.expect("out key " + k.want)
	}
}

// resetKeys presses what restarts a computer. The text console must not hear
// of it.
func (r *rig) resetKeys() {
	r.t.Helper()
	keys := []string{"ctrl", "alt", "delete"}
	for _, down := range []bool{true, false} {
		for _, k := range keys {
			r.check(r.m.Key(k, down))
		}
	}
	r.same("after ctrl, alt and delete")
}
