package ccid

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// slot is what readers of both kinds have: a line, and one place for a card,
// which is powered, watched and powered off.
type slot struct {
	name  string
	poll  time.Duration // between looks
	rests int           // looks at a card that did not come up, before it is tried again
	words []word        // what the reader is told when its line was opened
	link  *drivers.Link

	// Owned by the call that is being served.
	in      decoder
	seq     byte
	tail    bool     // a call ended while its answer was coming
	powered *session // nil when no card has power from us
	mute    bool     // the card in the slot did not come up, and was not seen to go
}

// word is a command of the greeting.
type word struct {
	typ  byte
	data []byte
}

// askFirmware also brings both sides into step.
var askFirmware = word{typeEscape, []byte{0x02}}

func newSlot(dial drivers.Dial, opts Opts, name string, rests int) slot {
	name = cmp.Or(opts.Name, name)
	poll := opts.Poll
	if poll <= 0 {
		poll = pollDefault
	}
	return slot{name: name, poll: poll, rests: rests, link: drivers.NewLink(name, dial)}
}

func (s *slot) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), quietTime)
	defer cancel()
	if err := s.link.Begin(ctx); err == nil {
		if s.powered != nil {
			_ = s.powerOff()
		}
		s.link.End()
	}
	return s.link.Close()
}

// await waits for a card and has it powered. One that did not come up is left
// alone for a while, in which its owner may take it and turn it over.
func (s *slot) await(ctx context.Context, activate func(status byte) (drivers.Card, error)) (drivers.Card, error) {
	if err := s.link.Begin(ctx); err != nil {
		return nil, err
	}
	defer s.link.End()
	again := time.Now().Add(time.Duration(s.rests) * s.poll)
	for {
		status, err := s.look()
		if err != nil {
			return nil, err
		}
		s.mute = s.mute && status != cardAbsent
		if status != cardAbsent && (!s.mute || time.Now().After(again)) {
			c, err := s.powerUp(status, activate)
			s.mute = errors.Is(err, drivers.ErrCardMute) || errors.Is(err, drivers.ErrCollision)
			if err == nil {
				return c, nil
			}
			if !errors.Is(err, drivers.ErrCardGone) {
				return nil, err
			}
		}
		if err := s.listen(s.poll); err != nil {
			return nil, err
		}
	}
}

// look asks for the state of the slot, over a line that may have to be dialled,
// or dialled again.
func (s *slot) look() (status byte, err error) {
	const dialMax = 2
	for try := 1; ; try++ {
		fresh, err := s.link.Open()
		if err != nil {
			return 0, err
		}
		if fresh {
			err = s.greet()
		}
		if err == nil {
			var m message
			m, _, err = s.command(typeSlotStatus, [3]byte{}, nil, answerTime)
			status = m.b[0] & cardMask
			if err == nil && fresh && status == cardActive {
				// It has its power from a session that is lost, and must not
				// be pulled like that.
				status, err = cardPresent, s.powerOff()
			}
			if err == nil {
				return status, nil
			}
		}
		switch {
		case errors.Is(err, errMute) || errors.Is(err, drivers.ErrProtocol):
			s.down() // So that the next call greets it anew.
			return 0, err
		case errors.Is(err, drivers.ErrCardGone):
			return cardAbsent, nil
		case !errors.Is(err, drivers.ErrNoDevice):
			return 0, err
		}
		s.down()
		if fresh || try == dialMax {
			return 0, err
		}
	}
}

// down hangs up. The session with a card is lost; whether the card is still in
// the slot will be seen.
func (s *slot) down() {
	s.link.Drop()
	s.forget()
}

// forget ends the session with the card that has power.
func (s *slot) forget() {
	if s.powered != nil {
		s.powered.over = true
		s.powered = nil
	}
}

// removed ends the session with a card that was pulled.
func (s *slot) removed() {
	if s.powered != nil {
		s.powered.gone = true
	}
	s.mute = false
	s.forget()
}

// greet sets up a reader whose line was just opened. One that does not know the
// words is as good.
func (s *slot) greet() error {
	s.forget()
	s.in.reset()
	if err := s.link.Drain(quietTime); err != nil {
		return err
	}
	for _, w := range s.words {
		_, _, err := s.command(w.typ, [3]byte{}, w.data, greetingTime)
		if err != nil && !errors.Is(err, drivers.ErrCardGone) {
			return err
		}
	}
	return nil
}

// listen waits for a card move, or the time to look again.
func (s *slot) listen(within time.Duration) error {
	by := time.Now().Add(within)
	for range noiseMax {
		b, err := s.link.Next(by)
		if errors.Is(err, drivers.ErrSilent) {
			return nil
		}
		if err != nil {
			if errors.Is(err, drivers.ErrNoDevice) {
				s.down()
				return nil // The next look dials.
			}
			return err
		}
		switch s.in.feed(b) {
		case kindRemoved:
			s.removed()
			return nil
		case kindInserted:
			s.mute = false
			return nil
		case none, kindFrame, kindBad, kindNAK, kindWait, kindNoise:
		}
	}
	return s.link.Pause(within)
}

// powerUp has the card powered that is in the slot. If that fails, or the
// context ends in between, the power is taken again.
func (s *slot) powerUp(status byte, activate func(status byte) (drivers.Card, error)) (drivers.Card, error) {
	c, err := activate(status)
	if err == nil {
		return c, nil
	}
	if !errors.Is(err, drivers.ErrNoDevice) {
		restore := s.link.Detach(releaseTime)
		_ = s.powerOff()
		restore()
	}
	return nil, err
}

// powerOn returns the answer to reset; failed says why there is none.
func (s *slot) powerOn(voltage byte, failed func(message) error) ([]byte, error) {
	m, _, err := s.command(typePowerOn, [3]byte{voltage}, nil, answerTime)
	if err != nil {
		return nil, err
	}
	if err := failed(m); err != nil {
		return nil, s.wrap(fmt.Errorf("power on: %w", err))
	}
	return m.data, nil
}

// powerOff takes the power from whatever card there is.
func (s *slot) powerOff() error {
	s.forget()
	m, _, err := s.command(typePowerOff, [3]byte{}, nil, answerTime)
	if err != nil {
		return err
	}
	if err := failure(m); err != nil && !errors.Is(err, drivers.ErrCardGone) && !errors.Is(err, drivers.ErrRefused) {
		return s.wrap(fmt.Errorf("power off: %w", err))
	}
	return nil
}

func (s *slot) wrap(err error) error { return fmt.Errorf("%s: %w", s.name, err) }
