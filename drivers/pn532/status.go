package pn532

import (
	"fmt"

	"github.com/cloudpos/cloudpos/drivers"
)

// The status byte of an answer (UM0701-02, 7.1).
const (
	statusMore = 0x40 // there is more to fetch
	statusCode = 0x3F
)

// failure is what the status byte of an exchange with an activated card says
// went wrong, or nil. What is lost between chip and card is lost because the
// card leaves the field.
func failure(status byte) error {
	code := status & statusCode
	switch code {
	case 0x00:
		return nil
	case 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0B, 0x13, // silence, CRC, parity, bits, framing, collision, blocks
		0x29, 0x2A, 0x2B: // released, exchanged, disappeared
		return fmt.Errorf("%w: status %02X", drivers.ErrCardGone, code)
	case 0x0A, 0x0D, 0x2D: // the field does not come on, overheating, too much current
		return fmt.Errorf("%w: status %02X", drivers.ErrHardware, code)
	default:
		return fmt.Errorf("%w: status %02X", drivers.ErrProtocol, code)
	}
}
