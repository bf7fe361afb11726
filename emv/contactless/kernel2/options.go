package kernel2

import (
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/records"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// optionsHead is what is before the data of GET PROCESSING OPTIONS: 83 81 L.
const optionsHead = 3

// initiate sends GET PROCESSING OPTIONS with the data that the card asks for.
// EMV Contactless Book C-2, states 1 and 2.
func (t *tap) initiate() (emv.Action, error) {
	if err := t.LearnFCI(t.fci, recognised); err != nil {
		f := malformed("FCI: %v (Book C-2, state 1)", err)
		f.next = true
		return nil, f
	}
	t.Card[tlv.DFName] = slices.Clone(t.name) // as it was selected
	list, err := tlv.ParseDOL(t.Card[tlv.PDOL])
	if err != nil || list.Size() > apdu.DataMax-optionsHead {
		return nil, malformed("PDOL of %d bytes (Book C-2, state 1)", list.Size())
	}
	values := list.Build(t.Lookup)
	t.signing.sent = append(t.signing.sent, values...)
	t.Terminal[tagOptionsData] = values
	t.state = initiating
	return emv.Transmit{Command: apdu.ProcessingOptions(tlv.Append(nil, tlv.CommandTemplate, values))}, nil
}

// initiated takes AIP and AFL, and chooses what the card can do. EMV
// Contactless Book C-2, state 3.
func (t *tap) initiated(r emv.Response) (emv.Action, error) {
	if sw := apdu.Status(r.Data); sw != apdu.OK {
		f := statusFailure(sw, "GET PROCESSING OPTIONS: %04X (Book C-2, state 3)", sw)
		f.next = true
		return nil, f
	}
	objects, err := emv.ParseOptions(apdu.Body(r.Data))
	if err == nil {
		err = t.Learn(objects, recognised)
	}
	if err != nil {
		return nil, malformed("GET PROCESSING OPTIONS: %v (Book C-2, state 3)", err)
	}
	const aipSize = 2
	afl, located := t.Card[tlv.AFL]
	switch {
	case len(t.Card[tlv.AIP]) != aipSize || !located:
		return nil, missing("GET PROCESSING OPTIONS without AIP or AFL (Book C-2, state 3)")
	case len(afl) == 0:
		return nil, wrong("AFL without a record (Book C-2, state 3)")
	case !t.aip(2, aipEMV) && t.app.MagStripe == nil:
		return nil, failure{reason: emv.ReasonNotAllowed, l2: l2MagStripe, detail: "the card has no EMV mode (Book C-2, state 3)"}
	}
	t.stripe = !t.aip(2, aipEMV)
	if t.records, err = records.Locate(t.modeFiles(afl)); err != nil {
		return nil, malformed("%v (Book C-2, state 3)", err)
	}
	if t.stripe {
		t.Terminal[tlv.EntryMode] = []byte{entryModeStripe}
		t.state = reading
		return emv.Transmit{Command: t.records.Command()}, nil
	}
	if t.app.Relay != nil && t.aip(2, aipRelay) {
		return t.race()
	}
	t.tvr.Set(tvrRelayNotPerformed)
	return t.read()
}

// read begins with the records. CDA is the only data authentication that there
// is. EMV Contactless Book C-2, states 3 and R1.
func (t *tap) read() (emv.Action, error) {
	t.signing.chosen = t.aip(1, aipCDA) && t.cfg.Terminal.Capabilities[2]&capCDA != 0
	if !t.signing.chosen {
		t.tvr.Set(tvrODANotPerformed)
	}
	t.state = reading
	return emv.Transmit{Command: t.records.Command()}, nil
}

// recordRead stores a record and asks for the next. EMV Contactless Book C-2,
// state 4.
func (t *tap) recordRead(r emv.Response) (emv.Action, error) {
	place := t.records.String()
	if sw := apdu.Status(r.Data); sw != apdu.OK {
		return nil, statusFailure(sw, "READ RECORD %s: %04X (Book C-2, state 4)", place, sw)
	}
	objects, err := t.records.Take(apdu.Body(r.Data))
	if err == nil {
		err = t.Learn(objects, recognised)
	}
	if err != nil {
		return nil, malformed("record %s: %v (Book C-2, state 4)", place, err)
	}
	if !t.records.Done() {
		return emv.Transmit{Command: t.records.Command()}, nil
	}
	if t.stripe {
		return t.completeStripe()
	}
	return t.complete()
}

// complete looks at limits and at what the records must hold. EMV Contactless
// Book C-2, state 4 (S456).
func (t *tap) complete() (emv.Action, error) {
	if t.overLimit() {
		return nil, overLimitFailure("Book C-2, S456")
	}
	for _, tag := range []tlv.Tag{tlv.ExpirationDate, tlv.PAN, tlv.CDOL1} {
		if len(t.Card[tag]) == 0 {
			return nil, missing("%v missing (Book C-2, S456)", tag)
		}
	}
	if err := t.ReadAccount(); err != nil {
		return nil, wrong("%v (Book C-2, S456)", err)
	}
	for _, tag := range []tlv.Tag{tlv.ExpirationDate, tlv.EffectiveDate, tlv.PANSequence} {
		if _, err := tlv.ParseNumeric(t.Card[tag]); err != nil {
			return nil, wrong("%v is no number (Book C-2, S456)", tag)
		}
	}
	var err error
	if t.cdol, err = tlv.ParseDOL(t.Card[tlv.CDOL1]); err != nil || t.cdol.Size() > apdu.DataMax {
		return nil, malformed("CDOL1 of %d bytes (Book C-2, S456)", t.cdol.Size())
	}
	if err := t.prepareSignature(); err != nil {
		return nil, err
	}
	t.setCapabilities(t.app.CVMNotRequired)
	if t.overCVMLimit() {
		t.setCapabilities(t.app.CVMRequired)
		t.receipt = true
	}
	return t.readBalance()
}

// overLimitFailure leaves the application for the next one.
func overLimitFailure(where string) failure {
	return failure{
		reason: contactless.ReasonInterface, l2: l2MaxLimit, next: true,
		detail: "the amount is over the transaction limit (" + where + ")",
	}
}

// overLimit compares with the limit for phones that verify their owners, or the
// one for all others. EMV Contactless Book C-2, states 3 and 4 (S456).
func (t *tap) overLimit() bool {
	if t.deviceCVM() {
		return t.tx.AmountMinor > t.app.LimitDeviceMinor
	}
	return t.tx.AmountMinor > t.app.LimitMinor
}

// overCVMLimit tells whether the cardholder must be verified.
func (t *tap) overCVMLimit() bool { return t.tx.AmountMinor > t.app.CVMMinor }
