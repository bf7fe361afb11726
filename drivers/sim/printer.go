package sim

import (
	"sync"
	"time"
)

// Bounds and measures of the simulated printer: 80 mm paper, font A.
const (
	columns    = 48
	dotsColumn = 12
	dotsLine   = 24
	bufferMax  = 256 << 10
	slipsMax   = 200
	linesMax   = 2000
	rawMax     = 64 << 10
)

// A Slip is a piece of paper that came out of the printer.
type Slip struct {
	Lines []string `json:"lines"`
	Rows  []Row    `json:"rows"` // how each line looks
	Raw   []byte   `json:"raw"`  // what was printed, as the host sent it; at most 64 KiB
	// Cut tells that the cutter ended it.
	Cut bool `json:"cut"`
	// Complete tells that it was printed from its beginning to the cut on one
	// roll without an interruption.
	Complete bool `json:"complete"`

	bits int // bytes of pictures
}

// printer is an ESC/POS printer with a paper roll, a cover, a cutter and a
// drawer. What it cannot print now waits in its buffer.
type printer struct {
	out func([]byte, kind)

	mu      sync.Mutex
	rest    []byte // the beginning of a real-time command
	buf     []byte // received, not processed
	roll    int    // lines until the roll ends; -1 for ever
	near    bool   // the near-end sensor sees the core
	cover   bool   // open
	jammed  bool   // the cutter
	pause   time.Duration
	pausing *time.Timer
	asb     byte
	told    [4]byte // the last automatic status
	kicks   int
	unknown int // commands that were not understood
	lost    int // bytes that did not fit
	printed int // lines and cuts since the shop opened

	page  page
	slip  Slip
	tail  bool // the slip is what was left of a broken one
	slips []Slip
}

func newPrinter(out func([]byte, kind)) *printer { return &printer{out: out, roll: -1} }

// powerDown: the cable is pulled, but the printer keeps its own power, its
// paper and what it has received.
func (p *printer) powerDown() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest = nil
}

func (p *printer) quiet() {}

func (p *printer) receive(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var pieces []piece
	pieces, p.rest = splitRealTime(append(p.rest, b...))
	for _, piece := range pieces {
		if piece.cmd != nil {
			p.obey(*piece.cmd)
			continue
		}
		room := bufferMax - len(p.buf)
		if len(piece.data) > room {
			p.lost += len(piece.data) - room
			piece.data = piece.data[:room]
		}
		p.buf = append(p.buf, piece.data...)
		p.process()
	}
}

// obey runs a real-time command.
func (p *printer) obey(cmd realTime) {
	switch {
	case cmd.op == eot:
		p.out([]byte{p.realTimeStatus(cmd.n)}, answer)
	case cmd.op == enq && cmd.n == 2:
		p.clearBuffers()
		p.jammed = false
		p.process()
	case cmd.op == enq:
		p.jammed = false
		p.process()
	case cmd.n == 1:
		p.kicks++
	case cmd.n == 8 && string(cmd.args) == "\x01\x03\x14\x01\x06\x02\x08":
		p.clearBuffers()
		p.out([]byte{0x37, 0x25, 0x00}, answer)
	}
}

// clearBuffers forgets what was not printed; what was printed of it stays on
// the paper as a broken slip.
func (p *printer) clearBuffers() {
	p.buf = nil
	p.page = page{}
	p.tear(false)
	p.tail = false
}

// offline tells whether printing waits for a person.
func (p *printer) offline() bool { return p.roll == 0 || p.cover || p.jammed }

// realTimeStatus is the answer to DLE EOT n. Bits 2 and 5 are always set.
func (p *printer) realTimeStatus(n byte) byte {
	s := byte(0x12)
	flag := func(on bool, bits byte) {
		if on {
			s |= bits
		}
	}
	switch n {
	case 1:
		flag(p.offline(), 0x08)
	case 2:
		flag(p.cover, 0x04)
		flag(p.roll == 0, 0x20)
		flag(p.jammed, 0x40)
	case 3:
		flag(p.jammed, 0x08)
	case 4:
		flag(p.near || p.roll == 0, 0x0C)
		flag(p.roll == 0, 0x60)
	}
	return s
}

// paperStatus is the answer to GS r 1.
func (p *printer) paperStatus() byte {
	switch {
	case p.roll == 0:
		return 0x0F
	case p.near:
		return 0x03
	}
	return 0x00
}

// automatic tells a change, if the host wants to be told (GS a).
func (p *printer) automatic(always bool) {
	s := [4]byte{0x10, 0x00, p.paperStatus(), 0x0F}
	if p.offline() {
		s[0] |= 0x08
	}
	if p.cover {
		s[0] |= 0x20
	}
	if p.jammed {
		s[1] |= 0x08
	}
	if p.asb != 0 && (always || s != p.told) {
		p.out(s[:], answer)
	}
	p.told = s
}

// process runs what is in the buffer until something is in the way.
func (p *printer) process() {
	for len(p.buf) > 0 && !p.offline() && p.pausing == nil {
		n := 1
		if c := p.buf[0]; c == esc || c == fs || c == gs {
			if n = commandLength(p.buf); n == 0 {
				return
			}
		} else if p.page.wide && c >= 0x80 {
			if n = whole(p.buf, 2); n == 0 {
				return
			}
		}
		if n < 0 {
			p.buf = p.buf[2:]
			p.unknown++
			continue
		}
		cmd := p.buf[:n]
		p.buf = p.buf[n:]
		if room := rawMax - len(p.slip.Raw); room > 0 {
			p.slip.Raw = append(p.slip.Raw, cmd[:min(n, room)]...)
		}
		p.run(cmd)
	}
}

// feed puts one line on paper, if there is any.
func (p *printer) feed(line string, row Row) {
	if p.roll == 0 {
		return
	}
	if len(p.slip.Lines) < linesMax {
		p.slip.Lines, p.slip.Rows = append(p.slip.Lines, line), append(p.slip.Rows, row)
	}
	p.printed++
	if p.roll > 0 {
		p.roll--
	}
	if p.roll == 0 {
		p.automatic(false)
	}
	if p.pause > 0 && p.pausing == nil {
		p.pausing = time.AfterFunc(p.pause, p.resume)
	}
}

// resume goes on after the time that one line takes.
func (p *printer) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pausing = nil
	p.process()
}

// stop ends a slow print for good.
func (p *printer) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pausing != nil {
		p.pausing.Stop()
	}
	p.buf = nil
}

// tear ends the slip that is in the printer.
func (p *printer) tear(cut bool) {
	s := p.slip
	p.slip = Slip{}
	p.printed++
	for len(s.Lines) > 0 && s.Lines[len(s.Lines)-1] == "" {
		s.Lines = s.Lines[:len(s.Lines)-1]
	}
	s.Rows = s.Rows[:len(s.Lines)]
	if len(s.Lines) == 0 {
		return
	}
	s.Cut, s.Complete = cut, cut && !p.tail
	p.slips = append(p.slips, s)
	if len(p.slips) > slipsMax {
		p.slips = p.slips[1:]
	}
}

// paper returns all slips, the one in the making last.
func (p *printer) paper() []Slip {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := append([]Slip{}, p.slips...)
	if len(p.slip.Lines) > 0 {
		s := p.slip
		s.Lines = append([]string{}, s.Lines...)
		s.Rows = append([]Row{}, s.Rows...)
		s.Raw = append([]byte{}, s.Raw...)
		all = append(all, s)
	}
	return all
}

// load changes the paper: the roll ends after so many lines, -1 never. What
// the old roll had printed without a cut is a broken slip, and the rest of it
// comes out on the new roll.
func (p *printer) load(lines int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.roll == 0 && lines != 0 {
		p.tail = p.tail || len(p.slip.Lines) > 0
		p.tear(false)
	}
	p.roll, p.near = lines, false
	p.automatic(false)
	p.process()
}

// set changes cover, cutter, near-end sensor or speed.
func (p *printer) set(change func(*printer)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
	p.automatic(false)
	p.process()
}
