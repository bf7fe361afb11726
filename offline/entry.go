package offline

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"

	"github.com/cloudpos/cloudpos/payment"
)

// A line of the log, behind its key:
//
//	0  schema version of the payload, 2 bytes, big endian as all numbers here
//	2  CRC-32C over key, version, position, hash and payload
//	6  position in the log, 8 bytes; the first is 1
//	14 SHA-256 of key and line at the position before; zero in the first
//	46 payload: payment.Entry in JSON
//
// The checksum finds what bbolt does not, at each reading; the hash finds a
// line that is missing or came from elsewhere, when the whole is verified.
const (
	lineCRC      = 2
	linePosition = 6
	linePrev     = 14
	linePayload  = linePrev + sha256.Size

	lineMax = 64 << 10 // an entry of a sale has 0.2 to 2 KB
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeEntry makes the payload of an entry.
func encodeEntry(e payment.Entry) ([]byte, error) {
	payload, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("offline: encode entry of %v: %w", e.ID, err)
	}
	if n := linePayload + len(payload); n > lineMax {
		return nil, fmt.Errorf("offline: entry of %v has %d bytes, %d are allowed", e.ID, n, lineMax)
	}
	return payload, nil
}

// makeLine makes the line that follows the one with hash prev.
func makeLine(key []byte, position uint64, schema uint16, prev [sha256.Size]byte, payload []byte) []byte {
	line := make([]byte, linePayload, linePayload+len(payload))
	binary.BigEndian.PutUint16(line, schema)
	binary.BigEndian.PutUint64(line[linePosition:], position)
	copy(line[linePrev:], prev[:])
	line = append(line, payload...)
	binary.BigEndian.PutUint32(line[lineCRC:], lineSum(key, line))
	return line
}

func lineSum(key, line []byte) uint32 {
	sum := crc32.Update(0, castagnoli, key)
	sum = crc32.Update(sum, castagnoli, line[:lineCRC])
	return crc32.Update(sum, castagnoli, line[linePosition:])
}

// lineHash is what the next line carries.
func lineHash(key, line []byte) (hash [sha256.Size]byte) {
	h := sha256.New()
	h.Write(key)
	h.Write(line)
	h.Sum(hash[:0])
	return hash
}

func position(line []byte) uint64 { return binary.BigEndian.Uint64(line[linePosition:]) }

// checkLine says whether the line is as it was written, and whether this
// program knows its schema.
func checkLine(key, line []byte) error {
	if len(key) != lineKeySize || len(line) < linePayload || len(line) > lineMax {
		return fmt.Errorf("%w: entry %x has %d bytes", ErrDamaged, key, len(line))
	}
	if got, want := lineSum(key, line), binary.BigEndian.Uint32(line[lineCRC:]); got != want {
		return fmt.Errorf("%w: entry %x has checksum %08x, its content %08x", ErrDamaged, key, want, got)
	}
	if schema := binary.BigEndian.Uint16(line); schema > payment.Schema {
		return fmt.Errorf("%w: entry %x has schema %d, this program reads up to %d", ErrNewer, key, schema, payment.Schema)
	}
	return nil
}

// decodeLine returns the entry of a line, checked.
func decodeLine(key, line []byte) (payment.Entry, error) {
	if err := checkLine(key, line); err != nil {
		return payment.Entry{}, err
	}
	var e payment.Entry
	if err := json.Unmarshal(line[linePayload:], &e); err != nil {
		return payment.Entry{}, fmt.Errorf("%w: entry %x: %w", ErrDamaged, key, err)
	}
	return e, nil
}
