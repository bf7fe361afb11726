//go:build !linux || !amd64

package killer

import (
	"context"
	"os/exec"
)

// Process is a running program.
type Process struct{}

// Start fails with ErrUnsupported.
func Start(context.Context, *exec.Cmd, Opts) (*Process, error) { return nil, ErrUnsupported }

// Wait is never reached, since Start fails.
func (*Process) Wait() (Trace, error) { return Trace{}, ErrUnsupported }
