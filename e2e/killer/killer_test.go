//go:build linux

package killer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudpos/cloudpos/e2e/killer"
)

// The test binary is also the program that is killed: role says what it does.
const roleVar = "KILLER_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	os.Exit(roles[role](os.Args[1:]))
}

var roles = map[string]func(args []string) int{
	"journal": journal,
	"noise":   noise,
	"storm":   storm,
	"parent":  parent,
	"paths":   paths,
	"forever": func([]string) int { select {} },
	"signal":  signalled,
	"seven":   func([]string) int { return 7 },
}

func child(role string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}

// run is killer.Run for a test that ends early on a system without.
func run(t *testing.T, cmd *exec.Cmd, opts killer.Opts) (killer.Trace, error) {
	t.Helper()
	trace, err := killer.Run(t.Context(), cmd, opts)
	skipUnsupported(t, err)
	return trace, err
}

// skipUnsupported leaves a test on a system without; a build machine is none.
func skipUnsupported(t *testing.T, err error) {
	t.Helper()
	switch {
	case !errors.Is(err, killer.ErrUnsupported):
	case os.Getenv("CI") != "" && runtime.GOARCH == "amd64":
		t.Fatalf("%v; on a build machine it must be", err)
	default:
		t.Skip(err)
	}
}

// spin keeps all threads busy, so that the scheduler preempts with signals.
func spin() {
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for x := uint64(1); ; x = x*6364136223846793005 + 1 {
				if x == 0 {
					panic("odd numbers stay odd")
				}
			}
		}()
	}
}

const records = 4

// journal appends records with fsync and sends each on the socket 3.
func journal(args []string) int {
	spin()
	socket, err := net.FileConn(os.NewFile(3, "socket"))
	if err != nil {
		return 1
	}
	f, err := os.OpenFile(args[0], os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 1
	}
	for i := range records {
		record := []byte{byte('a' + i)}
		if _, err := f.Write(record); err != nil {
			return 1
		}
		if err := f.Sync(); err != nil {
			return 1
		}
		if _, err := socket.Write(record); err != nil {
			return 1
		}
	}
	return 0
}

// socketpair gives the child's end as a file and the other as a connection.
func socketpair(t *testing.T) (*os.File, net.Conn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours := os.NewFile(uintptr(fds[1]), "ours")
	conn, err := net.FileConn(ours)
	if err != nil {
		t.Fatal(err)
	}
	_ = ours.Close()
	t.Cleanup(func() { _ = conn.Close() })
	return os.NewFile(uintptr(fds[0]), "theirs"), conn
}

// TestEveryCut kills before each call in turn. What is on disk and what was
// sent must be exactly what the calls before it did.
func TestEveryCut(t *testing.T) {
	const calls = 1 + 3*records // the file is created; write, fsync, send
	for n := 1; n <= calls+1; n++ {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "journal")
			theirs, ours := socketpair(t)
			cmd := child("journal", path)
			cmd.ExtraFiles = []*os.File{theirs}
			trace, err := run(t, cmd, killer.Opts{KillAt: n})
			if err != nil {
				t.Fatal(err)
			}
			_ = theirs.Close()
			var sent bytes.Buffer
			if _, err := sent.ReadFrom(ours); err != nil {
				t.Fatal(err)
			}
			disk, err := os.ReadFile(path)
			if created := err == nil; created != (n > 1) {
				t.Errorf("file exists: %v, killed at %d", created, n)
			}

			all := "abcd"
			wantDisk, wantSent := all[:n/3], all[:(n-2)/3]
			if string(disk) != wantDisk || sent.String() != wantSent {
				t.Errorf("killed at %d: disk %q, sent %q; want %q, %q\n%v",
					n, disk, sent.String(), wantDisk, wantSent, trace)
			}
			if want := n <= calls; trace.Killed != want {
				t.Errorf("Killed = %v, want %v", trace.Killed, want)
			}
			if got := len(trace.Calls); got != min(n, calls) {
				t.Errorf("%d calls in the trace, want %d:\n%v", got, min(n, calls), trace)
			}
			for i, c := range trace.Calls {
				if c.Kind == killer.Write && (c.Target != path || c.Size != 1 || c.Index != i+1) {
					t.Errorf("call %d is %+v, want one byte to %s", i+1, c, path)
				}
			}
		})
	}
}

// TestStart counts from the first send on.
func TestStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	theirs, _ := socketpair(t)
	cmd := child("journal", path)
	cmd.ExtraFiles = []*os.File{theirs}
	var log strings.Builder
	trace, err := run(t, cmd, killer.Opts{
		KillAt: 2,
		Start:  func(c killer.Call) bool { return c.Kind == killer.Send },
		Ignore: func(c killer.Call) bool { return c.Kind == killer.Sync },
		Log:    &log,
	})
	if err != nil {
		t.Fatal(err)
	}
	if disk, _ := os.ReadFile(path); string(disk) != "a" {
		t.Errorf("disk %q, want one record:\n%v", disk, trace)
	}
	if want := "2 write write " + path + " 1\n"; !strings.HasSuffix(log.String(), want) {
		t.Errorf("log %q, want it to end in %q", log.String(), want)
	}
	if calls, n := trace.Sum(killer.Write); calls != 1 || n != 1 || !trace.Killed {
		t.Errorf("trace %v, want one write of one byte, and the kill", trace)
	}
}

// noise does what must not be counted, and one thing that must.
func noise(args []string) int {
	r, w, err := os.Pipe()
	if err != nil {
		return 1
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return 1
	}
	for _, f := range []*os.File{w, null, os.Stdout} {
		if _, err := fmt.Fprintln(f, "noise"); err != nil {
			return 1
		}
	}
	time.AfterFunc(time.Millisecond, func() { _ = w.Close() })
	_, _ = new(bytes.Buffer).ReadFrom(r) // parks a goroutine: epoll and its eventfd
	if _, err := os.ReadFile(args[0]); err == nil {
		return 1 // it is to be absent
	}
	return boolStatus(os.Mkdir(args[0], 0o700) == nil)
}

func boolStatus(ok bool) int {
	if ok {
		return 0
	}
	return 1
}

func TestNoiseIsNotCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder")
	cmd := child("noise", path)
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = out
	trace, err := run(t, cmd, killer.Opts{})
	if err != nil {
		t.Fatal(err)
	}
	if len(trace.Calls) != 1 || trace.Calls[0].Kind != killer.Create || trace.Calls[0].Target != path {
		t.Errorf("trace\n%vwant one create of %s", trace, path)
	}
}

const storms, stormWrites = 4, 200

// storm writes from several threads while others keep the processors busy.
func storm(args []string) int {
	spin()
	f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return 1
	}
	var all sync.WaitGroup
	for range storms {
		all.Go(func() {
			for range stormWrites {
				if _, err := f.WriteString("x"); err != nil {
					os.Exit(1)
				}
			}
		})
	}
	all.Wait()
	return 0
}

// TestNothingIsCountedTwice runs four storms side by side. A call that a
// preemption signal interrupted must be counted once, and must be done once.
func TestNothingIsCountedTwice(t *testing.T) {
	for i := range 4 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "storm")
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			trace, err := run(t, child("storm", path), killer.Opts{})
			if err != nil {
				t.Fatal(err)
			}
			stat, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			const want = storms * stormWrites
			if calls, _ := trace.Sum(killer.Write); calls != want || stat.Size() != want {
				t.Errorf("%d writes counted, %d done, want %d", calls, stat.Size(), want)
			}
		})
	}
}

// parent starts another program that writes, and would then stay for ever.
func parent(args []string) int {
	cmd := child("storm", args[0])
	if cmd.Run() != nil {
		return 1
	}
	stay := child("forever")
	if stay.Start() != nil {
		return 1
	}
	return boolStatus(os.WriteFile(args[1], []byte(strconv.Itoa(stay.Process.Pid)), 0o600) == nil)
}

// TestProgramsOfAProgram: what it starts is counted, and ended with it.
func TestProgramsOfAProgram(t *testing.T) {
	folder := t.TempDir()
	written, pidFile := filepath.Join(folder, "written"), filepath.Join(folder, "pid")
	if err := os.WriteFile(written, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := child("parent", written, pidFile)
	cmd.Stderr = nil // else Wait waits for whoever holds it
	trace, err := run(t, cmd, killer.Opts{})
	if err != nil {
		t.Fatal(err)
	}
	const want = storms*stormWrites + 1
	if calls, _ := trace.Sum(killer.Write); calls != want {
		t.Errorf("%d writes counted, want %d", calls, want)
	}
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if !ends(t, pid) {
		t.Errorf("process %d still runs", pid)
	}
}

// ends waits a while for a process that is not our child.
func ends(t *testing.T, pid int) bool {
	t.Helper()
	pidfd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return true
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(pidfd) }()
	const timeoutMilliseconds = 30_000
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, timeoutMilliseconds)
		if !errors.Is(err, unix.EINTR) {
			return n == 1
		}
	}
}

// paths makes calls whose target is found in ways of their own.
func paths(args []string) int {
	folder := args[0]
	steps := []func() error{
		func() error { return os.Chdir(folder) },
		func() error { return os.WriteFile("a", []byte("abc"), 0o600) },
		func() error { return os.Rename("a", "b") },
		func() error { return os.Truncate(filepath.Join(folder, "b"), 1) },
		func() error { return os.Symlink("b", "c") },
		func() error {
			root, err := os.OpenRoot(folder)
			if err != nil {
				return err
			}
			return root.Remove("b")
		},
		func() error {
			c, err := net.Dial("tcp", args[1])
			if err != nil {
				return err
			}
			buffers := net.Buffers{[]byte("ab"), []byte("cde")}
			_, err = buffers.WriteTo(c)
			return err
		},
		func() error {
			d, err := os.Open(folder)
			if err != nil {
				return err
			}
			return d.Sync()
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

func TestTargets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	folder := t.TempDir()
	trace, err := run(t, child("paths", folder, l.Addr().String()), killer.Opts{})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("DIR", folder, "ADDR", l.Addr().String()).Replace(`1 create openat DIR/a
2 write write DIR/a 3
3 rename renameat DIR/a
4 truncate truncate DIR/b
5 create symlinkat DIR/c
6 unlink unlinkat DIR/b
7 send writev tcp ADDR 5
8 sync fsync DIR
`)
	if trace.String() != want {
		t.Errorf("trace\n%vwant\n%v", trace, want)
	}
}

// signalled ends well if a signal reaches its handler.
func signalled([]string) int {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		return 1
	}
	return boolStatus(<-c == syscall.SIGUSR1)
}

func TestSignalsArrive(t *testing.T) {
	if _, err := run(t, child("signal"), killer.Opts{}); err != nil {
		t.Fatal(err)
	}
}

func TestExitStatus(t *testing.T) {
	var exit *exec.ExitError
	_, err := run(t, child("seven"), killer.Opts{KillAt: 1})
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("Run = %v, want exit status 7", err)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := killer.Start(ctx, child("forever"), killer.Opts{})
	skipUnsupported(t, err)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	var exit *exec.ExitError
	if trace, err := p.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 || trace.Killed {
		t.Errorf("Wait = %+v, %v, want death by the signal of the context's end", trace, err)
	}
}

func TestMissingProgram(t *testing.T) {
	_, err := run(t, exec.Command(filepath.Join(t.TempDir(), "absent")), killer.Opts{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Run = %v, want %v", err, os.ErrNotExist)
	}
}
