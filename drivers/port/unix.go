package port

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// Unix dials the socket of a service on this machine, by its path.
func Unix(path string) drivers.Dial {
	return func(ctx context.Context) (drivers.Line, error) {
		within, cancel := context.WithTimeout(ctx, dialMax)
		defer cancel()
		conn, err := dialUnix(within, path)
		if err == nil {
			return conn, nil
		}
		if ended := drivers.Ended(ctx); ended != nil {
			return nil, fmt.Errorf("%s: %w", path, ended)
		}
		return nil, fmt.Errorf("%s: %w: %w", path, drivers.ErrNoDevice, err)
	}
}

// dialUnix waits where others wait already. A service may let only a few do so,
// pcscd one, and the kernel then refuses a socket that does not block.
func dialUnix(ctx context.Context, path string) (net.Conn, error) {
	const pause = 10 * time.Millisecond
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		conn, err := net.Dial("unix", path) // which never takes time
		if !errors.Is(err, syscall.EAGAIN) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}
