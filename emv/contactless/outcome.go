package contactless

import (
	"fmt"
	"slices"

	"github.com/cloudpos/cloudpos/emv"
)

// ReasonInterface is the reason of an Outcome that sends the cardholder to
// another interface: this cannot be tapped.
const ReasonInterface emv.Reason = "another interface"

// arcUnable is the authorisation response code of a terminal that could not
// ask. EMV 4.4 Book 4, A6.
const arcUnable = "Z3"

// conclude processes an outcome: its message, then the field, then where it
// leads to. EMV Contactless Book B, 3.5.1.1 and 3.5.1.2.
func (p *EntryPoint) conclude(o emv.Outcome) (emv.Action, error) {
	return p.show(o.UIOnOutcome, func() (emv.Action, error) {
		if o.FieldOff == nil {
			return p.follow(o)
		}
		return p.perform(emv.Field{Hold: *o.FieldOff}, func() (emv.Action, error) { return p.follow(o) }), nil
	})
}

// follow goes where the outcome leads. EMV Contactless Book B, 3.5.1.3 and
// 3.5.1.4.
func (p *EntryPoint) follow(o emv.Outcome) (emv.Action, error) {
	switch o.Status {
	case emv.SelectNext:
		p.start = emv.RestartC
		return p.nextCandidate()
	case emv.TryAgain:
		p.start, p.restarted = emv.RestartB, true
		return p.show(o.UIOnRestart, p.activate)
	case emv.OnlineRequest:
		return p.ask(o)
	case emv.EndApplication:
		if o.Start != emv.RestartNone {
			return p.reenter(o), nil
		}
		return p.end(o), nil
	case emv.Approved, emv.Declined, emv.TryAnotherInterface:
		return p.end(o), nil
	}
	return nil, fmt.Errorf("contactless: a kernel ends with status %d", o.Status)
}

// reenter starts again at another place. EMV Contactless Book A, 8.1.1.9.
func (p *EntryPoint) reenter(o emv.Outcome) emv.Action {
	return p.perform(emv.Reenter{Outcome: o}, func() (emv.Action, error) {
		p.restarted, p.pending = true, o.UIOnRestart
		return p.enter(o.Start)
	})
}

// ask has the issuer asked, after the PIN if it is to be sent along. There is
// one answer to a transaction: a kernel that has it cannot ask for another.
func (p *EntryPoint) ask(o emv.Outcome) (emv.Action, error) {
	if p.host != nil {
		o.Status, o.Reason, o.Detail = emv.EndApplication, emv.ReasonCryptogram, "another Online Request after the issuer's answer"
		return p.end(o), nil
	}
	p.request = &o
	if o.CVM == emv.CVMOnlinePIN {
		p.state = enteringPIN
		return emv.EnterPIN{Card: copied(o.Card)}, nil
	}
	return p.goOnline(), nil
}

// pinEntered goes on with the PIN. Without one the issuer is not asked: the
// kernel has promised it.
func (p *EntryPoint) pinEntered(r emv.PINResult) (emv.Action, error) {
	if r.Status == emv.PINEntered {
		return p.goOnline(), nil
	}
	o := *p.request
	o.Status, o.Reason, o.CVM = emv.Declined, emv.ReasonTerminal, emv.CVMFailed
	o.Detail = "the kernel demands an online PIN, and there is none"
	return p.end(o), nil
}

func (p *EntryPoint) goOnline() emv.Action {
	p.state = askingHost
	return emv.GoOnline{Card: copied(p.request.Card), CVM: p.request.CVM, Data: p.request.Record, Parameters: p.request.Parameters}
}

// hostAnswered takes the issuer's answer back to the card, if the kernel waits
// for such a one. A card that was waited with for nothing may go. EMV
// Contactless Book A, 6.2, Online Response Data.
func (p *EntryPoint) hostAnswered(h emv.HostResult) (emv.Action, error) {
	const arcSize = 2
	if h.Online && len(h.ARC) != arcSize {
		return nil, fmt.Errorf("%w: host answer with ARC %q", emv.ErrUnexpected, h.ARC)
	}
	p.host = &h
	o := *p.request
	further := p.decided
	waited := o.Start != emv.RestartNone && o.Answer != emv.AnswerNone
	if waited && h.Online && (p.dataForCard() || o.Answer == emv.AnswerAny) {
		further = func() (emv.Action, error) { return p.reenter(o), nil }
	}
	if waited && !p.dataForCard() {
		return p.show(&emv.UIRequest{Message: emv.MessageCardReadOK, Status: emv.UICardReadOK}, further)
	}
	return further()
}

// dataForCard tells whether the issuer has answered with something for the
// card.
func (p *EntryPoint) dataForCard() bool {
	return p.host != nil && p.host.Online && len(p.host.IssuerAuth)+len(p.host.Scripts) > 0
}

// updating tells whether the next tap takes the issuer's answer to the card:
// the same application of it is selected then, without the directory. EMV
// Contactless Book B, 3.3.2.1.
func (p *EntryPoint) updating() bool { return p.start == emv.RestartB && p.dataForCard() }

// decided ends as the issuer says. Without an answer it is declined: a
// contactless card has no second cryptogram. EMV Contactless Book A, 6.2.
func (p *EntryPoint) decided() (emv.Action, error) {
	o := *p.request
	o.UIOnOutcome, o.UIOnRestart, o.Start, o.Answer = nil, nil, emv.RestartNone, emv.AnswerNone
	switch {
	case !p.host.Online:
		o.Status, o.Reason = emv.Declined, emv.ReasonUnable
	case p.host.Approved:
		o.Status, o.Reason, o.Detail = emv.Approved, "", ""
	default:
		o.Status, o.Reason = emv.Declined, emv.ReasonIssuer
	}
	return p.end(o), nil
}

// end gives the outcome, with what the issuer has to do with it. What the
// issuer declined is not approved, whatever a kernel says.
func (p *EntryPoint) end(o emv.Outcome) emv.Action {
	p.dropKernel()
	p.state = ended
	o.Card = copied(o.Card)
	if p.host == nil {
		return emv.Done{Outcome: o}
	}
	o.Online, o.ARC = p.host.Online, p.host.ARC
	if !o.Online {
		o.ARC = arcUnable
	}
	if o.Status == emv.Approved && !p.host.Approved {
		o.Status, o.Reason = emv.Declined, emv.ReasonIssuer
	}
	o.HostApproved = p.host.Online && p.host.Approved && o.Status != emv.Approved
	return emv.Done{Outcome: o}
}

// endless ends what would never.
func (p *EntryPoint) endless() emv.Action {
	return p.end(emv.Outcome{
		Status: emv.EndApplication, Reason: emv.ReasonEndless, CVM: emv.CVMNotApplicable,
		Detail: fmt.Sprintf("%d steps, %d activations", p.steps, p.activations),
	})
}

// copied lets whoever gets a card clear it.
func copied(c emv.Card) emv.Card {
	c.PAN, c.Track2 = slices.Clone(c.PAN), slices.Clone(c.Track2)
	return c
}
