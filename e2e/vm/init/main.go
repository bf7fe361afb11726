//go:build linux

// Command init is the first process of the guest. It mounts what programs
// expect, loads the modules in /modules in the order of their names, and then
// does what the host says, a line each, over the second serial port:
//
//	run /guest drm:/dev/dri/card0   start a program; "out LINE" is what it says
//	stop                            end it; "ended" and its error follow
//	load /later                     load the modules in a folder
//	text WORDS                      write to the console, as the kernel and as a program
//	panel W H                       plug in a touch panel that knows slots
//	unplug                          and pull it out
//	finger SLOT X Y                 put a finger of it down, or move it
//	finger SLOT                     lift it
//	off                             power off
//
// It answers "up" when it is ready, "done" to each command, and "error" with
// what went wrong. Whatever happens, it powers off after some minutes.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// lifeMax is how long a guest lives that nobody ends.
const lifeMax = 5 * time.Minute

// stopWait is how long a program may take to end.
const stopWait = 10 * time.Second

func main() {
	time.AfterFunc(lifeMax, powerOff)
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "init:", err) // the first process has the kernel's console
	}
	powerOff()
}

func powerOff() {
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

func start() error {
	for _, m := range []struct{ kind, dir string }{
		{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/tmp"}, {"devpts", "/dev/pts"},
	} {
		if err := os.MkdirAll(m.dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.dir, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.dir, err)
		}
	}
	port, err := openPort("/dev/ttyS1")
	if err != nil {
		return err
	}
	s := &server{port: port}
	if err := loadModules("/modules"); err != nil {
		s.say("error " + err.Error())
		return err
	}
	s.say("up")
	return s.serve()
}

// openPort opens a serial port that passes bytes as they are.
func openPort(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	raw := unix.Termios{Cflag: unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200}
	raw.Cc[unix.VMIN] = 1
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, &raw); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func loadModules(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.ko"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no modules in %s", dir)
	}
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		if err = errors.Join(err, f.Close()); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("load %s: %w", path, err)
		}
	}
	return nil
}

// server does what the host says.
type server struct {
	port    *os.File
	mu      sync.Mutex // of the port's writing
	running *exec.Cmd
	ended   chan error
	panel   *panel
}

// say answers one line.
func (s *server) say(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintln(s.port, strings.ReplaceAll(line, "\n", "; ")) // a host that is gone hears nothing
}

func (s *server) serve() error {
	lines := bufio.NewScanner(s.port)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if words[0] == "off" {
			return s.end()
		}
		if err := s.do(words[0], words[1:]); err != nil {
			s.say("error " + err.Error())
			continue
		}
		s.say("done " + words[0])
	}
	return lines.Err()
}

func (s *server) do(command string, words []string) error {
	switch command {
	case "run":
		return s.run(words)
	case "stop":
		return s.end()
	case "load":
		return loadModules(strings.Join(words, " "))
	case "text":
		return writeText(strings.Join(words, " "))
	case "unplug":
		return s.panel.unplug()
	case "panel", "finger":
		n, err := numbers(words)
		if err != nil {
			return err
		}
		if command == "finger" {
			return s.panel.finger(n)
		}
		s.panel, err = newPanel(n)
		return err
	}
	return fmt.Errorf("no command %q", command)
}

func numbers(words []string) ([]int32, error) {
	var n []int32
	for _, w := range words {
		v, err := strconv.ParseInt(w, 10, 32)
		if err != nil {
			return nil, err
		}
		n = append(n, int32(v))
	}
	return n, nil
}

// run starts a program and passes on what it says.
func (s *server) run(words []string) error {
	if len(words) == 0 || s.running != nil {
		return errors.New("run one program at a time")
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	c := exec.Command(words[0], words[1:]...)
	c.Stdout, c.Stderr, c.Env = w, w, []string{"HOME=/tmp", "LANG=en_US.UTF-8"}
	c.SysProcAttr = &unix.SysProcAttr{Setsid: true} // as service managers do
	if err := errors.Join(c.Start(), w.Close()); err != nil {
		return errors.Join(err, r.Close())
	}
	s.running, s.ended = c, make(chan error, 1)
	go func() {
		s.pass(r)
		s.ended <- errors.Join(c.Wait(), r.Close())
	}()
	return nil
}

func (s *server) pass(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		s.say("out " + lines.Text())
	}
}

// end ends the program, and tells how it went.
func (s *server) end() error {
	if s.running == nil {
		return nil
	}
	_ = s.running.Process.Signal(unix.SIGTERM) // it may have ended
	late := time.AfterFunc(stopWait, func() { _ = s.running.Process.Kill() })
	err := <-s.ended
	late.Stop()
	s.running = nil
	s.say(strings.TrimSpace(fmt.Sprint("ended ", err)))
	return nil
}

// writeText disturbs the picture as well as text can.
func writeText(text string) error {
	for path, line := range map[string]string{"/dev/kmsg": "<1>" + text, "/dev/tty1": text + "\r\n"} {
		f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOCTTY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(line)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}
