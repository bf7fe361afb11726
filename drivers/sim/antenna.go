package sim

import (
	"slices"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

// antennaFirmware is what Escape 02 answers.
const antennaFirmware = "CLOUDPOS-SIM-ANTENNA-V1"

// errCollision is the error of a field with several cards. CCID leaves 81 to C0
// to makers (CCID 1.1, table 6.2-2), and says nothing of collisions.
const errCollision = 0xC0

// errChain is the place of wLevelParameter in XfrBlock.
const errChain = 0x08

// Bounds of an antenna.
const (
	fieldMax    = 2 // cards at once; more are no other case
	commandsMax = 16
)

// antenna is a serial CCID reader whose slot is a field, at APDU level. It
// repeats each command before its answer, does one after the other, tells at
// any time when a card moves, and answers when the chip has had the time that
// it says it takes.
type antenna struct {
	out  func([]byte, kind)
	came func(p issuer.Profile, visits bool) // its owner is at the counter
	note func(card string, command, response []byte)

	mu       sync.Mutex
	frames   ccidDecoder
	last     []byte    // the last answer, for a repetition
	thinking *thought  // of the chip, or nil
	waiting  [][]byte  // commands that came meanwhile
	field    []*Tapped // which cards are in it
	powered  bool
	apdus    int // since the first card came
	polls    int
	crowded  bool    // a collision was told since then
	customer *Tapped // who comes by himself, nil nobody
	visitor  *Tapped // who comes instead of him for now
	host     int     // the connection that the visitor is there for
	// elsewhere: the visitor is at the slot, and the customer waits for him.
	elsewhere bool
	unseen    int // looks into the slot since the last at the field
}

// thought is an answer that the chip is making.
type thought struct {
	message []byte // the host's
	clock   *time.Timer
}

func (a *antenna) powerDown() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.frames, a.last = ccidDecoder{}, nil
	a.interrupt()
	a.waiting, a.powered = nil, false
}

func (a *antenna) quiet() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.frames = ccidDecoder{}
}

func (a *antenna) receive(b []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.frames.add(b) {
		switch {
		case e.broken, e.repeat && a.last == nil:
			a.out([]byte{ccidSync, ccidNak, nakChecked}, aside)
		case e.repeat:
			a.out(a.last, answer)
		case len(a.waiting) < commandsMax:
			a.waiting = append(a.waiting, e.frame)
		}
	}
	a.work()
}

// work does the commands that came, until the chip has to be waited for.
func (a *antenna) work() {
	for len(a.waiting) > 0 && a.thinking == nil {
		frame := a.waiting[0]
		a.waiting = a.waiting[1:]
		a.out(frame, aside)
		if response := a.handle(frame[2 : len(frame)-1]); response != nil {
			a.answer(response)
		}
	}
}

func (a *antenna) answer(response []byte) {
	a.last = response
	a.out(response, answer)
}

// handle runs one message. It returns nil when the answer will come later.
func (a *antenna) handle(m []byte) []byte {
	data := m[ccidHead:]
	if m[5] != 0 {
		return ccidAnswer(rdSlotStatus, m, ccidFailed|ccidCardAbsent, errSlot, 0, nil)
	}
	switch m[0] {
	case pcIccPowerOn:
		return a.powerOn(m)
	case pcIccPowerOff:
		return a.release(m)
	case pcGetSlotStatus:
		a.polled()
		return a.slotStatus(m, 0, errUnsupported)
	case pcXfrBlock:
		return a.transfer(m, data)
	case pcEscape:
		if string(data) == "\x02" {
			return ccidAnswer(rdEscape, m, a.slot(), 0, 0, []byte(antennaFirmware))
		}
		return ccidAnswer(rdEscape, m, ccidFailed|a.slot(), errUnsupported, 0, nil)
	}
	return a.slotStatus(m, ccidFailed, errUnsupported)
}

// slot is the lower half of bStatus.
func (a *antenna) slot() byte {
	switch {
	case len(a.field) == 0:
		return ccidCardAbsent
	case !a.powered:
		return ccidCardInactive
	}
	return ccidCardActive
}

func (a *antenna) slotStatus(m []byte, failed, err byte) []byte {
	return ccidAnswer(rdSlotStatus, m, failed|a.slot(), err, 0, nil)
}

func (a *antenna) dataBlock(m []byte, failed, err byte, data []byte) []byte {
	return ccidAnswer(rdDataBlock, m, failed|a.slot(), err, 0, data)
}

// powerOn brings the card into a fresh field. The answer to reset is made up as
// in PC/SC part 3, 3.1.3.2.3: T=0 and T=1, and no historical bytes.
func (a *antenna) powerOn(m []byte) []byte {
	a.powered = false
	switch {
	case len(a.field) == 0:
		return a.dataBlock(m, ccidFailed, errMute, nil)
	case m[7] != 0: // only the field's own
		return a.dataBlock(m, ccidFailed, errParameter7, nil)
	case a.field[0].chip.p.Behaviour == issuer.Mute:
		return a.dataBlock(m, ccidFailed, errMute, nil)
	case !a.field[0].Enter() || len(a.field) > 1:
		a.crowded = true
		return a.dataBlock(m, ccidFailed, errCollision, nil)
	}
	a.powered, a.polls = true, 0
	return a.dataBlock(m, 0, 0, []byte{0x3B, 0x80, 0x80, 0x01, 0x01})
}

// release is IccPowerOff. Who came by himself takes his card when it was asked
// something, or was in a crowd.
func (a *antenna) release(m []byte) []byte {
	a.powered = false
	if a.guestThere() && (a.apdus > 0 || a.crowded) {
		a.lift()
	}
	return a.slotStatus(m, 0, errUnsupported)
}

// transfer passes an APDU to the card, and answers when it has had its time.
func (a *antenna) transfer(m, apdu []byte) []byte {
	switch {
	case !a.powered:
		return a.dataBlock(m, ccidFailed, errMute, nil)
	case m[7] != 0:
		return a.dataBlock(m, ccidFailed, errParameter7, nil)
	case m[8] != 0 || m[9] != 0: // a short APDU is never in pieces
		return a.dataBlock(m, ccidFailed, errChain, nil)
	case len(apdu) < 4:
		return a.dataBlock(m, ccidFailed, errLength, nil)
	}
	began := time.Now()
	a.apdus++
	a.polls = 0
	response, took := a.field[0].Exchange(apdu)
	a.note(a.field[0].Name(), apdu, response)
	a.think(m, took-time.Since(began), response)
	return nil
}

// think answers after a while; a chip without a response has left the field.
func (a *antenna) think(m []byte, wait time.Duration, response []byte) {
	t := &thought{message: slices.Clone(m)}
	a.thinking = t
	t.clock = time.AfterFunc(wait, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.thinking != t {
			return
		}
		if response == nil {
			a.lift()
			return
		}
		a.thinking = nil
		a.answer(a.dataBlock(t.message, 0, 0, response))
		a.work()
	})
}

// interrupt ends what the chip is thinking about, and returns what it was.
func (a *antenna) interrupt() *thought {
	t := a.thinking
	if t != nil {
		t.clock.Stop()
		a.thinking = nil
	}
	return t
}

// tap holds a card to the antenna, beside one that is there.
func (a *antenna) tap(t *Tapped) {
	if len(a.field) == fieldMax || slices.Contains(a.field, t) {
		a.lift()
	}
	if len(a.field) == 0 {
		a.apdus, a.polls, a.crowded = 0, 0, false
		a.out([]byte{moveByte, moveIn}, aside)
	}
	a.field = append(a.field, t)
	a.came(t.chip.p, t == a.visitor)
}

// lift takes away all that is in the field, whatever it is doing.
func (a *antenna) lift() {
	if len(a.field) == 0 {
		return
	}
	a.field, a.powered, a.polls = nil, false, 0
	a.out([]byte{moveByte, moveOut}, aside)
	if t := a.interrupt(); t != nil {
		a.answer(a.dataBlock(t.message, ccidFailed, errMute, nil))
		a.work()
	}
}

// guest is who comes by himself, or nil.
func (a *antenna) guest() *Tapped {
	switch {
	case a.visitor != nil:
		return a.visitor
	case a.elsewhere:
		return nil
	}
	return a.customer
}

func (a *antenna) guestThere() bool {
	return a.guest() != nil && slices.Contains(a.field, a.guest())
}

// serve changes the customer, and ends a visit: who was there takes his card,
// the new one comes at the first poll. nil is nobody.
func (a *antenna) serve(t *Tapped) {
	a.depart()
	a.customer, a.visitor = t, nil
	a.arrive(t)
}

// visit lets a visitor come instead of the customer, or ends his visit with
// nil.
func (a *antenna) visit(t *Tapped, host int) {
	a.depart()
	a.visitor, a.host = t, host
	a.arrive(t)
}

// arrive lets a guest come at the first poll, with a card that was tapped
// nowhere yet.
func (a *antenna) arrive(guest *Tapped) {
	a.polls, a.unseen = pollsToInsert-1, 0
	if guest != nil {
		guest.taps = 0
	}
}

// depart lets who came by himself take his card.
func (a *antenna) depart() {
	if a.guestThere() {
		a.lift()
	}
}

// polled lets the customer look at the terminal: he holds his card to the
// antenna when it waits for one, and takes it away when it is of no use there.
func (a *antenna) polled() {
	a.unseen = 0
	switch {
	case a.guest() == nil:
	case len(a.field) == 0:
		if a.polls++; a.polls >= pollsToInsert {
			a.tap(a.guest())
		}
	case a.guestThere():
		if a.polls++; a.polls >= pollsToPull {
			a.lift()
		}
	}
}
