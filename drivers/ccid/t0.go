package ccid

import (
	"fmt"
	"slices"

	"github.com/cloudpos/cloudpos/drivers"
)

const (
	responseMax    = 65536 + 2 // bytes of one response, SW1 SW2 included
	getResponseMax = 300       // GET RESPONSE commands for one response
)

// t0 carries one APDU over T=0, as commands of the transport level (TPDUs): the
// reader does the procedure bytes, this does the rest (ISO 7816-3, 12.2;
// EMV 4.4 Book 1, 9.3). It does no input or output: next takes the answer to
// the TPDU before and returns the TPDU to send, or done with the response.
type t0 struct {
	tpdu     []byte // the last that was sent
	le       bool   // the APDU expects data
	case4    bool   // data out, data back: it must be fetched
	whole    bool   // the reader takes APDUs: Le goes out with data, and data comes back
	fetching bool   // the last was a GET RESPONSE
	again    bool   // the last was sent with a corrected length
	warning  []byte // SW1 SW2 that came before the data
	data     []byte
	count    int
}

// newT0 splits a short APDU and returns the first TPDU.
func newT0(apdu []byte) (*t0, []byte, error) {
	m := &t0{}
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

// newWhole is for a reader that takes APDUs as they are (CCID 1.1, 3.2), and for
// a card that answers nevertheless as it would over T=0.
func newWhole(apdu []byte) (*t0, []byte, error) {
	m, _, err := newT0(apdu)
	if err != nil {
		return nil, nil, err
	}
	m.whole, m.case4, m.tpdu = true, false, slices.Clone(apdu)
	return m, m.tpdu, nil
}

// next takes an answer, SW1 SW2 at its end.
func (m *t0) next(answer []byte) (send []byte, done []byte, err error) {
	if len(answer) < 2 {
		return nil, nil, fmt.Errorf("%w: a T=0 answer of %d bytes", drivers.ErrProtocol, len(answer))
	}
	data, sw := answer[:len(answer)-2], answer[len(answer)-2:]
	if expected := m.expected(); len(data) > expected {
		return nil, nil, fmt.Errorf("%w: %d bytes from a card that was asked for %d", drivers.ErrProtocol, len(data), expected)
	}
	m.data = append(m.data, data...)
	if m.count++; m.count > getResponseMax || len(m.data) > responseMax-2 {
		return nil, nil, fmt.Errorf("%w: a response without end", drivers.ErrProtocol)
	}
	switch {
	case sw[0] == 0x6C && len(data) == 0 && !m.again && m.expected() > 0:
		// The card has not carried the command out, and says the right length.
		m.again = true
		m.tpdu = append([]byte(nil), m.tpdu...)
		m.tpdu[len(m.tpdu)-1] = sw[1]
		return m.tpdu, nil, nil
	case sw[0] == 0x61 && m.le:
		return m.getResponse(sw[1]), nil, nil
	case m.case4 && !m.fetching && warns(sw):
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
func (m *t0) expected() int {
	if !m.le || len(m.tpdu) > 5 && !m.whole {
		return 0
	}
	if le := m.tpdu[len(m.tpdu)-1]; le != 0 {
		return int(le)
	}
	return 256
}

func (m *t0) getResponse(n byte) []byte {
	m.fetching, m.again = true, false
	m.tpdu = []byte{0x00, 0xC0, 0x00, 0x00, n}
	return m.tpdu
}

// warns tells whether SW1 SW2 is a warning, behind which a case 4 command may
// still hold data (EMV 4.4 Book 1, 9.3.1.2.4).
func warns(sw []byte) bool {
	return sw[0] == 0x62 || sw[0] == 0x63 || sw[0]&0xF0 == 0x90 && (sw[0] != 0x90 || sw[1] != 0)
}
