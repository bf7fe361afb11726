package visapad

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// errMute tells a pad that does not answer from a line that is down: dialling
// again does not help.
var errMute = fmt.Errorf("%w: the pad does not answer", drivers.ErrNoDevice)

// send sends a packet until the pad acknowledges it, three times at most.
func (d *Dev) send(p []byte) error {
	silent := true
	for range sendMax {
		if err := d.write(p); err != nil {
			return err
		}
		k, err := d.acknowledged()
		switch {
		case err == nil && k == kindACK:
			return nil
		case err == nil:
			silent = false
		case !errors.Is(err, drivers.ErrSilent):
			return err
		}
	}
	if silent {
		return fmt.Errorf("%s: %w", d.opts.Name, errMute)
	}
	return fmt.Errorf("%s: %w: the pad acknowledges no packet", d.opts.Name, drivers.ErrProtocol)
}

// write sends bytes. A pad that does not take them is as good as mute.
func (d *Dev) write(b []byte) error {
	err := d.link.Send(b, writeTime)
	if errors.Is(err, drivers.ErrSilent) {
		return fmt.Errorf("%s: %w", d.opts.Name, errMute)
	}
	return err
}

// acknowledged waits for ACK or NAK. Whatever else comes before was meant for
// an earlier session: an EOT that was late, an answer nobody waited for.
func (d *Dev) acknowledged() (kind, error) {
	by := time.Now().Add(ackTime)
	for {
		b, err := d.link.Next(by)
		if err != nil {
			d.in.reset()
			return none, err
		}
		if k := d.in.feed(b); k == kindACK || k == kindNAK {
			return k, nil
		}
	}
}

// receive waits for a packet, which it acknowledges, or an EOT. The packet's
// body is in d.in.body.
func (d *Dev) receive(by time.Time) (kind, error) {
	for bad := 0; bad < sendMax; {
		limit := by
		if d.in.open() {
			limit = time.Now().Add(packetTime)
		}
		b, err := d.link.Next(limit)
		var k kind
		switch {
		case err == nil:
			k = d.in.feed(b)
		case errors.Is(err, drivers.ErrSilent) && d.in.open():
			d.in.reset()
			k = kindBad
		default:
			return none, err
		}
		switch k {
		case kindGood:
			return k, d.write([]byte{ack})
		case kindEOT:
			return k, nil
		case kindBad:
			if bad++; bad == sendMax {
				continue
			}
			if err := d.write([]byte{nak}); err != nil {
				return none, err
			}
		case none, kindACK, kindNAK, kindNoise:
		}
	}
	_ = d.write([]byte{eot})
	return none, fmt.Errorf("%s: %w: %d wrong packets in a row", d.opts.Name, drivers.ErrProtocol, sendMax)
}

// orCancel ends a session that the pad may have begun although its
// acknowledgement did not arrive.
func (d *Dev) orCancel(cause error) error {
	if errors.Is(cause, drivers.ErrNoDevice) {
		return cause
	}
	entry, err := d.cancel(cause)
	entry.Block.Clear()
	if err == nil {
		err = cause // Its key is used up, but what was asked for is not clear.
	}
	return err
}

// cancel takes a PIN request back, because of cause. The pad and the end of
// the context race: a PIN that was complete is returned.
func (d *Dev) cancel(cause error) (drivers.PINEntry, error) {
	if errors.Is(cause, drivers.ErrNoDevice) {
		return drivers.PINEntry{}, cause
	}
	defer d.link.Detach(cancelTime)()
	var entry drivers.PINEntry
	won := false
	for range sendMax {
		if err := d.write(packet(stx, []byte("72"))); err != nil {
			return entry, cause
		}
		acked, err := d.lateAnswer(&entry, &won)
		if acked {
			d.reset = false
			break
		}
		if err != nil && !errors.Is(err, drivers.ErrSilent) {
			break
		}
	}
	if won {
		return entry, nil
	}
	if errors.Is(cause, drivers.ErrSilent) {
		cause = fmt.Errorf("%s: %w: nobody entered a PIN", d.opts.Name, drivers.ErrTimeout)
	}
	return entry, cause
}

// lateAnswer reads what comes after a cancel until the pad is quiet, and keeps
// an answer that was on its way.
func (d *Dev) lateAnswer(entry *drivers.PINEntry, won *bool) (acked bool, err error) {
	by := time.Now().Add(ackTime)
	for range ignoredMax * bodyMax {
		b, err := d.link.Next(by)
		if err != nil {
			d.in.reset()
			return acked, err
		}
		switch d.in.feed(b) {
		case kindACK, kindEOT:
			acked = true
			by = time.Now().Add(quietTime)
		case kindGood:
			if err := d.write([]byte{ack}); err != nil {
				return acked, err
			}
			if e, err := parseAnswer(d.in.body); err == nil && !*won {
				*entry, *won = e, true
			}
			by = time.Now().Add(ackTime)
		case kindBad:
			if err := d.write([]byte{nak}); err != nil {
				return acked, err
			}
		case kindNAK:
			return acked, nil
		case none, kindNoise:
		}
	}
	return acked, fmt.Errorf("%s: %w: the pad never falls quiet", d.opts.Name, drivers.ErrProtocol)
}
