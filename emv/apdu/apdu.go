// Package apdu builds the commands that go to a card and takes its responses
// apart, for all kernels alike.
//
//	command := apdu.Select(name)
//	if apdu.Status(response) == apdu.OK { use(apdu.Body(response)) }
//
// EMV 4.4 Book 3, 6.3.
package apdu

// DataMax is the longest data of a command: what asks for more is the card's
// fault.
const DataMax = 255

// StatusSize is the length of SW1 SW2, and so of the shortest response.
const StatusSize = 2

// OK is the status word of success.
const OK = 0x9000

const (
	claInterindustry   = 0x00
	claProprietary     = 0x80
	insSelect          = 0xA4
	insReadRecord      = 0xB2
	insGetOptions      = 0xA8
	referenceByName    = 0x04
	referenceBySFI     = 0x04
	sfiShift           = 3
	headerSize, leSize = 4, 1
)

// Status is SW1 SW2 of a response, or 0 if it is too short for one.
func Status(response []byte) uint16 {
	n := len(response)
	if n < StatusSize {
		return 0
	}
	return uint16(response[n-2])<<8 | uint16(response[n-1])
}

// Body is the response without its status word.
func Body(response []byte) []byte { return response[:max(len(response)-StatusSize, 0)] }

// Command builds a case 3 command, or a header alone when data is empty. Of
// data, DataMax bytes fit. EMV 4.4 Book 3, 6.3.
func Command(cla, ins, p1, p2 byte, data []byte) []byte {
	c := make([]byte, 0, headerSize+1+len(data)+leSize)
	c = append(c, cla, ins, p1, p2)
	if len(data) > 0 {
		c = append(append(c, byte(len(data))), data...)
	}
	return c
}

// Query builds a command that is answered with data: case 2 or 4.
func Query(cla, ins, p1, p2 byte, data []byte) []byte {
	return append(Command(cla, ins, p1, p2, data), 0)
}

// Select is SELECT by name; the first or the next one that fits, as P2 says.
// EMV 4.4 Book 1, 11.3.
func Select(name []byte, occurrence byte) []byte {
	return Query(claInterindustry, insSelect, referenceByName, occurrence, name)
}

// ReadRecord is READ RECORD. EMV 4.4 Book 3, 6.5.11.
func ReadRecord(sfi, record byte) []byte {
	return Query(claInterindustry, insReadRecord, record, sfi<<sfiShift|referenceBySFI, nil)
}

// ProcessingOptions is GET PROCESSING OPTIONS. EMV 4.4 Book 3, 6.5.8.
func ProcessingOptions(data []byte) []byte {
	return Query(claProprietary, insGetOptions, 0, 0, data)
}
