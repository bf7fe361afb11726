// Package database is what a kernel of tapped cards knows during a tap: what
// the terminal says of itself, and what the card says.
//
//	d, err := database.New(terminal, transaction)
//	err = d.LearnFCI(fci, recognised)
//	values := pdol.Build(d.Lookup)
//
// Nothing that a card says replaces what the terminal says, and what a card
// says twice ends the tap. EMV Contactless Book C-2, Annex A.
package database

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/secret"
)

// entryModeTap is 9F39 for a chip that is read through its antenna.
const entryModeTap = 0x07

// panMin and panMax bound an account number. ISO/IEC 7812-1.
const panMin, panMax = 8, 19

// A Base holds the data objects of one tap.
type Base struct {
	Terminal map[tlv.Tag][]byte // ours
	Card     map[tlv.Tag][]byte // of FCI, GET PROCESSING OPTIONS and records
	PAN      secret.PAN
}

// New begins with what the terminal says.
func New(c emv.Config, t emv.Transaction) (*Base, error) {
	un, err := emv.UnpredictableNumber(c.Random)
	if err != nil {
		return nil, err
	}
	b := &Base{Terminal: emv.TerminalData(c, t), Card: map[tlv.Tag][]byte{}}
	b.Terminal[tlv.EntryMode] = []byte{entryModeTap}
	b.Terminal[tlv.UnpredictableNumber] = un
	return b, nil
}

// Lookup finds the value of a data object, the terminal's first.
func (b *Base) Lookup(t tlv.Tag) ([]byte, bool) {
	if value, ok := b.Terminal[t]; ok {
		return value, true
	}
	value, ok := b.Card[t]
	return value, ok
}

// LearnFCI stores the objects of the FCI, those in its inner templates too.
func (b *Base) LearnFCI(fci []byte, recognised func(tlv.Tag) bool) error {
	content, err := tlv.One(fci, tlv.FCI)
	if err != nil {
		return err
	}
	nodes, err := tlv.ParseTree(content)
	if err != nil {
		return err
	}
	var objects []tlv.Object
	for len(nodes) > 0 {
		n := nodes[0]
		nodes = append(slices.Clone(n.Nodes), nodes[1:]...)
		objects = append(objects, n.Object)
	}
	return b.Learn(objects, recognised)
}

// Learn stores primitive objects of the card. One that was given before is an
// error, and so is one that is recognised and has a wrong length. Of the others
// nothing is kept but the tag, to find the second: a list that asks for it gets
// zeros, not the card's own bytes.
func (b *Base) Learn(objects []tlv.Object, recognised func(tlv.Tag) bool) error {
	for _, o := range objects {
		if o.Tag.Constructed() {
			continue
		}
		if _, twice := b.Card[o.Tag]; twice {
			return fmt.Errorf("%v given twice", o.Tag)
		}
		b.Card[o.Tag] = nil
		if !recognised(o.Tag) {
			continue
		}
		if d, known := tlv.Lookup(o.Tag); known && (len(o.Value) < d.Min || len(o.Value) > d.Max) {
			return fmt.Errorf("%v of %d bytes", o.Tag, len(o.Value))
		}
		b.Card[o.Tag] = slices.Clone(o.Value)
	}
	return nil
}

// ReadAccount takes the account number out of track 2, or out of 5A where there
// is no track. A card on which they differ is a forgery or broken.
func (b *Base) ReadAccount() error {
	b.PAN = nil
	track, number := b.Card[tlv.Track2], b.Card[tlv.PAN]
	if track != nil {
		pan, err := trackAccount(track)
		if err != nil {
			return err
		}
		b.PAN = pan
	}
	if number == nil {
		return nil
	}
	digits, err := tlv.AppendDigits(nil, number)
	switch {
	case err != nil || len(digits) < panMin || len(digits) > panMax:
		return errors.New("5A holds no account number")
	case track != nil && !bytes.Equal(digits, b.PAN):
		clear(digits)
		return errors.New("57 and 5A disagree")
	}
	b.PAN = digits
	return nil
}

// trackAccount is the account number on track 2: up to the separator.
func trackAccount(track []byte) (secret.PAN, error) {
	const separator = 0x0D
	var pan secret.PAN
	for _, b := range track {
		for _, nibble := range []byte{b >> 4, b & 0x0F} {
			switch {
			case nibble <= 9:
				pan = append(pan, '0'+nibble)
			case nibble == separator && len(pan) >= panMin && len(pan) <= panMax:
				return pan, nil
			default:
				return nil, errors.New("57 holds no account number")
			}
		}
	}
	return nil, errors.New("57 has no separator")
}

// Objects writes those of the tags that have a value.
func (b *Base) Objects(tags ...tlv.Tag) []byte {
	var out []byte
	for _, t := range tags {
		if value, ok := b.Lookup(t); ok && len(value) > 0 {
			out = tlv.Append(out, t, value)
		}
	}
	return out
}

// Known is what is known of the card so far, as copies.
func (b *Base) Known() emv.Card {
	c := emv.Card{
		PAN: slices.Clone(b.PAN), Track2: slices.Clone(secret.Bytes(b.Card[tlv.Track2])),
		PSN: b.Sequence(), AID: slices.Clone(b.Card[tlv.DFName]), Label: b.label(),
	}
	if expiry := b.Card[tlv.ExpirationDate]; len(expiry) > 0 {
		c.Expiry = fmt.Sprintf("%X", expiry)
	}
	return c
}

// Sequence is 5F34 as two digits, or "".
func (b *Base) Sequence() string {
	if psn := b.Card[tlv.PANSequence]; len(psn) == 1 {
		return fmt.Sprintf("%02X", psn)
	}
	return ""
}

// label is the application's name for the slip: 50, which is in the common
// character set, or else the AID.
func (b *Base) label() string {
	label := b.Card[tlv.ApplicationLabel]
	if len(label) == 0 || slices.ContainsFunc(label, func(c byte) bool { return c < ' ' || c > '~' }) {
		return fmt.Sprintf("%X", b.Card[tlv.DFName])
	}
	return string(label)
}

// Clear overwrites what the card said. Outcomes keep their own copies.
func (b *Base) Clear() {
	for _, value := range b.Card {
		clear(value)
	}
	clear(b.Card)
	b.PAN.Clear()
	b.PAN = nil
}
