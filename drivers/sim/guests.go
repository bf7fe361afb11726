package sim

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

// pollsToPass is how often the terminal looks into the slot alone until one who
// holds a card without contacts sees that he was sent there.
const pollsToPass = 5

// applyGuest lets a customer or visitor come, to the slot or to the antenna, or
// sends him away.
func (s *Shop) applyGuest(r request) error {
	visits, name := r.Cmd == "visit", r.Card
	if !visits {
		name = r.Customer.Card
	}
	if visits && name == "" || !visits && !r.Customer.Auto {
		s.come(visits, nil, nil, 0)
		return nil
	}
	card, tap := s.cards[name], s.taps[name]
	if card == nil && tap == nil {
		return fmt.Errorf("%w: %q", ErrCard, name)
	}
	s.come(visits, card, tap, r.conn)
	return nil
}

// come changes who comes by himself; without a card it is nobody.
func (s *Shop) come(visits bool, card *Card, tap *Tapped, conn int) {
	r, a := s.reader, s.antenna
	r.mu.Lock()
	if visits {
		r.visit(card, conn)
	} else {
		r.serve(card)
	}
	r.elsewhere = visits && tap != nil
	r.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if visits {
		a.visit(tap, conn)
	} else {
		a.serve(tap)
	}
	a.elsewhere = visits && card != nil
}

// hungUp ends what a connection to the control socket held.
func (s *Shop) hungUp(conn int) {
	s.wiring.release(conn)
	s.reader.mu.Lock()
	held := s.reader.visitor != nil && s.reader.host == conn
	s.reader.mu.Unlock()
	s.antenna.mu.Lock()
	held = held || s.antenna.visitor != nil && s.antenna.host == conn
	s.antenna.mu.Unlock()
	if held {
		s.come(true, nil, nil, 0)
	}
}

// atThePad lets a card's owner step to the keys. A visitor types by himself,
// whoever else is told to wait for a hand.
func (s *Shop) atThePad(p issuer.Profile, visits bool) { s.hand.serve(p.Name, p.Keys, visits) }

// passed notes that the terminal looks into the slot. One who could only tap
// gives up when it does so without looking at its antenna.
func (a *antenna) passed() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unseen++
}

// gaveUp tells whether who came by himself was sent to the slot in vain.
func (a *antenna) gaveUp() bool { return a.guest() != nil && a.unseen >= pollsToPass }
