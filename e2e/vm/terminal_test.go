//go:build vm

package vm

import (
	"fmt"
	"image"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/cloud/devset"
	"github.com/cloudpos/cloudpos/e2e/vm/scene"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/ui"
	"github.com/cloudpos/cloudpos/ui/screen"
)

// terminalFiles are a terminal with a simulated reader, whose screen is a panel
// that is mounted on its side.
func terminalFiles(t *testing.T) []File {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "set")
	if err := devset.Make(dir, devset.Opts{Now: time.Now(), MQTTPort: 8883, StatusPort: 8081}); err != nil {
		t.Fatal(err)
	}
	files := []File{program(t, "terminal", "../../cmd/terminal")}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		in, err := filepath.Rel(dir, name)
		if path.Base(in) == "terminal.toml" {
			// Devices that are busy for a moment would show on the idle screen, and an
			// antenna has lights there, which blink.
			data = regexp.MustCompile(`(antenna|stripe|pinpad|printer) = .*`).ReplaceAll(data, []byte(`$1 = "none:"`))
			data = fmt.Appendf(data, "\n[screen]\noutput = \"drm:/dev/dri/card0\"\ntouch = [\"auto\"]\ndpi = %d\nrotation = 90\n", dpi)
		}
		files = append(files, File{Path: filepath.ToSlash(in), Mode: 0o600, Data: data})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestTerminal: the terminal itself, as a board starts it, from its idle
// screen to a sale that is declined, since it has no cloud. A panel that is
// pulled out and plugged in again works on.
func TestTerminal(t *testing.T) {
	size := image.Pt(1280, 800)
	r := boot(t, parts{
		devices: []string{fmt.Sprintf("virtio-gpu-pci,xres=%d,yres=%d", size.X, size.Y), tablet, keyboard},
		modules: append([]string{"virtio_gpu", "uinput"}, virtio...), files: terminalFiles(t),
	})
	r.size, r.onSide, r.mute = size, true, true
	r.tell("run", "/terminal", "run", "--config", "/t1/terminal.toml")
	r.expect("out ready")
	var err error
	r.model, err = scene.NewModel(size, dpi, 90, ui.Opts{Merchant: "云端便利店 Cloud Store", Training: true, ContactOnly: true})
	r.check(err)
	defer r.model.Stop()
	r.check(r.model.ShowStatus(ui.Status{Faults: []ui.Fault{{Device: ui.DeviceCloud}}}))
	r.same("the idle screen, once it is known that there is no cloud")
	r.resetKeys()
	r.noText()
	r.tap("New sale", r.byTablet)
	r.replug()
	r.tap("Clear", r.byPanel)
	for _, key := range []string{"1", "2", "5", "00"} {
		r.tap(key, r.byPanel)
	}
	r.declined()
	r.tap("New sale", r.byPanel)
	r.check(r.m.Tell("stop"))
	if how := r.expect("ended"); !strings.HasSuffix(how, "<nil>") {
		t.Errorf("the terminal did not end by itself and well: %s", how)
	}
	r.hasText()
}

// replug plugs a touch panel in, out and in, and holds a finger on a key until
// it is felt.
func (r *rig) replug() {
	r.t.Helper()
	for _, plug := range []string{"in", "again"} {
		r.tell("panel", fmt.Sprint(r.size.X), fmt.Sprint(r.size.Y))
		r.touchUntilFelt("9")
		if plug == "in" {
			r.tell("unplug")
		}
	}
}

// touchUntilFelt puts a finger down and lifts it again and again: a panel is
// found some time after it was plugged in.
func (r *rig) touchUntilFelt(text string) {
	r.t.Helper()
	const looks = 20 // at the panel before another try
	at := r.place(text)
	before := r.model.Picture()
	n := 0
	r.until(func() string {
		if n%looks == 0 {
			r.finger(0, at, false)
			r.finger(0, at, true)
		}
		n++
		if r.difference(r.shot(), before) == "" {
			return "nobody feels the finger"
		}
		return ""
	}, func(why string) { r.t.Fatal(why) })
	r.finger(0, at, false)
	for _, kind := range []screen.TouchKind{screen.Down, screen.Up} {
		r.check(r.model.Touch(screen.Touch{Kind: kind, X: float32(at.X), Y: float32(at.Y)}))
	}
	r.same("after a tap on the new panel")
}

// declined charges the card in the simulated reader. Without a cloud nobody
// approves it.
func (r *rig) declined() {
	r.t.Helper()
	at := r.place("Charge")
	for _, kind := range []screen.TouchKind{screen.Down, screen.Up} {
		r.byTablet(at, kind == screen.Down)
		r.check(r.model.Touch(screen.Touch{Kind: kind, X: float32(at.X), Y: float32(at.Y)}))
	}
	r.check(r.model.Show(payment.View{
		Screen: payment.ScreenDeclined, Kind: payment.Sale, Amount: money.Amount{Minor: 125_00, Currency: scene.Currency},
		Reason: "unable to go online", Label: "CLOUDPOS TEST", Masked: "999901******0011",
	}))
	r.same("nobody can be asked")
}
