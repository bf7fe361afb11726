package kernel3

import (
	"fmt"
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
	"github.com/cloudpos/cloudpos/emv/script"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// The issuer's answer and its way to the card, at a second tap.

// Lengths of issuer authentication data, 91. EMV 4.4 Book 3, Annex A.
const issuerAuthMin, issuerAuthMax = 8, 16

const insExternalAuthenticate = 0x82

// updating is what an update waits for.
type updating uint8

const (
	idle updating = iota
	authenticating
	scripting
	ended
)

var updatingNames = [...]string{
	idle: "idle", authenticating: "authenticating the issuer", scripting: "running scripts", ended: "ended",
}

// String names it for errors.
func (u updating) String() string { return updatingNames[u] }

// update is the machine of a second tap. EMV Contactless Book C-3, 5.9.
type update struct {
	a             contactless.Activation
	state         updating
	before, after script.List
	sending       *script.List // the one whose command was sent last
}

// Step takes what happened and says what to do. An error is a bug in the
// caller.
func (u *update) Step(e emv.Event) (emv.Action, error) {
	switch e := e.(type) {
	case emv.Begin:
		if u.state == idle {
			return u.begin(), nil
		}
	case emv.Response:
		switch u.state {
		case authenticating:
			return u.next(), nil
		case scripting:
			u.sending.Answer(apdu.Status(e.Data))
			return u.next(), nil
		case idle, ended:
		}
	case emv.CardGone:
		switch u.state {
		case scripting:
			u.sending.Break()
			return u.done(), nil
		case authenticating:
			return u.done(), nil
		case idle, ended:
		}
	}
	return nil, fmt.Errorf("%w: %T while %v", emv.ErrUnexpected, e, u.state)
}

// begin proves the issuer to the card. EMV Contactless Book C-3, 5.9.
func (u *update) begin() emv.Action {
	host := u.a.Host
	u.before, u.after = script.Parse(host.Scripts)
	if len(host.IssuerAuth) < issuerAuthMin || len(host.IssuerAuth) > issuerAuthMax {
		return u.next()
	}
	u.state = authenticating
	return emv.Transmit{Command: apdu.Command(0, insExternalAuthenticate, 0, 0, host.IssuerAuth)}
}

// next sends the next command of the issuer's scripts, whether the card trusts
// the issuer or not: it checks each of them itself. What a card leaves behind
// when it goes has failed.
func (u *update) next() emv.Action {
	for _, list := range []*script.List{&u.before, &u.after} {
		if command, more := list.Next(); more {
			u.state, u.sending = scripting, list
			return emv.Transmit{Command: command}
		}
	}
	return u.done()
}

// done ends as the issuer has said, with what was known of the card at its
// first tap, and tells what became of the scripts. EMV Contactless Book C-3,
// 5.9.
func (u *update) done() emv.Action {
	u.state = ended
	o := *u.a.Request
	o.Status, o.Reason, o.Parameters = emv.Approved, "", updated(emv.MessageApproved, o.Discretionary)
	if o.CVM == emv.CVMSignature {
		o.UIOnOutcome.Message, o.Receipt = emv.MessageApprovedSign, true
	}
	if !u.a.Host.Approved {
		o.Status, o.Reason, o.Parameters = emv.Declined, emv.ReasonIssuer, updated(emv.MessageNotAuthorised, o.Discretionary)
	}
	if results := slices.Concat(u.before.Results(), u.after.Results()); len(results) > 0 {
		o.Record = tlv.Append(slices.Clone(o.Record), tlv.ScriptResults, results)
	}
	return emv.Done{Outcome: o}
}

// updated are the parameters of its outcome.
func updated(message emv.UIMessage, discretionary []byte) emv.Parameters {
	p := quick.Shown(message, emv.UICardReadOK)
	p.Discretionary = discretionary
	return p
}
