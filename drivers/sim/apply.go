package sim

import (
	"fmt"
	"time"
)

// pauseMax bounds the slowness of a printer.
const pauseMax = 10 * time.Second

// apply carries out one request.
func (s *Shop) apply(r request) (response, error) {
	switch r.Cmd {
	case "insert", "swipe", "pull", "pull-at":
		return response{}, s.applyCard(r)
	case "tap", "lift":
		return response{}, s.applyTap(r)
	case "customer", "visit":
		return response{}, s.applyGuest(r)
	case "keys":
		return response{}, s.hand.press(r.Keys)
	case "press":
		return response{}, s.hand.stroke(r.Keys)
	case "by-hand":
		s.hand.setByHand(r.On)
		return response{}, nil
	case "paper-out", "paper-in", "paper-low", "cover", "jam", "slow":
		return response{}, s.applyPrinter(r)
	case "unplug", "replug", "fault":
		return response{}, s.applyLine(r)
	case "case":
		s.wiring.openCase(r.On)
		return response{}, nil
	case "cable":
		return response{}, s.plugCable(r.On)
	case "pin-out":
		return response{}, s.wiring.drive(r.Pin, r.On, r.conn)
	case "pin-read":
		high, err := s.wiring.read(r.Pin)
		return response{High: high}, err
	case "paper":
		return response{Slips: s.printer.paper()}, nil
	case "log":
		s.mu.Lock()
		defer s.mu.Unlock()
		return response{Log: append([]Exchange{}, s.log...)}, nil
	case "cards":
		return response{Cards: s.deck}, nil
	case "state":
		state := s.look()
		return response{State: &state}, nil
	}
	return response{}, fmt.Errorf("%w: %q", ErrCommand, r.Cmd)
}

// applyCard moves cards in and out of the slot.
func (s *Shop) applyCard(r request) error {
	card := s.cards[r.Card]
	if card == nil && (r.Cmd == "insert" || r.Cmd == "swipe") {
		return fmt.Errorf("%w: %q", ErrCard, r.Card)
	}
	d := s.reader
	d.mu.Lock()
	defer d.mu.Unlock()
	switch r.Cmd {
	case "insert":
		d.insert(card)
	case "swipe":
		return d.swipeByHand(card)
	case "pull":
		d.pull()
	case "pull-at":
		if r.N < 0 {
			return fmt.Errorf("%w: pull-at %d", ErrCommand, r.N)
		}
		d.pullAt = r.N
	}
	return nil
}

// applyTap moves cards to the antenna and away from it.
func (s *Shop) applyTap(r request) error {
	card := s.taps[r.Card]
	if card == nil && r.Cmd == "tap" {
		return fmt.Errorf("%w: %q", ErrCard, r.Card)
	}
	a := s.antenna
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.Cmd == "lift" {
		a.lift()
		return nil
	}
	a.tap(card)
	return nil
}

// applyPrinter changes the printer's state.
func (s *Shop) applyPrinter(r request) error {
	p := s.printer
	switch r.Cmd {
	case "paper-out":
		if r.N < 0 {
			return fmt.Errorf("%w: paper-out %d", ErrCommand, r.N)
		}
		p.load(r.N)
	case "paper-in":
		p.load(-1)
	case "paper-low":
		p.set(func(p *printer) { p.near = r.On })
	case "cover":
		p.set(func(p *printer) { p.cover = r.On })
	case "jam":
		p.set(func(p *printer) { p.jammed = r.On })
	case "slow":
		if r.Pause < 0 || r.Pause > pauseMax {
			return fmt.Errorf("%w: %v for a line, want up to %v", ErrCommand, r.Pause, pauseMax)
		}
		p.set(func(p *printer) { p.pause = r.Pause })
	}
	return nil
}

// applyLine pulls cables and spoils answers.
func (s *Shop) applyLine(r request) error {
	l, ok := s.links[r.Device]
	if !ok {
		return fmt.Errorf("%w, not %q", ErrDevice, r.Device)
	}
	switch r.Cmd {
	case "unplug":
		return l.unplug()
	case "replug":
		return l.plug()
	}
	return l.spoil(r.Fault)
}

// lookAtAntenna tells who and what is there.
func (s *Shop) lookAtAntenna(state *State) {
	a := s.antenna
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.visitor != nil {
		state.Visitor = a.visitor.Name()
	}
	if a.customer != nil {
		state.Customer = a.customer.Name()
	}
	for _, t := range a.field {
		state.Field = append(state.Field, t.Name())
	}
	state.GaveUp = a.gaveUp()
	if len(a.field) > 0 {
		state.Powered, state.APDUs = a.powered, a.apdus
	}
}

// look gathers the state of all devices.
func (s *Shop) look() State {
	state := State{Answers: map[string]int{}, Faults: map[string]FaultKind{}, Panel: s.wiring.look()}
	for _, name := range lineNames {
		l := s.links[name]
		state.Answers[name] = l.answered()
		if !l.plugged() {
			state.Unplugged = append(state.Unplugged, name)
		}
		if kind := l.spoiler(); kind != FaultNone {
			state.Faults[name] = kind
		}
	}
	if c := s.cable(); c != nil {
		in := c.plugged()
		state.Cable = &in
	}
	s.reader.mu.Lock()
	if c := s.reader.visitor; c != nil {
		state.Visitor = c.Name()
	}
	if c := s.reader.card; c != nil {
		state.Card, state.Powered, state.APDUs = c.Name(), s.reader.powered, s.reader.apdus
	}
	if c := s.reader.customer; c != nil {
		state.Customer = c.Name()
	}
	state.ReaderText = append([]string{}, s.reader.display...)
	s.reader.mu.Unlock()
	s.lookAtAntenna(&state)
	s.pad.mu.Lock()
	state.Display = append([]string{}, s.pad.display...)
	state.PINRequests = s.pad.entries
	s.pad.mu.Unlock()
	state.Waiting, state.ByHand, state.Typed = s.hand.look()
	s.printer.mu.Lock()
	defer s.printer.mu.Unlock()
	state.PaperLow, state.Jammed, state.Printed = s.printer.near, s.printer.jammed, s.printer.printed
	state.PaperOut, state.CoverOpen = s.printer.roll == 0, s.printer.cover
	state.DrawerKicks, state.Unknown, state.Lost = s.printer.kicks, s.printer.unknown, s.printer.lost
	return state
}
