package pn532

import (
	"fmt"

	"github.com/cloudpos/cloudpos/drivers"
)

// The types of cards that the chip is asked for: BrTy of InListPassiveTarget.
const (
	typeA = 0x00
	typeB = 0x03
)

// target is a card that the chip has activated.
type target struct {
	number byte // the chip's, for InDataExchange
	atr    []byte
}

// parseTargets reads the answer of InListPassiveTarget (UM0701-02, 7.3.5): how
// many cards there are, and if there is one, which. A card that takes no
// commands, or did not come up to take them, is ErrCardMute.
func parseTargets(kind byte, answer []byte) (n int, t target, err error) {
	const askedFor = 2
	switch {
	case len(answer) == 0 || answer[0] > askedFor:
		return 0, target{}, fmt.Errorf("%w: a list of cards, % X", drivers.ErrProtocol, answer[:min(len(answer), 1)])
	case answer[0] != 1:
		return int(answer[0]), target{}, nil
	case len(answer) == 1:
		return 0, target{}, errCut
	}
	t.number = answer[1]
	if kind == typeA {
		t.atr, err = atrA(answer[2:])
	} else {
		t.atr, err = atrB(answer[2:])
	}
	return 1, t, err
}

var (
	errCut     = fmt.Errorf("%w: what the chip says of the card is cut off", drivers.ErrProtocol)
	errStores  = fmt.Errorf("%w: a card that takes no commands", drivers.ErrCardMute)
	errNotUp   = fmt.Errorf("%w: it was found and did not come up", drivers.ErrCardMute)
	errStrange = fmt.Errorf("%w: a wrong answer to select", drivers.ErrCardMute)
)

// atrA makes the ATR of a card of type A from ATQA, SAK, UID and ATS. The UID is
// no one's name: phones make up a new one for each tap.
func atrA(b []byte) ([]byte, error) {
	const head, isoCommands = 4, 0x20
	if len(b) < head || len(b) < head+int(b[3]) {
		return nil, errCut
	}
	ats := b[head+int(b[3]):]
	switch {
	case b[2]&isoCommands == 0:
		return nil, errStores
	case len(ats) == 0:
		return nil, errNotUp
	case int(ats[0]) != len(ats):
		return nil, errStrange
	}
	if len(ats) == 1 {
		return atr(nil), nil
	}
	// TA, TB and TC are there when T0 says so; ISO/IEC 14443-4, 5.2.
	interfaceBytes := 0
	for _, bit := range []byte{0x10, 0x20, 0x40} {
		if ats[1]&bit != 0 {
			interfaceBytes++
		}
	}
	const t0End = 2
	if len(ats) < t0End+interfaceBytes || len(ats)-t0End-interfaceBytes > historicalMax {
		return nil, errStrange
	}
	return atr(ats[t0End+interfaceBytes:]), nil
}

// atrB makes the ATR of a card of type B from ATQB and its answer to ATTRIB: its
// historical bytes are application data, protocol information and MBLI.
func atrB(b []byte) ([]byte, error) {
	const atqb, first, isoCommands = 12, 0x50, 0x01
	if len(b) < atqb+1 || len(b) < atqb+1+int(b[atqb]) {
		return nil, errCut
	}
	attrib := b[atqb+1:][:b[atqb]]
	switch {
	case b[0] != first:
		return nil, errStrange
	case b[10]&isoCommands == 0:
		return nil, errStores
	case len(attrib) == 0:
		return nil, errNotUp
	}
	historical := append([]byte(nil), b[5:atqb]...)
	return atr(append(historical, attrib[0]&0xF0)), nil
}

// historicalMax is what four bits can count.
const historicalMax = 15

// atr is the answer to reset that a card in a field does not have: T=0 and T=1,
// and historical bytes (PC/SC part 3, 3.1.3.2.3.1).
func atr(historical []byte) []byte {
	a := append([]byte{0x3B, 0x80 | byte(len(historical)), 0x80, 0x01}, historical...)
	var check byte
	for _, b := range a[1:] {
		check ^= b
	}
	return append(a, check)
}
