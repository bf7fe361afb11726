package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/e2e/rig"
)

// within tells the test binary that it runs in a mount namespace of its own.
const within = "CLOUDPOS_E2E_NAMESPACE"

// diskMax bounds the tests of one disk. It is also what a namespace's child may
// take.
const diskMax = 5 * time.Minute

// TestDisks runs the tests below in a private mount namespace, where they mount
// small disks, as unshare -Urm does. CI insists on it.
func TestDisks(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), diskMax)
	defer cancel()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(ctx, self, "-test.run", "^TestWithin", "-test.v", "-test.count=1", "-test.parallel=2")
	cmd.Env = append(os.Environ(), within+"="+t.TempDir(),
		"CLOUDPOS_E2E_TERMINAL="+programs.Terminal, "CLOUDPOS_E2E_CLOUD="+programs.Cloud)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	text, err := cmd.CombinedOutput()
	switch {
	case err == nil && strings.Contains(string(text), noMount), errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOSPC):
		if os.Getenv("CI") == "true" {
			t.Fatalf("no private mount namespace: %v\n%s", err, text)
		}
		t.Skipf("full and read-only disks are not tested: no private mount namespace (unshare -Urm) here: %v", err)
	case err != nil:
		t.Errorf("%v\n%s", err, text)
	case !strings.Contains(string(text), "--- PASS: TestWithin"):
		t.Errorf("nothing was tested:\n%s", text)
	default:
		t.Logf("%s", text)
	}
}

// noMount is how the child says that it may not mount.
const noMount = "this namespace does not let us mount"

// inNamespace skips a test outside of TestDisks' child.
func inNamespace(t *testing.T) {
	t.Helper()
	dir := os.Getenv(within)
	if dir == "" {
		t.Skip("TestDisks runs this in a mount namespace of its own")
	}
	t.Parallel()
	probe := filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-"))
	must(t, os.Mkdir(probe, 0o700))
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		t.Skip(noMount, err)
	}
	if err := unix.Mount("tmpfs", probe, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip(noMount, err)
	}
	must(t, unix.Unmount(probe, 0))
}

// disk is a small one.
type disk struct {
	t    *testing.T
	path string
}

// mount puts a disk of so many KB where a folder is.
func mount(t *testing.T, path string, kb int) *disk {
	t.Helper()
	must(t, os.MkdirAll(path, 0o700))
	must(t, unix.Mount("tmpfs", path, "tmpfs", 0, fmt.Sprintf("size=%dk,mode=700", kb)))
	t.Cleanup(func() { _ = unix.Unmount(path, unix.MNT_DETACH) })
	return &disk{t, path}
}

// readOnly turns the disk's write protection on and off. Nobody may be writing.
func (d *disk) readOnly(on bool) {
	d.t.Helper()
	flags := uintptr(unix.MS_REMOUNT)
	if on {
		flags |= unix.MS_RDONLY
	}
	must(d.t, unix.Mount("", d.path, "", flags, ""))
}

// ballast is what makes a disk full.
func (d *disk) ballast() string { return filepath.Join(d.path, "ballast") }

// fill leaves no room at all.
func (d *disk) fill() {
	d.t.Helper()
	f, err := os.OpenFile(d.ballast(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	must(d.t, err)
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	must(d.t, f.Close())
}

// free makes room again.
func (d *disk) free() {
	d.t.Helper()
	must(d.t, os.Remove(d.ballast()))
}

// onDisks starts cloud and simulated shop; the terminal's data, and the cloud's,
// are on disks of their own.
func onDisks(t *testing.T, terminalKB, cloudKB int) (r *rig.Rig, terminal, cloud *disk) {
	t.Helper()
	inNamespace(t)
	r, err := rig.Prepare(rig.Opts{Programs: programs, Dir: t.TempDir(), HostSeconds: 3})
	must(t, err)
	terminal, cloud = mount(t, r.Data(), terminalKB), mount(t, r.Path("cloud", "data"), cloudKB)
	endWith(t, r)
	must(t, r.StartCloud())
	must(t, r.StartSim())
	return r, terminal, cloud
}

// TestWithinReadOnly: the terminal says what and where, and sells nothing.
func TestWithinReadOnly(t *testing.T) {
	r, terminal, _ := onDisks(t, 4096, 16384)
	commands := [][]string{{"run"}, {"sale", "--amount", "1.00"}}
	check := func() {
		t.Helper()
		terminal.readOnly(true)
		unchanged(t, r.Data(), func() {
			for _, args := range commands {
				refused(t, r.Terminal, 1, []string{r.Data(), "read-only file system"}, args...)
			}
		})
		terminal.readOnly(false)
	}
	check() // with nothing on it
	pays(t, r)
	check() // and with a journal
	pays(t, r)
	must(t, r.Agree(t.Context()))
	whole(t, r.Data())
}

// TestWithinFullAtStart: likewise on a disk without room.
func TestWithinFullAtStart(t *testing.T) {
	r, terminal, _ := onDisks(t, 4096, 16384)
	terminal.fill()
	for _, args := range [][]string{{"run"}, {"sale", "--amount", "1.00"}} {
		refused(t, r.Terminal, 1, []string{r.Data(), "no space left on device"}, args...)
	}
	whole(t, r.Data())
	terminal.free()
	pays(t, r)
	must(t, r.Agree(t.Context()))
}

// TestWithinCloudReadOnly: the cloud does not start.
func TestWithinCloudReadOnly(t *testing.T) {
	r, _, cloud := onDisks(t, 4096, 16384)
	pays(t, r)
	must(t, r.Cloud.Stop())
	cloud.readOnly(true)
	unchanged(t, r.Path("cloud", "data"), func() {
		refused(t, r.CloudEnds, 1, []string{r.Path("cloud", "data"), "read-only"}, "run")
	})
	cloud.readOnly(false)
	must(t, r.StartCloud())
	pays(t, r)
	must(t, r.Agree(t.Context()))
}

// triesMax bounds how often a step is tried until the full disk is felt: a
// journal reuses pages, so that not every entry needs room.
const triesMax = 20

// feltFull tells whether a text says that there was no room.
func feltFull(text string) bool { return strings.Contains(text, "no space left on device") }

// TestWithinFullBeforeAuthorising fills the disk while the customer enters his
// PIN. What cannot be stored is not sent: nothing was sold, and the cashier is
// told why.
func TestWithinFullBeforeAuthorising(t *testing.T) {
	r, terminal, _ := onDisks(t, 4096, 16384)
	must(t, r.StartAgent(t.Context()))
	for range triesMax {
		must(t, r.Shop.Keys(sim.KeyNothing))
		sale := begin(t, r, "--card", "pin").at("pin")
		must(t, r.Until(t.Context(), "the pad waits", func() (bool, error) {
			s, err := r.Shop.State()
			return s.Waiting, err
		}))
		asked, err := r.Host()
		must(t, err)
		terminal.fill()
		must(t, r.Shop.Keys("1234"))
		report, err := sale.End(t.Context())
		must(t, err)
		terminal.free()
		if report.Error == "" && report.Exit == 0 {
			must(t, r.Agree(t.Context()))
			continue // there was still a page for it
		}
		if !feltFull(report.Error) || strings.Contains(report.Error, "\n") {
			t.Fatalf("exit %d, %q, want to be told of the full disk in a line", report.Exit, report.Error)
		}
		if report.Exit != 1 && report.Exit != 5 {
			t.Errorf("exit %d, %q", report.Exit, report.Error)
		}
		must(t, r.Agree(t.Context()))
		now, err := r.Host()
		must(t, err)
		if report.Exit == 5 { // it was the entry behind Authorising that found no room
			continue
		}
		if len(now) != len(asked) {
			t.Errorf("the host was asked although nothing could be stored: %+v", now)
		}
		pays(t, r)
		must(t, r.Agree(t.Context()))
		whole(t, r.Data())
		return
	}
	t.Errorf("in %d tries there was always room for Authorising", triesMax)
}

// TestWithinFullBeforeApproved fills the disk while the host is asked. An
// approval that is not on disk is none: the sale is in doubt, and is reversed
// once there is room.
func TestWithinFullBeforeApproved(t *testing.T) {
	r, terminal, _ := onDisks(t, 4096, 16384)
	must(t, r.StartAgent(t.Context()))
	for range triesMax {
		must(t, r.Cloud.Pause())
		sale := begin(t, r, "--card", "approve").at("authorising")
		terminal.fill()
		must(t, r.Cloud.Resume())
		report, err := sale.End(t.Context())
		must(t, err)
		if report.Exit == 0 {
			terminal.free()
			must(t, r.Agree(t.Context()))
			continue
		}
		if report.Exit != 5 || report.Record == nil || report.Record.State != "authorising" || !feltFull(report.Error) || strings.Contains(report.Error, "\n") {
			t.Fatalf("exit %d, %q: %+v, want it in doubt for want of room", report.Exit, report.Error, report.Record)
		}
		// Nothing is sold while it is open and there is no room to close it.
		again, err := r.Sale(t.Context(), "--amount", "3.00", "--card", "approve")
		if err == nil && again.Exit != 0 && !feltFull(again.Error) {
			t.Errorf("the next sale: exit %d, %q", again.Exit, again.Error)
		}
		terminal.free()
		must(t, r.Agree(t.Context()))
		must(t, r.Keeps(t.Context(), report))
		pays(t, r)
		must(t, r.Agree(t.Context()))
		whole(t, r.Data())
		return
	}
	t.Errorf("in %d tries there was always room for Approved", triesMax)
}

// TestWithinFullAtPrinted fills the disk while slips are owed. Each is printed
// once, although the disk has not room to note all of them.
func TestWithinFullAtPrinted(t *testing.T) {
	const sales = 30
	r, terminal, _ := onDisks(t, 4096, 16384)
	must(t, r.StartAgent(t.Context()))
	must(t, r.Shop.Slow(time.Second)) // for a line
	var reports []rig.Report
	for range sales {
		reports = append(reports, begin(t, r, "--card", "approve").ends(0, ""))
	}
	must(t, r.Until(t.Context(), "all is told", func() (bool, error) {
		records, err := r.Journal(t.Context())
		for _, rec := range records {
			if rec.Pending != "" {
				return false, err
			}
		}
		return err == nil, err
	}))
	terminal.fill()
	must(t, r.Shop.Slow(0))
	must(t, r.Until(t.Context(), "the full disk is felt", func() (bool, error) {
		s, err := r.Status()
		return feltFull(s.Printer), err
	}))
	terminal.free()
	must(t, r.Agree(t.Context()))
	for _, report := range reports {
		if pieces, complete, copies := slipsOf(t, r, report); pieces != 1 || complete != 1 || copies != 0 {
			t.Errorf("%s: %d slips, %d complete, %d copies; want one", report.Record.ID, pieces, complete, copies)
		}
	}
	if n := logged(r.Agent.Output(), "slips wait", "no space left on device", r.Data()); n == 0 {
		t.Errorf("the log does not say why slips wait:\n%s", r.Agent.Output())
	}
}

// TestWithinFullWhileSelling sells on a full disk until that is felt, in
// processes of their own and without any hold: whatever the cashier was told is
// what the books say.
func TestWithinFullWhileSelling(t *testing.T) {
	r, terminal, _ := onDisks(t, 4096, 16384)
	pays(t, r)
	felt := 0
	for range triesMax {
		terminal.fill()
		stdout, stderr, status, err := r.Terminal(t.Context(), "sale", "--amount", "2.00", "--card", "pin")
		must(t, err)
		terminal.free()
		if text := stdout + stderr; feltFull(text) {
			felt++
			if status != 1 && status != 5 && !strings.Contains(stdout, "APPROVED CNY 2.00") {
				t.Errorf("status %d:\n%s", status, text)
			}
		} else if status != 0 {
			t.Errorf("status %d:\n%s", status, text)
		}
		must(t, r.StartAgent(t.Context()))
		must(t, r.Agree(t.Context()))
		must(t, r.Agent.Stop())
		whole(t, r.Data())
		if felt > 3 {
			return
		}
	}
	t.Errorf("the full disk was felt %d times in %d sales", felt, triesMax)
}

// TestWithinCloudFull: without the cloud's commit there is no approval.
func TestWithinCloudFull(t *testing.T) {
	r, _, cloud := onDisks(t, 4096, 16384)
	must(t, r.StartAgent(t.Context()))
	pays(t, r)
	must(t, r.Agree(t.Context()))
	felt := 0
	for range triesMax {
		cloud.fill()
		report, err := r.Sale(t.Context(), "--amount", "2.00", "--card", "approve")
		must(t, err)
		lines, err := r.Ledger()
		must(t, err)
		approved := lines[0].State == "approved" || lines[0].State == "completed"
		if report.Exit == 0 && !approved {
			t.Errorf("approved, and the ledger says %+v", lines[0])
		}
		if report.Exit != 0 {
			felt++
			if report.Exit != 5 {
				t.Errorf("exit %d: %+v, want it in doubt", report.Exit, report.Record)
			}
		}
		cloud.free()
		must(t, r.Agree(t.Context()))
		if felt > 1 {
			break
		}
	}
	if felt == 0 {
		t.Errorf("the full disk was not felt in %d sales", triesMax)
	}
	if logged(r.Cloud.Output(), "the disk is full") == 0 {
		t.Errorf("the cloud does not say that its disk is full:\n%s", r.Cloud.Output())
	}
	must(t, r.Cloud.Stop())
	cloud.fill()
	refused(t, r.CloudEnds, 1, []string{r.Path("cloud", "data"), "the disk is full"}, "run")
	cloud.free()
	must(t, r.StartCloud())
	must(t, r.UntilOnline(t.Context()))
	pays(t, r)
	must(t, r.Agree(t.Context()))
}
