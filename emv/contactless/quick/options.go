package quick

import (
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/records"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// templateOverhead is 83 and its length before the PDOL's data.
const templateOverhead = 3

// initiate sends GET PROCESSING OPTIONS. A card that does not ask for the TTQ
// knows no quick taps. EMV Contactless Book C-3, 5.2, and Book C-7, initiation.
func (t *Tap) initiate() emv.Action {
	section := t.opts.Sections.Initiate
	if err := t.LearnFCI(t.opts.Activation.FCI, t.recognised); err != nil {
		return t.End(emv.ReasonCardData, "FCI: %v (%s)", err, section)
	}
	if t.opts.Admit != nil {
		if away := t.opts.Admit(); away != nil {
			return away
		}
	}
	list, err := tlv.ParseDOL(t.Card[tlv.PDOL])
	switch {
	case err != nil:
		return t.End(emv.ReasonCardData, "PDOL: %v (Book 3, 5.4)", err)
	case !list.Contains(tlv.TTQ):
		return t.Next("PDOL without 9F66 (" + section + ")")
	case list.Size() > apdu.DataMax-templateOverhead:
		return t.End(emv.ReasonCardData, "PDOL asks for %d bytes (Book 3, 6.5.8)", list.Size())
	}
	t.state = initiating
	values := list.Build(t.Lookup)
	return emv.Transmit{Command: apdu.ProcessingOptions(tlv.Append(nil, tlv.CommandTemplate, values))}
}

// initiated takes the card's answer: its cryptogram and what goes with it. A
// card may have no records. EMV Contactless Book C-3, 5.2, and Book C-7,
// initiation.
func (t *Tap) initiated(response []byte) emv.Action {
	if status := apdu.Status(response); status != apdu.OK {
		return t.rules.Refused(status)
	}
	away, err := t.rules.Answered(apdu.Body(response))
	if err != nil {
		return t.End(emv.ReasonCardData, "GET PROCESSING OPTIONS: %v (%s)", err, t.opts.Sections.Initiate)
	}
	if away != nil {
		return away
	}
	if afl := t.Card[tlv.AFL]; len(afl) > 0 {
		if t.records, err = records.Locate(afl); err != nil {
			return t.End(emv.ReasonCardData, "%v", err)
		}
	}
	return t.read()
}

// SeePhone has the cardholder verified on the device and the card tapped again,
// with the field off for a while. EMV Contactless Book C-3, 5.2, and Book C-7,
// initiation.
func (t *Tap) SeePhone(away time.Duration) emv.Action {
	return t.Done(emv.Outcome{
		Status: emv.TryAgain, Reason: emv.ReasonCard, CVM: emv.CVMNotApplicable,
		Detail: "GET PROCESSING OPTIONS: 6986 (" + t.opts.Sections.Initiate + ")",
		Parameters: emv.Parameters{
			Start:       emv.RestartB,
			UIOnOutcome: &emv.UIRequest{Message: emv.MessageSeePhone, Status: emv.UINotReady, Hold: away},
			UIOnRestart: &emv.UIRequest{Message: emv.MessageSeePhone, Status: emv.UIReadyToRead},
			FieldOff:    &away,
		},
	})
}
