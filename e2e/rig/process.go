package rig

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// readyMax bounds how long a program may take until it is ready, and to stop.
const readyMax = 30 * time.Second

// Process is a program that runs until it is stopped. All that it writes is
// kept, and is searched for secrets at the end.
type Process struct {
	Name  string
	Ready map[string]string // the words of its line "ready key=value ..."
	// ReadyAfter is how long it took from exec to that line.
	ReadyAfter time.Duration

	cmd    *exec.Cmd
	out    *output
	ended  chan struct{}
	status error
}

// output is what a program has written.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// start runs a command and waits for its line "ready".
func start(name string, cmd *exec.Cmd, launch Launch) (*Process, error) {
	p := &Process{Name: name, cmd: cmd, out: &output{}, ended: make(chan struct{})}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = io.MultiWriter(p.out, w), p.out
	began := time.Now()
	wait, err := launch(cmd)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		p.status = wait()
		_ = w.Close()
		close(p.ended)
	}()
	ready := make(chan map[string]string, 1)
	go func() {
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			if words, ok := strings.CutPrefix(lines.Text(), "ready"); ok {
				ready <- keyValues(words)
			}
		}
		_, _ = io.Copy(io.Discard, r)
	}()
	select {
	case p.Ready = <-ready:
		p.ReadyAfter = time.Since(began)
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("%s ended before it was ready: %w\n%s", name, p.status, p.out)
	case <-time.After(readyMax):
		return nil, errors.Join(fmt.Errorf("%s is not ready after %v:\n%s", name, readyMax, p.out), p.Kill())
	}
}

func keyValues(line string) map[string]string {
	m := map[string]string{}
	for _, word := range strings.Fields(line) {
		k, v, _ := strings.Cut(word, "=")
		m[k] = v
	}
	return m
}

// Stop asks the program to end and waits. It fails when the program ends with
// an error or does not end.
func (p *Process) Stop() error {
	if p == nil || p.Ended() { // it never was ready, or is no more
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	_ = p.Resume() // a paused program hears nothing
	select {
	case <-p.ended:
		return nil
	case <-time.After(readyMax):
		return errors.Join(fmt.Errorf("%s did not stop within %v:\n%s", p.Name, readyMax, p.out), p.Kill())
	}
}

// Kill ends the program as a power cut does.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.ended }

// Ended tells whether the program has ended, by itself or not.
func (p *Process) Ended() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output is all that the program has written.
func (p *Process) Output() string { return p.out.String() }

// run runs a command to its end and gives its exit status.
func run(ctx context.Context, cmd *exec.Cmd) (stdout, stderr string, status int, err error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		return "", "", -1, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err = <-done:
	case <-ctx.Done():
		_ = cmd.Process.Kill()
		err = errors.Join(ctx.Err(), <-done)
		return out.String(), errs.String(), -1, fmt.Errorf("%s: %w\n%s%s", cmd, err, &out, &errs)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		err = nil
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode(), err
}
