package pcsc

import (
	"fmt"

	"github.com/cloudpos/cloudpos/drivers"
)

// What the service answers (PC/SC part 5, as pcsc-lite numbers it).
const (
	rvOK              = 0
	rvInvalidHandle   = 0x80100003
	rvUnknownReader   = 0x80100009
	rvSharing         = 0x8010000B
	rvNoCard          = 0x8010000C
	rvProtocol        = 0x8010000F
	rvInvalidValue    = 0x80100011
	rvComm            = 0x80100013
	rvNotTransacted   = 0x80100016
	rvReaderGone      = 0x80100017
	rvNoService       = 0x8010001D
	rvServiceStopped  = 0x8010001E // also: it does not speak this version
	rvNoReaders       = 0x8010002E
	rvDataLost        = 0x8010002F
	rvUnsupportedCard = 0x80100065
	rvUnresponsive    = 0x80100066
	rvUnpowered       = 0x80100067
	rvReset           = 0x80100068
	rvRemoved         = 0x80100069
)

// errShared is the ErrBusy of a card that another program has.
var errShared = fmt.Errorf("%w: another program has the card", drivers.ErrBusy)

// failure is what an answer says went wrong, or nil.
func failure(rv uint32) error {
	switch rv {
	case rvOK:
		return nil
	case rvSharing:
		return errShared
	case rvNoCard, rvRemoved, rvInvalidHandle:
		return fmt.Errorf("%w: error %08X", drivers.ErrCardGone, rv)
	case rvReset:
		// Its session is lost, as if it had been away.
		return fmt.Errorf("%w: another program has reset it", drivers.ErrCardGone)
	case rvUnsupportedCard, rvUnresponsive, rvUnpowered, rvProtocol, rvNotTransacted, rvComm, rvDataLost:
		// The middle of a pull also looks like this.
		return fmt.Errorf("%w: error %08X", drivers.ErrCardMute, rv)
	case rvUnknownReader, rvReaderGone, rvInvalidValue, rvNoReaders, rvNoService, rvServiceStopped:
		return fmt.Errorf("%w: error %08X", drivers.ErrNoDevice, rv)
	default:
		return fmt.Errorf("%w: error %08X", drivers.ErrProtocol, rv)
	}
}
