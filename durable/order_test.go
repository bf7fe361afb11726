package durable_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/durable"
	"github.com/cloudpos/cloudpos/e2e/killer"
)

// The test binary is also the program that is watched and killed: roleVar says
// what it does, in the folder of its first argument.
const roleVar = "DURABLE_TEST_ROLE"

const (
	before = "before"
	after  = "after, and longer"
)

var roles = map[string]func(dir string) error{
	"replace": func(dir string) error { return durable.Replace(filepath.Join(dir, "file"), []byte(after), 0o600) },
	"create": func(dir string) error {
		return errors.Join(durable.Create(filepath.Join(dir, "fresh"), []byte(after), 0o600), durable.SyncDir(dir))
	},
	"mkdir":  func(dir string) error { return durable.MkdirAll(filepath.Join(dir, "a", "b"), 0o700) },
	"rename": func(dir string) error { return durable.Rename(filepath.Join(dir, "file"), filepath.Join(dir, "moved")) },
}

func TestMain(m *testing.M) {
	role, ok := roles[os.Getenv(roleVar)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := role(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run lets a role work in a folder that holds a file, and remains of an
// earlier try.
func run(t *testing.T, role string, opts killer.Opts) (dir string, trace killer.Trace) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"file": before, "file.new": "half"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opts.Start = func(c killer.Call) bool { return strings.HasPrefix(c.Target, dir) }
	cmd := exec.Command(os.Args[0], dir)
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	cmd.Stderr = os.Stderr
	trace, err := killer.Run(t.Context(), cmd, opts)
	switch {
	case errors.Is(err, killer.ErrUnsupported) && (os.Getenv("CI") == "" || runtime.GOARCH != "amd64"):
		t.Skip(err)
	case err != nil && !trace.Killed:
		t.Fatal(err)
	}
	return dir, trace
}

// TestOrder looks at the system calls: bytes are synced before their file gets
// its name, and then the folder is. A rename is counted by the old name.
func TestOrder(t *testing.T) {
	for role, want := range map[string][]string{
		"replace": {"unlink file.new", "create file.new", "write file.new", "sync file.new", "rename file.new", "sync ."},
		"create":  {"create fresh", "write fresh", "sync fresh", "sync ."},
		"mkdir":   {"create a", "sync .", "create a/b", "sync a"},
		"rename":  {"rename file", "sync ."},
	} {
		t.Run(role, func(t *testing.T) {
			dir, trace := run(t, role, killer.Opts{})
			var got []string
			for _, c := range trace.Calls {
				name, err := filepath.Rel(dir, c.Target)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, c.Kind.String()+" "+name)
			}
			if !slices.Equal(got, want) {
				t.Errorf("calls\n%s\nwant %q", trace, want)
			}
		})
	}
}

// TestKilled ends Replace before each of its calls: the file is always whole,
// and the next Replace works and leaves nothing behind.
func TestKilled(t *testing.T) {
	const callsMax = 20
	for n := 1; n < callsMax; n++ {
		dir, trace := run(t, "replace", killer.Opts{KillAt: n})
		path := filepath.Join(dir, "file")
		if got := read(t, path); got != before && got != after || !trace.Killed && got != after {
			t.Errorf("after a cut before call %d the file holds %q", n, got)
		}
		if err := durable.Replace(path, []byte("next"), 0o600); err != nil || read(t, path) != "next" {
			t.Errorf("after a cut before call %d: %v, the file holds %q", n, err, read(t, path))
		}
		holds(t, dir, "file")
		if !trace.Killed {
			return
		}
	}
	t.Fatalf("not through after %d calls", callsMax)
}
