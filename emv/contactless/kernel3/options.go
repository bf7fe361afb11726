package kernel3

import (
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/records"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Status words of GET PROCESSING OPTIONS that lead on. EMV Contactless Book
// C-3, 5.2.
const (
	swOtherInterface = 0x6984
	swConditions     = 0x6985 // take another application
	swDevice         = 0x6986 // the cardholder is to be verified on the device
)

// templateOverhead is 83 and its length before the PDOL's data.
const templateOverhead = 3

// initiate sends GET PROCESSING OPTIONS. EMV Contactless Book C-3, 5.2.
func (t *tap) initiate() (emv.Action, error) {
	if err := t.LearnFCI(t.a.FCI, recognised); err != nil {
		return t.end(emv.ReasonCardData, "FCI: %v (Book C-3, 5.2)", err), nil
	}
	if !t.limit() {
		return t.next("a dynamic limit (Book C-3, 5.2)"), nil
	}
	list, err := tlv.ParseDOL(t.Card[tlv.PDOL])
	switch {
	case err != nil:
		return t.end(emv.ReasonCardData, "PDOL: %v (Book 3, 5.4)", err), nil
	case !list.Contains(tlv.TTQ):
		return t.next("PDOL without 9F66 (Book C-3, 5.2)"), nil
	case list.Size() > apdu.DataMax-templateOverhead:
		return t.end(emv.ReasonCardData, "PDOL asks for %d bytes (Book 3, 6.5.8)", list.Size()), nil
	}
	t.state = initiating
	values := list.Build(t.Lookup)
	return emv.Transmit{Command: apdu.ProcessingOptions(tlv.Append(nil, tlv.CommandTemplate, values))}, nil
}

// initiated takes the card's answer: its cryptogram and what goes with it.
// EMV Contactless Book C-3, 5.2.
func (t *tap) initiated(response []byte) (emv.Action, error) {
	switch apdu.Status(response) {
	case apdu.OK:
	case swOtherInterface:
		return t.otherInterface(emv.MessageInsertCard, "GET PROCESSING OPTIONS: 6984 (Book C-3, 5.2)"), nil
	case swConditions:
		return t.next("GET PROCESSING OPTIONS: 6985 (Book C-3, 5.2)"), nil
	case swDevice:
		return t.seePhone(), nil
	default:
		return t.end(emv.ReasonCardStatus, "GET PROCESSING OPTIONS: %04X (Book C-3, 5.2)", apdu.Status(response)), nil
	}
	objects, err := optionsObjects(apdu.Body(response))
	if err == nil {
		err = t.Learn(objects, recognised)
	}
	if err != nil {
		return t.end(emv.ReasonCardData, "GET PROCESSING OPTIONS: %v (Book C-3, 5.2)", err), nil
	}
	if afl := t.Card[tlv.AFL]; len(afl) > 0 {
		if t.records, err = records.Locate(afl); err != nil {
			return t.end(emv.ReasonCardData, "%v", err), nil
		}
	}
	return t.read()
}

// optionsObjects reads both formats of the response. EMV 4.4 Book 3, 6.5.8.4.
func optionsObjects(body []byte) ([]tlv.Object, error) {
	const aipSize = 2
	if value, err := tlv.One(body, tlv.ResponseFormat1); err == nil {
		if len(value) < aipSize {
			return nil, fmt.Errorf("format 1 of %d bytes", len(value))
		}
		return []tlv.Object{{Tag: tlv.AIP, Value: value[:aipSize]}, {Tag: tlv.AFL, Value: value[aipSize:]}}, nil
	}
	template, err := tlv.One(body, tlv.ResponseFormat2)
	if err != nil {
		return nil, err
	}
	return tlv.Parse(template)
}

// seePhone has the cardholder verified on the device and the card tapped again.
// EMV Contactless Book C-3, 5.2.
func (t *tap) seePhone() emv.Action {
	const away = 1300 * time.Millisecond
	hold := away
	return t.done(emv.Outcome{
		Status: emv.TryAgain, Reason: emv.ReasonCard, CVM: emv.CVMNotApplicable,
		Detail: "GET PROCESSING OPTIONS: 6986 (Book C-3, 5.2)",
		Parameters: emv.Parameters{
			Start:       emv.RestartB,
			UIOnOutcome: &emv.UIRequest{Message: emv.MessageSeePhone, Status: emv.UINotReady, Hold: away},
			UIOnRestart: &emv.UIRequest{Message: emv.MessageSeePhone, Status: emv.UIReadyToRead},
			FieldOff:    &hold,
		},
	})
}
