package kernel3

import (
	"fmt"
	"strings"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// conclude decides, once all of the card is known. EMV Contactless Book C-3,
// 5.5 to 5.8.
func (t *tap) conclude() emv.Action {
	t.analyse()
	if away := t.restrict(); away != nil {
		return away
	}
	if away := t.authenticate(); away != nil {
		return away
	}
	t.verify()
	if t.online && !t.onlineCapable() {
		t.decline(emv.ReasonUnable, "the issuer must be asked, and the reader cannot (Book C-3, 5.8)")
	}
	switch {
	case t.declined != "":
		return t.done(emv.Outcome{
			Status: emv.Declined, Reason: t.declined, Detail: t.detail, CVM: emv.CVMNotApplicable,
			Parameters: shown(emv.MessageNotAuthorised, emv.UICardReadOK),
		})
	case t.online:
		return t.ask()
	}
	return t.approve()
}

// approve ends with an offline approval. It is the only place that does, and it
// looks at the card's cryptogram and its signature once more. EMV Contactless
// Book C-3, 5.8.
func (t *tap) approve() emv.Action {
	if t.cryptogram != cryptogramTC || !t.authenticated {
		return t.end(emv.ReasonCryptogram, "approval without a TC that is signed")
	}
	o := emv.Outcome{Status: emv.Approved, CVM: t.cvm, Parameters: shown(emv.MessageApproved, emv.UICardReadOK)}
	if t.cvm == emv.CVMSignature {
		o.UIOnOutcome.Message, o.Receipt = emv.MessageApprovedSign, true
	}
	if balance, err := tlv.ParseNumeric(t.Card[tlv.AvailableOffline]); err == nil && len(t.Card[tlv.AvailableOffline]) > 0 {
		o.UIOnOutcome.Qualifier, o.UIOnOutcome.ValueMinor = emv.ValueBalance, int64(balance)
		o.UIOnOutcome.Currency = t.cfg.Terminal.Currency
	}
	return t.done(o)
}

// end ends with a card that breaks a rule. EMV Contactless Book C-3, 5.8.
func (t *tap) end(reason emv.Reason, format string, args ...any) emv.Action {
	return t.done(emv.Outcome{
		Status: emv.EndApplication, Reason: reason, Detail: fmt.Sprintf(format, args...), CVM: emv.CVMNotApplicable,
		Parameters: shown(emv.MessageTryAnotherCard, emv.UIProcessingError),
	})
}

// next leaves the card's other applications their turn.
func (t *tap) next(detail string) emv.Action {
	return t.done(emv.Outcome{
		Status: emv.SelectNext, Reason: emv.ReasonNoApplication, Detail: detail, CVM: emv.CVMNotApplicable,
		Parameters: emv.Parameters{Start: emv.RestartC},
	})
}

// otherInterface sends the cardholder to the slot.
func (t *tap) otherInterface(message emv.UIMessage, detail string) emv.Action {
	p := shown(message, emv.UIProcessingError)
	p.Alternate = emv.InterfaceContact
	return t.done(emv.Outcome{
		Status: emv.TryAnotherInterface, Reason: contactless.ReasonInterface, Detail: detail, CVM: emv.CVMNotApplicable, Parameters: p,
	})
}

// cardGone asks for the card once more: without the rest of it nothing is
// decided. EMV Contactless Book C-3, 5.8.
func (t *tap) cardGone() emv.Action {
	p := shown(emv.MessagePresentCardAgain, emv.UIReadyToRead)
	p.Start = emv.RestartB
	return t.done(emv.Outcome{Status: emv.TryAgain, Reason: emv.ReasonCardRemoved, CVM: emv.CVMNotApplicable, Parameters: p})
}

func shown(message emv.UIMessage, status emv.UIStatus) emv.Parameters {
	return emv.Parameters{UIOnOutcome: &emv.UIRequest{Message: message, Status: status}}
}

// done gives the outcome with what is known of the card.
func (t *tap) done(o emv.Outcome) emv.Action {
	t.state = ended
	if t.authErr != nil {
		o.Detail = strings.TrimPrefix(o.Detail+"; "+t.authErr.Error(), "; ")
	}
	o.Card = t.Known()
	if len(t.Card[tlv.ApplicationCryptogram]) > 0 {
		o.Record = t.Objects(recordTags...)
		o.Discretionary = t.Objects(tlv.AvailableOffline)
	}
	return emv.Done{Outcome: o}
}

// recordTags are the data record: what issuer and journal are told, without
// account number and track. EMV Contactless Book C-3, 5.8.
var recordTags = []tlv.Tag{
	tlv.ApplicationCryptogram, tlv.CryptogramInformation, tlv.IssuerApplicationData, tlv.UnpredictableNumber,
	tlv.ATC, tlv.TVR, tlv.TransactionDate, tlv.TransactionType, tlv.AmountAuthorised, tlv.TransactionCurrency,
	tlv.AIP, tlv.TerminalCountry, tlv.AmountOther, tlv.TerminalCapabilities, tlv.TerminalType, tlv.DeviceSerial,
	tlv.DFName, tlv.SequenceCounter, tlv.PANSequence, tlv.EntryMode, tlv.TTQ, tlv.CTQ, tlv.CardRelatedData,
	tlv.CustomerExclusive, tlv.FormFactor,
}
