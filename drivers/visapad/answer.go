package visapad

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/secret"
)

// What pads of this family do where their manuals differ or are silent. A
// model that does otherwise is adapted here and nowhere else.
const (
	// The customer's cancel key: the pad sends EOT instead of a 71.
	answerCancelled = kindEOT
	// The pad's own time-out, where it has one: 71 with this code.
	codeTimeout = '6'
	// Enter without a PIN: 71 0 with the KSN and no PIN block.
	bypassBlockDigits = 0
)

const (
	blockDigits = 16
	ksnDigits   = 20
	ksnMin      = 10 // the fewest that are left when the leading Fs are dropped
)

// errCode maps the one-character errors of a 71 answer.
var errCode = map[byte]error{
	'0':         fmt.Errorf("%w: no account number", drivers.ErrRefused),
	'2':         fmt.Errorf("%w: account number too short", drivers.ErrRefused),
	'3':         fmt.Errorf("%w: account number too long", drivers.ErrRefused),
	'4':         fmt.Errorf("%w: account number is not numeric", drivers.ErrRefused),
	'5':         fmt.Errorf("%w: debit or credit flag", drivers.ErrRefused),
	codeTimeout: fmt.Errorf("%w: nobody entered a PIN", drivers.ErrTimeout),
	'8':         fmt.Errorf("%w: amount", drivers.ErrRefused),
	'A':         fmt.Errorf("%w: no DUKPT key", drivers.ErrNoKey),
	'B':         fmt.Errorf("%w: flash memory", drivers.ErrHardware),
	'C':         fmt.Errorf("%w: memory", drivers.ErrHardware),
	'F':         fmt.Errorf("%w: the DUKPT key is used up", drivers.ErrNoKey),
}

var errAnswer = fmt.Errorf("%w: malformed 71 answer", drivers.ErrProtocol)

// errNotAnswer is returned for a packet that is no answer to a PIN request.
var errNotAnswer = errors.New("not a 71 packet")

// parseAnswer reads the body of a 71 packet: 71, status 0, KSN without its
// leading Fs, PIN block; or 71 and an error code.
func parseAnswer(body []byte) (drivers.PINEntry, error) {
	if len(body) < 3 || body[0] != '7' || body[1] != '1' {
		return drivers.PINEntry{}, errNotAnswer
	}
	code, rest := body[2], body[3:]
	if len(rest) == 0 {
		if err, ok := errCode[code]; ok {
			return drivers.PINEntry{}, err
		}
		return drivers.PINEntry{}, fmt.Errorf("%w: 71 with error %q", drivers.ErrRefused, code)
	}
	if code != '0' {
		return drivers.PINEntry{}, errAnswer
	}
	block := blockDigits
	if len(rest) <= ksnDigits {
		block = bypassBlockDigits
	}
	digits := len(rest) - block
	if digits < ksnMin || digits > ksnDigits {
		return drivers.PINEntry{}, errAnswer
	}
	ksn, err := hex.DecodeString(strings.Repeat("F", ksnDigits-digits) + string(rest[:digits]))
	if err != nil {
		return drivers.PINEntry{}, errAnswer
	}
	if block == bypassBlockDigits {
		return drivers.PINEntry{Bypassed: true}, nil
	}
	pin := make(secret.Bytes, blockDigits/2)
	if _, err := hex.Decode(pin, rest[digits:]); err != nil {
		pin.Clear()
		return drivers.PINEntry{}, errAnswer
	}
	return drivers.PINEntry{Block: pin, Format: 0, Scheme: drivers.SchemeTDESDUKPT, KSN: ksn}, nil
}
