package emv

import (
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/records"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// aipSize is the length of the AIP in the response to GET PROCESSING OPTIONS.
const aipSize = 2

// initiate sends GET PROCESSING OPTIONS with the data that the card asks for.
// EMV 4.4 Book 3, 10.1 and 6.5.8.
func (k *Kernel) initiate() (Action, error) {
	list, err := tlv.ParseDOL(k.card[tlv.PDOL])
	if err != nil {
		return nil, refuse(ReasonCardData, "PDOL: %v (Book 3, 5.4)", err)
	}
	if list.Size() > dataMax-3 { // 83 81 L
		return nil, refuse(ReasonCardData, "PDOL asks for %d bytes (Book 3, 6.5.8)", list.Size())
	}
	k.state = initiating
	values := list.Build(k.lookup)
	k.auth.sent = append(k.auth.sent, values...)
	data := tlv.Append(nil, tlv.CommandTemplate, values)
	return Transmit{Command: apdu.ProcessingOptions(data)}, nil
}

// initiated takes AIP and AFL. 6985 sends the cardholder back to the final
// selection, without this application. EMV 4.4 Book 3, 10.1.
func (k *Kernel) initiated(r Response) (Action, error) {
	switch r.sw() {
	case swOK:
	case swConditions:
		k.forget()
		k.selected = candidate{}
		return k.choose()
	default:
		return nil, refuse(ReasonCardStatus, "GET PROCESSING OPTIONS: %04X (Book 3, 10.1)", r.sw())
	}
	objects, err := ParseOptions(r.body())
	if err != nil {
		return nil, refuse(ReasonCardData, "GET PROCESSING OPTIONS: %v (Book 3, 6.5.8.4)", err)
	}
	if err := k.learn(objects); err != nil {
		return nil, err
	}
	if len(k.card[tlv.AIP]) != aipSize {
		return nil, refuse(ReasonCardData, "GET PROCESSING OPTIONS without AIP (Book 3, 6.5.8.4)")
	}
	if k.records, err = records.Locate(k.card[tlv.AFL]); err != nil {
		return nil, refuse(ReasonCardData, "%v", err)
	}
	k.state = reading
	return Transmit{Command: k.records.Command()}, nil
}

// ParseOptions reads both formats of the response to GET PROCESSING OPTIONS as
// objects. EMV 4.4 Book 3, 6.5.8.4.
func ParseOptions(body []byte) ([]tlv.Object, error) {
	if template, err := tlv.One(body, tlv.ResponseFormat1); err == nil {
		split := min(aipSize, len(template))
		return []tlv.Object{{Tag: tlv.AIP, Value: template[:split]}, {Tag: tlv.AFL, Value: template[split:]}}, nil
	}
	template, err := tlv.One(body, tlv.ResponseFormat2)
	if err != nil {
		return nil, err
	}
	return tlv.Parse(template)
}
