package sim

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// The commands of chips for kernel 2: they make their cryptogram when they are
// told to. EMV Contactless Book C-2, 5.

// Times of the race. What is on its way takes as long as Book C-2, Annex A has
// it for reader and card: 1.8 ms and 2.4 ms.
const (
	raceUnit = 100 * time.Microsecond
	raceWay  = 42 * raceUnit
)

// Data objects of kernel 2. EMV Contactless Book C-2, Annex A.
const (
	tagBalance     tlv.Tag = 0x9F50
	tagInteraction tlv.Tag = 0xDF4B // what the owner is to do at the phone
)

// heard is a cryptogram, and the number of the reader's that it was made for.
type heard struct{ number, answer []byte }

// generates tells whether the chip is one for kernel 2.
func (t *Tapped) generates() bool { return t.chip.p.Tap.Kernel == issuer.Kernel2 }

// race answers the reader's number with one of the chip's own, in the middle of
// the time that it says it takes. EMV Contactless Book C-2, 5.3.
func (t *Tapped) race(cmd apdu) ([]byte, int) {
	const size = 4
	c, r := t.chip, t.chip.p.Tap.Race
	switch {
	case r == nil:
		return nil, swUnknownINS
	case c.at != initiated:
		return nil, swConditions
	case len(cmd.data) != size:
		return nil, swWrongLength
	}
	answer := make([]byte, size)
	if _, err := io.ReadFull(c.random, answer); err != nil {
		return nil, swConditions
	}
	for _, units := range []uint16{r.Min, r.Max, r.Estimate} {
		answer = binary.BigEndian.AppendUint16(answer, units)
	}
	c.raced = slices.Concat(cmd.data, answer)
	t.took = raceWay + time.Duration(r.Min+(r.Max-r.Min)/2)*raceUnit
	return tlv.Append(nil, tlv.ResponseFormat1, answer), swOK
}

// generate makes the cryptogram, once in a tap. EMV Contactless Book C-2, 5.4.
func (t *Tapped) generate(cmd apdu) ([]byte, int) {
	c := t.chip
	if c.at != initiated {
		return nil, swConditions
	}
	if len(cmd.data) != c.lists.cdol1.Size() {
		return nil, swWrongLength
	}
	c.learn(c.lists.cdol1, cmd.data)
	locked := t.locked()
	c.pinRight = t.counted() && !locked
	switch {
	case locked || c.p.Behaviour == issuer.SaysNo:
		cmd.p1 = typeAAC
	case cmd.p1&typeMask == typeTC && !t.bears():
		cmd.p1 ^= typeTC | typeARQC
	}
	answer, sw := c.generateAC(cmd)
	if sw != swOK {
		return nil, sw
	}
	objects, _ := tlv.One(answer, tlv.ResponseFormat2)
	if cid, _ := tlv.Find(objects, tlv.CryptogramInformation); len(cid) == 1 && cid[0] == typeTC {
		t.spend()
	}
	t.unlocked = locked // the owner reads what the phone says, before the next tap
	if locked {
		const unlock = 0x01 // byte 2: verify the owner
		answer = tlv.Append(nil, tlv.ResponseFormat2, tlv.Append(slices.Clone(objects), tagInteraction, []byte{0, unlock, 0}))
	}
	if c.p.Tap.Recovers {
		t.kept = &heard{number: c.amounts[tlv.UnpredictableNumber], answer: answer}
	}
	return answer, swOK
}

// locked tells whether that is a phone which has not verified its owner. EMV
// Contactless Book C-2, 7.5: what the reader counts on is in 9F34.
func (t *Tapped) locked() bool { return t.counted() && !t.unlocked }

// counted tells whether the reader counts on a phone to verify its owner.
func (t *Tapped) counted() bool {
	const byDevice = 0x01
	results := t.chip.amounts[tlv.CVMResults]
	return t.chip.p.Tap.Device && len(results) > 0 && results[0] == byDevice
}

// recover gives the latest cryptogram again, to a reader that knows what it was
// made for. EMV Contactless Book C-2, 5.9.
func (t *Tapped) recover(cmd apdu) ([]byte, int) {
	c := t.chip
	switch {
	case !c.p.Tap.Recovers:
		return nil, swUnknownINS
	case c.at != initiated || t.kept == nil || !bytes.Equal(cmd.data, t.kept.number):
		return nil, swConditions
	}
	c.at = finished
	return t.kept.answer, swOK
}

// getData answers with the balance, or a counter. EMV Contactless Book C-2, 5.5.
func (t *Tapped) getData(cmd apdu) ([]byte, int) {
	if tlv.Tag(cmd.p1)<<8|tlv.Tag(cmd.p2) != tagBalance {
		return t.chip.getData(cmd)
	}
	switch {
	case t.chip.p.Tap.SpendMinor == 0:
		return nil, swNoReference
	case t.chip.at < selected:
		return nil, swConditions
	}
	return tlv.Append(nil, tagBalance, t.balance()), swOK
}
