package vm

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// File is a file of the guest. Folders above it come by themselves.
type File struct {
	Path string // "modules/drm.ko"
	Mode uint32 // permissions
	Data []byte
}

// The types of a file in its mode, from sys/stat.h.
const (
	modeFolder = 0o040000
	modePlain  = 0o100000
	modeChar   = 0o020000
)

// writeInitramfs writes the archive that a kernel unpacks at start, in cpio's
// "newc" format: Documentation/driver-api/early-userspace/buffer-format.rst of
// the Linux kernel. Besides the files it holds /dev/console, which the kernel
// gives to the first process.
func writeInitramfs(w io.Writer, files []File) error {
	a := &archive{w: bufio.NewWriter(w), folders: map[string]bool{".": true, "": true}}
	a.above("dev/console")
	a.entry("dev/console", modeChar|0o600, nil, 5, 1)
	files = slices.Clone(files)
	slices.SortFunc(files, func(x, y File) int { return strings.Compare(x.Path, y.Path) })
	for _, f := range files {
		a.above(f.Path)
		a.entry(f.Path, modePlain|f.Mode&0o777, f.Data, 0, 0)
	}
	a.entry("TRAILER!!!", 0, nil, 0, 0)
	if a.err != nil {
		return fmt.Errorf("vm: initramfs: %w", a.err)
	}
	return a.w.Flush()
}

// archive writes entries and remembers the first error.
type archive struct {
	w       *bufio.Writer
	at      int
	inode   int
	folders map[string]bool
	err     error
}

// above writes the folders that a path lies in.
func (a *archive) above(path string) {
	for i := range path {
		if path[i] == '/' && !a.folders[path[:i]] {
			a.folders[path[:i]] = true
			a.entry(path[:i], modeFolder|0o755, nil, 0, 0)
		}
	}
}

func (a *archive) entry(path string, mode uint32, data []byte, major, minor int) {
	a.inode++
	a.write(fmt.Appendf(nil, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(path)+1, 0))
	a.write(append([]byte(path), 0))
	a.pad()
	a.write(data)
	a.pad()
}

func (a *archive) pad() { a.write(make([]byte, -a.at&3)) }

func (a *archive) write(b []byte) {
	if a.err == nil {
		_, a.err = a.w.Write(b)
		a.at += len(b)
	}
}
