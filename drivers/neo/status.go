package neo

import (
	"errors"
	"fmt"

	"github.com/cloudpos/cloudpos/drivers"
)

// A command with its sub-command, and the order of the CRC behind it: the
// commands of pass-through mode, and what goes with them, have the high byte first.
type command struct {
	code, sub byte
	crc       order
}

// The commands that this driver gives.
var (
	ping        = command{0x18, 0x01, lowFirst}
	pollMode    = command{0x01, 0x01, lowFirst}
	passThrough = command{0x2C, 0x01, highFirst}
	enhanced    = command{0x2C, 0x0C, highFirst} // Enhanced Poll for Token
	exchange    = command{0x2C, 0x03, highFirst}
	antenna     = command{0x28, 0x01, highFirst}
	led         = command{0x0A, 0x02, highFirst}
	shortBeeps  = command{0x0B, 0x01, highFirst}
	longBeep    = command{0x0B, 0x02, highFirst}
)

// name is how errors call a command, as the manuals do.
func (c command) name() string { return fmt.Sprintf("%02X-%02X", c.code, c.sub) }

// Status codes.
const (
	statusOK       = 0x00
	statusCRC      = 0x04
	statusTime     = 0x08
	statusFailed   = 0x0A
	statusCommand  = 0x0B // not allowed
	statusSub      = 0x0C // not allowed
	statusEvent    = 0x0E // nothing was asked
	statusInsecure = 0x12 // the secure interface is down
	statusTamper   = 0x1D
)

// What a status says, besides the sentinels.
var (
	errFailed = fmt.Errorf("%w: it failed", drivers.ErrHardware)
	errLate   = fmt.Errorf("%w: its time was over", drivers.ErrHardware)
	errMode   = errors.New("the reader is not in pass-through mode")
)

// failure is what a status says went wrong, or nil.
func failure(status byte) error {
	switch status {
	case statusOK:
		return nil
	case statusCRC:
		return fmt.Errorf("%w: the reader has heard a garbled command", drivers.ErrProtocol)
	case statusTime:
		return fmt.Errorf("%w: status %02X", errLate, status)
	case statusFailed:
		return fmt.Errorf("%w: status %02X", errFailed, status)
	case statusCommand, statusSub:
		return fmt.Errorf("%w: %w: status %02X", drivers.ErrRefused, errMode, status)
	case statusInsecure, statusTamper:
		return fmt.Errorf("%w: status %02X", drivers.ErrHardware, status)
	}
	return fmt.Errorf("%w: status %02X", drivers.ErrRefused, status)
}

// What a poll may find: the first byte of its answer.
const (
	cardNone   = 0x00
	cardA      = 0x01
	cardB      = 0x02
	cardPhoneA = 0x07 // which also plays a card that stores
)

// errorCollision is the code with which the reader's own transactions fail when
// there are several cards.
const errorCollision = 0x21

// parsePoll tells whether a card was found and activated. What is there and was
// not activated is ErrCardMute or ErrCollision.
func parsePoll(a answer) (found bool, err error) {
	switch err := failure(a.status); {
	case errors.Is(err, errLate):
		return false, nil
	case errors.Is(err, errFailed) && len(a.data) > 0 && a.data[0] == errorCollision:
		return false, fmt.Errorf("%w in the field", drivers.ErrCollision)
	case errors.Is(err, errFailed):
		return false, fmt.Errorf("%w: it was found and did not come up", drivers.ErrCardMute)
	case err != nil:
		return false, err
	case len(a.data) == 0:
		return false, fmt.Errorf("%w: a poll without a type of card", drivers.ErrProtocol)
	}
	switch a.data[0] {
	case cardNone:
		return false, nil
	case cardA, cardB, cardPhoneA:
		return true, nil
	}
	return false, fmt.Errorf("%w: a card that takes no commands, of type %02X", drivers.ErrCardMute, a.data[0])
}
