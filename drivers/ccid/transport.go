package ccid

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

const (
	writeTime   = time.Second
	answerTime  = 3 * time.Second        // for a command that does not reach the card
	frameTime   = time.Second            // from a frame's first byte to its last
	afterMove   = 500 * time.Millisecond // for the answer, once the card has gone: it may never come
	commandTime = 60 * time.Second       // for a command, all waiting that card and reader ask for included
	framesMax   = 16                     // echoes and stale frames before an answer
	garbledMax  = 3                      // repetitions of a frame, either way
	noiseMax    = 1 << 12                // bytes without meaning, and waits, in one command
)

// errMute tells a reader that does not answer from a line that is down.
var errMute = fmt.Errorf("%w: the reader does not answer", drivers.ErrNoDevice)

// timing is when things happened on the wire.
type timing struct {
	sent  time.Time // the command's last byte was out
	heard time.Time // the first byte of its answer was in
}

// command sends a message and returns the reader's answer to it. The command is
// sent again only when the reader says that it did not understand it.
func (s *slot) command(typ byte, b [3]byte, data []byte, within time.Duration) (message, timing, error) {
	s.seq++
	req := message{typ: typ, seq: s.seq, b: b, data: data}
	if len(data) > messageMax-headerLen {
		return message{}, timing{}, s.wrap(fmt.Errorf("%w: a message of %d bytes", drivers.ErrRefused, len(data)))
	}
	x := exchange{s: s, sent: frame(req), req: req, within: within, most: commandTime}
	defer clear(x.sent)
	m, err := x.run()
	return m, x.t, err
}

// write sends bytes. A reader that does not take them is as good as mute.
func (s *slot) write(b []byte) error {
	err := s.link.Send(b, writeTime)
	if errors.Is(err, drivers.ErrSilent) {
		return s.wrap(errMute)
	}
	return err
}

// exchange is one command and its answer.
type exchange struct {
	s      *slot
	req    message
	sent   []byte
	within time.Duration // for the answer, from the last sign of life on
	most   time.Duration // for all of it
	aborts *exchange     // the one that this one is to end, or nil

	t       timing
	first   time.Time // when the first byte of what is being read came
	garbled int
	frames  int
	noise   int
	asked   bool     // we have asked the reader to repeat itself
	moved   bool     // the card was taken while we waited
	late    *message // the answer to what this one was to end
	lateAt  time.Time
	by      time.Time
	latest  time.Time
}

func (x *exchange) run() (message, error) {
	if err := x.send(); err != nil {
		return message{}, err
	}
	x.latest = x.t.sent.Add(x.most)
	for {
		k, err := x.read()
		if err != nil {
			return message{}, err
		}
		switch k {
		case kindFrame:
			m, done, err := x.frame()
			if done || err != nil {
				return m, err
			}
		case kindBad:
			err = x.askAgain()
		case kindNAK:
			err = x.refused()
		case kindRemoved:
			x.moved = true
			x.wait(afterMove)
		case kindWait:
			x.wait(x.within)
			err = x.meaningless()
		case kindInserted:
			x.s.mute = false
		case none:
		case kindNoise:
			err = x.meaningless()
		}
		if err != nil {
			return message{}, err
		}
	}
}

// send sends the command and starts the clock.
func (x *exchange) send() error {
	if x.s.tail {
		// What is left of the answer would be taken for noise, or worse.
		if err := x.s.link.Drain(quietTime); err != nil {
			return err
		}
		x.s.tail = false
	}
	x.s.in.reset()
	if err := x.s.write(x.sent); err != nil {
		return err
	}
	x.t.sent = time.Now()
	x.by = x.t.sent.Add(x.within)
	return nil
}

// wait gives the reader that much time from now on, within reason.
func (x *exchange) wait(d time.Duration) {
	x.by = time.Now().Add(d)
	if x.by.After(x.latest) {
		x.by = x.latest
	}
}

// read takes the next byte.
func (x *exchange) read() (kind, error) {
	open := x.s.in.open() && !x.s.in.whole()
	by := x.by
	if open {
		by = x.first.Add(frameTime)
	}
	b, err := x.s.link.Next(by)
	switch {
	case err == nil:
	case !errors.Is(err, drivers.ErrSilent):
		x.s.tail = true
		return none, err
	case open:
		x.s.in.reset()
		return kindBad, nil // Half a frame.
	case x.moved:
		return none, x.s.wrap(drivers.ErrCardGone)
	case x.garbled+x.noise > 0 && !x.asked:
		// What there was may have been the answer.
		return kindBad, nil
	default:
		return none, x.s.wrap(errMute)
	}
	if !open {
		x.first = time.Now()
	}
	k := x.s.in.feed(b)
	if k == none || k == kindFrame || k == kindBad {
		return k, nil
	}
	if k == kindRemoved {
		x.s.removed()
	}
	return k, nil
}

// frame judges a good frame: an echo, an answer to an older command, or ours.
func (x *exchange) frame() (m message, done bool, err error) {
	if x.frames++; x.frames > framesMax {
		return m, false, x.s.wrap(fmt.Errorf("%w: %d frames and no answer", drivers.ErrProtocol, framesMax))
	}
	// Some models echo every command, others none: a frame equal to ours is
	// never an answer.
	if bytes.Equal(x.s.in.buf, x.sent) {
		return m, false, nil
	}
	m = unframe(x.s.in.buf)
	if !x.answers(m) {
		if x.aborts != nil && x.aborts.answers(m) && m.b[0]&statusMask != statusMoreTime {
			x.late, x.lateAt = &m, x.first
		}
		return m, false, nil
	}
	if m.b[0]&statusMask == statusMoreTime {
		x.wait(x.within * time.Duration(max(m.b[1], 1)))
		x.frames--
		return m, false, x.meaningless()
	}
	x.t.heard = x.first
	return m, true, nil
}

// answers tells whether a message is the answer to ours.
func (x *exchange) answers(m message) bool {
	return m.typ == answerTo[x.req.typ] && m.seq == x.req.seq && m.slot == x.req.slot
}

// askAgain asks the reader to repeat its last frame. The command is not sent
// again: it may have been carried out.
func (x *exchange) askAgain() error {
	if x.garbled++; x.garbled > garbledMax {
		return x.s.wrap(fmt.Errorf("%w: no frame with a good LRC in %d tries", drivers.ErrProtocol, garbledMax+1))
	}
	x.s.in.reset()
	x.asked = true
	if err := x.s.write(nak); err != nil {
		return err
	}
	x.wait(x.within)
	return nil
}

// refused answers the reader's NAK. As long as we have not sent one, it means
// the command, which is sent again; after ours, it means ours.
func (x *exchange) refused() error {
	if x.asked {
		return x.askAgain()
	}
	if x.garbled++; x.garbled > garbledMax {
		return x.s.wrap(fmt.Errorf("%w: the reader understands no frame", drivers.ErrProtocol))
	}
	return x.send()
}

// meaningless bounds what does not bring the answer nearer.
func (x *exchange) meaningless() error {
	if x.noise++; x.noise > noiseMax || time.Now().After(x.latest) {
		return x.s.wrap(fmt.Errorf("%w: the reader never comes to its answer", drivers.ErrProtocol))
	}
	return nil
}
