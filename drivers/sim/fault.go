package sim

import (
	"errors"
	"fmt"
	"time"
)

// ErrFault is a fault that cannot be simulated as asked.
var ErrFault = errors.New("sim: no such fault")

// FaultKind is what goes wrong on a line.
type FaultKind string

// The faults of a line. Unplugging is not one of them: it lasts until the
// device is plugged in again.
const (
	FaultNone     FaultKind = "none"
	Silence       FaultKind = "silence"        // nothing comes
	Garbage       FaultKind = "garbage"        // other bytes come instead
	WrongChecksum FaultKind = "wrong-checksum" // the last byte is wrong
	HalfFrame     FaultKind = "half-frame"     // the second half does not come
	Delay         FaultKind = "delay"          // all comes, late
)

// A Fault spoils what a device answers.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// Count is the number of answers to spoil; 0 spoils until the next Fault.
	// Acknowledgements and echoes are not counted, but silence holds for them.
	Count int           `json:"count,omitempty"`
	After int           `json:"after,omitempty"` // answers that are left alone first
	Delay time.Duration `json:"delay,omitempty"` // of Delay; at most a minute
}

// delayMax bounds Delay.
const delayMax = time.Minute

// check refuses what means nothing.
func (f Fault) check() error {
	switch f.Kind {
	case FaultNone, Silence, Garbage, WrongChecksum, HalfFrame:
	case Delay:
		if f.Delay <= 0 || f.Delay > delayMax {
			return fmt.Errorf("%w: a delay of %v, want up to %v", ErrFault, f.Delay, delayMax)
		}
	default:
		return fmt.Errorf("%w: %q", ErrFault, f.Kind)
	}
	if f.Count < 0 || f.After < 0 {
		return fmt.Errorf("%w: count %d after %d", ErrFault, f.Count, f.After)
	}
	return nil
}

// spoil is what is left of an answer. It does not change the input, of which
// the device keeps a copy for repetition.
func (f Fault) spoil(answer []byte) []byte {
	switch f.Kind {
	case Silence:
		return nil
	case Garbage:
		b := make([]byte, len(answer))
		for i := range b {
			b[i] = 0x2A ^ byte(i)<<1
		}
		return b
	case WrongChecksum:
		b := append([]byte{}, answer...)
		if len(b) > 0 {
			b[len(b)-1] ^= 0x5A
		}
		return b
	case HalfFrame:
		return answer[:len(answer)/2]
	case FaultNone, Delay:
	}
	return answer
}
