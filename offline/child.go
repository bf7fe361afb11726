package offline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Exit codes of the process that checks. A Go program that crashes has 2.
const (
	exitSound   = 0
	exitOther   = 1
	exitCrash   = 2
	exitDamaged = 10
	exitNewer   = 11
	exitInUse   = 12
)

// crashes are the signals that a program sends to itself.
var crashes = []syscall.Signal{syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGABRT}

const childTextMax = 1000 // bytes of what the child says that go into an error

// CheckMain is the child's side of CheckInChild: it runs CheckFile, writes what
// it found, and returns the code to exit with.
func CheckMain(path string, stderr io.Writer) int {
	err := CheckFile(path)
	if err == nil {
		return exitSound
	}
	_, _ = fmt.Fprintln(stderr, err)
	switch {
	case errors.Is(err, ErrDamaged):
		return exitDamaged
	case errors.Is(err, ErrNewer):
		return exitNewer
	case errors.Is(err, ErrInUse):
		return exitInUse
	}
	return exitOther
}

// CheckInChild makes an Opts.Check that runs a command, which must call
// CheckMain and exit with its code. A child that crashes, or does not end in
// time, has met a damaged file. A child that could not run, or that somebody
// else has ended, says nothing about the file.
func CheckInChild(timeout time.Duration, command func(path string) []string) func(path string) error {
	return func(path string) error {
		argv := command(path)
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		var text firstBytes
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Stderr = &text
		cmd.WaitDelay = time.Second
		err := cmd.Run()
		if ended := cmd.ProcessState != nil && cmd.ProcessState.Exited(); !ended && ctx.Err() != nil {
			return fmt.Errorf("%w: its check did not end within %v", ErrDamaged, timeout)
		}
		return childError(err, strings.TrimSpace(string(text)))
	}
}

// firstBytes keeps the beginning of what is written to it.
type firstBytes []byte

func (b *firstBytes) Write(p []byte) (int, error) {
	*b = append(*b, p[:min(len(p), childTextMax-len(*b))]...)
	return len(p), nil
}

func childError(err error, text string) error {
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) {
		return err
	}
	switch exit.ExitCode() {
	case exitDamaged, exitCrash:
		return fmt.Errorf("%w: %s", ErrDamaged, text)
	case exitNewer:
		return fmt.Errorf("%w: %s", ErrNewer, text)
	case exitInUse:
		return fmt.Errorf("%w: %s", ErrInUse, text)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && slices.Contains(crashes, status.Signal()) {
		return fmt.Errorf("%w: its check ended with %v", ErrDamaged, status.Signal())
	}
	return fmt.Errorf("check ended with %w: %s", err, text)
}
