// Package ccid drives card readers that speak CCID over a serial line, in the
// framing of the GemPC Twin: GemCore SIM Pro and POS Pro, Alcor AU9580 modules
// and others (USB-IF CCID 1.1; framing as in libccid's ccid_serial.c).
//
// A reader of contact cards, Dev, works at TPDU level: it sends characters and
// waits for procedure bytes. Voltage, parameters, GET RESPONSE, T=1 blocks and
// all repetition are done here.
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
//
// A reader whose slot is a field, Antenna, works at APDU level: what passes
// between it and a card is its own business. It was tried with the simulated
// one only.
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

// askMoves has card moves told between a command and its answer only.
var askMoves = word{typeEscape, []byte{0x01, 0x01, 0x01}}

// Dev is a reader of contact cards.
type Dev struct {
	slot

	pad      Pad
	language Language
}

var _ drivers.PINReader = (*Dev)(nil)

// New gives a reader that is dialled when it is first needed.
func New(dial drivers.Dial, opts Opts) *Dev {
	d := &Dev{slot: newSlot(dial, opts, "ccid", mutePolls), pad: opts.Pad, language: opts.Language}
	if d.language == 0 {
		d.language = English
	}
	d.words = []word{askFirmware, askMoves}
	if d.pad != NoPad {
		// It may still be asking for a PIN that nobody wants any more.
		d.words = append([]word{{typ: typeAbort}}, d.words...)
	}
	return d
}

// Media is Contact.
func (d *Dev) Media() drivers.Media { return drivers.Contact }

// VerifiesPIN tells what the reader's keys are good for.
func (d *Dev) VerifiesPIN() (plain, enciphered bool) {
	return d.pad != NoPad, d.pad == EncipheredPad
}

// Await waits for a card and powers it. One that was mute is left alone for a
// few seconds, in which its owner may pull it and turn it over.
func (d *Dev) Await(ctx context.Context) (drivers.Card, error) {
	return d.await(ctx, func(byte) (drivers.Card, error) { return d.activate() })
}

// Close takes the power from a card and hangs up.
func (d *Dev) Close() error { return d.close() }

// voltages to try: 5 V, 3 V, 1.8 V. The Twin has no automatic choice.
var voltages = []byte{1, 2, 3}

func (d *Dev) activate() (drivers.Card, error) {
	var last error
	for _, v := range voltages {
		if err := d.powerOff(); err != nil {
			return nil, err
		}
		raw, err := d.powerOn(v, failure)
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

// accept sets up a card by its ATR. One that EMV rejects gets a warm reset and
// a second chance (EMV 4.4 Book 1, 12.2).
func (d *Dev) accept(raw []byte, voltage byte) (drivers.Card, error) {
	a, err := parseATR(raw)
	if err != nil {
		raw, resetErr := d.powerOn(voltage, failure)
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
func (d *Dev) setUp(a atr, raw []byte) (drivers.Card, error) {
	protocol, data := a.parameters()
	m, _, err := d.command(typeSetParameters, [3]byte{protocol}, data, answerTime)
	if err != nil {
		return nil, err
	}
	if err := failure(m); err != nil && !errors.Is(err, drivers.ErrRefused) {
		return nil, d.wrap(fmt.Errorf("set parameters: %w", err))
	}
	c := &card{session: session{s: &d.slot, raw: raw}, d: d, atr: a}
	d.powered = &c.session
	if a.t1 {
		c.t1 = newT1(a.ifsc)
		if _, err := c.runT1(c.t1.announce(), &span{}); err != nil {
			return nil, d.wrap(fmt.Errorf("announce block size: %w", err))
		}
	}
	return c, nil
}
