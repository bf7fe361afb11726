package pn532

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cloudpos/cloudpos/drivers"
)

const (
	responseMax = 65536 + 2 // bytes of one response, SW1 SW2 included
	fetchMax    = 300       // commands for one response
)

// dialogue is one APDU and its whole response. Most cards in a field give that
// at once; some still answer as they would with contacts, with 61 and 6C
// (ISO 7816-4, 5.3.4). It does no input or output.
type dialogue struct {
	apdu  []byte // the last that was sent
	le    bool   // data is expected
	again bool   // the last was sent with a corrected length
	data  []byte
	count int
}

// newDialogue takes a command, short or extended (ISO 7816-3, 12.1.3).
func newDialogue(apdu []byte) (*dialogue, error) {
	const header, short, extended = 4, 5, 7
	d := &dialogue{apdu: slices.Clone(apdu)}
	n := len(apdu)
	switch {
	case n == header:
		return d, nil
	case n == short, n == extended && apdu[4] == 0:
		d.le = true
		return d, nil
	case n > short && apdu[4] != 0:
		switch n - short - int(apdu[4]) {
		case 0:
			return d, nil
		case 1:
			d.le = true
			return d, nil
		}
	case n > extended && apdu[4] == 0 && apdu[5]|apdu[6] != 0:
		switch n - extended - int(binary.BigEndian.Uint16(apdu[5:])) {
		case 0:
			return d, nil
		case 2:
			d.le = true
			return d, nil
		}
	}
	return nil, fmt.Errorf("%w: not an APDU", drivers.ErrRefused)
}

// next takes an answer of the card, and returns the whole response, or nil when
// d.apdu is to be sent.
func (d *dialogue) next(answer []byte) ([]byte, error) {
	if len(answer) < 2 {
		return nil, fmt.Errorf("%w: a response of %d bytes", drivers.ErrProtocol, len(answer))
	}
	data, sw := answer[:len(answer)-2], answer[len(answer)-2:]
	if d.count++; d.count > fetchMax || len(d.data)+len(data) > responseMax-2 {
		return nil, fmt.Errorf("%w: a response without end", drivers.ErrProtocol)
	}
	d.data = append(d.data, data...)
	const moreData, wrongLength = 0x61, 0x6C
	switch {
	case d.le && sw[0] == wrongLength && len(data) == 0 && !d.again:
		// The card has not carried the command out, and says the right length.
		d.again = true
		d.apdu = slices.Clone(d.apdu)
		if len(d.apdu) > 5 && d.apdu[4] == 0 {
			d.apdu[len(d.apdu)-2] = 0
		}
		d.apdu[len(d.apdu)-1] = sw[1]
		return nil, nil
	case d.le && sw[0] == moreData:
		d.again = false
		d.apdu = []byte{0x00, 0xC0, 0x00, 0x00, sw[1]}
		return nil, nil
	}
	return append(d.data, sw...), nil
}
