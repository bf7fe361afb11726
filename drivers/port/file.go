package port

import (
	"context"
	"fmt"

	"github.com/cloudpos/cloudpos/drivers"
)

// File dials a device file that needs no mode, such as /dev/usb/lp0.
func File(path string) drivers.Dial {
	return func(ctx context.Context) (drivers.Line, error) {
		if err := drivers.Ended(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		d, err := openDevice(path)
		if err != nil {
			return nil, err
		}
		d.emptyOK = true
		return d, nil
	}
}
