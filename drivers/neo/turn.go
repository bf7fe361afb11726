package neo

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

const (
	writeTime   = time.Second
	commandTime = time.Second            // for a command that does not ask a card
	cardTime    = 6 * time.Second        // for one that does: 5 s is the longest frame waiting time (ISO/IEC 14443-4, 7.2)
	settleTime  = 250 * time.Millisecond // for what the reader was doing to end
	frameTime   = 500 * time.Millisecond // from a frame's start to its end
	quietTime   = 20 * time.Millisecond  // after which nothing comes any more, USB bridges included
	triesMax    = 3                      // of a command that may be repeated
	framesMax   = 16                     // answers to something else
	noiseMax    = 1 << 12                // bytes without meaning, in one command
)

// What may become of a command, to be mended by asking again.
var (
	errMute    = fmt.Errorf("%w: the reader does not answer", drivers.ErrNoDevice)
	errGarbled = fmt.Errorf("%w: a garbled answer", drivers.ErrProtocol)
)

// mendable tells whether it helps to ask again.
func mendable(err error) bool { return errors.Is(err, errMute) || errors.Is(err, errGarbled) }

// settle waits until the reader has done what it was asked before. All commands
// of pass-through mode are answered by the same code, so an old answer could pass
// for a new one: a ping has a code of its own, and is answered behind them.
func (d *Dev) settle() error {
	for try := 1; ; try++ {
		if err := d.link.Drain(quietTime); err != nil {
			return err
		}
		_, err := d.turn(ping, nil, settleTime)
		if err == nil {
			d.tail = false
			return nil
		}
		if !mendable(err) || try == triesMax {
			return err
		}
	}
}

// repeat runs a command that does no harm when it is run twice, and returns its
// answer, whatever its status.
func (d *Dev) repeat(c command, data ...byte) (answer, error) {
	for try := 1; ; try++ {
		a, err := d.once(c, data, commandTime)
		if err == nil && a.status == statusCRC {
			err = errGarbled // It was not run.
		}
		if err == nil {
			return a, nil
		}
		if !mendable(err) || try == triesMax {
			return answer{}, d.wrap(c, err)
		}
	}
}

// tell runs a command that does no harm when it is run twice, and has no answer
// but that it was run.
func (d *Dev) tell(c command, data ...byte) error {
	a, err := d.repeat(c, data...)
	if err != nil {
		return err
	}
	if err := failure(a.status); err != nil {
		return d.wrap(c, err)
	}
	return nil
}

// once gives a command once, behind all that the reader was asked before.
func (d *Dev) once(c command, data []byte, within time.Duration) (answer, error) {
	if d.tail {
		if err := d.settle(); err != nil {
			return answer{}, err
		}
	}
	a, err := d.turn(c, data, within)
	d.tail = err != nil
	return a, err
}

// turn sends one command and hears its answer. The time between is kept in sent
// and heard.
func (d *Dev) turn(c command, data []byte, within time.Duration) (answer, error) {
	d.in.reset()
	sent := frame(c, data)
	defer clear(sent)
	err := d.link.Send(sent, writeTime)
	if errors.Is(err, drivers.ErrSilent) {
		return answer{}, errMute // It does not take them.
	}
	if err != nil {
		return answer{}, err
	}
	d.sent = time.Now()
	return d.listen(c.code, d.sent.Add(within))
}

// listen returns the answer to a command, and not one to something else.
func (d *Dev) listen(code byte, limit time.Time) (answer, error) {
	noise, seen := 0, 0
	var start time.Time
	for {
		by := limit
		if d.in.begun() {
			by = start.Add(frameTime)
		}
		b, err := d.link.Next(by)
		if errors.Is(err, drivers.ErrSilent) {
			if noise > 0 || d.in.matched > 0 {
				return answer{}, errGarbled
			}
			return answer{}, errMute
		}
		if err != nil {
			return answer{}, err
		}
		switch d.in.feed(b) {
		case none:
		case kindStart:
			start = time.Now()
		case kindNoise:
			noise++
		case kindBad:
			return answer{}, errGarbled
		case kindFrame:
			if a := d.in.got; a.code == code && a.status != statusEvent {
				d.heard = start
				return a, nil
			}
			seen++
		}
		if noise > noiseMax || seen > framesMax {
			return answer{}, fmt.Errorf("%w: %d bytes of noise, %d frames and no answer", drivers.ErrProtocol, noise, seen)
		}
	}
}

// wrap says where an error comes from. The link's own say so already.
func (d *Dev) wrap(c command, err error) error {
	if strings.HasPrefix(err.Error(), d.name+": ") {
		return err
	}
	return fmt.Errorf("%s: command %s: %w", d.name, c.name(), err)
}
