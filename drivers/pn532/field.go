package pn532

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// resetTime is how long a field is off for cards to forget, and on before they
// are spoken to: at least 5.1 ms (EMV Contactless Book D, tRESET and tP).
const resetTime = 6 * time.Millisecond

// Commands of the chip (UM0701-02, 7.2 and 7.3).
const (
	diagnose            = 0x00
	rfConfiguration     = 0x32
	inDataExchange      = 0x40
	inListPassiveTarget = 0x4A
)

// fieldOn brings up a field in which no card remembers anything.
func (d *Dev) fieldOn() error {
	if wait := time.Until(d.offAt.Add(resetTime)); wait > 0 {
		if err := d.link.Pause(wait); err != nil {
			return err
		}
	}
	d.on = true
	if _, err := d.command(rfConfiguration, 0x01, 0x01); err != nil {
		return err
	}
	return d.link.Pause(resetTime)
}

// fieldOff takes the power from all cards.
func (d *Dev) fieldOff() error {
	d.forget()
	if !d.on {
		return nil
	}
	if _, err := d.command(rfConfiguration, 0x01, 0x00); err != nil {
		return err
	}
	d.on, d.offAt = false, time.Now()
	return nil
}

// rest switches the field off even if the call's context has ended, but does not
// hold its caller up for a chip that does not answer.
func (d *Dev) rest() {
	restore := d.link.Detach(restTime)
	defer restore()
	if err := d.fieldOff(); err != nil {
		d.ready = false // The next call begins with it.
	}
}

// list has the chip look for cards of one type, and activate those it finds.
// Two may be found, lest one of two is picked in silence.
func (d *Dev) list(kind byte) (n int, t target, err error) {
	const two, allApplications = 2, 0x00
	command := []byte{inListPassiveTarget, two, kind}
	if kind == typeB {
		command = append(command, allApplications)
	}
	answer, err := d.command(command...)
	if err != nil {
		return 0, target{}, err
	}
	n, t, err = parseTargets(kind, answer)
	if err != nil {
		err = d.wrap(err)
	}
	return n, t, err
}

// look counts the cards in the field, and tells the type of the last. They are
// activated by that, and will not be found again before the field was off.
func (d *Dev) look() (n int, kind byte, err error) {
	for _, k := range []byte{typeA, typeB} {
		if k == typeB && !d.typeB {
			break
		}
		found, _, err := d.list(k)
		if err != nil && !errors.Is(err, drivers.ErrCardMute) {
			return 0, 0, err
		}
		if n += found; found > 0 {
			kind = k
		}
	}
	return n, kind, nil
}

// find looks once for a card. It returns nil when there is none, or when those
// that are there were refused and shall be left alone.
func (d *Dev) find(leave bool) (*card, error) {
	if d.session != nil {
		if err := d.fieldOff(); err != nil {
			return nil, err
		}
	}
	if !d.on {
		if err := d.fieldOn(); err != nil {
			return nil, err
		}
	}
	n, kind, err := d.look()
	switch {
	case err != nil:
		return nil, err
	case n == 0:
		d.refused = false
		return nil, nil
	}
	// All are activated now, also a second one of the other type. The one that
	// is wanted begins anew.
	if err := d.fieldOff(); err != nil || leave {
		return nil, err
	}
	if n == 1 {
		if err := d.fieldOn(); err != nil {
			return nil, err
		}
		return d.activate(kind)
	}
	d.refused = true
	return nil, d.wrap(fmt.Errorf("%w in the field", drivers.ErrCollision))
}

// activate begins a session with the one card in the field. It returns nil when
// that has left.
func (d *Dev) activate(kind byte) (*card, error) {
	n, t, err := d.list(kind)
	if err == nil && n > 1 {
		err = d.wrap(fmt.Errorf("%w in the field", drivers.ErrCollision))
	}
	d.refused = errors.Is(err, drivers.ErrCardMute) || errors.Is(err, drivers.ErrCollision)
	if err != nil || n == 0 {
		return nil, err
	}
	d.session = &card{d: d, number: t.number, atr: t.atr}
	return d.session, nil
}

// present tells whether a card is in the field: the one that is in use, and
// stays so, or else any.
func (d *Dev) present() (there bool, err error) {
	err = d.attempt(func() error {
		if d.session != nil {
			if there, err = d.attention(); there || err != nil {
				return err
			}
			d.removed()
		}
		if err := d.fieldOff(); err != nil {
			return err
		}
		if err := d.fieldOn(); err != nil {
			return err
		}
		n, _, err := d.look()
		there = n > 0
		d.refused = d.refused && there
		if err != nil {
			return err
		}
		return d.fieldOff()
	})
	return there, err
}

// attention asks whether the card in use is there. It hears a block to which it
// must answer with its last, so nothing is done twice (UM0701-02, 7.2.1, test 6;
// ISO/IEC 14443-4, 7.5.4.2, R(NAK)).
func (d *Dev) attention() (bool, error) {
	const test = 0x06
	answer, err := d.command(diagnose, test)
	if err != nil {
		return false, err
	}
	if len(answer) != 1 {
		return false, d.wrap(fmt.Errorf("%w: a diagnosis of %d bytes", drivers.ErrProtocol, len(answer)))
	}
	return answer[0]&statusCode == 0, nil
}

// removed ends the session with a card that was taken away.
func (d *Dev) removed() {
	if d.session != nil {
		d.session.gone = true
	}
	d.refused = false
	d.forget()
}
