package emv

import "fmt"

// The reasons of an Outcome.
const (
	ReasonCardRemoved   Reason = "card removed"
	ReasonCardBlocked   Reason = "card blocked"                 // 6A81 on SELECT
	ReasonNoApplication Reason = "no application"               // none in common, or none left
	ReasonNotChosen     Reason = "application not chosen"       // the cardholder wanted none
	ReasonCardData      Reason = "card data"                    // missing, malformed or given twice
	ReasonCardStatus    Reason = "card status"                  // an SW that the rules do not allow
	ReasonNotAllowed    Reason = "service not allowed"          // the card says so in its AAC
	ReasonCryptogram    Reason = "cryptogram"                   // more than was asked for
	ReasonEndless       Reason = "too many steps"               // the card never comes to an end
	ReasonTerminal      Reason = "declined by terminal"         // action codes, offline
	ReasonSignature     Reason = "signature wrong"              // CDA or XDA failed, whatever the cryptogram says
	ReasonCard          Reason = "declined by card"             // an AAC where more was asked for
	ReasonIssuer        Reason = "declined by issuer"           // the host's answer
	ReasonReferral      Reason = "referral"                     // the issuer wants to be called first
	ReasonUnable        Reason = "unable to go online"          // action codes, without an answer
	ReasonCardOverruled Reason = "card declined after approval" // the host must be told
)

// refusal is a card that breaks a rule; Step makes an Outcome of it.
type refusal struct {
	reason Reason
	detail string
}

// Error makes a refusal an error inside the kernel; it never leaves it.
func (r refusal) Error() string { return string(r.reason) + ": " + r.detail }

func refuse(reason Reason, format string, args ...any) error {
	return refusal{reason: reason, detail: fmt.Sprintf(format, args...)}
}
