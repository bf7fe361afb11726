package sim

import (
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

// Commands. UM0701-02, 7.2 and 7.3.
const (
	cmdDiagnose   = 0x00
	cmdFirmware   = 0x02
	cmdParameters = 0x12
	cmdSAM        = 0x14
	cmdRF         = 0x32
	cmdExchange   = 0x40
	cmdList       = 0x4A
)

// Status bytes. UM0701-02, 7.1.
const (
	statusSilent   = 0x01 // the card does not answer
	statusUnlisted = 0x27 // there is no such target
	statusMore     = 0x40
)

// The wake-up: two bytes, which are no part of a frame.
const (
	wakeCall  = 0x55
	wakeCalls = 2
)

// Times and bounds. The times are guesses in the range of a true chip's.
const (
	seekTime     = 5 * time.Millisecond // of a look for a card, each time
	activateTime = 10 * time.Millisecond
	silenceTime  = 40 * time.Millisecond // a card's frame waiting time
	seekForEver  = 0xFF
	pieceMax     = 262 // of a command or response, in one frame
	pieceSumMax  = 1 << 17
	fieldWide    = 2 // cards that have a place
	ratsFlag     = 0x10
)

// held is a card in the field.
type held struct {
	card   *Tapped
	kind   TapType
	wallet bool // another card is beside it
	active bool
}

// musing is an answer that takes its time.
type musing struct {
	clock *time.Timer
	left  func() // the card has left meanwhile; nil is no matter
	came  func() // a card has come meanwhile; nil is no matter
}

// reply answers, at once.
func (c *nfcChip) reply(code byte, data ...byte) { c.say(hsuAnswer(code, data)) }

// say sends an answer. Its postamble goes apart: the last byte that a fault may
// spoil is the sum.
func (c *nfcChip) say(frame []byte) {
	c.last = frame
	sum := len(frame) - 1
	c.out(frame[:sum], answer)
	c.out(frame[sum:], aside)
}

// later does something after a while, unless it is interrupted.
func (c *nfcChip) later(wait time.Duration, m *musing, do func()) {
	c.thinking = m
	m.clock = time.AfterFunc(wait, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.thinking == m {
			c.thinking = nil
			do()
		}
	})
}

// interrupt ends what the chip is doing.
func (c *nfcChip) interrupt() {
	if c.thinking != nil && c.thinking.clock != nil {
		c.thinking.clock.Stop()
	}
	c.thinking = nil
}

// run does one command.
func (c *nfcChip) run(code byte, data []byte) {
	switch {
	case code == cmdSAM && len(data) > 0 && data[0] == 0x01:
		c.awake = true
		c.reply(code)
	case code == cmdFirmware && len(data) == 0:
		c.reply(code, 0x32, 0x01, 0x06, 0x07)
	case code == cmdParameters && len(data) == 1:
		c.rats = data[0]&ratsFlag != 0
		c.reply(code)
	case code == cmdRF && c.configure(data):
		c.reply(code)
	case code == cmdDiagnose && len(data) > 0 && data[0] == 0x00:
		c.reply(code, data...)
	case code == cmdDiagnose && len(data) == 1 && data[0] == 0x06:
		c.attend()
	case code == cmdList && len(data) == 2 && data[1] == 0x00 && data[0]-1 < fieldWide:
		c.list(int(data[0]), TapA)
	case code == cmdList && len(data) == 3 && data[1] == 0x03 && data[0]-1 < fieldWide:
		c.list(int(data[0]), TapB)
	case code == cmdExchange && len(data) > 0:
		c.exchange(data[0], data[1:])
	default:
		c.say(hsuSyntax)
	}
}

// configure is RFConfiguration, as far as it matters to cards.
func (c *nfcChip) configure(data []byte) bool {
	if len(data) == 0 {
		return false
	}
	item, values := data[0], data[1:]
	switch {
	case item == 0x01 && len(values) == 1:
		if c.fieldOff(); values[0]&1 != 0 {
			c.fieldOn()
		}
	case item == 0x05 && len(values) == 3:
		c.retries = values[2]
	case item == 0x02 && len(values) == 3, item == 0x04 && len(values) == 1:
	default:
		return false
	}
	return true
}

// fieldOff takes the power from all cards.
func (c *nfcChip) fieldOff() {
	c.on, c.listed, c.begun, c.rest = false, nil, nil, nil
	for _, h := range c.field {
		h.active = false
	}
}

// fieldOn resets them.
func (c *nfcChip) fieldOn() {
	c.on = true
	for _, h := range c.field {
		h.card.chip.reset()
	}
}

// attend asks a listed card whether it is there. UM0701-02, 7.2.1.
func (c *nfcChip) attend() {
	if h := c.target(1); h != nil && h.active {
		c.later(answerTime, &musing{}, func() { c.reply(cmdDiagnose, 0) })
		return
	}
	c.later(silenceTime, &musing{}, func() { c.reply(cmdDiagnose, statusSilent) })
}

// target is a listed card, or nil.
func (c *nfcChip) target(number int) *held {
	if number < 1 || number > len(c.listed) {
		return nil
	}
	return c.listed[number-1]
}

// list activates the cards of one type that are not active yet, as many as are
// asked for. UM0701-02, 7.3.5.
func (c *nfcChip) list(most int, kind TapType) {
	if !c.on {
		c.fieldOn()
	}
	c.listed, c.begun, c.rest = nil, nil, nil
	var found []byte
	for _, h := range c.field {
		if h.kind != kind || h.active || len(c.listed) == most {
			continue
		}
		h.active = true
		c.listed = append(c.listed, h)
		found = append(found, c.describe(len(c.listed), h)...)
		if h.wallet && len(c.listed) < most {
			other := &held{kind: kind}
			c.listed = append(c.listed, other)
			found = append(found, c.describe(len(c.listed), other)...)
		}
	}
	again := func() { c.list(most, kind) }
	switch {
	case len(c.listed) > 0:
		found = append([]byte{byte(len(c.listed))}, found...)
		c.later(activateTime, &musing{}, func() { c.reply(cmdList, found...) })
	case c.retries == seekForEver:
		c.thinking = &musing{came: again}
	default:
		c.later(time.Duration(c.retries+1)*seekTime, &musing{}, func() { c.reply(cmdList, 0) })
	}
}

// describe is what the chip says of a card. One that is mute does not answer to
// RATS or ATTRIB.
func (c *nfcChip) describe(number int, h *held) []byte {
	mute := h.card == nil || h.card.chip.p.Behaviour == issuer.Mute
	d := []byte{byte(number)}
	if h.kind == TapB {
		d = append(d, 0x50, 0x08, 0x11, 0x22, byte(number), 0x00, 0x00, 0x00, 0x00, 0x00, 0x81, 0x81)
		if mute {
			return append(d, 0)
		}
		return append(d, 1, 0x00)
	}
	d = append(d, 0x00, 0x04, 0x20, 4, 0x08, 0x11, 0x22, byte(number))
	if mute || !c.rats {
		return d
	}
	return append(d, 0x06, 0x75, 0x77, 0x81, 0x02, 0x80)
}

// exchange gives a card a command, or a piece of one, and its response back, or
// a piece of that. UM0701-02, 7.3.8.
func (c *nfcChip) exchange(number byte, data []byte) {
	h := c.target(int(number &^ statusMore))
	switch {
	case h == nil:
		c.reply(cmdExchange, statusUnlisted)
		return
	case !h.active:
		c.later(silenceTime, &musing{}, func() { c.reply(cmdExchange, statusSilent) })
		return
	case len(data) == 0 && len(c.rest) > 0:
		c.pass()
		return
	}
	c.begun, c.rest = append(c.begun, data...), nil
	switch {
	case len(c.begun) > pieceSumMax:
		c.begun = nil
		c.say(hsuSyntax)
		return
	case number&statusMore != 0:
		c.reply(cmdExchange, 0)
		return
	}
	command := c.begun
	c.begun = nil
	began := time.Now()
	response, took := h.card.Exchange(command)
	gone := func() { c.reply(cmdExchange, statusSilent) }
	c.later(took-time.Since(began), &musing{left: gone}, func() {
		if response == nil {
			c.empty()
			gone()
			return
		}
		c.rest = response
		c.pass()
	})
}

// pass hands on a piece of the response.
func (c *nfcChip) pass() {
	n := min(len(c.rest), pieceMax)
	var status byte
	if n < len(c.rest) {
		status = statusMore
	}
	data := append([]byte{status}, c.rest[:n]...)
	c.rest = c.rest[n:]
	c.reply(cmdExchange, data...)
}

// hold brings a card into the field.
func (c *nfcChip) hold(t *Tapped, kind TapType) {
	c.mu.Lock()
	defer c.mu.Unlock()
	same := func(h *held) bool { return h.card == t }
	if len(c.field) == fieldWide || slices.ContainsFunc(c.field, same) {
		c.empty()
	}
	c.field = append(c.field, &held{card: t, kind: kind, wallet: !t.Enter()})
	if m := c.thinking; m != nil && m.came != nil {
		c.thinking = nil
		m.came()
	}
}

// lift takes all cards away, whatever they are doing.
func (c *nfcChip) lift() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.empty()
	if m := c.thinking; m != nil && m.left != nil {
		c.interrupt()
		m.left()
	}
}

func (c *nfcChip) empty() {
	for _, h := range c.field {
		h.active = false
	}
	c.field = nil
}
