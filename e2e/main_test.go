package e2e

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/e2e/rig"
)

// programs are built once for all tests.
var programs rig.Programs

// sideBySide is how many tests run at once unless -parallel says otherwise:
// more than there are cores, since they wait most of the time.
const sideBySide = "4"

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked {
		if err := flag.Set("test.parallel", sideBySide); err != nil {
			panic(err)
		}
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cloudpos-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := dependOnSources(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if os.Getenv(within) != "" { // TestDisks has built them
		programs = rig.Programs{Terminal: os.Getenv("CLOUDPOS_E2E_TERMINAL"), Cloud: os.Getenv("CLOUDPOS_E2E_CLOUD")}
		return m.Run()
	}
	if programs, err = rig.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// dependOnSources looks at every source file. The programs under test are
// built, not imported; go test keeps a result until a file changes that the
// test has looked at.
func dependOnSources() error {
	const module = ".."
	return filepath.WalkDir(module, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != module && (entry.Name() == "var" || entry.Name() == "bin" || entry.Name()[0] == '.') {
			return fs.SkipDir
		}
		if filepath.Ext(path) == ".go" {
			_, err = os.Stat(path)
		}
		return err
	})
}

// newRig starts a cloud and a simulated shop; everything is stopped at the end.
func newRig(t *testing.T, o rig.Opts) *rig.Rig {
	t.Helper()
	o.Programs, o.Dir = programs, t.TempDir()
	r, err := rig.New(o)
	if err != nil {
		t.Fatal(err)
	}
	endWith(t, r)
	return r
}

// endWith stops everything at the end of the test.
func endWith(t *testing.T, r *rig.Rig) {
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if strings.Contains(r.Outputs(), "DATA RACE") {
			t.Error("a program has a data race")
		}
		if t.Failed() {
			t.Logf("what the programs said:\n%s", r.Outputs())
		}
	})
}

// must fails the test at once.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
