package contactless

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv"
)

// Idle is what a reader does while there is no transaction: it keeps its field
// off and says welcome. One that runs by itself is ready for a card at any
// time. EMV Contactless Book A, 5.8.
func Idle(autorun bool) []emv.Action {
	if autorun {
		return []emv.Action{emv.Field{On: true}, emv.Show{Request: emv.UIRequest{
			Message: emv.MessagePresentCard, Status: emv.UIReadyToRead,
		}}}
	}
	return []emv.Action{emv.Field{}, emv.Show{Request: emv.UIRequest{
		Message: emv.MessageWelcome, Status: emv.UIIdle,
	}}}
}

// activate has the field switched on and a card awaited. The candidates of an
// earlier tap are forgotten, unless the issuer's answer must go to that very
// card. EMV Contactless Book B, 3.2.1.1.
func (p *EntryPoint) activate() (emv.Action, error) {
	if p.activations == activationsMax {
		return p.endless(), nil
	}
	p.activations++
	if !p.updating() {
		p.candidates = nil
	}
	return p.perform(emv.Field{On: true}, p.await), nil
}

func (p *EntryPoint) await() (emv.Action, error) {
	p.state = awaitingCard
	return emv.AwaitCard{}, nil
}

// cardAwaited takes the card, or asks for one alone. A card that did not come
// up is polled for anew. EMV Contactless Book B, 3.2.1.
func (p *EntryPoint) cardAwaited(e emv.Event) (emv.Action, error) {
	switch e.(type) {
	case emv.Start:
		if p.updating() {
			return p.selectApplication(p.selected), nil
		}
		return p.selectPPSE()
	case emv.Collision:
		return p.perform(emv.Show{Request: emv.UIRequest{
			Message: emv.MessageOneCardOnly, Status: emv.UIProcessingError,
		}}, func() (emv.Action, error) {
			p.state = awaitingClear
			return emv.AwaitClear{}, nil
		}), nil
	case emv.CardGone:
		return p.activate()
	case emv.NoCard:
		return p.nobody()
	}
	return nil, fmt.Errorf("%w: %T while %v", emv.ErrUnexpected, e, p.state)
}

// cleared asks again as before the collision.
func (p *EntryPoint) cleared(e emv.Event) (emv.Action, error) {
	switch e.(type) {
	case emv.Cleared:
		return p.show(&p.prompt, p.activate)
	case emv.NoCard:
		return p.nobody()
	}
	return nil, fmt.Errorf("%w: %T while %v", emv.ErrUnexpected, e, p.state)
}

// nobody leaves it at what the issuer has said, if it has: the card does not
// come back for it.
func (p *EntryPoint) nobody() (emv.Action, error) {
	if p.host == nil {
		return nil, fmt.Errorf("%w: no card, and no answer of the issuer", emv.ErrUnexpected)
	}
	return p.decided()
}
