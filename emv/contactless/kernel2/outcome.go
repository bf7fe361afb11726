package kernel2

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// ReasonPhone is the reason of an Outcome that lets the cardholder look at the
// phone and tap again.
const ReasonPhone emv.Reason = "see phone"

// The error indication, DF8115: a transmission that failed, and what the kernel
// found wrong. EMV Contactless Book C-2, Annex A.
const (
	l1Transmission = 0x02
	l2Missing      = 0x01
	l2CAM          = 0x02 // the card is not genuine
	l2Status       = 0x03
	l2Parsing      = 0x04
	l2MaxLimit     = 0x05
	l2CardData     = 0x06
	l2MagStripe    = 0x07
)

// failure is a card that breaks a rule; Step makes an Outcome of it.
type failure struct {
	reason emv.Reason
	detail string
	l2     byte
	status uint16 // if that is what is wrong
	next   bool   // another application may do better
}

// Error makes a failure an error inside the kernel; it never leaves it.
func (f failure) Error() string { return string(f.reason) + ": " + f.detail }

func malformed(format string, args ...any) failure {
	return failure{reason: emv.ReasonCardData, l2: l2Parsing, detail: fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) failure {
	return failure{reason: emv.ReasonCardData, l2: l2Missing, detail: fmt.Sprintf(format, args...)}
}

func wrong(format string, args ...any) failure {
	return failure{reason: emv.ReasonCardData, l2: l2CardData, detail: fmt.Sprintf(format, args...)}
}

func statusFailure(status uint16, format string, args ...any) failure {
	return failure{reason: emv.ReasonCardStatus, l2: l2Status, status: status, detail: fmt.Sprintf(format, args...)}
}

// fail ends the tap, or leaves the application for the next one.
func (t *tap) fail(f failure) emv.Action {
	o := emv.Outcome{Status: emv.EndApplication, Reason: f.reason, Detail: f.detail, CVM: emv.CVMNotApplicable}
	t.indication[1] = f.l2
	t.indication[3], t.indication[4] = byte(f.status>>8), byte(f.status)
	if f.next {
		o.Status, o.Start = emv.SelectNext, emv.RestartC
		return t.done(o)
	}
	o.UIOnOutcome = t.message(emv.MessageTryAnotherCard, emv.UINotReady)
	t.indication[5] = byte(emv.MessageTryAnotherCard)
	return t.done(o)
}

// cardGone ends the tap and waits for another. Until the card knows of the sale
// nothing has happened; a cryptogram that did not come may be recovered. EMV
// Contactless Book C-2, states 3, 4, 9 and 10.
func (t *tap) cardGone() emv.Action {
	o := emv.Outcome{
		Status: emv.EndApplication, Reason: emv.ReasonCardRemoved, Detail: "while " + t.state.String(), CVM: emv.CVMNotApplicable,
	}
	switch t.state {
	case initiating:
		o.Status = emv.TryAgain
	case readingNewBalance:
		return t.cardRead()
	case generating:
		t.tear()
	case idle, racing, reading, readingBalance, recovering, checking, showing, ended:
	}
	t.indication[0], t.indication[5] = l1Transmission, byte(emv.MessagePresentCardAgain)
	o.Start = emv.RestartB
	o.UIOnRestart = &emv.UIRequest{
		Message: emv.MessagePresentCardAgain, Status: emv.UIReadyToRead, Language: string(t.Card[tlv.LanguagePreference]),
	}
	return t.done(o)
}

// message is one for the cardholder.
func (t *tap) message(m emv.UIMessage, status emv.UIStatus) *emv.UIRequest {
	return &emv.UIRequest{Message: m, Status: status, Hold: t.app.MessageHold, Language: string(t.Card[tlv.LanguagePreference])}
}

// cardRead decides. EMV Contactless Book C-2, state 15.
func (t *tap) cardRead() emv.Action {
	for _, tag := range []tlv.Tag{
		tlv.ApplicationCryptogram, tlv.CryptogramInformation, tlv.ATC, tlv.IssuerApplicationData,
	} {
		t.Card[tag] = t.generated[tag]
	}
	o := t.conclude()
	o.Record = t.Objects(recordTags...)
	return t.readOK(o)
}

// readOK tells that the card may go. EMV Contactless Book C-2, states 13 and 15.
func (t *tap) readOK(o emv.Outcome) emv.Action {
	t.outcome, t.state = o, showing
	return emv.Show{Request: emv.UIRequest{
		Message: emv.MessageNone, Status: emv.UICardReadOK, Language: string(t.Card[tlv.LanguagePreference]),
	}}
}

// conclude is what follows from the cryptogram. EMV Contactless Book C-2,
// states 9 and 10 (S910).
func (t *tap) conclude() emv.Outcome {
	switch t.cryptogram() {
	case cryptogramTC:
		return t.approve()
	case cryptogramARQC:
		o := emv.Outcome{Status: emv.OnlineRequest, CVM: t.cvm}
		o.UIOnOutcome, o.Receipt = t.message(emv.MessageAuthorising, emv.UINotReady), t.receipt
		o.UIOnOutcome.Hold = 0
		return o
	case cryptogramAAC:
	}
	return t.declined()
}

// approve is the only place that does, and it looks at the signature once more.
func (t *tap) approve() emv.Outcome {
	if !t.signing.verified {
		return emv.Outcome{
			Status: emv.EndApplication, Reason: emv.ReasonCryptogram, Detail: "a TC that nobody signed", CVM: emv.CVMNotApplicable,
		}
	}
	o := emv.Outcome{Status: emv.Approved, CVM: t.cvm}
	o.UIOnOutcome, o.Receipt = t.message(emv.MessageApproved, emv.UINotReady), t.receipt
	if t.cvm == emv.CVMSignature {
		o.UIOnOutcome.Message = emv.MessageApprovedSign
	}
	balance, read := t.Terminal[tagBalanceAfter]
	if amount, err := tlv.ParseNumeric(balance); read && err == nil {
		currency, _ := tlv.ParseNumeric(t.Card[tlv.ApplicationCurrency])
		o.UIOnOutcome.Qualifier, o.UIOnOutcome.ValueMinor = emv.ValueBalance, int64(amount)
		o.UIOnOutcome.Currency = uint16(currency)
	}
	return o
}

// Transaction types, 9C, that may be tried over another interface.
var typesOfPurchase = []byte{0x00, 0x01, 0x09, 0x17}

// declined is what follows an AAC. A card that has contacts is inserted; a
// phone is not. EMV Contactless Book C-2, states 9 and 10 (S910).
func (t *tap) declined() emv.Outcome {
	o := emv.Outcome{Status: emv.Declined, Reason: emv.ReasonCard, Detail: "AAC (Book C-2, S910)", CVM: t.cvm}
	if t.requested == cryptogramAAC {
		o.Reason, o.Detail = emv.ReasonTerminal, "action codes (Book C-2, S456)"
	}
	o.Receipt = t.receipt
	switch {
	case !slices.Contains(typesOfPurchase, t.tx.Type):
		o.Status = emv.EndApplication
		o.UIOnOutcome = t.message(emv.MessageNone, emv.UINotReady)
	case t.Terminal[tlv.TerminalCapabilities][0]&capContact == 0 || t.isDevice():
		o.UIOnOutcome = t.message(emv.MessageNotAuthorised, emv.UINotReady)
	default:
		o.Status, o.Reason, o.Alternate = emv.TryAnotherInterface, contactless.ReasonInterface, emv.InterfaceContact
		o.UIOnOutcome = t.message(emv.MessageInsertCard, emv.UINotReady)
	}
	return o
}

// isDevice looks into the third party data, 9F6E: country 2, identifier 2,
// device type 2 unless the identifier's first bit is set, and more. Device type
// "00" is a card. EMV Contactless Book C-2, Annex A.
func (t *tap) isDevice() bool {
	const identifierAt, typeAt, typeEnd, noType = 2, 4, 6, 0x80
	v := t.Card[tagThirdParty]
	return len(v) >= typeEnd && v[identifierAt]&noType == 0 && string(v[typeAt:typeEnd]) != "00"
}

// recordTags are the data record, FF8105, without account number, expiry and
// track, which an Outcome has elsewhere, and with the counter and entry mode that
// issuers get from all kernels. EMV Contactless Book C-2, Annex A.
var recordTags = []tlv.Tag{
	tlv.AmountAuthorised, tlv.AmountOther, tlv.ApplicationCryptogram, tlv.AIP, tlv.ApplicationLabel, tlv.PANSequence,
	tlv.PreferredName, tlv.ATC, tlv.ApplicationUsageControl, tlv.TerminalVersion, tlv.CryptogramInformation,
	tlv.CVMResults, tlv.DFName, tlv.DeviceSerial, tlv.IssuerApplicationData, tlv.CodeTableIndex,
	tlv.PaymentAccountReference, tlv.TerminalCapabilities, tlv.TerminalCountry, tlv.TerminalType, tlv.TVR,
	tlv.TransactionCategory, tlv.TransactionCurrency, tlv.TransactionDate, tlv.TransactionType,
	tlv.UnpredictableNumber, tlv.SequenceCounter, tlv.EntryMode,
}

// discretionaryTags are FF8106, with what comes at its end.
var discretionaryTags = []tlv.Tag{
	tagCapabilities, tlv.ApplicationCurrency, tagBalanceBefore, tagBalanceAfter, tagErrorIndication, tagThirdParty, tagTornTransaction,
}

// done gives the outcome with what is known of the card.
func (t *tap) done(o emv.Outcome) emv.Action {
	t.state = ended
	if t.signing.err != nil && o.Status != emv.Approved {
		o.Detail = strings.TrimPrefix(o.Detail+"; "+t.signing.err.Error(), "; ")
	}
	if t.can(canFieldOff) && o.Status != emv.SelectNext {
		hold := t.app.FieldOff
		o.FieldOff = &hold
	}
	o.Card = t.Known()
	t.Terminal[tagErrorIndication] = t.indication[:]
	if len(t.fallen) > 0 {
		t.Terminal[tagTornTransaction] = t.fallen
	}
	o.Discretionary = t.Objects(discretionaryTags...)
	return emv.Done{Outcome: o}
}
