// Package ccid drives contact card readers that speak CCID over a serial line,
// in the framing of the GemPC Twin: GemCore SIM Pro and POS Pro, Alcor AU9580
// modules and others (USB-IF CCID 1.1; framing as in libccid's ccid_serial.c).
//
// Such a reader works at TPDU level: it sends characters and waits for
// procedure bytes. Voltage, parameters, GET RESPONSE, T=1 blocks and all
// repetition are done here.
//
//	r := ccid.New(port.Serial("/dev/pos/reader", port.Mode{Baud: 115200, StopBits: 2, RTSLow: true}), ccid.Opts{})
//	card, err := r.Await(ctx)
//	response, err := card.Exchange(ctx, apdu)
//
// A garbled answer is asked for again; a command that may have reached the card
// is never sent twice.
//
// A reader with keys takes PINs for the card (CCID 1.1, 6.1.11). It cannot be
// asked whether it has any: Opts.Pad tells.
package ccid

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// Opts tells what differs between readers.
type Opts struct {
	Name string        // in errors; "ccid" when empty
	Poll time.Duration // between looks at the slot; 200 ms when 0
	Pad  Pad           // the keys on the reader
	// Language is what the reader asks for a PIN in; English when 0.
	Language Language
}

// Language is a language id of CCID, which are those of USB.
type Language uint16

// The languages that a reader may have.
const (
	English Language = 0x0409
	Chinese Language = 0x0804
)

// Pad is what a reader's own keys are good for. A serial reader cannot be asked.
type Pad uint8

// The pads.
const (
	NoPad         Pad = iota
	PlainPad          // PINs for the card as they are: PC_to_RDR_Secure
	EncipheredPad     // these, and PINs enciphered for the card, as only the simulated reader does
)

const (
	pollDefault  = 200 * time.Millisecond
	mutePolls    = 15              // for the owner of a mute card to pull it
	releaseTime  = 5 * time.Second // for taking the power off, whatever becomes of a context
	quietTime    = 20 * time.Millisecond
	greetingTime = 2 * time.Second
)

// Dev is a reader.
type Dev struct {
	opts Opts
	link *drivers.Link

	// Owned by the call that is being served.
	in      decoder
	seq     byte
	tail    bool  // a call ended while its answer was coming
	powered *card // nil when no card has power from us
	mute    bool  // the card in the slot did not answer, and was not seen to go
}

var _ drivers.PINReader = (*Dev)(nil)

// New gives a reader that is dialled when it is first needed.
func New(dial drivers.Dial, opts Opts) *Dev {
	if opts.Name == "" {
		opts.Name = "ccid"
	}
	if opts.Poll <= 0 {
		opts.Poll = pollDefault
	}
	if opts.Language == 0 {
		opts.Language = English
	}
	return &Dev{opts: opts, link: drivers.NewLink(opts.Name, dial)}
}

// Media is Contact.
func (d *Dev) Media() drivers.Media { return drivers.Contact }

// VerifiesPIN tells what the reader's keys are good for.
func (d *Dev) VerifiesPIN() (plain, enciphered bool) {
	return d.opts.Pad != NoPad, d.opts.Pad == EncipheredPad
}

// Close takes the power from a card and hangs up.
func (d *Dev) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), quietTime)
	defer cancel()
	if err := d.link.Begin(ctx); err == nil {
		if d.powered != nil {
			_ = d.powerOff()
		}
		d.link.End()
	}
	return d.link.Close()
}

// Await waits for a card and powers it. One that was mute is left alone for a
// few seconds, in which its owner may pull it and turn it over.
func (d *Dev) Await(ctx context.Context) (drivers.Card, error) {
	if err := d.link.Begin(ctx); err != nil {
		return nil, err
	}
	defer d.link.End()
	again := time.Now().Add(mutePolls * d.opts.Poll)
	for {
		status, err := d.look()
		if err != nil {
			return nil, err
		}
		d.mute = d.mute && status != cardAbsent
		if status != cardAbsent && (!d.mute || time.Now().After(again)) {
			c, err := d.powerUp()
			d.mute = errors.Is(err, drivers.ErrCardMute)
			if err == nil {
				return c, nil
			}
			if !errors.Is(err, drivers.ErrCardGone) {
				return nil, err
			}
		}
		if err := d.listen(d.opts.Poll); err != nil {
			return nil, err
		}
	}
}

// look asks for the state of the slot, over a line that may have to be dialled,
// or dialled again.
func (d *Dev) look() (status byte, err error) {
	const dialMax = 2
	for try := 1; ; try++ {
		fresh, err := d.link.Open()
		if err != nil {
			return 0, err
		}
		if fresh {
			err = d.greet()
		}
		if err == nil {
			var m message
			m, _, err = d.command(typeSlotStatus, [3]byte{}, nil, answerTime)
			status = m.b[0] & cardMask
			if err == nil && fresh && status == cardActive {
				// It has its power from a session that is lost, and must not
				// be pulled like that.
				status, err = cardPresent, d.powerOff()
			}
			if err == nil {
				return status, nil
			}
		}
		switch {
		case errors.Is(err, errMute) || errors.Is(err, drivers.ErrProtocol):
			d.down() // So that the next call greets it anew.
			return 0, err
		case errors.Is(err, drivers.ErrCardGone):
			return cardAbsent, nil
		case !errors.Is(err, drivers.ErrNoDevice):
			return 0, err
		}
		d.down()
		if fresh || try == dialMax {
			return 0, err
		}
	}
}

// down hangs up. The session with a card is lost; whether the card is still in
// the slot will be seen.
func (d *Dev) down() {
	d.link.Drop()
	d.forget()
}

// forget ends the session with the card that has power.
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
	d.forget()
}

// greet sets up a reader whose line was just opened: it asks for the firmware
// version, which also brings both sides into step, and has card moves reported
// between a command and its answer only. Readers that know neither are as good.
// One with keys may still be asking for a PIN that nobody wants any more.
func (d *Dev) greet() error {
	d.forget()
	d.in.reset()
	if err := d.link.Drain(quietTime); err != nil {
		return err
	}
	type word struct {
		typ  byte
		data []byte
	}
	words := []word{{typeEscape, []byte{0x02}}, {typeEscape, []byte{0x01, 0x01, 0x01}}}
	if d.opts.Pad != NoPad {
		words = append([]word{{typ: typeAbort}}, words...)
	}
	for _, w := range words {
		_, _, err := d.command(w.typ, [3]byte{}, w.data, greetingTime)
		if err != nil && !errors.Is(err, drivers.ErrCardGone) {
			return err
		}
	}
	return nil
}

// listen waits for a card move, or the time to look again.
func (d *Dev) listen(within time.Duration) error {
	by := time.Now().Add(within)
	for range noiseMax {
		b, err := d.link.Next(by)
		if errors.Is(err, drivers.ErrSilent) {
			return nil
		}
		if err != nil {
			if errors.Is(err, drivers.ErrNoDevice) {
				d.down()
				return nil // The next look dials.
			}
			return err
		}
		switch d.in.feed(b) {
		case kindRemoved:
			d.removed()
			return nil
		case kindInserted:
			d.mute = false
			return nil
		case none, kindFrame, kindBad, kindNAK, kindWait, kindNoise:
		}
	}
	return d.link.Pause(within)
}

// voltages to try: 5 V, 3 V, 1.8 V. The Twin has no automatic choice.
var voltages = []byte{1, 2, 3}

// powerUp powers the card that is in the slot, cold. If the context ends in
// between, the power is taken again.
func (d *Dev) powerUp() (drivers.Card, error) {
	c, err := d.activate()
	if err == nil {
		return c, nil
	}
	if !errors.Is(err, drivers.ErrNoDevice) {
		restore := d.link.Detach(releaseTime)
		_ = d.powerOff()
		restore()
	}
	return nil, err
}

func (d *Dev) activate() (*card, error) {
	var last error
	for _, v := range voltages {
		if err := d.powerOff(); err != nil {
			return nil, err
		}
		raw, err := d.powerOn(v)
		if err == nil {
			return d.accept(raw, v)
		}
		if !errors.Is(err, drivers.ErrCardMute) && !errors.Is(err, drivers.ErrRefused) && !errors.Is(err, drivers.ErrHardware) {
			return nil, err
		}
		last = err
	}
	if errors.Is(last, drivers.ErrHardware) {
		return nil, last
	}
	return nil, d.wrap(fmt.Errorf("%w at any voltage: %w", drivers.ErrCardMute, last))
}

// powerOn returns the answer to reset.
func (d *Dev) powerOn(voltage byte) ([]byte, error) {
	m, _, err := d.command(typePowerOn, [3]byte{voltage}, nil, answerTime)
	if err != nil {
		return nil, err
	}
	if err := failure(m); err != nil {
		return nil, d.wrap(fmt.Errorf("power on: %w", err))
	}
	return m.data, nil
}

// accept sets up a card by its ATR. One that EMV rejects gets a warm reset and
// a second chance (EMV 4.4 Book 1, 12.2).
func (d *Dev) accept(raw []byte, voltage byte) (*card, error) {
	a, err := parseATR(raw)
	if err != nil {
		raw, resetErr := d.powerOn(voltage)
		if resetErr != nil {
			return nil, resetErr
		}
		if a, err = parseATR(raw); err != nil {
			return nil, d.wrap(fmt.Errorf("%w: %w", drivers.ErrCardMute, err))
		}
		return d.setUp(a, raw)
	}
	return d.setUp(a, raw)
}

// setUp tells the reader the card's parameters, and a T=1 card our block size.
func (d *Dev) setUp(a atr, raw []byte) (*card, error) {
	protocol, data := a.parameters()
	m, _, err := d.command(typeSetParameters, [3]byte{protocol}, data, answerTime)
	if err != nil {
		return nil, err
	}
	if err := failure(m); err != nil && !errors.Is(err, drivers.ErrRefused) {
		return nil, d.wrap(fmt.Errorf("set parameters: %w", err))
	}
	c := &card{d: d, raw: raw, atr: a}
	d.powered = c
	if a.t1 {
		c.t1 = newT1(a.ifsc)
		if _, err := c.runT1(c.t1.announce(), &span{}); err != nil {
			return nil, d.wrap(fmt.Errorf("announce block size: %w", err))
		}
	}
	return c, nil
}

// powerOff takes the power from whatever card there is.
func (d *Dev) powerOff() error {
	d.forget()
	m, _, err := d.command(typePowerOff, [3]byte{}, nil, answerTime)
	if err != nil {
		return err
	}
	if err := failure(m); err != nil && !errors.Is(err, drivers.ErrCardGone) && !errors.Is(err, drivers.ErrRefused) {
		return d.wrap(fmt.Errorf("power off: %w", err))
	}
	return nil
}

func (d *Dev) wrap(err error) error { return fmt.Errorf("%s: %w", d.opts.Name, err) }
