package sim

import (
	"errors"
	"sync"
)

// TapType is how a card in a field modulates. ISO/IEC 14443-2.
type TapType uint8

// The types.
const (
	TapA TapType = iota
	TapB
)

// PN532 is a board with NXP's PN532 and its antenna, on a pseudo-terminal of its
// own. It belongs to no Shop: who holds cards to it says so.
type PN532 struct {
	link *link
	chip *nfcChip
}

// NewPN532 plugs a board in, and points path to its line.
func NewPN532(path string) (*PN532, error) {
	l := newLink(path)
	chip := &nfcChip{out: l.send}
	chip.powerDown()
	l.dev = chip
	if err := l.plug(); err != nil {
		return nil, err
	}
	return &PN532{l, chip}, nil
}

// Hold holds a card to the antenna, beside what is there.
func (p *PN532) Hold(t *Tapped, kind TapType) { p.chip.hold(t, kind) }

// Lift takes away all that is in the field.
func (p *PN532) Lift() { p.chip.lift() }

// Unplug pulls the cable, and with it the board's power.
func (p *PN532) Unplug() error { return p.link.unplug() }

// Replug puts it back.
func (p *PN532) Replug() error { return p.link.plug() }

// Reset takes the board's power for a moment, on a line that stays.
func (p *PN532) Reset() { p.chip.powerDown() }

// Spoil sets what goes wrong with the answers to come.
func (p *PN532) Spoil(f Fault) error { return p.link.spoil(f) }

// Close unplugs the board for good.
func (p *PN532) Close() error {
	if err := p.link.remove(); err != nil && !errors.Is(err, ErrUnplugged) {
		return err
	}
	return nil
}

// nfcChip is the chip: asleep until it is woken, deaf until its SAM is configured,
// with a field in which cards lie. It answers after the time that it and the
// card take for it.
type nfcChip struct {
	out func([]byte, kind)

	mu       sync.Mutex
	frames   hsuDecoder
	woken    int  // bytes of the wake-up so far
	awake    bool // the SAM is configured
	last     []byte
	thinking *musing
	rats     bool // by itself
	retries  byte // of a look for cards
	on       bool
	field    []*held
	listed   []*held // targets, the first being 1
	begun    []byte  // of a command for a card, in pieces
	rest     []byte  // of a card's response
}

// receive takes the host's bytes.
func (c *nfcChip) receive(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(b) > 0 && c.woken < wakeCalls {
		if b[0] == wakeCall {
			c.woken++
		} else {
			c.woken = 0
		}
		b = b[1:]
	}
	for _, e := range c.frames.add(b) {
		switch {
		case e.abort:
			c.interrupt()
			c.begun, c.rest = nil, nil
		case e.repeat && c.last != nil:
			c.say(c.last)
		case e.command != nil && (c.awake || e.command[0] == cmdSAM):
			c.interrupt()
			c.out(hsuAck, aside)
			c.run(e.command[0], e.command[1:])
		}
	}
}

// quiet ends half a frame.
func (c *nfcChip) quiet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames = hsuDecoder{}
}

// powerDown is the end of all that the chip knows; the cards stay where they
// are.
func (c *nfcChip) powerDown() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupt()
	c.fieldOff()
	c.frames, c.last = hsuDecoder{}, nil
	c.woken, c.awake, c.rats, c.retries = 0, false, true, seekForEver
}
