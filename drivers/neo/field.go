package neo

import (
	"errors"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// resetTime is how long a field is off for cards to forget: at least 5.1 ms (EMV
// Contactless Book D, tRESET).
const resetTime = 6 * time.Millisecond

// fieldOff takes the power from all cards.
func (d *Dev) fieldOff() error {
	d.forget()
	if !d.on {
		return nil
	}
	const off = 0x00
	if err := d.tell(antenna, off); err != nil {
		return err
	}
	d.on, d.offAt = false, time.Now()
	return nil
}

// rest switches the field off even if the call's context has ended, but does not
// hold its caller up for a reader that does not answer.
func (d *Dev) rest() {
	restore := d.link.Detach(restTime)
	defer restore()
	if err := d.fieldOff(); err != nil {
		d.ready = false // The next call begins with it.
	}
}

// poll has the reader look for a card once, and activate it. It switches the
// field on. A poll whose answer is lost may have activated a card, which the next
// one would not find: the field goes off in between.
func (d *Dev) poll() (found bool, err error) {
	for try := 1; ; try++ {
		if wait := time.Until(d.offAt.Add(resetTime)); wait > 0 {
			if err := d.link.Pause(wait); err != nil {
				return false, err
			}
		}
		d.on = true
		// A phone is to come up as a card that takes commands.
		const seconds, tensOfMs, typesHigh, iso14443 = 0, 5, 0x00, 0x01
		a, err := d.once(enhanced, []byte{seconds, tensOfMs, typesHigh, iso14443}, commandTime)
		if err == nil && a.status == statusCRC {
			err = errGarbled // It was not run.
		}
		if err == nil {
			found, err = parsePoll(a)
		}
		if err == nil {
			return found, nil
		}
		if !mendable(err) || try == triesMax {
			return false, d.wrap(enhanced, err)
		}
		if err := d.fieldOff(); err != nil {
			return false, err
		}
	}
}

// find looks once for a card. It returns nil when there is none, or when those
// that are there were refused and shall be left alone.
func (d *Dev) find(leave bool) (*card, error) {
	if d.session != nil {
		if err := d.fieldOff(); err != nil {
			return nil, err
		}
	}
	found, err := d.poll()
	unfit := unfit(err)
	switch {
	case err != nil && !unfit:
		return nil, err
	case !found && !unfit:
		d.refused = false
		return nil, nil
	case unfit || leave:
		if off := d.fieldOff(); off != nil || leave {
			return nil, off
		}
		d.refused = true
		return nil, err
	}
	d.refused = false
	d.session = &card{d: d}
	return d.session, nil
}

// unfit tells whether what is in the field is no card that can be used.
func unfit(err error) bool {
	return errors.Is(err, drivers.ErrCardMute) || errors.Is(err, drivers.ErrCollision)
}

// look looks once whether a card is in the field: the one that is in use, and
// stays so, or else any. When there is one it lets a while go by.
func (d *Dev) look() (there bool, err error) {
	err = d.attempt(func() (err error) {
		there, err = d.present()
		return err
	})
	if err == nil && there {
		err = d.link.Pause(restPoll)
	}
	if err != nil && d.session == nil {
		d.rest()
	}
	return there, err
}

func (d *Dev) present() (there bool, err error) {
	if d.session != nil {
		if there, err = d.attention(); there || err != nil {
			return there, err
		}
		d.removed()
	}
	if err := d.fieldOff(); err != nil {
		return false, err
	}
	there, err = d.poll()
	if err != nil && !unfit(err) {
		return false, err
	}
	there = there || err != nil
	d.refused = d.refused && there
	return there, d.fieldOff()
}

// attention asks the card in use for nothing.
func (d *Dev) attention() (bool, error) {
	a, err := d.repeat(exchange, 0xFF, 0x00, 0x00, 0x00)
	if err != nil {
		return false, err
	}
	switch err := failure(a.status); {
	case err == nil:
		return true, nil
	case errors.Is(err, errLate), errors.Is(err, errFailed):
		return false, nil
	default:
		return false, d.wrap(exchange, err)
	}
}

// removed ends the session with a card that was taken away.
func (d *Dev) removed() {
	if d.session != nil {
		d.session.gone = true
	}
	d.refused = false
	d.forget()
}
