package offline

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudpos/cloudpos/payment"
)

// inNamespace runs a role of this binary on a small tmpfs of its own.
func inNamespace(t *testing.T, role string) {
	t.Helper()
	if out, err := exec.Command("unshare", "-Urm", "true").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("unshare -Urm: %v: %s", err, out)
		}
		t.Skipf("no private mount namespace here (unshare -Urm: %v)", err)
	}
	const script = `mount -t tmpfs -o size=1m tmpfs "$1" && exec "$0" "$1"`
	cmd := exec.Command("unshare", "-Urm", "sh", "-c", script, os.Args[0], t.TempDir())
	cmd.Env = append(os.Environ(), childEnv+"="+role)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestFullDisk(t *testing.T)     { inNamespace(t, "full") }
func TestReadOnlyDisk(t *testing.T) { inNamespace(t, "read-only") }

// mounted makes a role of a story that returns what went wrong.
func mounted(story func(dir string) error) func(dir string) int {
	return func(dir string) int {
		if err := story(dir); err != nil {
			fmt.Println(err)
			return exitOther
		}
		return exitSound
	}
}

// onFullDisk sells until nothing fits any more, makes room and goes on.
func onFullDisk(dir string) error {
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 400<<10), 0o600); err != nil {
		return err
	}
	j, err := Open(Opts{Dir: filepath.Join(dir, "var"), Terminal: terminal})
	if err != nil {
		return err
	}
	stored, err := sellUntilError(j, 10_000)
	if !errors.Is(err, ErrStore) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), fileName) {
		return fmt.Errorf("on a full disk Commit = %w, want ErrStore with ENOSPC", err)
	}
	for range 3 { // it stays an error, and stays one only
		if _, err := sellUntilError(j, 1); !errors.Is(err, ErrStore) {
			return fmt.Errorf("on a full disk Commit = %w", err)
		}
	}
	if err := holds(j, stored); err != nil {
		return fmt.Errorf("while the disk is full: %w", err)
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	more, err := sellUntilError(j, 20)
	if err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	if err := errors.Join(holds(j, stored+more), j.Close(), CheckFile(j.path)); err != nil {
		return err
	}
	if j, err = Open(Opts{Dir: j.dir, Terminal: terminal}); err != nil {
		return err
	}
	if err := errors.Join(holds(j, stored+more), j.Close()); err != nil {
		return fmt.Errorf("after a restart: %w", err)
	}
	return beginOnFullDisk(dir)
}

// beginOnFullDisk wants a first start without room to leave nothing behind.
func beginOnFullDisk(dir string) error {
	err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 2<<20), 0o600)
	if !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("the disk takes everything: %w", err)
	}
	young := filepath.Join(dir, "young")
	if _, err := Open(Opts{Dir: young, Terminal: terminal}); !errors.Is(err, ErrStore) {
		return fmt.Errorf("first start on a full disk: Open = %w, want ErrStore", err)
	}
	if files, err := filepath.Glob(filepath.Join(young, "*.new")); err != nil || len(files) > 0 {
		return fmt.Errorf("left behind: %v, %w", files, err)
	}
	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
		return err
	}
	j, err := Open(Opts{Dir: young, Terminal: terminal})
	if err != nil {
		return err
	}
	_, err = sellUntilError(j, 1)
	return errors.Join(err, j.Close())
}

// onReadOnlyDisk opens what can be read and not written.
func onReadOnlyDisk(dir string) error {
	j, err := Open(Opts{Dir: filepath.Join(dir, "var"), Terminal: terminal})
	if err != nil {
		return err
	}
	stored, err := sellUntilError(j, 3)
	if err := errors.Join(err, j.Close()); err != nil {
		return err
	}
	if out, err := exec.Command("mount", "-o", "remount,ro", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("remount: %w: %s", err, out)
	}
	for _, place := range []string{"var", "young"} {
		_, err = Open(Opts{Dir: filepath.Join(dir, place), Terminal: terminal, Check: inChild("check", checkTime)})
		if !errors.Is(err, ErrStore) || !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), place) {
			return fmt.Errorf("on a read-only disk Open = %w, want ErrStore with EROFS", err)
		}
	}
	if out, err := exec.Command("mount", "-o", "remount,rw", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("remount: %w: %s", err, out)
	}
	if j, err = Open(Opts{Dir: filepath.Join(dir, "var"), Terminal: terminal}); err != nil {
		return err
	}
	return errors.Join(holds(j, stored), j.Close())
}

// sellUntilError commits sales and returns how many entries were taken.
func sellUntilError(j *Journal, sales int) (entries uint64, err error) {
	for range sales {
		n, err := j.Next()
		if err != nil {
			return entries, err
		}
		for _, e := range (story{n: n, t: noon}).whole() {
			if err := j.Commit(e); err != nil {
				return entries, err
			}
			entries++
		}
	}
	return entries, nil
}

// holds wants exactly so many entries, all sound, in folds and in memory.
func holds(j *Journal, entries uint64) error {
	if err := j.Verify(); err != nil {
		return err
	}
	records, err := j.List(listMax)
	if err != nil {
		return err
	}
	var folded uint64
	for _, r := range records {
		folded += uint64(r.Version)
	}
	if got := j.Stats().Entries; got != entries || folded != entries {
		return fmt.Errorf("%d entries, %d in records, want %d", got, folded, entries)
	}
	return nil
}

// What was acknowledged before a SIGKILL is there after it.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	var total int
	for _, acknowledged := range []int{1, 7, 30, 64, 3} {
		total = killAfter(t, dir, acknowledged)
	}
	j := openWith(t, Opts{Dir: dir, Check: inChild("check", checkTime)})
	if got := j.Stats().Entries; got < uint64(total) {
		t.Errorf("%d entries, %d were acknowledged", got, total)
	}
	if n := j.Notices(); len(n) != 0 {
		t.Errorf("Notices = %v", n)
	}
}

// killAfter lets a child commit, kills it after so many acknowledgements, and
// returns the last count it wrote.
func killAfter(t *testing.T, dir string, acknowledged int) (total int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], dir)
	cmd.Env = append(os.Environ(), childEnv+"=commit")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if n == acknowledged {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
		if total, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatalf("child says %q", lines.Text())
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("child ended with %v", err)
	}
	return total
}

// commitUntilKilled settles what the one before left, then sells for ever.
func commitUntilKilled(dir string) int {
	j, err := Open(Opts{Dir: dir, Terminal: terminal, Check: inChild("check", checkTime)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitOther
	}
	for r, readErr := range j.Unfinished() {
		err = errors.Join(err, readErr, j.Commit(story{n: payment.Numbers{ID: r.ID}, t: noon}.ends(payment.Reversing)))
	}
	for err == nil {
		var n payment.Numbers
		if n, err = j.Next(); err != nil {
			break
		}
		for _, e := range (story{n: n, t: noon}).whole() {
			if err = j.Commit(e); err != nil {
				break
			}
			fmt.Println(j.Stats().Entries)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return exitOther
}
