package port_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/port"
)

// Some printers answer a read with nothing, at once. With MIN and TIME 0 a
// pseudo-terminal does the same.
func TestPrinterWithNothingToSay(t *testing.T) {
	far, path := terminal(t)
	l, err := port.File(path)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	mode, err := unix.IoctlGetTermios(int(far.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	mode.Lflag &^= unix.ICANON | unix.ECHO
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 0, 0
	if err := unix.IoctlSetTermios(int(far.Fd()), unix.TCSETS, mode); err != nil {
		t.Fatal(err)
	}
	if err := l.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("Read = %v, want ErrDeadlineExceeded", err)
	}
	if err := l.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := far.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if n, err := l.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("Read = %d, %v, want a byte", n, err)
	}
	if _, err := port.File(path)(t.Context()); !errors.Is(err, drivers.ErrBusy) {
		t.Errorf("second dial = %v, want ErrBusy", err)
	}
}

func TestUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := port.Unix(path)(t.Context())
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	_ = l.Close()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := port.Unix(path)(t.Context()); !errors.Is(err, drivers.ErrNoDevice) || !strings.Contains(err.Error(), path) {
		t.Errorf("dial of nobody = %v, want ErrNoDevice that names %s", err, path)
	}
}

// A service that lets one wait is dialled until it accepts.
func TestUnixWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), path)
	listener, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	defer func() { _ = listener.Close() }()
	first, err := port.Unix(path)(t.Context())
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	defer func() { _ = first.Close() }()
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := port.Unix(path)(short); !errors.Is(err, drivers.ErrTimeout) {
		t.Errorf("second dial = %v, want ErrTimeout", err)
	}
	if l, err := listener.Accept(); err != nil {
		t.Error(err)
	} else {
		_ = l.Close()
	}
	second, err := port.Unix(path)(t.Context())
	if err != nil {
		t.Fatalf("dial of a service that accepts: %v", err)
	}
	_ = second.Close()
}

func TestTCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	l, err := port.TCP(addr)(t.Context())
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	_ = l.Close()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := port.TCP(addr)(t.Context()); !errors.Is(err, drivers.ErrNoDevice) || !strings.Contains(err.Error(), addr) {
		t.Errorf("dial of nobody = %v, want ErrNoDevice that names %s", err, addr)
	}
}
