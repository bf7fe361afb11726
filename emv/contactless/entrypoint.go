// Package contactless is the Entry Point of tapped cards: EMV Contactless
// Books A and B as a machine without I/O.
//
// An EntryPoint is an emv.Machine. It looks which combinations of application
// and kernel the sale allows, has the field switched on and a card awaited,
// selects the combination that card and reader like best, and activates its
// kernel. What the kernel concludes it turns into messages, restarts, a
// question to the issuer or the end. A kernel is in its turn a machine: package
// contactless knows the interface Kernel only, and sub-packages implement it.
//
//	p, err := contactless.New(cfg, tx, emv.RestartA)
//	action, err := p.Step(emv.Begin{})
//	for {
//		switch a := action.(type) {
//		case emv.Show:       // show a.Request, then Step(emv.Performed{})
//		case emv.Field:      // switch the field, then Step(emv.Performed{})
//		case emv.AwaitCard:  // poll, then Step(emv.Start{}) or emv.Collision
//		case emv.AwaitClear: // poll, then Step(emv.Cleared{})
//		case emv.Transmit:   // send a.Command, then Step(emv.Response{...})
//		case emv.EnterPIN:   // ask, then Step(emv.PINResult{...})
//		case emv.GoOnline:   // ask the issuer, then Step(emv.HostResult{...})
//		case emv.Reenter:    // Step(emv.Performed{}), or leave it at that
//		case emv.Done:       // a.Outcome; switch the field off
//		}
//	}
//
// A command that was not answered is emv.CardGone instead of emv.Response.
package contactless

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv"
)

// Bounds of a conversation. Each activation is a person who holds a card to
// the reader.
const (
	stepsMax       = 4000
	activationsMax = 32
)

// state is what the Entry Point waits for.
type state uint8

const (
	idle state = iota
	performing
	awaitingCard
	awaitingClear
	selectingPPSE
	selectingApplication
	runningKernel
	enteringPIN
	askingHost
	ended
)

var stateNames = [...]string{
	idle: "idle", performing: "performing", awaitingCard: "awaiting a card", awaitingClear: "awaiting an empty field",
	selectingPPSE: "selecting the PPSE", selectingApplication: "selecting an application", runningKernel: "running a kernel",
	enteringPIN: "entering a PIN", askingHost: "asking the host", ended: "ended",
}

// String names the state for errors.
func (s state) String() string { return stateNames[s] }

// An EntryPoint is one transaction at the antenna, however often a card is
// tapped for it. It is not safe for concurrent use.
type EntryPoint struct {
	cfg         Config
	tx          emv.Transaction
	start       emv.Restart // where it was entered last
	restarted   bool
	state       state
	steps       int
	activations int

	combinations []combination // of the transaction's type
	candidates   []candidate   // the best one first
	selected     candidate
	fci          []byte // of the selected application, with the status word

	then    func() (emv.Action, error) // once an action is performed
	prompt  emv.UIRequest              // what the cardholder was asked for last
	pending *emv.UIRequest             // UI Request on Restart

	kernel  emv.Machine
	request *emv.Outcome // an Online Request
	host    *emv.HostResult
}

// New checks the configuration and prepares one transaction. The Entry Point
// begins at emv.RestartA, or at emv.RestartB if the reader runs by itself
// ("autorun") with an amount that it knew beforehand. EMV Contactless Book A,
// 5.8 and Book B, 3.2.1.1.
func New(cfg Config, tx emv.Transaction, at emv.Restart) (*EntryPoint, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("contactless: configuration: %w", err)
	}
	if tx.AmountMinor < 0 || tx.AmountMinor > amountMaxMinor || tx.OtherMinor < 0 || tx.OtherMinor > tx.AmountMinor {
		return nil, fmt.Errorf("contactless: amount %d, other %d", tx.AmountMinor, tx.OtherMinor)
	}
	if at != emv.RestartA && at != emv.RestartB {
		return nil, fmt.Errorf("contactless: a transaction cannot begin at start %d", at)
	}
	return &EntryPoint{cfg: cfg, tx: tx, start: at, combinations: combinationsFor(cfg.Combinations, tx)}, nil
}

// Step takes what happened and says what to do. An error is a bug of caller or
// kernel; the caller reverses and gives up.
func (p *EntryPoint) Step(e emv.Event) (emv.Action, error) {
	if p.state == ended {
		return nil, fmt.Errorf("%w: %T, the transaction has ended", emv.ErrUnexpected, e)
	}
	if p.steps == stepsMax {
		return p.endless(), nil
	}
	action, err := p.step(e)
	if err == nil {
		p.steps++
	}
	return action, err
}

// step hands the event to the stage that waits for it.
func (p *EntryPoint) step(e emv.Event) (emv.Action, error) {
	switch p.state {
	case idle:
		return take(p, e, func(emv.Begin) (emv.Action, error) { return p.enter(p.start) })
	case performing:
		return take(p, e, func(emv.Performed) (emv.Action, error) { return p.then() })
	case awaitingCard:
		return p.cardAwaited(e)
	case awaitingClear:
		return p.cleared(e)
	case selectingPPSE:
		return p.answered(e, p.ppseSelected)
	case selectingApplication:
		return p.answered(e, p.applicationSelected)
	case runningKernel:
		return p.run(e)
	case enteringPIN:
		return take(p, e, p.pinEntered)
	case askingHost:
		return take(p, e, p.hostAnswered)
	case ended:
		// Step does not let it come here.
	}
	return nil, fmt.Errorf("%w: %T while %v", emv.ErrUnexpected, e, p.state)
}

// take calls the stage if the event is the one that it takes.
func take[E emv.Event](p *EntryPoint, e emv.Event, stage func(E) (emv.Action, error)) (emv.Action, error) {
	fitting, ok := e.(E)
	if !ok {
		return nil, fmt.Errorf("%w: %T while %v", emv.ErrUnexpected, e, p.state)
	}
	return stage(fitting)
}

// answered hands the answer to a SELECT on. Without one, a card is awaited
// anew. EMV Contactless Book B, 3.3.3.7.
func (p *EntryPoint) answered(e emv.Event, stage func(response []byte) (emv.Action, error)) (emv.Action, error) {
	if _, gone := e.(emv.CardGone); gone {
		return p.activate()
	}
	return take(p, e, func(r emv.Response) (emv.Action, error) { return stage(r.Data) })
}

// enter begins at a start. The cardholder is told what to do first. EMV
// Contactless Book B, 3.2.1.2.
func (p *EntryPoint) enter(at emv.Restart) (emv.Action, error) {
	p.start = at
	prompt := emv.UIRequest{Message: emv.MessagePresentCard, Status: emv.UIReadyToRead}
	if p.pending != nil {
		prompt, p.pending = *p.pending, nil
	}
	return p.show(&prompt, func() (emv.Action, error) {
		switch at {
		case emv.RestartA:
			return p.preprocess()
		case emv.RestartB:
			return p.activate()
		case emv.RestartC:
			return p.selectBest()
		case emv.RestartD:
			return p.activateKernel()
		case emv.RestartNone:
			// Nothing is entered there.
		}
		return nil, fmt.Errorf("contactless: restart at %d", at)
	})
}

// show shows a message, if there is one, and goes on.
func (p *EntryPoint) show(request *emv.UIRequest, then func() (emv.Action, error)) (emv.Action, error) {
	if request == nil {
		return then()
	}
	p.prompt = *request
	return p.perform(emv.Show{Request: *request}, then), nil
}

// perform gives an action that has no result, and goes on once it is done.
func (p *EntryPoint) perform(a emv.Action, then func() (emv.Action, error)) emv.Action {
	p.state, p.then = performing, then
	return a
}

// Clear overwrites what was learnt of the card. The Entry Point is of no
// further use; Outcomes that it gave keep their own copies.
func (p *EntryPoint) Clear() {
	p.dropKernel()
	if p.request != nil {
		p.request.Card.PAN.Clear()
		p.request.Card.Track2.Clear()
	}
	p.state = ended
}
