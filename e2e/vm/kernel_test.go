package vm

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// tree makes files with their contents.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestOpenKernel(t *testing.T) {
	const modules = "lib/modules/6.1.0-9-amd64/"
	root := tree(t, map[string]string{
		"boot/vmlinuz-6.1.0-9-amd64":              "",
		modules + "modules.builtin":               "kernel/drivers/tty/serial/8250/8250.ko\n",
		modules + "kernel/drivers/virtio-gpu.ko":  "no module",
		modules + "kernel/drivers/evdev.ko.xz":    "",
		modules + "kernel/drivers/Module.symvers": "",
	})
	k, err := OpenKernel(root)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(root, "boot/vmlinuz-6.1.0-9-amd64"); k.Image != want {
		t.Errorf("image %s, want %s", k.Image, want)
	}
	if len(k.modules) != 2 || k.modules["virtio_gpu"] == "" || k.modules["evdev"] == "" {
		t.Errorf("modules %v", k.modules)
	}
	if files, err := k.Modules("modules", "8250"); err != nil || len(files) != 0 {
		t.Errorf("what is built in gives %v, %v", files, err)
	}
	if _, err := k.Modules("modules", "missing"); !errors.Is(err, ErrKernel) {
		t.Errorf("a module that is missing gives %v", err)
	}
	if _, err := k.Modules("modules", "virtio-gpu"); err == nil {
		t.Error("a file that is no module is taken")
	}
}

func TestOpenKernelMissing(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"nothing":    {},
		"no modules": {"boot/vmlinuz-6.1.0": ""},
	} {
		if _, err := OpenKernel(tree(t, files)); !errors.Is(err, ErrKernel) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDepends(t *testing.T) {
	for info, want := range map[string][]string{
		"license=GPL\x00depends=drm,drm-kms-helper\x00name=x\x00": {"drm", "drm_kms_helper"},
		"depends=\x00":           nil,
		"softdepends=a\x00":      nil,
		"":                       nil,
		"depends=virtio_ring":    {"virtio_ring"},
		"x\x00depends=a\x00\x00": {"a"},
	} {
		if got := depends([]byte(info)); !slices.Equal(got, want) {
			t.Errorf("depends(%q) = %q, want %q", info, got, want)
		}
	}
}
