package newland

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/secret"
)

// errMute tells a pad that does not answer from a line that is down: dialling
// again does not help.
var errMute = fmt.Errorf("%w: the pad does not answer", drivers.ErrNoDevice)

// errAgain is a command that arrived damaged: the pad has done nothing.
var errAgain = fmt.Errorf("%w: the pad gets no command whole", drivers.ErrProtocol)

// errBad is an answer that arrived damaged. The pad cannot be asked to repeat it.
var errBad = fmt.Errorf("%w: damaged answer", drivers.ErrProtocol)

// codes are the errors of all chapters; their meanings do not depend on the
// command.
var codes = map[byte]error{
	0x01: fmt.Errorf("%w: length", drivers.ErrRefused),
	0x08: fmt.Errorf("%w: authentication code", drivers.ErrRefused),
	0x0B: fmt.Errorf("%w: asked too often, or locked, or it has no UID", drivers.ErrRefused),
	0x0D: errAgain,
	0x31: fmt.Errorf("%w: no such directory", drivers.ErrRefused),
	0x61: fmt.Errorf("%w: no PIN key", drivers.ErrNoKey),
	0x71: fmt.Errorf("%w: no PIN key is chosen", drivers.ErrNoKey),
	0x72: fmt.Errorf("%w: key mode", drivers.ErrRefused),
	0x74: fmt.Errorf("%w: length of the PIN", drivers.ErrRefused),
	0x76: fmt.Errorf("%w: nobody entered a PIN", drivers.ErrTimeout),
	0x77: fmt.Errorf("%w by the customer", drivers.ErrCancelled),
	0x92: fmt.Errorf("%w: cipher", drivers.ErrHardware),
	0xE3: fmt.Errorf("%w: no key serial number", drivers.ErrNoKey),
	0xFF: fmt.Errorf("%w: exception", drivers.ErrHardware),
}

// why is what a pad's error code means.
func why(code byte) error {
	if err, ok := codes[code]; ok {
		return err
	}
	return fmt.Errorf("%w: error %02X", drivers.ErrRefused, code)
}

func (d *Dev) wrap(err error) error { return fmt.Errorf("%s: %w", d.opts.Name, err) }

// over does something over a line that may have to be dialled, or dialled again.
func (d *Dev) over(do func(fresh bool) error) error {
	const dialMax = 2
	for try := 1; ; try++ {
		fresh, err := d.link.Open()
		if err != nil {
			return err
		}
		err = do(fresh)
		if errors.Is(err, drivers.ErrNoDevice) && !errors.Is(err, errMute) && try < dialMax {
			continue
		}
		return err
	}
}

// prepare gets the pad to where it can ask for a PIN, whatever it did before, and
// returns the serial number of the key that this PIN will have.
func (d *Dev) prepare() (ksn []byte, err error) {
	if ksn, err = d.keyNumber(); err != nil {
		return nil, err
	}
	return ksn, d.choose()
}

// keyNumber is the serial number of the directory's key.
func (d *Dev) keyNumber() ([]byte, error) {
	if err := d.reset(); err != nil {
		return nil, err
	}
	if _, err := d.exchange(headDirectory, []byte{d.opts.Directory}); err != nil {
		return nil, err
	}
	return d.exchange(headKSN, nil)
}

// reset ends whatever the pad does, and what it was told before.
func (d *Dev) reset() error {
	_, err := d.exchange(headReset, nil)
	return err
}

// exchange sends a command that may be repeated until its answer comes, three
// times at most, and returns the answer's data.
func (d *Dev) exchange(head byte, data []byte) ([]byte, error) {
	f := frame(head, data)
	silent, last := true, errBad
	for range sendMax {
		d.in.expect(head)
		if err := d.write(f); err != nil {
			return nil, err
		}
		err := d.receive(time.Now().Add(answerTime))
		if err == nil {
			err = d.failure()
		}
		switch {
		case err == nil:
			return slices.Clone(d.in.data), nil
		case errors.Is(err, errAgain), errors.Is(err, errBad):
			silent, last = false, err
		case !errors.Is(err, drivers.ErrSilent):
			return nil, err
		}
	}
	if silent {
		return nil, d.wrap(errMute)
	}
	return nil, last
}

// write sends bytes. A pad that does not take them is as good as mute.
func (d *Dev) write(b []byte) error {
	err := d.link.Send(b, writeTime)
	if errors.Is(err, drivers.ErrSilent) {
		return d.wrap(errMute)
	}
	return err
}

// receive waits for a whole answer, of whatever kind.
func (d *Dev) receive(by time.Time) error {
	for {
		limit := by
		if d.in.open() {
			limit = time.Now().Add(frameTime)
		}
		b, err := d.link.Next(limit)
		if errors.Is(err, drivers.ErrSilent) && d.in.open() {
			return d.wrap(errBad)
		}
		if err != nil {
			return err
		}
		switch d.in.feed(b) {
		case good:
			return nil
		case bad:
			return d.wrap(errBad)
		case none:
		}
	}
}

// failure is what the answer says went wrong, or nil.
func (d *Dev) failure() error {
	if d.in.ok {
		return nil
	}
	return d.wrap(why(d.in.code))
}

// ask asks for the PIN and waits for what the customer does.
func (d *Dev) ask(f, ksn []byte, by time.Time) (drivers.PINEntry, error) {
	for range sendMax {
		d.in.expect(headEnter)
		if err := d.write(f); err != nil {
			return d.cancel(err, ksn)
		}
		if err := d.receive(by); err != nil {
			return d.cancel(err, ksn)
		}
		err := d.failure()
		if err == nil {
			return d.entry(ksn), nil
		}
		if !errors.Is(err, errAgain) {
			return drivers.PINEntry{}, err
		}
	}
	return drivers.PINEntry{}, d.wrap(errAgain)
}

// entry is what an answer holds.
func (d *Dev) entry(ksn []byte) drivers.PINEntry {
	if len(d.in.data) == 0 {
		return drivers.PINEntry{Bypassed: true}
	}
	return drivers.PINEntry{
		Block: slices.Clone(secret.Bytes(d.in.data)), Format: 0, Scheme: drivers.SchemeTDESDUKPT, KSN: ksn,
	}
}

// cancel takes a PIN request back, because of cause. The pad and the end of the
// context race: a PIN that was complete is returned.
func (d *Dev) cancel(cause error, ksn []byte) (drivers.PINEntry, error) {
	if errors.Is(cause, drivers.ErrNoDevice) {
		return drivers.PINEntry{}, cause
	}
	defer d.link.Detach(cancelTime)()
	var entry drivers.PINEntry
	won := false
	for range sendMax {
		if err := d.write(frame(headReset, nil)); err != nil {
			break
		}
		rest, err := d.late(ksn)
		if rest.Bypassed || len(rest.Block) > 0 {
			entry, won = rest, true
		}
		if err == nil {
			break
		}
	}
	if won {
		return entry, nil
	}
	if errors.Is(cause, drivers.ErrSilent) {
		cause = d.wrap(codes[0x76])
	}
	return drivers.PINEntry{}, cause
}

// late waits until the pad was reset, and keeps an answer that was on its way.
func (d *Dev) late(ksn []byte) (entry drivers.PINEntry, err error) {
	const answersMax = 4
	for range answersMax {
		d.in.expect(headEnter, headReset)
		if err := d.receive(time.Now().Add(answerTime)); err != nil {
			return entry, err
		}
		err := d.failure()
		switch {
		case d.in.head == headReset:
			return entry, err
		case err == nil:
			entry = d.entry(ksn)
		}
	}
	return entry, d.wrap(errBad)
}
