package sim

import (
	"crypto/subtle"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// script carries out a command of the issuer's. EMV 4.4 Book 3, 6.5 and 10.10.
func (c *Card) script(cmd apdu) int {
	data, sw := c.secured(cmd)
	if sw != swOK {
		return sw
	}
	if cmd.ins == insPutData {
		return c.putData(tlv.Tag(cmd.p1)<<8|tlv.Tag(cmd.p2), data)
	}
	if cmd.ins == insPINChange {
		return c.changePIN(cmd, data)
	}
	switch {
	case cmd.p1 != 0 || cmd.p2 != 0:
		return swWrongParameters
	case len(data) != 0:
		return swWrongLength
	}
	switch cmd.ins {
	case insCardBlock:
		c.counters.CardBlocked = true
	case insApplicationBlock:
		c.counters.Blocked |= c.place()
	case insApplicationUnblock:
		c.counters.Blocked &^= c.place()
	}
	return swOK
}

// Script commands.
const (
	insCardBlock          = 0x16
	insApplicationUnblock = 0x18
	insApplicationBlock   = 0x1E
	insPINChange          = 0x24
	insPutData            = 0xDA
)

// place is the bit of the selected application.
func (c *Card) place() uint8 { return 1 << (c.next - 1) }

// blocked tells whether the selected application is.
func (c *Card) blocked() bool {
	return c.counters.CardBlocked || c.next > 0 && c.counters.Blocked&c.place() != 0
}

// What PIN CHANGE/UNBLOCK does, by P2. EMV 4.4 Book 3, 6.5.10; how the PIN comes
// is for each scheme to say, and this one's has blocks of format 2.
const (
	pinUnblock  = 0x00
	pinFromOld  = 0x01 // the new block, xored with that of the PIN before
	pinAnew     = 0x02
	pinControl  = 0x20
	pinLeast    = 4
	pinMost     = 12
	padNibble   = 0x0F
	lengthOfPIN = 0x0F
)

// changePIN gives the tries back, with a new PIN if there is one.
func (c *Card) changePIN(cmd apdu, data []byte) int {
	if cmd.p1 != 0 || cmd.p2 > pinAnew || c.pin() == "" {
		return swWrongParameters
	}
	if cmd.p2 == pinUnblock {
		if len(data) != 0 {
			return swWrongLength
		}
		c.counters.PINTries = pinTriesMax
		return swOK
	}
	block, ok := c.deciphered(data)
	if !ok || len(block) != pinBlockSize {
		return swWrongMAC
	}
	defer clear(block)
	if cmd.p2 == pinFromOld {
		subtle.XORBytes(block, block, plainPINBlock(c.pin()))
	}
	pin, ok := pinOf(block)
	if !ok {
		return swWrongData
	}
	c.counters.PIN, c.counters.PINTries = pin, pinTriesMax
	return swOK
}

// pinOf reads a block of format 2.
func pinOf(block []byte) (string, bool) {
	n := int(block[0] & lengthOfPIN)
	if block[0]&^lengthOfPIN != pinControl || n < pinLeast || n > pinMost {
		return "", false
	}
	var pin []byte
	for i := range 2 * (len(block) - 1) {
		nibble := block[1+i/2] >> (4 * (1 - i%2)) & 0x0F
		switch {
		case i < n && nibble <= 9:
			pin = append(pin, '0'+nibble)
		case i < n || nibble != padNibble:
			return "", false
		}
	}
	return string(pin), true
}

// pin is what the chip takes for right.
func (c *Card) pin() string {
	switch {
	case c.counters.PIN != "":
		return c.counters.PIN
	case c.p.OldPIN != "":
		return c.p.OldPIN
	}
	return c.p.PIN
}

// putData writes one of the limits that the chip has in its records.
func (c *Card) putData(tag tlv.Tag, value []byte) int {
	limit := c.limit(tag)
	switch {
	case limit == nil || !c.has(tag):
		return swNoReference
	case len(value) != 1:
		return swWrongLength
	}
	*limit = &value[0]
	return swOK
}

// limit is where the counters keep the value of a tag; nil is none of theirs.
func (c *Card) limit(tag tlv.Tag) **uint8 {
	switch tag {
	case tlv.LowerOfflineLimit:
		return &c.counters.LowerLimit
	case tlv.UpperOfflineLimit:
		return &c.counters.UpperLimit
	}
	return nil
}

// lowerLimit is 9F14 as it is now.
func (c *Card) lowerLimit() (limit uint8, ok bool) {
	if c.counters.LowerLimit != nil {
		return *c.counters.LowerLimit, true
	}
	for _, r := range c.p.Records {
		if v, ok := tlv.Find(r.Data, tlv.RecordTemplate, tlv.LowerOfflineLimit); ok && len(v) == 1 {
			return v[0], true
		}
	}
	return 0, false
}

// has tells whether a record of the application has an object.
func (c *Card) has(tag tlv.Tag) bool {
	for _, r := range c.p.Records {
		if _, ok := tlv.Find(r.Data, tlv.RecordTemplate, tag); ok {
			return true
		}
	}
	return false
}

// written is a record with what the issuer has put into the chip since.
func (c *Card) written(record []byte) []byte {
	if c.counters.LowerLimit == nil && c.counters.UpperLimit == nil {
		return record
	}
	inner, err := tlv.One(record, tlv.RecordTemplate)
	if err != nil {
		return record
	}
	objects, err := tlv.Parse(inner)
	if err != nil {
		return record
	}
	var changed []byte
	for _, o := range objects {
		if limit := c.limit(o.Tag); limit != nil && *limit != nil {
			o.Value = []byte{**limit}
		}
		changed = tlv.Append(changed, o.Tag, o.Value)
	}
	return tlv.Append(nil, tlv.RecordTemplate, changed)
}
