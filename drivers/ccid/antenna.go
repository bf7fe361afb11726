package ccid

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/t0"
)

const (
	tapRests  = 2               // for a card that did not come up, or the second of two, to be taken away
	tapTime   = 5 * time.Second // the longest frame waiting time (ISO/IEC 14443-4, 7.2)
	piecesMax = 300             // DataBlocks of one response
)

// Antenna is a reader whose one slot is a field: cards are tapped. It works at
// APDU level. The field is the reader's business, as CCID has no word for it:
// the reader looks for cards by itself, and takes the field from a card with
// its power. Card moves are told at any time, so that a tap is not kept waiting.
//
// CCID has no word for several cards in the field either. A reader may say so
// with error C0, which CCID leaves to makers; only the simulated one is known to.
//
// The time of a response begins when the operating system has the command. What
// it then takes on the line, 2 ms for a short one at 115200 baud, counts too: a
// card may look farther away than it is, never nearer.
type Antenna struct{ slot }

var _ drivers.Antenna = (*Antenna)(nil)

// NewAntenna gives a reader that is dialled when it is first needed. Of the
// options those of keys mean nothing to it.
func NewAntenna(dial drivers.Dial, opts Opts) *Antenna {
	a := &Antenna{newSlot(dial, opts, "ccid antenna", tapRests)}
	a.words = []word{askFirmware}
	return a
}

// Media is Contactless.
func (a *Antenna) Media() drivers.Media { return drivers.Contactless }

// Await waits for a card and powers it. One that did not come up, or came with
// another, is left alone for some looks.
func (a *Antenna) Await(ctx context.Context) (drivers.Card, error) {
	return a.await(ctx, a.activate)
}

// Clear waits until no card is in the field.
func (a *Antenna) Clear(ctx context.Context) error {
	if err := a.link.Begin(ctx); err != nil {
		return err
	}
	defer a.link.End()
	for {
		status, err := a.look()
		if err != nil {
			return err
		}
		if status == cardAbsent {
			a.removed()
			return nil
		}
		if err := a.listen(a.poll); err != nil {
			return err
		}
	}
}

// Close takes the power from a card and hangs up.
func (a *Antenna) Close() error { return a.close() }

// activate powers the card at whatever the field gives.
func (a *Antenna) activate(status byte) (drivers.Card, error) {
	const automatic = 0
	if status == cardActive {
		if err := a.powerOff(); err != nil {
			return nil, err
		}
	}
	raw, err := a.powerOn(automatic, func(m message) error {
		if m.b[0]&statusMask == statusFailed && m.b[1] == errorCollision {
			return drivers.ErrCollision
		}
		return failure(m)
	})
	if err != nil {
		return nil, err
	}
	if err := judgeTap(raw); err != nil {
		return nil, a.wrap(fmt.Errorf("%w: %w", drivers.ErrCardMute, err))
	}
	c := &tap{session{s: &a.slot, raw: raw}}
	a.powered = &c.session
	return c, nil
}

// storage begins the historical bytes of cards that only store: the registered
// identifier of PC/SC, whose part 3, 3.1.3.2.3 gives them that ATR.
var storage = []byte{0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06}

// judgeTap judges the ATR that a reader makes up for a card in its field: T=0
// and T=1 are offered, and only the historical bytes are the card's (PC/SC part
// 3, 3.1.3.2.3.1). A card that takes no commands is of no use here.
func judgeTap(raw []byte) error {
	if _, err := parseATR(raw); err != nil {
		return err
	}
	const head = 4
	if len(raw) < head || raw[0] != 0x3B || raw[1]&0xF0 != 0x80 || raw[2] != 0x80 || raw[3] != 0x01 {
		return fmt.Errorf("an ATR that is none of a card in a field")
	}
	if bytes.HasPrefix(raw[head:], storage) {
		return fmt.Errorf("a card that takes no commands")
	}
	return nil
}

// tap is a card in the field, until it is gone.
type tap struct{ session }

// Exchange sends an APDU.
func (c *tap) Exchange(ctx context.Context, command []byte) (drivers.Response, error) {
	if err := c.begin(ctx); err != nil {
		return drivers.Response{}, err
	}
	defer c.s.link.End()
	var t span
	data, err := c.whole(command, &t)
	return c.result(data, t, err)
}

// whole returns the whole response.
func (c *tap) whole(command []byte, t *span) ([]byte, error) {
	m, send, err := t0.Whole(command)
	if err != nil {
		return nil, err
	}
	for {
		answer, err := c.transfer(send, t)
		if err != nil {
			return nil, err
		}
		next, done, err := m.Next(answer)
		if err != nil || done != nil {
			return done, err
		}
		send = next
	}
}

// What is in wLevelParameter of a command, and in bChainParameter of an answer
// (CCID 1.1, 6.1.4 and 6.2.1). Every short APDU fits into one message, so only
// responses may come in pieces.
const (
	chainWhole  = 0x00
	chainBegins = 0x01
	chainEnds   = 0x02
	chainMiddle = 0x03
	chainGoOn   = 0x10
)

// transfer gives the reader an APDU and returns the response, piece by piece if
// the reader has it so.
func (c *tap) transfer(apdu []byte, t *span) ([]byte, error) {
	var data []byte
	level := byte(chainWhole)
	for range piecesMax {
		m, took, err := c.s.command(typeXfrBlock, [3]byte{0, level}, apdu, tapTime+answerTime)
		if err != nil {
			return nil, err
		}
		if level == chainWhole {
			t.add(took)
		}
		if err := tapFailure(m); err != nil {
			return nil, err
		}
		data = append(data, m.data...)
		begun := level == chainGoOn
		switch chain := m.b[2]; {
		case chain == chainWhole && !begun, chain == chainEnds && begun:
			return data, nil
		case chain == chainBegins && !begun, chain == chainMiddle && begun:
			apdu, level = nil, chainGoOn
		default:
			return nil, fmt.Errorf("%w: a piece of a response that does not follow, %02X", drivers.ErrProtocol, chain)
		}
	}
	return nil, fmt.Errorf("%w: a response in more than %d pieces", drivers.ErrProtocol, piecesMax)
}

// tapFailure is what an answer says went wrong, or nil. A card that does not
// answer, or unintelligibly, is on its way out of the field.
func tapFailure(m message) error {
	if m.b[0]&statusMask == statusFailed && (m.b[1] == errorMute || m.b[1] == errorParity) {
		return fmt.Errorf("%w: error %02X", drivers.ErrCardGone, m.b[1])
	}
	err := failure(m)
	if err == nil && m.b[0]&cardMask != cardActive {
		return fmt.Errorf("%w: it has no power any more", drivers.ErrCardGone)
	}
	return err
}
