package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Selling is a sale under way: terminal sale, before its end.
type Selling struct {
	cmd       *exec.Cmd
	out, errs bytes.Buffer
	ended     chan error
}

// Begin begins a sale and comes back at once. The caller waits for its End.
func (r *Rig) Begin(args ...string) (*Selling, error) {
	s := &Selling{ended: make(chan error, 1)}
	s.cmd = r.TerminalCommand("sale", append([]string{"--json"}, args...)...)
	s.cmd.Env = append(os.Environ(), "CLOUDPOS_CONFIG="+r.Config())
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.errs
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- s.cmd.Wait() }()
	return s, nil
}

// Interrupt presses Ctrl-C.
func (s *Selling) Interrupt() error { return s.cmd.Process.Signal(syscall.SIGINT) }

// End waits for the end of the sale.
func (s *Selling) End(ctx context.Context) (Report, error) {
	var err error
	select {
	case err = <-s.ended:
	case <-ctx.Done():
		_ = s.cmd.Process.Kill()
		err = errors.Join(ctx.Err(), <-s.ended)
		return Report{}, fmt.Errorf("a sale does not end: %w\n%s%s", err, &s.out, &s.errs)
	}
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || !exit.Exited()) {
		return Report{}, fmt.Errorf("sale: %w\n%s%s", err, &s.out, &s.errs)
	}
	return readReport(s.out.String(), s.errs.String(), s.cmd.ProcessState.ExitCode())
}

// readReport reads what terminal sale --json has printed.
func readReport(stdout, stderr string, status int) (Report, error) {
	var report Report
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		return Report{Exit: status, Error: stderr}, fmt.Errorf("sale: exit status %d, no report: %s%s", status, stdout, stderr)
	}
	if report.Exit != status {
		return report, fmt.Errorf("sale: exit status %d, reported %d", status, report.Exit)
	}
	return report, nil
}

// Until polls for a condition that lies in another process.
func (r *Rig) Until(ctx context.Context, what string, holds func() (bool, error)) error {
	return r.until(ctx, what, holds)
}

// UntilOnline waits until the running terminal has its cloud.
func (r *Rig) UntilOnline(ctx context.Context) error {
	return r.until(ctx, "the terminal is online", func() (bool, error) {
		s, err := r.Status()
		return s.Online, err
	})
}

// Pause stops a program in its tracks (SIGSTOP), as a host does that hangs.
func (p *Process) Pause() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused program go on.
func (p *Process) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }
