package port

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// dialMax bounds a dial: a device that is switched off does not refuse, it is
// silent.
const dialMax = 5 * time.Second

// TCP dials host:port, for network printers, which listen on 9100.
func TCP(addr string) drivers.Dial {
	dialer := net.Dialer{Timeout: dialMax, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}
	return func(ctx context.Context) (drivers.Line, error) {
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err == nil {
			return conn, nil
		}
		if ended := drivers.Ended(ctx); ended != nil {
			return nil, fmt.Errorf("%s: %w", addr, ended)
		}
		return nil, fmt.Errorf("%s: %w: %w", addr, drivers.ErrNoDevice, err)
	}
}
