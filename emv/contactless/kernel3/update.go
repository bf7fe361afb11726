package kernel3

import (
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/script"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// The issuer's answer and its way to the card, at a second tap.

// Lengths of issuer authentication data, 91. EMV 4.4 Book 3, Annex A.
const issuerAuthMin, issuerAuthMax = 8, 16

const insExternalAuthenticate = 0x82

// ask wants the issuer asked. A card and a reader that both can take its answer
// to the card at a second tap. EMV Contactless Book C-3, 5.8.
func (t *tap) ask() emv.Action {
	o := emv.Outcome{Status: emv.OnlineRequest, CVM: t.cvm, Parameters: shown(emv.MessageAuthorising, emv.UICardReadOK)}
	o.Receipt = t.cvm == emv.CVMSignature
	if t.ttq.has(ttqIssuerUpdate) && t.ctq.has(ctqIssuerUpdate) {
		o.Start, o.Answer = emv.RestartB, emv.AnswerEMVData
		o.UIOnRestart = &emv.UIRequest{Message: emv.MessagePresentCardAgain, Status: emv.UIReadyToRead}
		o.FieldOff = new(time.Duration)
	}
	return t.done(o)
}

// update takes the issuer's answer to the card. EMV Contactless Book C-3, 5.9.
func (t *tap) update() (emv.Action, error) {
	host := t.a.Host
	t.before, t.after = script.Parse(host.Scripts)
	if len(host.IssuerAuth) < issuerAuthMin || len(host.IssuerAuth) > issuerAuthMax {
		return t.nextScript()
	}
	t.state = authenticatingIssuer
	return emv.Transmit{Command: apdu.Command(0, insExternalAuthenticate, 0, 0, host.IssuerAuth)}, nil
}

// nextScript sends the next command of the issuer's scripts, whether the card
// trusts the issuer or not: it checks each of them itself.
func (t *tap) nextScript() (emv.Action, error) {
	for _, list := range []*script.List{&t.before, &t.after} {
		if command, more := list.Next(); more {
			t.state, t.sending = scripting, list
			return emv.Transmit{Command: command}, nil
		}
	}
	return t.updated(), nil
}

func (t *tap) scriptAnswered(response []byte) (emv.Action, error) {
	t.sending.Answer(apdu.Status(response))
	return t.nextScript()
}

// updateCut takes that the card left: the rest of the scripts has failed.
func (t *tap) updateCut() emv.Action {
	if t.state == scripting {
		t.sending.Break()
	}
	return t.updated()
}

// updated ends as the issuer has said, with what was known of the card at its
// first tap, and tells what became of the scripts. EMV Contactless Book C-3,
// 5.9.
func (t *tap) updated() emv.Action {
	t.state = ended
	o := *t.a.Request
	discretionary := o.Discretionary
	o.Status, o.Reason, o.Parameters = emv.Approved, "", shown(emv.MessageApproved, emv.UICardReadOK)
	if o.CVM == emv.CVMSignature {
		o.UIOnOutcome.Message, o.Receipt = emv.MessageApprovedSign, true
	}
	if !t.a.Host.Approved {
		o.Status, o.Reason, o.Parameters = emv.Declined, emv.ReasonIssuer, shown(emv.MessageNotAuthorised, emv.UICardReadOK)
	}
	o.Discretionary = discretionary
	if results := slices.Concat(t.before.Results(), t.after.Results()); len(results) > 0 {
		o.Record = tlv.Append(slices.Clone(o.Record), tlv.ScriptResults, results)
	}
	return emv.Done{Outcome: o}
}
