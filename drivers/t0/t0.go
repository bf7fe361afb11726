// Package t0 turns a command APDU into what goes over T=0 and puts its response
// together again: GET RESPONSE, a corrected length, a warning before the data
// (ISO 7816-3, 12.2; EMV 4.4 Book 1, 9.3). Drivers of readers that leave this to
// their host share it.
//
// It does no input or output:
//
//	c, send, err := t0.New(apdu)
//	for err == nil && done == nil {
//		send, done, err = c.Next(transmit(send))
//	}
package t0

import (
	"fmt"
	"slices"

	"github.com/cloudpos/cloudpos/drivers"
)

// ResponseMax bounds the bytes of one response, SW1 SW2 included.
const ResponseMax = 65536 + 2

const getResponseMax = 300 // GET RESPONSE commands for one response

// Command is one APDU on its way, as commands of the transport level (TPDUs): the
// reader does the procedure bytes, this does the rest.
type Command struct {
	tpdu     []byte // the last that was sent
	le       bool   // the APDU expects data
	case4    bool   // data out, data back: it must be fetched
	whole    bool   // the reader takes APDUs: Le goes out with data, and data comes back
	either   bool   // the reader may fetch data by itself, although Le does not go out
	fetching bool   // the last was a GET RESPONSE
	again    bool   // the last was sent with a corrected length
	warning  []byte // SW1 SW2 that came before the data
	data     []byte
	count    int
}

// New is for a reader that takes TPDUs, and is told nothing of Le when there is
// data to send. It splits a short APDU and returns the first TPDU.
func New(apdu []byte) (*Command, []byte, error) {
	m := &Command{}
	switch n := len(apdu); {
	case n == 4:
		m.tpdu = append(append([]byte(nil), apdu...), 0)
	case n == 5:
		m.le = true
		m.tpdu = append([]byte(nil), apdu...)
	case n > 5 && apdu[4] != 0 && n == 5+int(apdu[4]):
		m.tpdu = append([]byte(nil), apdu...)
	case n > 5 && apdu[4] != 0 && n == 6+int(apdu[4]):
		m.le, m.case4 = true, true
		m.tpdu = append([]byte(nil), apdu[:n-1]...)
	default:
		return nil, nil, fmt.Errorf("%w: not a short APDU", drivers.ErrRefused)
	}
	return m, m.tpdu, nil
}

// Whole is for a reader that takes APDUs as they are (CCID 1.1, 3.2), and for
// a card that answers nevertheless as it would over T=0.
func Whole(apdu []byte) (*Command, []byte, error) {
	m, _, err := New(apdu)
	if err != nil {
		return nil, nil, err
	}
	m.whole, m.case4, m.tpdu = true, false, slices.Clone(apdu)
	return m, m.tpdu, nil
}

// Either is for a reader of which it is not known whether it takes TPDUs or APDUs.
// It is given TPDUs, and may answer as one that fetches by itself.
func Either(apdu []byte) (*Command, []byte, error) {
	m, tpdu, err := New(apdu)
	if err != nil {
		return nil, nil, err
	}
	m.either = true
	return m, tpdu, nil
}

// Next takes the answer to the TPDU before, SW1 SW2 at its end. It returns the
// TPDU to send, or done with the response.
func (m *Command) Next(answer []byte) (send []byte, done []byte, err error) {
	if len(answer) < 2 {
		return nil, nil, fmt.Errorf("%w: a T=0 answer of %d bytes", drivers.ErrProtocol, len(answer))
	}
	data, sw := answer[:len(answer)-2], answer[len(answer)-2:]
	if expected := m.expected(); len(data) > expected {
		return nil, nil, fmt.Errorf("%w: %d bytes from a card that was asked for %d", drivers.ErrProtocol, len(data), expected)
	}
	m.data = append(m.data, data...)
	if m.count++; m.count > getResponseMax || len(m.data) > ResponseMax-2 {
		return nil, nil, fmt.Errorf("%w: a response without end", drivers.ErrProtocol)
	}
	switch {
	case sw[0] == 0x6C && len(data) == 0 && !m.again && m.endsInLe():
		// The card has not carried the command out, and says the right length.
		m.again = true
		m.tpdu = append([]byte(nil), m.tpdu...)
		m.tpdu[len(m.tpdu)-1] = sw[1]
		return m.tpdu, nil, nil
	case sw[0] == 0x61 && m.le:
		return m.getResponse(sw[1]), nil, nil
	case m.case4 && !m.fetching && len(data) == 0 && warns(sw):
		m.warning = append([]byte(nil), sw...)
		return m.getResponse(0), nil, nil
	}
	if m.warning != nil {
		// The warning outlives GET RESPONSE, whether there was data or not.
		sw = m.warning
	}
	return nil, append(m.data, sw...), nil
}

// expected is how much data the last TPDU asked for.
func (m *Command) expected() int {
	switch {
	case m.endsInLe():
	case m.le && m.either:
		return 256
	default:
		return 0
	}
	if le := m.tpdu[len(m.tpdu)-1]; le != 0 {
		return int(le)
	}
	return 256
}

// endsInLe tells whether the last byte of the last TPDU is a length.
func (m *Command) endsInLe() bool { return m.le && (len(m.tpdu) == 5 || m.whole) }

func (m *Command) getResponse(n byte) []byte {
	m.fetching, m.again = true, false
	m.tpdu = []byte{0x00, 0xC0, 0x00, 0x00, n}
	return m.tpdu
}

// warns tells whether SW1 SW2 is a warning, behind which a case 4 command may
// still hold data (EMV 4.4 Book 1, 9.3.1.2.4).
func warns(sw []byte) bool {
	return sw[0] == 0x62 || sw[0] == 0x63 || sw[0]&0xF0 == 0x90 && (sw[0] != 0x90 || sw[1] != 0)
}
