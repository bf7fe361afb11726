package sim

import (
	"crypto/rsa"
	"sync"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

// firmware is what Escape 02 answers.
const firmware = "CLOUDPOS-SIM-TWIN-V1"

// The patience of the simulated customer, in polls of the terminal.
const (
	pollsToInsert = 2 // so that a terminal waiting for removal sees the slot empty
	pollsToPull   = 3
)

// transport is a card behind its protocol.
type transport interface {
	transmit(block []byte) (answer []byte, ok bool)
}

// reader is a serial CCID reader of the GemPC Twin kind, at TPDU level: it
// runs no protocol of its own, repeats each command before its answer, and
// tells when a card moves.
type reader struct {
	out      func([]byte, kind)
	inserted func(p issuer.Profile, visits bool) // its owner is at the counter
	swipe    func(p issuer.Profile)              // he swipes his card instead
	waits    func()                              // the terminal looks for a card; nil: nobody cares
	note     func(card string, command, response []byte)
	hand     *hand // the customer's, at the reader's keys; nil: it has none

	mu       sync.Mutex
	frames   ccidDecoder
	last     []byte // the last answer, for a repetition
	asked    bool   // moves are told between command and answer only
	moved    []byte // a move that waits to be told
	card     *Card
	protocol transport
	params   []byte // protocol number, then the parameters
	powered  bool
	touched  bool           // the terminal tried to power this card
	pin      *readerPIN     // that waits for the customer, or nil
	pinKey   *rsa.PublicKey // of the card, for its PIN; nil: none was told
	display  []string       // what the customer reads
	apdus    int            // since insertion
	pullAt   int            // pull before this APDU; 0 not
	polls    int
	customer *Card // who comes by himself, nil nobody
	visitor  *Card // who comes instead of him for now
	// elsewhere: the visitor is at the antenna, and the customer waits for him.
	elsewhere bool
	host      int   // the connection that the visitor is there for
	habit     habit // of whichever of the two comes
}

func (r *reader) powerDown() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frames, r.last, r.asked, r.moved = ccidDecoder{}, nil, false, nil
	r.endPIN()
	r.powerOff()
}

func (r *reader) quiet() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frames = ccidDecoder{}
}

func (r *reader) receive(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.frames.add(b) {
		switch {
		case e.broken, e.repeat && r.last == nil:
			r.out([]byte{ccidSync, ccidNak, nakChecked}, aside)
		case e.repeat:
			r.out(r.last, answer)
		default:
			r.command(e.frame)
		}
	}
}

// command answers one message after its echo, at once or when the customer has
// typed.
func (r *reader) command(frame []byte) {
	r.out(frame, aside)
	message := frame[2 : len(frame)-1]
	if r.pin != nil && message[0] != pcAbort {
		r.answer(r.busy(message))
		return
	}
	if response := r.handle(message); response != nil {
		r.answer(response)
	}
}

// answer sends a card move, if one waits, and then the answer.
func (r *reader) answer(response []byte) {
	if r.moved != nil {
		r.out(r.moved, aside)
		r.moved = nil
	}
	r.last = response
	r.out(response, answer)
}

// handle runs one message. It returns nil when the answer will come later, or
// has been given.
func (r *reader) handle(m []byte) []byte {
	data := m[ccidHead:]
	if m[5] != 0 {
		return ccidAnswer(rdSlotStatus, m, ccidFailed|ccidCardAbsent, errSlot, 0, nil)
	}
	switch m[0] {
	case pcIccPowerOn:
		r.polled()
		return r.powerOn(m)
	case pcIccPowerOff:
		return r.release(m)
	case pcGetSlotStatus:
		r.polled()
		return r.slotStatus(m, 0, errUnsupported)
	case pcXfrBlock:
		return r.transfer(m, data)
	case pcSetParameters:
		return r.setParameters(m, data)
	case pcGetParameters, pcResetParameters:
		return r.parameters(m, 0, errUnsupported)
	case pcEscape:
		return r.escape(m, data)
	case pcSecure:
		return r.secure(m, data)
	case pcAbort:
		return r.abort(m)
	}
	return r.slotStatus(m, ccidFailed, errUnsupported)
}

// slot is the lower half of bStatus.
func (r *reader) slot() byte {
	switch {
	case r.card == nil:
		return ccidCardAbsent
	case !r.powered:
		return ccidCardInactive
	}
	return ccidCardActive
}

func (r *reader) slotStatus(m []byte, failed, err byte) []byte {
	clock := byte(0x01) // stopped, low
	if r.powered {
		clock = 0x00
	}
	return ccidAnswer(rdSlotStatus, m, failed|r.slot(), err, clock, nil)
}

func (r *reader) dataBlock(m []byte, failed, err byte, data []byte) []byte {
	return ccidAnswer(rdDataBlock, m, failed|r.slot(), err, 0, data)
}

// powerOn resets the card. This reader has no automatic voltage, and the cards
// are of classes A and B.
func (r *reader) powerOn(m []byte) []byte {
	const volts5, volts3, volts18 = 1, 2, 3
	switch voltage := m[7]; {
	case r.card == nil:
		return r.dataBlock(m, ccidFailed, errMute, nil)
	case voltage != volts5 && voltage != volts3 && voltage != volts18:
		return r.dataBlock(m, ccidFailed, errParameter7, nil)
	case voltage == volts18:
		return r.dataBlock(m, ccidFailed, errMute, nil)
	}
	r.touched = true
	r.polls = 0
	atr := r.card.ATR()
	if atr == nil {
		r.powerOff()
		return r.dataBlock(m, ccidFailed, errMute, nil)
	}
	r.powered = true
	before := func(command []byte) bool { return r.present(command) }
	note := func(command, response []byte) { r.note(r.card.Name(), command, response) }
	if r.card.p.Protocol == 1 {
		t := newT1(r.card)
		t.before, t.note = before, note
		r.protocol = t
	} else {
		r.protocol = &t0{card: r.card, before: before, note: note}
	}
	r.params = []byte{0, 0x11, 0x00, 0x00, 0x0A, 0x00} // T=0, until told otherwise
	return r.dataBlock(m, 0, 0, atr)
}

// present counts an APDU and pulls the card when its turn has come.
func (r *reader) present(command []byte) bool {
	r.apdus++
	r.polls = 0
	if r.pullAt > 0 && r.apdus >= r.pullAt || r.card.leaves(command) {
		r.pull()
	}
	return r.card != nil
}

// powerOff takes the power from the card, which forgets its transaction.
func (r *reader) powerOff() {
	r.powered, r.protocol, r.params, r.pinKey = false, nil, nil, nil
	if r.card != nil {
		r.card.reset()
	}
}

// release is IccPowerOff; a customer who came by himself takes his card.
func (r *reader) release(m []byte) []byte {
	done := r.guest() != nil && r.powered && r.apdus > 0
	read := done && r.card.at >= selected
	r.powerOff()
	if done {
		r.habit.back(read)
		r.pull()
	}
	return r.slotStatus(m, 0, errUnsupported)
}

// transfer passes a TPDU or block to the card.
func (r *reader) transfer(m, block []byte) []byte {
	if !r.powered {
		return r.dataBlock(m, ccidFailed, errMute, nil)
	}
	if int(r.params[0]) != r.card.p.Protocol {
		return r.dataBlock(m, ccidFailed, errProtocol, nil)
	}
	response, ok := r.protocol.transmit(block)
	switch {
	case ok && len(response) > 0:
		return r.dataBlock(m, 0, 0, response)
	case ok:
		return r.dataBlock(m, ccidFailed, errMute, nil)
	case r.card != nil && r.card.p.Protocol == 0:
		return r.dataBlock(m, ccidFailed, errWrongAPDULength, nil)
	}
	return r.dataBlock(m, ccidFailed, errMute, nil)
}

// setParameters accepts what the card's answer to reset allows.
func (r *reader) setParameters(m, data []byte) []byte {
	want := map[byte]int{0: 5, 1: 7}[m[7]]
	switch {
	case !r.powered:
		return r.parameters(m, ccidFailed, errMute)
	case int(m[7]) != r.card.p.Protocol:
		return r.parameters(m, ccidFailed, errParameter7)
	case len(data) != want:
		return r.parameters(m, ccidFailed, errLength)
	case data[0] != 0x11:
		return r.parameters(m, ccidFailed, errParameterFiDi)
	}
	r.params = append([]byte{m[7]}, data...)
	return r.parameters(m, 0, 0)
}

func (r *reader) parameters(m []byte, failed, err byte) []byte {
	if len(r.params) == 0 {
		return ccidAnswer(rdParameters, m, ccidFailed|r.slot(), errMute, 0, nil)
	}
	return ccidAnswer(rdParameters, m, failed|r.slot(), err, r.params[0], r.params[1:])
}

// escape knows the firmware's name and where card moves are told.
func (r *reader) escape(m, data []byte) []byte {
	switch string(data) {
	case "\x02":
		return r.escaped(m, 0, 0, []byte(firmware))
	case "\x01\x01\x01":
		r.asked = true
		return r.escaped(m, 0, 0, nil)
	}
	if len(data) >= 3 && (string(data[:3]) == escapeKey || string(data[:3]) == escapePIN) {
		return r.escapePad(m, data)
	}
	return r.escaped(m, ccidFailed, errUnsupported, nil)
}

// insert puts a card in; the one before goes out.
func (r *reader) insert(c *Card) {
	if r.card != nil {
		r.pull()
	}
	r.card, r.touched, r.apdus, r.polls = c, false, 0, 0
	r.move(moveIn)
	r.inserted(c.p, c == r.visitor)
}

// pull takes the card out, whatever it is doing.
func (r *reader) pull() {
	if r.card == nil {
		return
	}
	r.powerOff()
	r.card, r.pullAt, r.polls = nil, 0, 0
	r.move(moveOut)
	if p := r.pin; p != nil {
		r.answerPIN(r.reply(p, ccidFailed, errMute, nil))
	}
}

// move tells the host, at once or with the next answer.
func (r *reader) move(what byte) {
	told := []byte{moveByte, what}
	if r.asked {
		r.moved = told
		return
	}
	r.out(told, aside)
}

// guest is who comes by himself, or nil.
func (r *reader) guest() *Card {
	switch {
	case r.visitor != nil:
		return r.visitor
	case r.elsewhere:
		return nil
	}
	return r.customer
}

// serve changes the customer, and ends a visit: who was there takes his card,
// the new one comes at the first poll. nil is nobody.
func (r *reader) serve(card *Card) {
	r.depart()
	r.customer, r.visitor = card, nil
	r.arrive(card)
}

// visit lets a visitor come instead of the customer, or ends his visit with
// nil.
func (r *reader) visit(card *Card, host int) {
	r.depart()
	r.visitor, r.host = card, host
	r.arrive(card)
}

// depart lets who came by himself take his card.
func (r *reader) depart() {
	if guest := r.guest(); guest != nil && r.card == guest {
		r.pull()
	}
}

// polled lets the customer look at the terminal: he comes when it waits for a
// card, and takes a card that is of no more use.
func (r *reader) polled() {
	if r.waits != nil {
		r.waits()
	}
	switch {
	case r.guest() == nil:
	case r.card == nil:
		if r.polls++; r.polls >= pollsToInsert {
			r.come(r.guest())
		}
	case r.touched && !r.powered, r.powered && r.card.at == finished:
		if r.polls++; r.polls >= pollsToPull {
			r.habit.back(r.powered)
			r.pull()
		}
	}
}
