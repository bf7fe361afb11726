package port_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/port"
)

// pathEnv makes the test binary a second process that dials a path.
const pathEnv = "PORT_TEST_DIAL"

func TestMain(m *testing.M) {
	if path := os.Getenv(pathEnv); path != "" {
		_, err := port.Serial(path, port.Mode{})(context.Background())
		if errors.Is(err, drivers.ErrBusy) {
			os.Exit(7)
		}
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// terminal gives a pseudo-terminal: the far end, and the path of the line.
func terminal(t *testing.T) (far *os.File, path string) {
	t.Helper()
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	path = near.Name()
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
	return far, path
}

func dial(t *testing.T, path string, m port.Mode) drivers.Line {
	t.Helper()
	l, err := port.Serial(path, m)(t.Context())
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestBytesPassUnchanged(t *testing.T) {
	far, path := terminal(t)
	l := dial(t, path, port.Mode{RTSLow: true}) // Pseudo-terminals have no RTS: no matter.
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for name, way := range map[string]struct {
		from io.Writer
		to   io.Reader
	}{"out": {l, far}, "in": {far, l}} {
		if _, err := way.from.Write(all); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := make([]byte, len(all))
		if _, err := io.ReadFull(way.to, got); err != nil || string(got) != string(all) {
			t.Errorf("%s: % X, %v, want all bytes as they are", name, got, err)
		}
	}
}

func TestModeIsSetAndStays(t *testing.T) {
	far, path := terminal(t)
	dial(t, path, port.Mode{Baud: 19200, DataBits: 7, Parity: port.ParityEven, StopBits: 2})
	got, err := unix.IoctlGetTermios(int(far.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	// A pseudo-terminal keeps 8 bits and no parity, whatever it is told.
	if got.Cflag&unix.CBAUD != unix.B19200 || got.Cflag&unix.CSTOPB == 0 || got.Cflag&unix.CRTSCTS != 0 {
		t.Errorf("Cflag = %#x, want 19200 baud, 2 stop bits and no flow control", got.Cflag)
	}
	if got.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 || got.Iflag&(unix.IXON|unix.ICRNL) != 0 || got.Oflag&unix.OPOST != 0 {
		t.Errorf("Lflag %#x, Iflag %#x, Oflag %#x, want raw", got.Lflag, got.Iflag, got.Oflag)
	}
}

func TestModesThatAreRefused(t *testing.T) {
	_, path := terminal(t)
	for _, m := range []port.Mode{{Baud: -1}, {Baud: 1 << 30}, {DataBits: 9}, {Parity: 9}, {StopBits: 3}} {
		if _, err := port.Serial(path, m)(t.Context()); !errors.Is(err, drivers.ErrRefused) {
			t.Errorf("%+v: dial = %v, want ErrRefused", m, err)
		}
	}
}

// Trap: a write after Close goes into whatever has the descriptor since.
func TestNothingIsWrittenAfterClose(t *testing.T) {
	_, path := terminal(t)
	l := dial(t, path, port.Mode{})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var files []*os.File
	for range 8 { // One of them gets the descriptor.
		f, err := os.Create(filepath.Join(t.TempDir(), "journal"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		files = append(files, f)
	}
	if n, err := l.Write([]byte("x")); n != 0 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after Close = %d, %v, want ErrClosed", n, err)
	}
	for _, f := range files {
		if info, err := f.Stat(); err != nil || info.Size() != 0 {
			t.Errorf("%s has %d bytes, %v", f.Name(), info.Size(), err)
		}
	}
	if _, err := l.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Read after Close = %v, want ErrClosed", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// Trap: a write has no time-out, and stays stuck after Close.
func TestStuckWriteEnds(t *testing.T) {
	_, path := terminal(t) // Nobody reads the far end.
	l := dial(t, path, port.Mode{})
	if err := l.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Write(make([]byte, 1<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("Write = %v, want ErrDeadlineExceeded", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	// And without a deadline, Close ends it.
	l = dial(t, path, port.Mode{})
	wrote := make(chan error, 1)
	go func() {
		_, err := l.Write(make([]byte, 1<<20))
		wrote <- err
	}()
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := <-wrote; err == nil {
		t.Error("a write of 1 MB that nobody read went through")
	}
}

// Trap: a read that times out returns nothing and no error, for ever.
func TestReadTimesOut(t *testing.T) {
	_, path := terminal(t)
	l := dial(t, path, port.Mode{})
	if err := l.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := io.ReadFull(l, make([]byte, 4)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("ReadFull = %d, %v, want ErrDeadlineExceeded", n, err)
	}
}

func TestDeadlineEndsAReadThatRuns(t *testing.T) {
	_, path := terminal(t)
	l := dial(t, path, port.Mode{})
	read := make(chan error, 1)
	go func() {
		_, err := l.Read(make([]byte, 1))
		read <- err
	}()
	if err := l.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read = %v, want ErrDeadlineExceeded", err)
	}
}

func TestCloseEndsARead(t *testing.T) {
	_, path := terminal(t)
	l := dial(t, path, port.Mode{})
	read := make(chan error, 1)
	go func() {
		_, err := l.Read(make([]byte, 1))
		read <- err
	}()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-read; !errors.Is(err, os.ErrClosed) {
		t.Errorf("Read = %v, want ErrClosed", err)
	}
}

// Trap: descriptors from 1024 on panic.
func TestHighDescriptors(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 1100 {
		t.Skipf("only %d file descriptors are allowed (%v): none is above 1024", limit.Cur, err)
	}
	far, path := terminal(t)
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		if f.Fd() >= 1024 {
			break
		}
	}
	l := dial(t, path, port.Mode{})
	if _, err := far.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if n, err := l.Read(make([]byte, 4)); n != 1 || err != nil {
		t.Errorf("Read = %d, %v, want one byte", n, err)
	}
}

// Trap: after a hang-up every read returns at once.
func TestHangUp(t *testing.T) {
	far, path := terminal(t)
	l := dial(t, path, port.Mode{})
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := l.Read(make([]byte, 1))
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), path) {
		t.Fatalf("Read after a hang-up = %v, want an error that names %s", err, path)
	}
	const reads = 3
	begin := time.Now()
	for range reads {
		if _, err := l.Read(make([]byte, 1)); err == nil {
			t.Error("Read of a dead line went through")
		}
	}
	if took := time.Since(begin); took < reads*40*time.Millisecond {
		t.Errorf("%d reads of a dead line took %v: that spins", reads, took)
	}
	if _, err := l.Write([]byte("x")); err == nil {
		t.Error("Write to a dead line went through")
	}
}

// Trap: exclusive open does not keep root out.
func TestSecondDialIsBusy(t *testing.T) {
	_, path := terminal(t)
	l := dial(t, path, port.Mode{})
	if _, err := port.Serial(path, port.Mode{})(t.Context()); !errors.Is(err, drivers.ErrBusy) || !strings.Contains(err.Error(), path) {
		t.Errorf("second dial = %v, want ErrBusy that names %s", err, path)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	second := func() int {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), pathEnv+"="+path)
		_ = cmd.Run()
		return cmd.ProcessState.ExitCode()
	}
	if code := second(); code != 7 {
		t.Errorf("another process: exit status %d, want 7 for ErrBusy", code)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dial(t, path, port.Mode{})
}

func TestNoSuchDevice(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/dev/no-such-line", file, t.TempDir(), os.DevNull} {
		for name, dial := range map[string]drivers.Dial{"Serial": port.Serial(path, port.Mode{}), "File": port.File(path)} {
			_, err := dial(t.Context())
			if !errors.Is(err, drivers.ErrNoDevice) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s(%s) = %v, want ErrNoDevice that names it", name, path, err)
			}
		}
	}
	if info, err := os.Stat(file); err != nil || info.Size() != 0 {
		t.Errorf("a file in the place of a device was written to: %d bytes, %v", info.Size(), err)
	}
}

// A udev link is looked up at each dial: after a replug it points elsewhere.
func TestLinkIsFollowedAnew(t *testing.T) {
	link := filepath.Join(t.TempDir(), "reader")
	dialLink := port.Serial(link, port.Mode{})
	for range 2 {
		far, path := terminal(t)
		_ = os.Remove(link)
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		l, err := dialLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Write([]byte("x")); err != nil {
			t.Error(err)
		}
		if n, err := far.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("the far end reads %d, %v", n, err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatWasWaitingIsDropped(t *testing.T) {
	far, path := terminal(t)
	l := dial(t, path, port.Mode{})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := far.WriteString("old"); err != nil {
		t.Fatal(err)
	}
	l = dial(t, path, port.Mode{})
	if _, err := far.WriteString("new"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 3)
	if _, err := io.ReadFull(l, got); err != nil || string(got) != "new" {
		t.Errorf("read %q, %v, want new", got, err)
	}
}

func TestContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, path := terminal(t)
	for name, dial := range map[string]drivers.Dial{
		"Serial": port.Serial(path, port.Mode{}), "File": port.File(path), "TCP": port.TCP("127.0.0.1:1"), "Unix": port.Unix(path),
	} {
		if _, err := dial(ctx); !errors.Is(err, drivers.ErrCancelled) {
			t.Errorf("%s = %v, want ErrCancelled", name, err)
		}
	}
}
