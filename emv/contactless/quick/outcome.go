package quick

import (
	"fmt"
	"strings"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Decide is the verdict on a card that has been looked at. balance is what the
// cardholder may still spend, n12, or nothing. EMV Contactless Book C-3, 5.8,
// and Book C-7, outcome.
func (t *Tap) Decide(balance []byte) emv.Outcome {
	if t.Online && !t.OnlineCapable() {
		t.Decline(emv.ReasonUnable, "the issuer must be asked, and the reader cannot ("+t.opts.Sections.Conclude+")")
	}
	switch {
	case t.Declined():
		return emv.Outcome{
			Status: emv.Declined, Reason: t.declined, Detail: t.detail, CVM: emv.CVMNotApplicable,
			Parameters: Shown(emv.MessageNotAuthorised, emv.UICardReadOK),
		}
	case t.Online:
		o := emv.Outcome{Status: emv.OnlineRequest, CVM: t.CVM, Parameters: Shown(emv.MessageAuthorising, emv.UICardReadOK)}
		o.Receipt = t.CVM == emv.CVMSignature
		return o
	}
	return t.approve(balance)
}

// approve is an offline approval. It is the only place that makes one, and it
// looks at the card's cryptogram and its signature once more.
func (t *Tap) approve(balance []byte) emv.Outcome {
	if t.Cryptogram != CryptogramTC || !t.authenticated {
		return broken(emv.ReasonCryptogram, "approval without a TC that is signed")
	}
	o := emv.Outcome{Status: emv.Approved, CVM: t.CVM, Parameters: Shown(emv.MessageApproved, emv.UICardReadOK)}
	if t.CVM == emv.CVMSignature {
		o.UIOnOutcome.Message, o.Receipt = emv.MessageApprovedSign, true
	}
	if amount, err := tlv.ParseNumeric(balance); err == nil && len(balance) > 0 {
		o.UIOnOutcome.Qualifier, o.UIOnOutcome.ValueMinor = emv.ValueBalance, int64(amount)
		o.UIOnOutcome.Currency = t.opts.Terminal.Currency
	}
	return o
}

// End ends with a card that breaks a rule.
func (t *Tap) End(reason emv.Reason, format string, args ...any) emv.Action {
	return t.Done(broken(reason, fmt.Sprintf(format, args...)))
}

func broken(reason emv.Reason, detail string) emv.Outcome {
	return emv.Outcome{
		Status: emv.EndApplication, Reason: reason, Detail: detail, CVM: emv.CVMNotApplicable,
		Parameters: Shown(emv.MessageTryAnotherCard, emv.UIProcessingError),
	}
}

// Next leaves the card's other applications their turn.
func (t *Tap) Next(detail string) emv.Action {
	return t.Done(emv.Outcome{
		Status: emv.SelectNext, Reason: emv.ReasonNoApplication, Detail: detail, CVM: emv.CVMNotApplicable,
		Parameters: emv.Parameters{Start: emv.RestartC},
	})
}

// OtherInterface sends the cardholder to the slot.
func (t *Tap) OtherInterface(message emv.UIMessage, detail string) emv.Action {
	p := Shown(message, emv.UIProcessingError)
	p.Alternate = emv.InterfaceContact
	return t.Done(emv.Outcome{
		Status: emv.TryAnotherInterface, Reason: contactless.ReasonInterface, Detail: detail, CVM: emv.CVMNotApplicable, Parameters: p,
	})
}

// cardGone asks for the card once more: without the rest of it nothing is
// decided. EMV Contactless Book C-3, 5.8, and Book C-7, outcome.
func (t *Tap) cardGone() emv.Action {
	p := Shown(emv.MessagePresentCardAgain, emv.UIReadyToRead)
	p.Start = emv.RestartB
	return t.Done(emv.Outcome{Status: emv.TryAgain, Reason: emv.ReasonCardRemoved, CVM: emv.CVMNotApplicable, Parameters: p})
}

// Shown are the parameters of an outcome that has a message and no more.
func Shown(message emv.UIMessage, status emv.UIStatus) emv.Parameters {
	return emv.Parameters{UIOnOutcome: &emv.UIRequest{Message: message, Status: status}}
}

// Done gives the outcome with what is known of the card. A cryptogram makes it
// a transaction, which the issuer may want to know of.
func (t *Tap) Done(o emv.Outcome) emv.Action {
	t.state = ended
	if t.authErr != nil {
		o.Detail = strings.TrimPrefix(o.Detail+"; "+t.authErr.Error(), "; ")
	}
	o.Card = t.Known()
	if len(t.Card[tlv.ApplicationCryptogram]) > 0 {
		o.Record = append(t.Objects(recordTags...), t.Objects(t.opts.Record...)...)
		o.Discretionary = append(t.Objects(tlv.AvailableOffline), t.Objects(t.opts.Discretionary...)...)
	}
	return emv.Done{Outcome: o}
}

// recordTags are the data record: what issuer and journal are told, without
// account number and track. EMV Contactless Book C-3, 5.8, and Book C-7,
// outcome.
var recordTags = []tlv.Tag{
	tlv.ApplicationCryptogram, tlv.CryptogramInformation, tlv.IssuerApplicationData, tlv.UnpredictableNumber,
	tlv.ATC, tlv.TVR, tlv.TransactionDate, tlv.TransactionType, tlv.AmountAuthorised, tlv.TransactionCurrency,
	tlv.AIP, tlv.TerminalCountry, tlv.AmountOther, tlv.TerminalCapabilities, tlv.TerminalType, tlv.DeviceSerial,
	tlv.DFName, tlv.SequenceCounter, tlv.PANSequence, tlv.EntryMode, tlv.TTQ, tlv.CTQ, tlv.CardRelatedData,
	tlv.CustomerExclusive, tlv.FormFactor,
}
