package emv

import (
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// statusSize and dataMax bound a response from below and a command from above.
const (
	statusSize = apdu.StatusSize
	dataMax    = apdu.DataMax
)

// Status words that decide something. EMV 4.4 Book 3, 6.3.5.
const (
	swOK             = apdu.OK
	swInvalidated    = 0x6283 // SELECT: the application is blocked
	swUnsupported    = 0x6A81 // SELECT: the card is blocked
	swRecordNotFound = 0x6A83
	swConditions     = 0x6985 // GPO: take another application
	swPINBlocked     = 0x6983 // VERIFY
	swPINInvalidated = 0x6984 // VERIFY
	selectFirst      = 0x00
	selectNext       = 0x02
	insGenerateAC    = 0xAE
	insGetData       = 0xCA
	insVerify        = 0x20
	insChallenge     = 0x84
	insInternal      = 0x88
	insExternal      = 0x82
	claInterindustry = 0x00
	claProprietary   = 0x80
)

// sw is the status word of a response; take saw to it that there is one. EMV 4.4
// Book 3, 6.3.5.
func (r Response) sw() uint16 { return apdu.Status(r.Data) }

// body is the response without its status word.
func (r Response) body() []byte { return apdu.Body(r.Data) }

// query builds a command that is answered with data: case 2 or 4.
func query(cla, ins, p1, p2 byte, data []byte) Transmit {
	return Transmit{Command: apdu.Query(cla, ins, p1, p2, data)}
}

// selectCommand is SELECT by name. EMV 4.4 Book 1, 11.3.
func selectCommand(name []byte, occurrence byte) Transmit {
	return Transmit{Command: apdu.Select(name, occurrence)}
}

// readCommand is READ RECORD. EMV 4.4 Book 3, 6.5.11.
func readCommand(sfi, record byte) Transmit {
	return Transmit{Command: apdu.ReadRecord(sfi, record)}
}

// getDataCommand is GET DATA of a tag of two bytes. EMV 4.4 Book 3, 6.5.7.
func getDataCommand(t tlv.Tag) Transmit {
	return query(claProprietary, insGetData, byte(t>>8), byte(t), nil)
}
