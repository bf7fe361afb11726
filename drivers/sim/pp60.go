package sim

import (
	"crypto/rand"
	"errors"
	"path/filepath"
)

// PP60Keys is what a PP60 was given before it came to the shop.
type PP60Keys struct {
	Pad    PadKeys  // the DUKPT key, in directory 1; none if zero
	Random byte     // the head of its command for random numbers
	UID    [16]byte // which goes into authentication codes
	Auth   [16]byte // the key of authentication codes for PINs
}

// PP60 is a PIN pad with the binary protocol of Newland's NL-PP60, on a
// pseudo-terminal of its own. It belongs to no Shop: who presses its keys says so.
type PP60 struct {
	link *link
	pad  *binaryPad
	hand *hand
}

// NewPP60 plugs a pad in, and points path to its line. The state of its DUKPT key
// is kept beside path.
func NewPP60(path string, k PP60Keys) (*PP60, error) {
	l := newLink(path)
	h := &hand{}
	pad := &binaryPad{out: l.send, hand: h, given: k, draw: drawn}
	if k.Pad != (PadKeys{}) {
		store, err := openKeyFile(filepath.Dir(path), k.Pad)
		if err != nil {
			return nil, err
		}
		pad.keys = store
	}
	l.dev = pad
	if err := l.plug(); err != nil {
		return nil, err
	}
	return &PP60{l, pad, h}, nil
}

// drawn is a random number.
func drawn() (n [8]byte) {
	_, _ = rand.Read(n[:]) // It never fails.
	return n
}

// Press sets what the customer will do, PIN entry by PIN entry: digits, KeyCancel,
// KeyBypass or KeyNothing. If the pad is asking, he does the first at once.
func (p *PP60) Press(script ...string) error { return p.hand.press(script) }

// Asking tells whether the pad waits for the customer.
func (p *PP60) Asking() bool {
	waits, _, _ := p.hand.look()
	return waits
}

// Erase takes the pad's DUKPT key.
func (p *PP60) Erase() { p.pad.erase() }

// Unplug pulls the cable, and with it the pad's power.
func (p *PP60) Unplug() error { return p.link.unplug() }

// Replug puts it back.
func (p *PP60) Replug() error { return p.link.plug() }

// Spoil sets what goes wrong with the answers to come.
func (p *PP60) Spoil(f Fault) error { return p.link.spoil(f) }

// Close unplugs the pad for good.
func (p *PP60) Close() error {
	if err := p.link.remove(); err != nil && !errors.Is(err, ErrUnplugged) {
		return err
	}
	return nil
}
