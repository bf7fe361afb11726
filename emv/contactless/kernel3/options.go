package kernel3

import (
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Status words of GET PROCESSING OPTIONS that lead on. EMV Contactless Book
// C-3, 5.2.
const (
	swOtherInterface = 0x6984
	swConditions     = 0x6985 // take another application
	swDevice         = 0x6986 // the cardholder is to be verified on the device
)

// deviceAway is how long the field is off then.
const deviceAway = 1300 * time.Millisecond

// Refused is another status word than 9000. EMV Contactless Book C-3, 5.2.
func (t *tap) Refused(status uint16) emv.Action {
	switch status {
	case swOtherInterface:
		return t.OtherInterface(emv.MessageInsertCard, "GET PROCESSING OPTIONS: 6984 (Book C-3, 5.2)")
	case swConditions:
		return t.Next("GET PROCESSING OPTIONS: 6985 (Book C-3, 5.2)")
	case swDevice:
		return t.SeePhone(deviceAway)
	}
	return t.End(emv.ReasonCardStatus, "GET PROCESSING OPTIONS: %04X (Book C-3, 5.2)", status)
}

// Answered reads both formats of the response. EMV Contactless Book C-3, 5.2.
func (t *tap) Answered(body []byte) (emv.Action, error) {
	objects, err := optionsObjects(body)
	if err != nil {
		return nil, err
	}
	return nil, t.Learn(objects)
}

// optionsObjects are those of either format. EMV 4.4 Book 3, 6.5.8.4.
func optionsObjects(body []byte) ([]tlv.Object, error) {
	const aipSize = 2
	if value, err := tlv.One(body, tlv.ResponseFormat1); err == nil {
		if len(value) < aipSize {
			return nil, fmt.Errorf("format 1 of %d bytes", len(value))
		}
	}
	return emv.ParseOptions(body)
}
