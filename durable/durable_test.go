package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cloudpos/cloudpos/durable"
)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// holds fails unless a folder holds just these names.
func holds(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if len(got) != len(want) {
		t.Fatalf("%s holds %q, want %q", dir, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s holds %q, want %q", dir, got, want)
		}
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "epoch")
	for _, text := range []string{"first", "second, and longer", "", "last"} {
		if err := durable.Replace(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != text {
			t.Errorf("the file holds %q, want %q", got, text)
		}
		holds(t, dir, "epoch")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

// What a power cut left behind, or an attacker put there, is removed and not
// written into.
func TestReplaceOverRemains(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "token.key"), filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, remains := range map[string]func(string) error{
		"readable by all": func(p string) error { return os.WriteFile(p, []byte("half of a longer text"), 0o644) },
		"link":            func(p string) error { return os.Symlink(other, p) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := remains(path + ".new"); err != nil {
				t.Fatal(err)
			}
			if err := durable.Replace(path, []byte("key"), 0o600); err != nil {
				t.Fatal(err)
			}
			info, err := os.Lstat(path)
			if err != nil || info.Mode() != 0o600 || read(t, path) != "key" || read(t, other) != "untouched" {
				t.Errorf("mode %v, %v; holds %q, other %q", info.Mode(), err, read(t, path), read(t, other))
			}
			holds(t, dir, "other", "token.key")
		})
	}
}

// A failure leaves the old file, and nothing beside it.
func TestReplaceFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "taken", "by-a-folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := durable.Replace(filepath.Join(dir, "taken"), []byte("x"), 0o600); err == nil {
		t.Error("a folder was replaced")
	}
	holds(t, dir, "taken")
	if err := durable.Replace(filepath.Join(dir, "none", "x"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without its folder: %v, want ErrNotExist", err)
	}
	blocked := filepath.Join(dir, "blocked")
	if err := os.MkdirAll(filepath.Join(blocked, "file.new", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(blocked, "file"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.Replace(filepath.Join(blocked, "file"), []byte("new"), 0o600); err == nil {
		t.Error("remains that cannot be removed were overlooked")
	}
	if got := read(t, filepath.Join(blocked, "file")); got != "old" {
		t.Errorf("after a failure the file holds %q", got)
	}
}

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cert.pem")
	if err := durable.Create(path, []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := durable.Create(path, []byte("two"), 0o644); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another: %v, want ErrExist", err)
	}
	if got := read(t, path); got != "one" {
		t.Errorf("the file holds %q, want what was there first", got)
	}
}

func TestRename(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "set.tmp"), filepath.Join(dir, "set")+"/"
	if err := os.Mkdir(from, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := durable.Rename(from, to); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, "set")
	if err := durable.Rename(from, to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second time: %v, want ErrNotExist", err)
	}
}

func TestMkdirAll(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b", "c")
	for range 2 {
		if err := durable.MkdirAll(deep+"/", 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(deep); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "nowhere"), link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		file:                       syscall.ENOTDIR,
		filepath.Join(file, "x"):   syscall.ENOTDIR,
		link:                       fs.ErrExist,
		filepath.Join(dir, "\x00"): syscall.EINVAL,
	} {
		if err := durable.MkdirAll(path, 0o700); !errors.Is(err, want) {
			t.Errorf("MkdirAll(%q) = %v, want %v", path, err, want)
		}
	}
}

func TestSyncDir(t *testing.T) {
	if err := durable.SyncDir(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want ErrNotExist", err)
	}
}
