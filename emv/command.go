package emv

import "github.com/cloudpos/cloudpos/emv/tlv"

// statusSize is the length of SW1 SW2.
const statusSize = 2

// dataMax is the longest data of a command: longer lists are the card's fault.
const dataMax = 255

// Status words that decide something. EMV 4.4 Book 3, 6.3.5.
const (
	swOK               = 0x9000
	swInvalidated      = 0x6283 // SELECT: the application is blocked
	swUnsupported      = 0x6A81 // SELECT: the card is blocked
	swRecordNotFound   = 0x6A83
	swConditions       = 0x6985 // GPO: take another application
	swPINBlocked       = 0x6983 // VERIFY
	swPINInvalidated   = 0x6984 // VERIFY
	referenceByName    = 0x04
	selectFirst        = 0x00
	selectNext         = 0x02
	referenceBySFI     = 0x04
	sfiShift           = 3
	insSelect          = 0xA4
	insReadRecord      = 0xB2
	insGetOptions      = 0xA8
	insGenerateAC      = 0xAE
	insGetData         = 0xCA
	insVerify          = 0x20
	insChallenge       = 0x84
	insInternal        = 0x88
	insExternal        = 0x82
	claInterindustry   = 0x00
	claProprietary     = 0x80
	le                 = 0x00
	headerSize, leSize = 4, 1
)

// sw is the status word of a response; take saw to it that there is one.
func (r Response) sw() uint16 {
	n := len(r.Data)
	return uint16(r.Data[n-2])<<8 | uint16(r.Data[n-1])
}

// body is the response without its status word.
func (r Response) body() []byte { return r.Data[:len(r.Data)-statusSize] }

// command builds a case 3 command, or a header alone when data is empty.
// EMV 4.4 Book 3, 6.3.
func command(cla, ins, p1, p2 byte, data []byte) []byte {
	c := make([]byte, 0, headerSize+1+len(data)+leSize)
	c = append(c, cla, ins, p1, p2)
	if len(data) > 0 {
		c = append(append(c, byte(len(data))), data...)
	}
	return c
}

// query builds a command that is answered with data: case 2 or 4.
func query(cla, ins, p1, p2 byte, data []byte) Transmit {
	return Transmit{Command: append(command(cla, ins, p1, p2, data), le)}
}

// selectCommand is SELECT by name. EMV 4.4 Book 1, 11.3.
func selectCommand(name []byte, occurrence byte) Transmit {
	return query(claInterindustry, insSelect, referenceByName, occurrence, name)
}

// readCommand is READ RECORD. EMV 4.4 Book 3, 6.5.11.
func readCommand(sfi, record byte) Transmit {
	return query(claInterindustry, insReadRecord, record, sfi<<sfiShift|referenceBySFI, nil)
}

// getDataCommand is GET DATA of a tag of two bytes. EMV 4.4 Book 3, 6.5.7.
func getDataCommand(t tlv.Tag) Transmit {
	return query(claProprietary, insGetData, byte(t>>8), byte(t), nil)
}
