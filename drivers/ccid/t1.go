package ccid

import (
	"fmt"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/t0"
)

// Bits of the protocol control byte of a T=1 block (ISO 7816-3, 11.3).
const (
	pcbSeq   = 0x40 // N(S) of an I-block
	pcbMore  = 0x20 // another I-block of this chain follows
	pcbR     = 0x80
	pcbRSeq  = 0x10 // N(R) of an R-block
	pcbIFS   = 0xC1
	pcbAbort = 0xC2
	pcbWTX   = 0xC3
	pcbReply = 0x20 // turns an S(request) into its response

	edcError   = 1 // of an R-block
	otherError = 2

	ifsd        = 0xFE
	repeatMax   = 3   // times that one block is sent (EMV 4.4 Book 1, 9.2.5)
	wtxMax      = 200 // waiting time extensions of one command
	blocksMax   = 2000
	t1HeaderLen = 3
)

// t1 carries APDUs over T=1. It does no input or output: start and next return
// the block to send, and next takes the block that came back, or nil when none
// came in time. The state lives as long as the card is powered.
type t1 struct {
	ns   byte // of our next I-block
	nr   byte // expected of the card's next I-block
	ifsc int

	apdu    []byte // of the running command
	foreign bool   // the reader has put something else into its I-block
	sent    int    // bytes of it in I-blocks that were acknowledged
	pending int    // bytes of it in the I-block that was not
	data    []byte
	last    []byte // the block sent last
	lastI   []byte // the I-block sent last; nil once the card has answered to it
	tries   int    // repetitions in a row
	wtx     int
	blocks  int
}

// out is what to send, or the end of the exchange.
type out struct {
	block    []byte
	wtx      byte // multiplies the waiting time for the answer to block
	done     bool
	response []byte
}

// newT1 begins with the block size of the ATR; FF is illegal (ISO 7816-3, 11.4.2).
func newT1(ifsc byte) *t1 { return &t1{ifsc: int(min(ifsc, ifsd))} }

// announce begins with S(IFS), which tells the card how much a block to us may
// hold. It ends with an empty response.
func (m *t1) announce() out {
	m.begin(nil)
	return m.send(block(pcbIFS, []byte{ifsd}))
}

// start begins an APDU.
func (m *t1) start(apdu []byte) out {
	m.begin(apdu)
	return m.sendI()
}

// startForeign begins an APDU that the reader completes and sends. What is sent
// here has its length, so that the block's beginning is right.
func (m *t1) startForeign(apdu []byte) (out, error) {
	m.begin(apdu)
	m.foreign = true
	if len(apdu) > m.ifsc {
		return out{}, fmt.Errorf("%w: %d bytes for a card that takes %d in a block", drivers.ErrRefused, len(apdu), m.ifsc)
	}
	return m.sendI(), nil
}

func (m *t1) begin(apdu []byte) {
	m.apdu, m.sent, m.pending, m.foreign = apdu, 0, 0, false
	m.data, m.last, m.lastI = nil, nil, nil
	m.tries, m.wtx, m.blocks = 0, 0, 0
}

// next takes the card's block. An I-block that only the reader knows cannot be
// sent again.
func (m *t1) next(in []byte) (out, error) {
	o, err := m.answered(in)
	if err == nil && m.foreign && !o.done && o.block[1]&0x80 == 0 {
		return out{}, fmt.Errorf("%w: the card asks for a T=1 block that only the reader has", drivers.ErrProtocol)
	}
	return o, err
}

func (m *t1) answered(in []byte) (out, error) {
	if m.blocks++; m.blocks > blocksMax {
		return out{}, fmt.Errorf("%w: an exchange of more than %d blocks", drivers.ErrProtocol, blocksMax)
	}
	pcb, inf, fault := parseBlock(in)
	if fault != 0 {
		return m.complain(fault)
	}
	switch {
	case pcb&0x80 == 0:
		return m.gotI(pcb, inf)
	case pcb&0xC0 == pcbR:
		return m.gotR(pcb, inf)
	default:
		return m.gotS(pcb, inf)
	}
}

// parseBlock checks a block's shape, and says what error to report otherwise.
func parseBlock(b []byte) (pcb byte, inf []byte, fault byte) {
	switch {
	case len(b) < t1HeaderLen+1 || len(b) != t1HeaderLen+int(b[2])+1:
		return 0, nil, otherError
	case xor(b) != 0:
		return 0, nil, edcError
	case b[0] != 0 || b[2] == 0xFF:
		return 0, nil, otherError
	}
	return b[1], b[t1HeaderLen : len(b)-1], 0
}

func block(pcb byte, inf []byte) []byte {
	b := make([]byte, 0, t1HeaderLen+len(inf)+1)
	b = append(b, 0, pcb, byte(len(inf)))
	b = append(b, inf...)
	return append(b, xor(b))
}

func (m *t1) send(b []byte) out {
	m.last = b
	return out{block: b}
}

// sendI sends the next piece of the APDU.
func (m *t1) sendI() out {
	rest := m.apdu[m.sent:]
	m.pending = min(len(rest), m.ifsc)
	pcb := m.ns * pcbSeq
	if m.pending < len(rest) {
		pcb |= pcbMore
	}
	m.lastI = block(pcb, rest[:m.pending])
	return m.send(m.lastI)
}

// sendR acknowledges, or complains, by the number of the block that is due.
func (m *t1) sendR(fault byte) out {
	return m.send(block(pcbR|m.nr*pcbRSeq|fault, nil))
}

// complain asks for the card's block again, a few times in a row at most. An
// S(request) is sent again instead.
func (m *t1) complain(fault byte) (out, error) {
	if m.tries++; m.tries >= repeatMax {
		return out{}, fmt.Errorf("%w: no good T=1 block in %d tries", drivers.ErrProtocol, repeatMax)
	}
	if m.last[1] == pcbIFS {
		return m.send(m.last), nil
	}
	return m.sendR(fault), nil
}

// gotI takes a piece of the response. It also acknowledges our last I-block.
func (m *t1) gotI(pcb byte, inf []byte) (out, error) {
	seq := pcb & pcbSeq / pcbSeq
	whole := m.apdu != nil && (m.lastI == nil || m.sent+m.pending == len(m.apdu))
	if seq != m.nr || !whole || pcb&0x1F != 0 || len(inf) > ifsd {
		return m.complain(otherError)
	}
	if m.lastI != nil {
		m.sent += m.pending
		m.pending, m.lastI = 0, nil
		m.ns ^= 1
	}
	m.nr ^= 1
	m.tries = 0
	if len(m.data)+len(inf) > t0.ResponseMax {
		return out{}, fmt.Errorf("%w: a response without end", drivers.ErrProtocol)
	}
	m.data = append(m.data, inf...)
	if pcb&pcbMore != 0 {
		return m.sendR(0), nil
	}
	return out{done: true, response: m.data}, nil
}

// gotR takes an acknowledgement of a chained I-block, or a wish to have the
// last block again.
func (m *t1) gotR(pcb byte, inf []byte) (out, error) {
	if len(inf) != 0 || pcb&0x20 != 0 {
		return m.complain(otherError)
	}
	seq := pcb & pcbRSeq / pcbRSeq
	if m.lastI != nil && seq != m.ns && m.sent+m.pending < len(m.apdu) {
		m.sent += m.pending
		m.ns ^= 1
		m.tries = 0
		return m.sendI(), nil
	}
	if m.tries++; m.tries >= repeatMax {
		return out{}, fmt.Errorf("%w: the card asks for a T=1 block again and again", drivers.ErrProtocol)
	}
	if m.lastI != nil && seq == m.ns {
		// The block's number keeps a card that has it from acting twice.
		return m.send(m.lastI), nil
	}
	if m.last[1]&0xC0 == pcbR && m.lastI != nil {
		// It has our I-block, and lost what we said of its answer.
		return m.sendR(otherError), nil
	}
	return m.send(m.last), nil
}

// gotS takes a supervisory block.
func (m *t1) gotS(pcb byte, inf []byte) (out, error) {
	switch {
	case pcb == pcbIFS|pcbReply && m.last[1] == pcbIFS:
		if len(inf) != 1 || inf[0] != ifsd {
			return m.complain(otherError)
		}
		m.tries = 0
		return out{done: true}, nil
	case pcb == pcbIFS && len(inf) == 1 && inf[0] >= 0x10 && inf[0] != 0xFF:
		m.ifsc = int(inf[0])
		return m.send(block(pcbIFS|pcbReply, inf)), nil
	case pcb == pcbWTX && len(inf) == 1 && inf[0] != 0:
		if m.wtx++; m.wtx > wtxMax {
			return out{}, fmt.Errorf("%w: the card asks for time again and again", drivers.ErrTimeout)
		}
		m.tries = 0
		o := m.send(block(pcbWTX|pcbReply, inf))
		o.wtx = inf[0]
		return o, nil
	case pcb == pcbAbort:
		return out{}, fmt.Errorf("%w: the card gives the exchange up", drivers.ErrProtocol)
	default:
		return m.complain(otherError)
	}
}
