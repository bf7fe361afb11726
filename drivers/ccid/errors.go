package ccid

import (
	"fmt"

	"github.com/cloudpos/cloudpos/drivers"
)

// bStatus of an answer (CCID 1.1, 6.2.6).
const (
	statusMask     = 0xC0
	statusFailed   = 0x40
	statusMoreTime = 0x80

	cardMask    = 0x03
	cardActive  = 0
	cardPresent = 1
	cardAbsent  = 2
)

// bError of an answer that failed.
const (
	errorUnsupported  = 0x00
	errorParameterMax = 0x7F // 01 to 7F: the byte of the message that is not accepted
	errorShortCircuit = 0xA2
	errorATRTooLong   = 0xA3
	errorCollision    = 0xC0 // user defined, as all from 81 to C0 (CCID 1.1, table 6.2-2)
	errorBusy         = 0xE0
	errorPINCancelled = 0xEF
	errorPINTimeout   = 0xF0
	errorBadTCK       = 0xF7
	errorBadTS        = 0xF8
	errorHardware     = 0xFB
	errorParity       = 0xFD
	errorMute         = 0xFE
	errorAborted      = 0xFF
)

// failure is what an answer says went wrong, or nil.
func failure(m message) error {
	if m.b[0]&statusMask != statusFailed {
		return nil
	}
	code := m.b[1]
	if m.b[0]&cardMask == cardAbsent {
		return fmt.Errorf("%w: error %02X", drivers.ErrCardGone, code)
	}
	switch {
	case code == errorMute:
		return fmt.Errorf("%w: error %02X", drivers.ErrCardMute, code)
	case code == errorATRTooLong || code == errorBadTCK || code == errorBadTS:
		return fmt.Errorf("%w: error %02X", drivers.ErrCardMute, code)
	case code == errorHardware || code == errorShortCircuit:
		return fmt.Errorf("%w: error %02X", drivers.ErrHardware, code)
	case code == errorUnsupported || code <= errorParameterMax:
		return fmt.Errorf("%w: error %02X", drivers.ErrRefused, code)
	case code == errorBusy:
		return fmt.Errorf("%w: slot busy", drivers.ErrProtocol)
	default:
		return fmt.Errorf("%w: error %02X", drivers.ErrProtocol, code)
	}
}
