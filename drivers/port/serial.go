package port

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"

	"github.com/cloudpos/cloudpos/drivers"
)

// Parity of a serial line.
type Parity uint8

// The parities.
const (
	ParityNone Parity = iota
	ParityEven
	ParityOdd
)

// Mode is how a serial line is set. The zero value means 115200 8N1.
type Mode struct {
	Baud     int // 115200 when 0
	DataBits int // 8 when 0
	Parity   Parity
	StopBits int // 1 when 0

	// RTSLow takes RTS down after opening: a GemPC Twin would else send its
	// plug-and-play string. A line without modem lines does not mind.
	RTSLow bool
}

// mode translates m, and refuses what would silently become something else.
func (m Mode) mode() (*serial.Mode, error) {
	out := &serial.Mode{BaudRate: m.Baud, DataBits: m.DataBits}
	if out.BaudRate == 0 {
		out.BaudRate = 115200
	}
	if out.DataBits == 0 {
		out.DataBits = 8
	}
	if out.BaudRate < 50 || out.BaudRate > 4_000_000 {
		return nil, fmt.Errorf("%w: %d baud", drivers.ErrRefused, m.Baud)
	}
	if out.DataBits < 5 || out.DataBits > 8 {
		return nil, fmt.Errorf("%w: %d data bits", drivers.ErrRefused, m.DataBits)
	}
	switch m.Parity {
	case ParityNone:
		out.Parity = serial.NoParity
	case ParityEven:
		out.Parity = serial.EvenParity
	case ParityOdd:
		out.Parity = serial.OddParity
	default:
		return nil, fmt.Errorf("%w: parity %d", drivers.ErrRefused, m.Parity)
	}
	switch m.StopBits {
	case 0, 1:
		out.StopBits = serial.OneStopBit
	case 2:
		out.StopBits = serial.TwoStopBits
	default:
		return nil, fmt.Errorf("%w: %d stop bits", drivers.ErrRefused, m.StopBits)
	}
	return out, nil
}

// Serial dials a serial line. A path that is not there is ErrNoDevice, a line
// that another process or an earlier dial holds is ErrBusy. Bytes that were
// waiting are dropped.
func Serial(path string, m Mode) drivers.Dial {
	return func(ctx context.Context) (drivers.Line, error) {
		if err := drivers.Ended(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		mode, err := m.mode()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		d, err := openDevice(path)
		if err != nil {
			return nil, err
		}
		if err := d.setUp(mode, m.RTSLow); err != nil {
			_ = d.Close()
			return nil, openError(path, err)
		}
		return d, nil
	}
}

// setUp sets the mode through a second descriptor, which is closed again: the
// mode belongs to the line, and stays because d is open.
func (d *device) setUp(mode *serial.Mode, rtsLow bool) error {
	p, err := serial.Open(d.f.Name(), mode)
	if err != nil {
		if pe := (*serial.PortError)(nil); errors.As(err, &pe) {
			switch pe.Code() {
			case serial.PortBusy:
				return unix.EBUSY
			case serial.InvalidSerialPort:
				return errors.New("not a serial line")
			default:
			}
		}
		return err
	}
	if rtsLow {
		// Fails on lines that have no modem lines, pseudo-terminals among them.
		_ = p.SetRTS(false)
	}
	err = p.ResetInputBuffer()
	if closeErr := p.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	_ = d.f.SetDeadline(time.Time{})
	return d.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCEXCL, 0) })
}
