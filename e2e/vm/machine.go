package vm

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Opts are a machine's parts.
type Opts struct {
	Kernel *Kernel
	// Files are unpacked in the guest's root; /init is its first process.
	Files []File
	// Devices are QEMU's -device options, Append is added to the kernel's
	// command line.
	Devices []string
	Append  string
	// Accel is how the processor is made: "tcg", which is in software and works
	// everywhere, if empty. A machine that is virtual itself may have a /dev/kvm
	// in which guests hang.
	Accel string
	// Log is where the kernel's console goes.
	Log string
}

// Machine is a running guest. One goroutine uses it.
type Machine struct {
	dir     string // short, for the sockets' sake
	process *exec.Cmd
	stop    context.CancelFunc
	monitor *monitor
	serial  net.Conn
	lines   *bufio.Scanner
	said    []string // the last of what the guest has said
}

// saidMax is how many lines are kept.
const saidMax = 40

// Said is what the guest has said last, for somebody who wonders.
func (m *Machine) Said() []string { return m.said }

// lifeMax is how long a machine lives, whatever happens.
const lifeMax = 3 * time.Minute

// Boot starts a machine and waits until its first process is ready. Close ends
// it.
func Boot(o Opts) (_ *Machine, err error) {
	m := &Machine{stop: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
		}
	}()
	if m.dir, err = os.MkdirTemp("", "vm"); err != nil {
		return nil, fmt.Errorf("vm: %w", err)
	}
	initramfs := filepath.Join(m.dir, "initramfs")
	if err := saveInitramfs(initramfs, o.Files); err != nil {
		return nil, err
	}
	// QEMU calls us: then nobody has to wait for its sockets.
	var listeners [2]net.Listener
	for i, name := range []string{"qmp", "serial"} {
		l, err := net.Listen("unix", filepath.Join(m.dir, name))
		if err != nil {
			return nil, fmt.Errorf("vm: %w", err)
		}
		defer func() { _ = l.Close() }()
		listeners[i] = l
	}
	ctx, stop := context.WithTimeout(context.Background(), lifeMax)
	m.stop = stop
	process := exec.CommandContext(ctx, "qemu-system-x86_64", arguments(o, m.dir, initramfs)...)
	process.Stderr = os.Stderr
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("vm: %w", err)
	}
	m.process = process
	var conns [2]net.Conn
	for i, l := range listeners {
		if conns[i], err = accept(l); err != nil {
			return nil, fmt.Errorf("vm: QEMU does not call: %w", err)
		}
	}
	m.serial, m.lines = conns[1], bufio.NewScanner(conns[1])
	if m.monitor, err = newMonitor(conns[0]); err != nil {
		return nil, errors.Join(err, conns[0].Close())
	}
	_, err = m.Expect("up")
	return m, err
}

func saveInitramfs(path string, files []File) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("vm: %w", err)
	}
	return errors.Join(writeInitramfs(f, files), f.Close())
}

func accept(l net.Listener) (net.Conn, error) {
	if d, ok := l.(*net.UnixListener); ok {
		if err := d.SetDeadline(time.Now().Add(answerMax)); err != nil {
			return nil, err
		}
	}
	return l.Accept()
}

// arguments are QEMU's. The first serial port is the kernel's console, the
// second one ours.
func arguments(o Opts, dir, initramfs string) []string {
	args := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "pc", "-cpu", "max", "-m", "768", "-smp", "2", "-rtc", "base=utc",
		"-kernel", o.Kernel.Image, "-initrd", initramfs,
		// A kernel that panics ends the machine.
		"-append", strings.TrimSpace("console=tty0 console=ttyS0 panic=-1 " + o.Append),
		"-serial", "file:" + o.Log,
		"-chardev", "socket,id=serial,path=" + filepath.Join(dir, "serial"), "-serial", "chardev:serial",
		"-chardev", "socket,id=qmp,path=" + filepath.Join(dir, "qmp"), "-mon", "chardev=qmp,mode=control",
	}
	args = append(args, "-accel", cmp.Or(o.Accel, "tcg"))
	for _, d := range o.Devices {
		args = append(args, "-device", d)
	}
	return args
}

// Tell gives the guest's first process a command; see package init.
func (m *Machine) Tell(words ...string) error {
	if err := m.serial.SetWriteDeadline(time.Now().Add(answerMax)); err != nil {
		return fmt.Errorf("vm: %w", err)
	}
	if _, err := fmt.Fprintln(m.serial, strings.Join(words, " ")); err != nil {
		return fmt.Errorf("vm: tell the guest: %w", err)
	}
	return nil
}

// lineWait is how long the guest may be silent: booting without KVM is slow.
const lineWait = time.Minute

// Expect waits for a line that begins with these words, and returns the rest
// of it. Other lines are passed over; an "error" line is one.
func (m *Machine) Expect(words string) (string, error) {
	if err := m.serial.SetReadDeadline(time.Now().Add(lineWait)); err != nil {
		return "", fmt.Errorf("vm: %w", err)
	}
	for m.lines.Scan() {
		line := m.lines.Text()
		m.said = append(m.said[max(0, len(m.said)-saidMax+1):], line)
		if rest, ok := strings.CutPrefix(line, words); ok {
			return strings.TrimSpace(rest), nil
		}
		if strings.HasPrefix(line, "error ") {
			return "", fmt.Errorf("%w: %s", ErrGuest, line)
		}
	}
	return "", errors.Join(fmt.Errorf("%w: it does not say %q", ErrGuest, words), m.lines.Err())
}

// ErrGuest says that the guest does not do what was expected of it.
var ErrGuest = errors.New("vm: guest")

// Close ends the machine and removes its files.
func (m *Machine) Close() error {
	var errs []error
	if m.monitor != nil {
		// It may have ended by itself.
		_ = m.monitor.ask("quit", nil)
		errs = append(errs, m.monitor.conn.Close())
	} else {
		m.stop()
	}
	if m.serial != nil {
		errs = append(errs, m.serial.Close())
	}
	if m.process != nil {
		ended := time.AfterFunc(answerMax, m.stop)
		_ = m.process.Wait() // killed or not, it is gone
		ended.Stop()
	}
	m.stop()
	if m.dir != "" {
		errs = append(errs, os.RemoveAll(m.dir))
	}
	return errors.Join(errs...)
}
