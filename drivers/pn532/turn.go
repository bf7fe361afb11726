package pn532

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

const (
	writeTime   = time.Second
	ackTime     = 150 * time.Millisecond // 15 ms by the manual; a USB bridge takes its time
	commandTime = time.Second            // for a command that does not ask a card
	cardTime    = 6 * time.Second        // for one that does: 5 s is the longest frame waiting time (ISO/IEC 14443-4, 7.2)
	frameTime   = 500 * time.Millisecond // from a frame's start to its end
	quietTime   = 20 * time.Millisecond  // after which nothing comes any more, USB bridges included
	triesMax    = 3                      // of a command that may be repeated, and for an answer to come well
	framesMax   = 16                     // answers to something else
	noiseMax    = 1 << 12                // bytes without meaning, in one command
)

// What may become of a command. The first three may be mended by asking again.
var (
	errMute    = fmt.Errorf("%w: the chip does not answer", drivers.ErrNoDevice)
	errSlow    = fmt.Errorf("%w: the chip does not come to its answer", drivers.ErrTimeout)
	errGarbled = fmt.Errorf("%w: a garbled answer", drivers.ErrProtocol)
	errSyntax  = fmt.Errorf("%w: the chip calls it a syntax error", drivers.ErrRefused)
)

// write sends bytes. A chip that does not take them is as good as mute.
func (d *Dev) write(b []byte) error {
	err := d.link.Send(b, writeTime)
	if errors.Is(err, drivers.ErrSilent) {
		return d.wrap(errMute)
	}
	return err
}

// settle ends what the chip may still be doing, and drops what it says of it.
func (d *Dev) settle() error {
	if err := d.write(ack); err != nil {
		return err
	}
	if err := d.link.Drain(quietTime); err != nil {
		return err
	}
	d.tail = false
	return nil
}

// command runs a command that does no harm when it is run twice, and returns
// what its answer says.
func (d *Dev) command(data ...byte) ([]byte, error) { return d.repeat(frame(data), data[0]) }

func (d *Dev) repeat(sent []byte, code byte) ([]byte, error) {
	for try := 1; ; try++ {
		t, err := d.begin(sent, code, commandTime)
		if err != nil {
			return nil, err
		}
		answer, err := t.listen()
		d.tail = err != nil
		mendable := errors.Is(err, errMute) || errors.Is(err, errSlow) || errors.Is(err, errGarbled)
		switch {
		case mendable && try < triesMax:
			continue
		case errors.Is(err, errSlow):
			err = errMute // Not the caller's time is over.
		}
		if err != nil {
			return nil, d.wrap(fmt.Errorf("command %02X: %w", code, err))
		}
		return answer, nil
	}
}

// once runs a command that is never given twice. An answer that was garbled is
// asked for again, if the chip has acknowledged the command: else its last
// answer may be that to the command before. Should a repeated answer be equal
// to that one, nobody can tell them apart, and it is not taken.
func (d *Dev) once(data []byte) ([]byte, span, error) {
	sent := frame(data)
	defer clear(sent)
	t, err := d.begin(sent, data[0], cardTime)
	if err != nil {
		return nil, span{}, err
	}
	answer, err := t.listen()
	repeated := false
	for try := 1; errors.Is(err, errGarbled) && t.acked && try < triesMax; try++ {
		repeated = true
		if err := d.write(nack); err != nil {
			return nil, span{}, err
		}
		t.limit = time.Now().Add(commandTime)
		answer, err = t.listen()
	}
	if d.tail = err != nil; d.tail {
		return nil, t.span, err
	}
	now := sha256.Sum256(answer)
	if repeated && now == d.last {
		return nil, t.span, fmt.Errorf("%w: an answer that may be the one before", drivers.ErrProtocol)
	}
	d.last = now
	return answer, t.span, nil
}

// span is the time from the last byte of a command to the first byte of its
// answer.
type span struct{ sent, heard time.Time }

// turn is one command and its answer.
type turn struct {
	span
	d     *Dev
	code  byte      // of the answer
	limit time.Time // for the answer
	acked bool
	noise int
	seen  int       // frames
	zero  time.Time // when the last zero came that may begin a start code
	start time.Time // of the frame that is being read
}

// begin sends a command and starts the clock.
func (d *Dev) begin(sent []byte, code byte, within time.Duration) (*turn, error) {
	if d.tail {
		if err := d.settle(); err != nil {
			return nil, err
		}
	}
	d.in.reset()
	if err := d.write(sent); err != nil {
		return nil, err
	}
	t := &turn{d: d, code: code + 1}
	t.sent = time.Now()
	t.limit = t.sent.Add(within)
	return t, nil
}

// listen returns what the answer says.
func (t *turn) listen() ([]byte, error) {
	in := &t.d.in
	for {
		b, err := t.d.link.Next(t.until())
		if err != nil {
			return nil, t.silence(err)
		}
		if b == 0x00 && !in.begun {
			t.zero = time.Now()
		}
		switch in.feed(b) {
		case none:
		case kindStart:
			t.start = t.zero
		case kindACK:
			t.acked = true
		case kindFrame:
			if answer, done, err := t.frame(in.payload); done || err != nil {
				return answer, err
			}
		case kindBad:
			if t.noise++; t.acked {
				return nil, errGarbled
			}
		case kindNoise:
			t.noise++
		}
		if t.noise > noiseMax {
			return nil, fmt.Errorf("%w: the line is full of noise", drivers.ErrProtocol)
		}
	}
}

// until is how long the next byte is waited for. Where there was noise, the
// acknowledgement may have been in it.
func (t *turn) until() time.Time {
	switch {
	case t.d.in.begun:
		return t.start.Add(frameTime)
	case !t.acked && t.noise == 0:
		return t.sent.Add(ackTime)
	}
	return t.limit
}

// silence says what it means that no byte came.
func (t *turn) silence(err error) error {
	switch {
	case !errors.Is(err, drivers.ErrSilent):
		return err
	case t.d.in.begun:
		t.d.in.reset()
		return errGarbled // Half a frame.
	case t.noise > 0:
		return errGarbled
	case !t.acked:
		return errMute
	}
	return errSlow
}

// frame judges a good frame: an answer to something else, an echo, or ours.
func (t *turn) frame(payload []byte) (answer []byte, done bool, err error) {
	if t.seen++; t.seen > framesMax {
		return nil, false, fmt.Errorf("%w: %d frames and no answer", drivers.ErrProtocol, framesMax)
	}
	const head = 2
	switch {
	case len(payload) == 1 && payload[0] == syntaxTFI:
		return nil, false, errSyntax
	case len(payload) < head || payload[0] != fromChip || payload[1] != t.code:
		return nil, false, nil
	}
	t.heard = t.start
	return payload[head:], true, nil
}
