//go:build vm

package vm

import (
	"fmt"
	"image"
	"strings"
	"testing"
)

// TestPanel: virtio-gpu as a portrait panel, first through DRM, then through
// the framebuffer that the kernel makes of it; a tablet, a keyboard, and a
// touch panel with slots.
func TestPanel(t *testing.T) {
	size := image.Pt(720, 1280)
	r := boot(t, parts{
		devices: []string{fmt.Sprintf("virtio-gpu-pci,xres=%d,yres=%d", size.X, size.Y), tablet, keyboard},
		modules: append([]string{"virtio_gpu", "uinput"}, virtio...),
	})
	r.hasText()
	r.tell("panel", fmt.Sprint(size.X), fmt.Sprint(size.Y))
	for _, output := range []string{"drm:/dev/dri/card0", "fb:/dev/fb0"} {
		about := r.show(output, size, "auto")
		// QEMU's panels have 100 dots per inch.
		if want := "of 180x320 mm with 32 bits, terminal none"; about != want {
			t.Errorf("%s: it %s, want %s", output, about, want)
		}
		r.noText()
		r.sell(r.byTablet)
		r.twoFingers("3", "4")
		r.tap("Clear", r.byPanel)
		r.typed()
		r.resetKeys()
		r.stop()
		r.hasText()
	}
}

// TestVGA: a framebuffer of 16 bits a pixel that the boot loader has set, as
// many boards have; then, on the same card, a DRM driver that shows memory as
// it is and refuses to be told of damage.
func TestVGA(t *testing.T) {
	r := boot(t, parts{
		devices: []string{"VGA", tablet}, modules: virtio, later: []string{"bochs"}, append: "vga=0x314",
	})
	r.bits = highColour
	if about := r.works("fb:/dev/fb0", image.Pt(800, 600)); !strings.Contains(about, "with 16 bits") {
		t.Errorf("the framebuffer is one %s", about)
	}
	r.tell("load", "/later")
	r.bits = trueColour
	r.works("drm:/dev/dri/card0", image.Pt(1280, 800))
}

// TestVGA24: pixels of three bytes.
func TestVGA24(t *testing.T) {
	r := boot(t, parts{devices: []string{"VGA", tablet}, modules: virtio, append: "vga=0x312"})
	if about := r.works("fb:/dev/fb0", image.Pt(640, 480)); !strings.Contains(about, "with 24 bits") {
		t.Errorf("the framebuffer is one %s", about)
	}
}

// works sells on an output, and tells what it is.
func (r *rig) works(output string, size image.Point) string {
	r.t.Helper()
	about := r.show(output, size, "auto")
	r.noText()
	r.sell(r.byTablet)
	r.stop()
	r.hasText()
	return about
}
