package pcsc

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// span is the time from a command's last byte out to its answer's first byte in.
type span struct{ from, to time.Time }

// ask sends a request and returns the n bytes of its answer. When that fails the
// line is down: an answer that is still to come would be taken for the next.
func (d *Dev) ask(command uint32, body []byte, n int, within time.Duration) ([]byte, span, error) {
	return d.send(request(command, body), n, within)
}

func (d *Dev) send(b []byte, n int, within time.Duration) (answer []byte, t span, err error) {
	if err := d.link.Ended(); err != nil {
		return nil, t, err
	}
	by := time.Now().Add(within)
	if err := d.link.Send(b, within); err != nil {
		d.down()
		return nil, t, err
	}
	t.from = time.Now()
	if answer, err = d.read(nil, 1, by); err == nil {
		t.to = time.Now()
		answer, err = d.read(answer, n, by)
	}
	if err != nil {
		d.down()
		return nil, t, err
	}
	return answer, t, nil
}

// read reads until b has n bytes, and returns what there is.
func (d *Dev) read(b []byte, n int, by time.Time) ([]byte, error) {
	for len(b) < n {
		next, err := d.link.Next(by)
		if err != nil {
			return b, err
		}
		b = append(b, next)
	}
	return b, nil
}

// down hangs up, and the service takes back what was ours.
func (d *Dev) down() {
	d.link.Drop()
	d.forget()
}

// open dials unless the line is open, and agrees on a version.
func (d *Dev) open() (fresh bool, err error) {
	const offersMax = 2
	for range offersMax {
		if fresh, err = d.link.Open(); err != nil || !fresh {
			return fresh, err
		}
		d.forget()
		agreed, err := d.greet()
		if err != nil || agreed {
			return true, err
		}
	}
	return true, d.wrap(fmt.Errorf("%w: pcscd agrees to no version", drivers.ErrRefused))
}

// greet offers a version. The service refuses one that is not its own, and says
// which is; from 2.4.1 on it takes the older too.
func (d *Dev) greet() (agreed bool, err error) {
	answer, _, err := d.ask(cmdVersion, words(major, d.minor, 0), 12, answerTime)
	if err != nil {
		return false, err
	}
	if rv := word(answer, 8); rv == rvServiceStopped {
		d.down()
		theirs, minor := word(answer, 0), word(answer, 4)
		if theirs != major || minor < minorLeast || minor > minorMost {
			return false, d.wrap(fmt.Errorf("%w: pcscd speaks version %d.%d, known are 4.4 and 4.5", drivers.ErrRefused, theirs, minor))
		}
		d.minor = minor
		return false, nil
	} else if err := failure(rv); err != nil {
		d.down()
		return false, d.wrap(fmt.Errorf("version: %w", err))
	}
	if answer, _, err = d.ask(cmdEstablish, words(scopeSystem, 0, 0), 12, answerTime); err != nil {
		return false, err
	}
	if err := failure(word(answer, 8)); err != nil {
		d.down()
		return false, d.wrap(fmt.Errorf("establish context: %w", err))
	}
	d.context = word(answer, 4)
	return true, nil
}

// look asks how the reader is, over a line that may have to be dialled, or
// dialled again.
func (d *Dev) look() (reader, error) {
	const dialMax = 2
	for try := 1; ; try++ {
		fresh, err := d.open()
		if err == nil {
			var all []reader
			if all, err = d.readers(cmdReaders); err == nil {
				return d.find(all)
			}
		}
		if fresh || try == dialMax || !errors.Is(err, drivers.ErrNoDevice) {
			return reader{}, err
		}
	}
}

// readers asks for all readers.
func (d *Dev) readers(command uint32) ([]reader, error) {
	answer, _, err := d.ask(command, nil, readersLen, answerTime)
	return parseReaders(answer), err
}

// find picks ours: the one of that name, or else the first whose name begins so.
func (d *Dev) find(all []reader) (reader, error) {
	var found *reader
	var names []string
	for i, r := range all {
		names = append(names, r.name)
		if r.name == d.reader || found == nil && strings.HasPrefix(r.name, d.reader) {
			found = &all[i]
		}
	}
	switch {
	case found == nil && len(all) == 0:
		return reader{}, d.wrap(fmt.Errorf("%w: pcscd has no readers", drivers.ErrNoDevice))
	case found == nil:
		return reader{}, d.wrap(fmt.Errorf("%w: pcscd has no reader %q, but %q", drivers.ErrNoDevice, d.reader, names))
	case found.state&stateUnknown != 0:
		return reader{}, d.wrap(fmt.Errorf("%w: pcscd has lost reader %q", drivers.ErrNoDevice, found.name))
	}
	return *found, nil
}

// wait waits until something happens to a reader that was last seen so, or for
// some time. A line that goes down ends it too: the next look dials.
func (d *Dev) wait(seen reader, within time.Duration) error {
	all, err := d.readers(cmdWait)
	if err != nil {
		return d.waited(err)
	}
	var event []byte
	if now, lost := d.find(all); lost == nil && now.same(seen) {
		event, err = d.read(nil, eventLen, time.Now().Add(within))
		switch {
		case err == nil:
			return nil
		case errors.Is(err, drivers.ErrNoDevice):
			d.down()
			return d.waited(err)
		}
	}
	return d.waited(d.stop(event))
}

// stop ends a wait of whose event some bytes may have come. Exactly one event
// comes, even if the service was about to send one by itself.
func (d *Dev) stop(event []byte) error {
	restore := d.link.Detach(answerTime)
	err := d.link.Send(request(cmdStop, nil), answerTime)
	if err == nil {
		_, err = d.read(event, eventLen, time.Now().Add(answerTime))
	}
	if err != nil {
		d.down()
	}
	restore()
	if ended := d.link.Ended(); ended != nil {
		return ended
	}
	return err
}

// waited leaves a line that went down to the next look, which is not to come at
// once.
func (d *Dev) waited(err error) error {
	if errors.Is(err, drivers.ErrNoDevice) {
		return d.link.Pause(retryTime)
	}
	return err
}
