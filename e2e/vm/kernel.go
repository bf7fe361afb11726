package vm

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Kernel is an unpacked Debian kernel package, or a system that has one
// installed.
type Kernel struct {
	Image   string            // boot/vmlinuz-*
	modules map[string]string // name to file; names are written with "_"
	builtin map[string]bool
}

// ErrKernel says that a folder holds no kernel with modules.
var ErrKernel = errors.New("vm: no kernel")

// OpenKernel finds the newest kernel under a folder.
func OpenKernel(root string) (*Kernel, error) {
	images, err := filepath.Glob(filepath.Join(root, "boot", "vmlinuz-*"))
	if err != nil {
		return nil, fmt.Errorf("vm: %w", err)
	}
	if len(images) == 0 {
		return nil, fmt.Errorf("%w in %s/boot", ErrKernel, root)
	}
	k := &Kernel{Image: images[len(images)-1], modules: map[string]string{}, builtin: map[string]bool{}}
	_, version, _ := strings.Cut(filepath.Base(k.Image), "-")
	for _, above := range []string{"lib", "usr/lib"} {
		if err := k.scan(filepath.Join(root, above, "modules", version)); err == nil {
			return k, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("vm: %w", err)
		}
	}
	return nil, fmt.Errorf("%w modules of %s in %s", ErrKernel, version, root)
}

// scan notes what modules there are, and which are part of the kernel.
func (k *Kernel) scan(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "modules.builtin"))
	if err != nil {
		return err
	}
	for path := range strings.FieldsSeq(string(text)) {
		k.builtin[moduleName(path)] = true
	}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(d.Name(), ".ko") {
			k.modules[moduleName(path)] = path
		}
		return err
	})
}

// moduleName is "virtio_gpu" for drivers/gpu/drm/virtio/virtio-gpu.ko.xz.
func moduleName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// Modules gives files FOLDER/00-name.ko for modules and all that they want, in
// the order in which they are loaded.
func (k *Kernel) Modules(folder string, names ...string) ([]File, error) {
	var files []File
	seen := map[string]bool{}
	var add func(string) error
	add = func(name string) error {
		if seen[name] || k.builtin[name] || name == "" {
			return nil
		}
		seen[name] = true
		path, ok := k.modules[name]
		if !ok {
			return fmt.Errorf("%w: it has no module %s", ErrKernel, name)
		}
		data, err := readModule(path)
		if err != nil {
			return fmt.Errorf("vm: module %s: %w", name, err)
		}
		wanted, err := wants(data)
		if err != nil {
			return fmt.Errorf("vm: module %s: %w", name, err)
		}
		for _, w := range wanted {
			if err := add(w); err != nil {
				return err
			}
		}
		files = append(files, File{Path: fmt.Sprintf("%s/%02d-%s.ko", folder, len(files), name), Mode: 0o600, Data: data})
		return nil
	}
	for _, name := range names {
		if err := add(moduleName(name)); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// readModule reads a module, which newer kernels keep compressed.
func readModule(path string) ([]byte, error) {
	for ending, program := range map[string]string{".xz": "xz", ".zst": "zstd", ".gz": "gzip"} {
		if strings.HasSuffix(path, ending) {
			return exec.Command(program, "-dc", path).Output()
		}
	}
	return os.ReadFile(path)
}

// wants tells which modules one needs: "depends=a,b" in its .modinfo.
func wants(module []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(module))
	if err != nil {
		return nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, errors.New("it has no .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	return depends(info), nil
}

func depends(info []byte) []string {
	for field := range strings.SplitSeq(string(info), "\x00") {
		if list, ok := strings.CutPrefix(field, "depends="); ok && list != "" {
			return strings.Split(strings.ReplaceAll(list, "-", "_"), ",")
		}
	}
	return nil
}
