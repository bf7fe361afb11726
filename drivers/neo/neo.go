// Package neo drives contactless readers of ID TECH's NEO and NEO 2 families
// (ViVOpay: VP3300, VP5300, VP6800, Kiosk, Vendi) on a serial line, as an antenna
// for cards that are tapped: in pass-through mode, where the reader does ISO/IEC
// 14443 and the kernels run here. Its lights and its beeper are there too.
//
//	a := neo.New(port.Serial("/dev/pos/antenna", port.Mode{}), neo.Opts{})
//	card, err := a.Await(ctx)
//	response, err := card.Exchange(ctx, apdu)
//
// It follows ID TECH's NEO 2 Interface Developer's Guide (80139403-002), as far as
// that could be read in public copies. It was tested with the simulator of
// drivers/sim only, on a pseudo-terminal, and never yet with a reader.
//
// Not read in the guide, but taken from common knowledge of these readers, are the
// data of 01-01, 28-01 and 2C-01. How a poll tells of several cards could not be
// read either: status 0A with error code 21, that of the reader's own transactions,
// is taken for it, and any other status 0A for a card that does not come up. A
// reader that says "none" in these cases is believed, so its customer is not told.
//
// Readers that encrypt (SRED) refuse to hand on what a payment card says unless
// it is on their list of exceptions; such an exchange ends with ErrRefused within
// ErrProtocol. Their own EMV transactions (02-40) are not driven, nor are contact
// cards, stripes, PIN pads and the USB report format.
//
// The reader tells nothing of a card that would go into an ATR: all have the same
// one, without historical bytes. While a card is in use, only a command can show
// that it is still there; the one that Gone and Clear give is of class FF, which is
// no class, so that a card refuses it and stays as it is (ISO/IEC 7816-4, 5.4.1).
//
// An answer that was garbled cannot be had again, and a command for a card is
// never given twice: such an exchange ends the card's session. A poll that was
// begun goes on for up to 50 ms although its caller's time is over: Await and
// Clear return behind it, with the field off.
//
// What Response.Elapsed measures is more than the card: from when the command was
// handed to the serial line to the first byte of the answer. In it are the way of
// the command to the reader (87 µs a byte at 115200 baud), the reader's own work,
// and what a USB bridge adds. It is an upper bound, and too coarse for a relay to
// show.
package neo

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

const (
	restPoll    = 50 * time.Millisecond  // between looks into a field that holds something
	leaveTime   = 500 * time.Millisecond // for cards that were refused, before they are tried again
	restTime    = 200 * time.Millisecond // to switch the field off, when the caller's time is over
	releaseTime = time.Second            // the same, when that is what the caller wants
)

// Opts tells what differs between readers.
type Opts struct {
	Name string // in errors; "neo" when empty
}

// Dev is a reader and its antenna.
type Dev struct {
	name string
	link *drivers.Link

	// Owned by the call that is being served.
	in          decoder
	sent, heard time.Time // of the last command and its answer
	ready       bool      // the reader is in pass-through mode
	tail        bool      // the reader may still be at what it was asked before
	on          bool      // the field may be on
	offAt       time.Time
	refused     bool // what is in the field is mute or too much, and was not seen to go
	session     *card
}

var _ drivers.Antenna = (*Dev)(nil)

// New gives an antenna that is dialled when it is first needed.
func New(dial drivers.Dial, opts Opts) *Dev {
	name := cmp.Or(opts.Name, "neo")
	return &Dev{name: name, link: drivers.NewLink(name, dial)}
}

// Media is Contactless.
func (d *Dev) Media() drivers.Media { return drivers.Contactless }

// Await switches the field on and waits for a card. Cards that did not come up,
// or came with others, are left alone for a while when they are still there.
// Between two looks into the field others may have their turn.
func (d *Dev) Await(ctx context.Context) (drivers.Card, error) {
	again := time.Now().Add(leaveTime)
	for {
		c, err := d.await(ctx, again)
		if err != nil {
			d.abandon()
			return nil, err
		}
		if c != nil {
			return c, nil
		}
	}
}

// await looks once for a card, and lets a while go by when there is one that is
// left alone.
func (d *Dev) await(ctx context.Context, again time.Time) (c *card, err error) {
	if err := d.link.Begin(ctx); err != nil {
		return nil, err
	}
	defer d.link.End()
	err = d.attempt(func() (err error) {
		c, err = d.find(d.refused && time.Now().Before(again))
		return err
	})
	if err == nil && c == nil && !d.on {
		err = d.link.Pause(restPoll)
	}
	return c, err
}

// abandon leaves the field off behind a wait that has failed, unless somebody has
// found a card there meanwhile.
func (d *Dev) abandon() {
	ctx, cancel := context.WithTimeout(context.Background(), restTime)
	defer cancel()
	if err := d.link.Begin(ctx); err != nil {
		return
	}
	defer d.link.End()
	if d.session == nil {
		d.rest()
	}
}

// Clear waits until no card is in the field. One that is being used stays so.
func (d *Dev) Clear(ctx context.Context) error {
	for {
		there, err := d.clear(ctx)
		if err != nil || !there {
			return err
		}
	}
}

// clear looks once.
func (d *Dev) clear(ctx context.Context) (there bool, err error) {
	if err := d.link.Begin(ctx); err != nil {
		return false, err
	}
	defer d.link.End()
	return d.look()
}

// Close switches the field off, ends pass-through mode and hangs up.
func (d *Dev) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), restTime)
	defer cancel()
	if err := d.link.Begin(ctx); err == nil {
		if d.ready {
			d.forget()
			_ = d.tell(passThrough, 0x00) // It hangs up whether the reader hears that or not.
		}
		d.link.End()
	}
	return d.link.Close()
}

// attempt does something with a reader that is set up, over a line that may have
// to be dialled, or dialled again: it may have been unplugged, or its power may
// have failed behind a serial bridge that stayed.
func (d *Dev) attempt(do func() error) error {
	const dialMax = 2
	for try := 1; ; try++ {
		fresh, err := d.link.Open()
		if err != nil {
			return err
		}
		greeted := fresh || !d.ready
		if greeted {
			err = d.greet()
		}
		if err == nil {
			err = do()
		}
		switch {
		case errors.Is(err, errMode):
			d.lose()
			if greeted {
				return err
			}
		case errors.Is(err, drivers.ErrNoDevice):
			d.down()
			if fresh || try == dialMax {
				return err
			}
		case errors.Is(err, drivers.ErrProtocol):
			d.down() // So that the next call greets it anew.
			return err
		default:
			return err
		}
	}
}

// lose is what a reader without its mode comes to: it must be greeted again.
func (d *Dev) lose() {
	d.forget()
	d.ready, d.on = false, false
}

// down hangs up. The session with a card is lost.
func (d *Dev) down() {
	d.link.Drop()
	d.lose()
	d.tail = false
}

// forget ends the session with the card that is in use.
func (d *Dev) forget() {
	if d.session != nil {
		d.session.over = true
		d.session = nil
	}
}

// greet brings the reader into pass-through mode, from whatever it is in. There
// the field is off, and no card is looked for before it is asked to.
func (d *Dev) greet() error {
	d.lose()
	if err := d.settle(); err != nil {
		return d.wrap(ping, err)
	}
	const stop, start, onDemand = 0x00, 0x01, 0x01
	if err := d.mayRefuse(d.tell(passThrough, stop)); err != nil {
		return err
	}
	// A reader that polls by itself would take cards before they are asked for.
	if err := d.mayRefuse(d.tell(pollMode, onDemand)); err != nil {
		return err
	}
	if err := d.tell(passThrough, start); err != nil {
		return err
	}
	d.ready = true
	return nil
}

// mayRefuse drops a refusal: a reader that was not in pass-through mode may not
// be able to leave it, and one that never polls by itself has no mode for that.
func (d *Dev) mayRefuse(err error) error {
	if errors.Is(err, drivers.ErrRefused) || errors.Is(err, errFailed) {
		return nil
	}
	return err
}
