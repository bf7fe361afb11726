package sim

import "github.com/cloudpos/cloudpos/emv/issuer"

// Bounds of the T=1 protocol. ISO/IEC 7816-3, 11.
const (
	t1InfoMax    = 254 // bytes of information in a block
	t1InfoStart  = 32  // what a terminal takes before it says more
	t1CommandMax = 5 + 255 + 1
)

// Protocol control bytes.
const (
	pcbSequence  = 0x40 // N(S) of an I-block
	pcbMore      = 0x20
	pcbR         = 0x80
	pcbRSequence = 0x10
	pcbREDC      = 0x01
	pcbROther    = 0x02
	pcbResynch   = 0xC0
	pcbIFS       = 0xC1
	pcbAbort     = 0xC2
	pcbWTX       = 0xC3
	pcbResponse  = 0x20 // in the answer to an S-block
)

// t1 is a card behind the T=1 protocol: blocks with sequence numbers and a
// checksum, chains both ways. EMV 4.4 Book 1, 9.2.4.
type t1 struct {
	card   *Card
	before func(command []byte) bool
	note   func(command, response []byte)

	expect   byte   // N(S) of the terminal's next I-block: 0 or pcbSequence
	sequence byte   // N(S) of ours
	info     int    // the terminal's IFSD
	last     []byte // the last block sent, for a repetition
	chain    []byte // a command in the making
	answer   []byte // what of a response is not sent yet
	waiting  []byte // a command that waits for more time to be granted
}

func newT1(card *Card) *t1 { return &t1{card: card, info: t1InfoStart} }

// transmit answers one block. It reports false when the card stays silent:
// it is gone, or the bytes are no block.
func (t *t1) transmit(block []byte) ([]byte, bool) {
	if len(block) < 4 || len(block) > 3+t1InfoMax+1 {
		return nil, false
	}
	if xor(block) != 0 {
		return t.reject(pcbREDC), true
	}
	pcb, info := block[1], block[3:len(block)-1]
	if int(block[2]) != len(info) || block[0] != 0 {
		return t.reject(pcbROther), true
	}
	switch {
	case pcb&0x80 == 0:
		return t.information(pcb, info)
	case pcb&0xC0 == pcbR:
		return t.receive(pcb, info), true
	}
	return t.supervise(pcb, info)
}

// send builds a block and keeps it.
func (t *t1) send(pcb byte, info []byte) []byte {
	block := append([]byte{0x00, pcb, byte(len(info))}, info...)
	t.last = append(block, xor(block))
	return t.last
}

// reject asks for the expected block again. It is not kept: what was sent
// before may still be asked for.
func (t *t1) reject(why byte) []byte {
	block := []byte{0x00, pcbR | why, 0}
	if t.expect != 0 {
		block[1] |= pcbRSequence
	}
	return append(block, xor(block))
}

// information takes an I-block: a whole command or a part of one.
func (t *t1) information(pcb byte, info []byte) ([]byte, bool) {
	if pcb&pcbSequence != t.expect || pcb&0x1F != 0 || len(t.chain)+len(info) > t1CommandMax {
		return t.reject(pcbROther), true
	}
	t.expect ^= pcbSequence
	t.answer = nil
	t.chain = append(t.chain, info...)
	if pcb&pcbMore != 0 {
		r := byte(pcbR)
		if t.expect != 0 {
			r |= pcbRSequence
		}
		return t.send(r, nil), true
	}
	command := t.chain
	t.chain = nil
	if t.before != nil && !t.before(command) {
		return nil, false
	}
	if t.card.p.Behaviour == issuer.AskPause && len(command) > 1 && command[1] == 0xAE {
		t.waiting = command
		return t.send(pcbWTX, []byte{1}), true
	}
	return t.run(command)
}

// run executes a command and begins its answer.
func (t *t1) run(command []byte) ([]byte, bool) {
	response := t.card.Exchange(command)
	if t.note != nil {
		t.note(command, response)
	}
	if len(response) < 2 {
		return nil, false
	}
	t.answer = response
	return t.next(), true
}

// next sends the next part of the answer.
func (t *t1) next() []byte {
	n := min(len(t.answer), t.info)
	pcb := t.sequence
	if n < len(t.answer) {
		pcb |= pcbMore
	}
	part := t.answer[:n]
	t.answer = t.answer[n:]
	t.sequence ^= pcbSequence
	return t.send(pcb, part)
}

// receive takes an R-block: it asks for our next block, or for the last again.
func (t *t1) receive(pcb byte, info []byte) []byte {
	if len(info) != 0 || pcb&0x20 != 0 {
		return t.reject(pcbROther)
	}
	wants := byte(0)
	if pcb&pcbRSequence != 0 {
		wants = pcbSequence
	}
	switch {
	case wants == t.sequence && len(t.answer) > 0:
		return t.next()
	case t.last != nil:
		return t.last
	}
	return t.reject(0)
}

// supervise takes an S-block.
func (t *t1) supervise(pcb byte, info []byte) ([]byte, bool) {
	switch pcb {
	case pcbResynch:
		*t = t1{card: t.card, before: t.before, note: t.note, info: t.info}
		return t.send(pcbResynch|pcbResponse, nil), true
	case pcbIFS:
		if len(info) != 1 || info[0] == 0 || info[0] > t1InfoMax {
			return t.reject(pcbROther), true
		}
		t.info = int(info[0])
		return t.send(pcbIFS|pcbResponse, info), true
	case pcbAbort:
		t.chain, t.answer = nil, nil
		return t.send(pcbAbort|pcbResponse, nil), true
	case pcbWTX | pcbResponse:
		if t.waiting != nil && len(info) == 1 && info[0] == 1 {
			command := t.waiting
			t.waiting = nil
			return t.run(command)
		}
	}
	return t.reject(pcbROther), true
}
