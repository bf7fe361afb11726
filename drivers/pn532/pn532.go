// Package pn532 drives NXP's PN532 as an antenna for cards that are tapped, over
// a serial line (HSU): the boards for a few euros, and USB sticks with that chip
// behind a serial bridge. It is for development and closed-loop use: the chip is
// no EMV contactless level 1 reader, and no driver makes it one.
//
//	a := pn532.New(port.Serial("/dev/pos/antenna", port.Mode{}), pn532.Opts{})
//	card, err := a.Await(ctx)
//	response, err := card.Exchange(ctx, apdu)
//
// It follows NXP's UM0701-02, the PN532 user manual for firmware 1.6, as far as
// that could be read in public sources, and the habits of libnfc's pn532_uart.c.
// It was tested with the simulator of drivers/sim only, on a pseudo-terminal,
// and never yet with a chip. A chip on I²C or SPI is not driven.
//
// Cards of type A and B are looked for in turn. The chip does what ISO/IEC
// 14443-4 asks for: activation, blocks, waiting time extensions, and repetition
// of blocks, which a card knows from new ones. Above that a command is given to
// a card once: MaxRtyCOM is 0, a command whose acknowledgement is lost is not
// repeated, and an answer that was garbled is asked for again, not the command.
//
// What Response.Elapsed measures is more than the card: from when the command
// was handed to the serial line to the start code of the chip's answer. In it
// are the way of the command to the chip (87 µs a byte at 115200 baud) and of
// the acknowledgement back (0.5 ms), the chip's own work, and what a USB bridge
// adds (FTDI's up to 16 ms, unless its latency timer is set to 1 ms). It is an
// upper bound, and too coarse for a relay to show.
package pn532

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

const (
	pollDefault = 50 * time.Millisecond
	leaveTime   = 500 * time.Millisecond // for cards that were refused, before they are tried again
	restTime    = 100 * time.Millisecond // to switch the field off, when the caller's time is over
	releaseTime = time.Second            // the same, when that is what the caller wants
)

// Opts tells what differs between boards.
type Opts struct {
	Name string        // in errors; "pn532" when empty
	Poll time.Duration // between looks into the field; 50 ms when 0
}

// Dev is a PN532 and its antenna.
type Dev struct {
	name string
	poll time.Duration
	link *drivers.Link

	// Owned by the call that is being served.
	in      decoder
	ready   bool // the chip was set up
	tail    bool // the chip may still be at what it was asked before
	typeB   bool // the chip knows cards of type B
	on      bool // the field may be on
	offAt   time.Time
	refused bool // what is in the field is mute or too much, and was not seen to go
	session *card
	last    [sha256.Size]byte // of the last answer that came through InDataExchange
}

var _ drivers.Antenna = (*Dev)(nil)

// New gives an antenna that is dialled when it is first needed.
func New(dial drivers.Dial, opts Opts) *Dev {
	name := cmp.Or(opts.Name, "pn532")
	poll := opts.Poll
	if poll <= 0 {
		poll = pollDefault
	}
	return &Dev{name: name, poll: poll, link: drivers.NewLink(name, dial)}
}

// Media is Contactless.
func (d *Dev) Media() drivers.Media { return drivers.Contactless }

// Await switches the field on and waits for a card. Cards that did not come up,
// or came with others, are left alone for a while when they are still there.
func (d *Dev) Await(ctx context.Context) (drivers.Card, error) {
	if err := d.link.Begin(ctx); err != nil {
		return nil, err
	}
	defer d.link.End()
	again := time.Now().Add(leaveTime)
	for {
		var c *card
		err := d.attempt(func() (err error) {
			c, err = d.find(d.refused && time.Now().Before(again))
			return err
		})
		if err == nil && c != nil {
			return c, nil
		}
		if err == nil {
			err = d.link.Pause(d.poll)
		}
		if err != nil {
			d.rest()
			return nil, err
		}
	}
}

// Clear waits until no card is in the field. One that is being used stays so.
func (d *Dev) Clear(ctx context.Context) error {
	if err := d.link.Begin(ctx); err != nil {
		return err
	}
	defer d.link.End()
	for {
		there, err := d.present()
		if err == nil && !there {
			return nil
		}
		if err == nil {
			err = d.link.Pause(d.poll)
		}
		if err != nil {
			if d.session == nil {
				d.rest()
			}
			return err
		}
	}
}

// Close switches the field off and hangs up.
func (d *Dev) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), restTime)
	defer cancel()
	if err := d.link.Begin(ctx); err == nil {
		d.rest()
		d.link.End()
	}
	return d.link.Close()
}

// attempt does something with a chip that is set up, over a line that may have
// to be dialled, or dialled again: it may have been unplugged, or its power may
// have failed behind a serial bridge that stayed.
func (d *Dev) attempt(do func() error) error {
	const dialMax = 2
	for try := 1; ; try++ {
		fresh, err := d.link.Open()
		if err != nil {
			return err
		}
		if fresh || !d.ready {
			err = d.greet()
		}
		if err == nil {
			err = do()
		}
		switch {
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

// down hangs up. The session with a card is lost.
func (d *Dev) down() {
	d.link.Drop()
	d.forget()
	d.ready, d.tail, d.on = false, false, false
}

// forget ends the session with the card that is in use.
func (d *Dev) forget() {
	if d.session != nil {
		d.session.over = true
		d.session = nil
	}
}

// greet wakes a chip and sets it up.
func (d *Dev) greet() error {
	d.forget()
	d.in.reset()
	d.ready, d.tail = false, false
	if err := d.link.Drain(quietTime); err != nil {
		return err
	}
	// It may be asleep, or busy with what somebody else has asked it.
	const samConfiguration, samUnused = 0x14, 0x01
	hello := append(append([]byte(nil), ack...), wakeUp...)
	hello = append(hello, frame([]byte{samConfiguration, samUnused})...)
	if _, err := d.repeat(hello, samConfiguration); err != nil {
		return err
	}
	version, err := d.command(0x02)
	if err != nil {
		return err
	}
	const pn532, supportsB = 0x32, 0x02
	if len(version) != 4 || version[0] != pn532 {
		return d.wrap(fmt.Errorf("%w: not a PN532: % X", drivers.ErrRefused, version[:min(len(version), 4)]))
	}
	d.typeB = version[3]&supportsB != 0
	for _, c := range [][]byte{
		{0x12, 0x14},                   // SetParameters: RATS and ATR_REQ by itself, no NAD, no DID, preambles
		{0x32, 0x04, 0x00},             // MaxRtyCOM: nothing is given to a card twice
		{0x32, 0x05, 0xFF, 0x01, 0x02}, // MaxRetries: a look for cards ends by itself
		{0x32, 0x02, 0x00, 0x0B, 0x0C}, // timings: 102.4 ms and 204.8 ms, for what is no ISO/IEC 14443-4
	} {
		if _, err := d.command(c...); err != nil {
			return err
		}
	}
	d.on = true // Whoever used it before may have left it so.
	if err := d.fieldOff(); err != nil {
		return err
	}
	d.ready = true
	return nil
}

func (d *Dev) wrap(err error) error { return fmt.Errorf("%s: %w", d.name, err) }
