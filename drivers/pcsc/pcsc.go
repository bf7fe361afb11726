// Package pcsc reads cards through pcscd, the service of pcsc-lite that drives
// nearly every USB reader. It speaks the protocol of the service's socket, 4.4
// and 4.5, so it needs neither its C library nor cgo.
//
//	r := pcsc.New(port.Unix(pcsc.Socket), pcsc.Opts{Reader: "ACS ACR39U"})
//	card, err := r.Await(ctx)
//	response, err := card.Exchange(ctx, apdu)
//
// Readers are called by the beginning of their names. The service appends a
// number that may be another one after a replug.
//
// The card is taken for us alone and gets a cold reset. T=1, parameters and
// voltages are the service's business; GET RESPONSE and a corrected length over
// T=0 are done here. A command is never given to the service twice.
//
// It was tried with pcscd 1.9.9 and the virtual reader of vsmartcard, card by card
// and in a whole sale; version 4.5 only in conversations of our own, and no reader
// of metal. Keys on a reader are not used: the service cannot be told to stop
// asking for a PIN. Readers with an antenna are none here: the service does not
// tell that several cards are in its field.
package pcsc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// Socket is where the service listens.
const Socket = "/run/pcscd/pcscd.comm"

// Opts says which reader it is.
type Opts struct {
	Name   string // in errors; "pcsc" when empty
	Reader string // the beginning of its name; the first that there is when empty
}

const (
	muteTime    = 3 * time.Second        // for the owner of a mute card to pull it
	waitTime    = time.Second            // between looks, should an event be lost
	goneTime    = 200 * time.Millisecond // for which Gone keeps others waiting
	retryTime   = 100 * time.Millisecond
	busyTime    = 2 * time.Second // for another program to let go of the card
	answerTime  = 5 * time.Second
	connectTime = 10 * time.Second // the service powers the card, and may wait for another program
	cardTime    = 60 * time.Second // a card may ask for more time again and again
	removeTime  = time.Second      // for the service to notice that a card is not there any more
	releaseTime = 5 * time.Second  // for taking the power off, whatever becomes of a context
	closeTime   = 20 * time.Millisecond
)

// Dev is a reader behind the service.
type Dev struct {
	name   string
	reader string
	link   *drivers.Link

	// Owned by the call that is being served.
	minor   uint32 // of the protocol that the service was last offered
	context uint32 // the service's name for this connection
	powered *card  // nil when no card is ours
	mute    bool   // the card in the reader did not come up, and was not seen to go
}

var _ drivers.Reader = (*Dev)(nil)

// New gives a reader whose service is dialled when it is first needed.
func New(dial drivers.Dial, opts Opts) *Dev {
	name := cmp.Or(opts.Name, "pcsc")
	return &Dev{name: name, reader: opts.Reader, link: drivers.NewLink(name, dial), minor: minorLeast}
}

// Media is Contact.
func (d *Dev) Media() drivers.Media { return drivers.Contact }

// Await waits for a card and resets it. One that was mute is left alone for a
// few seconds, in which its owner may pull it and turn it over.
func (d *Dev) Await(ctx context.Context) (drivers.Card, error) {
	if err := d.link.Begin(ctx); err != nil {
		return nil, err
	}
	defer d.link.End()
	again := time.Now().Add(muteTime)
	for {
		r, err := d.look()
		if err != nil {
			return nil, err
		}
		d.mute = d.mute && r.present()
		if r.present() && (!d.mute || !time.Now().Before(again)) {
			c, err := d.take(r)
			d.mute = errors.Is(err, drivers.ErrCardMute)
			if err == nil {
				return c, nil
			}
			if !errors.Is(err, drivers.ErrCardGone) {
				return nil, err
			}
		}
		within := waitTime
		if d.mute {
			within = min(within, time.Until(again))
		}
		if err := d.wait(r, within); err != nil {
			return nil, err
		}
	}
}

// take makes the card ours and resets it.
func (d *Dev) take(r reader) (*card, error) {
	d.letGo()
	c, err := d.connect(r)
	if err != nil {
		return nil, err
	}
	d.powered = c
	if err := d.begin(c, r); err != nil {
		d.letGo()
		return nil, err
	}
	return c, nil
}

// connect asks for the card until no other program has it.
func (d *Dev) connect(r reader) (*card, error) {
	for end := time.Now().Add(busyTime); ; {
		answer, _, err := d.ask(cmdConnect, connectBody(d.context, r.name), connectLen, connectTime)
		if errors.Is(err, drivers.ErrSilent) {
			return nil, d.wrap(fmt.Errorf("connect: %w", errShared)) // For good, it seems.
		}
		if err != nil {
			return nil, err
		}
		switch err := failure(word(answer, 148)); {
		case err == nil:
			return &card{d: d, handle: word(answer, 140), protocol: word(answer, 144)}, nil
		case !errors.Is(err, errShared) || !time.Now().Before(end):
			return nil, d.wrap(fmt.Errorf("connect: %w", err))
		}
		if err := d.link.Pause(retryTime); err != nil {
			return nil, err
		}
	}
}

// begin leaves nothing in the card that another program has done with it, and
// learns how it answers to reset.
func (d *Dev) begin(c *card, before reader) error {
	if before.state&statePowered != 0 {
		answer, _, err := d.ask(cmdReconnect, words(c.handle, shareExclusive, protocolAny, coldReset, 0, 0), 24, connectTime)
		if err != nil {
			return err
		}
		if err := failure(word(answer, 20)); err != nil {
			return d.wrap(fmt.Errorf("reset: %w", err))
		}
		c.protocol = word(answer, 16)
	}
	if c.protocol != protocolT0 && c.protocol != protocolT1 {
		return d.wrap(fmt.Errorf("%w: it speaks neither T=0 nor T=1", drivers.ErrCardMute))
	}
	all, err := d.readers(cmdReaders)
	if err != nil {
		return err
	}
	now, err := d.find(all)
	if err != nil {
		return err
	}
	if !now.present() {
		return d.wrap(fmt.Errorf("reset: %w", drivers.ErrCardGone))
	}
	c.atr = now.atr
	return nil
}

// letGo gives the card back without power, if one is ours.
func (d *Dev) letGo() {
	c := d.powered
	if c == nil {
		return
	}
	d.forget()
	restore := d.link.Detach(releaseTime)
	defer restore()
	// Whatever the service says, it is not ours any more; and if it says nothing,
	// the line is down and with it what was ours.
	_, _, _ = d.ask(cmdDisconnect, words(c.handle, unpower, 0), 12, answerTime)
}

// forget ends the session with the card that is ours.
func (d *Dev) forget() {
	if d.powered != nil {
		d.powered.over = true
		d.powered = nil
	}
}

// removed ends the session with a card that was pulled.
func (d *Dev) removed() {
	if d.powered != nil {
		d.powered.gone = true
	}
	d.mute = false
	d.letGo()
}

// Close takes the power from a card and hangs up.
func (d *Dev) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := d.link.Begin(ctx); err == nil {
		d.letGo()
		d.link.End()
	}
	return d.link.Close()
}

func (d *Dev) wrap(err error) error { return fmt.Errorf("%s: %w", d.name, err) }
