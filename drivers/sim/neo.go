package sim

import (
	"errors"
	"sync"
	"time"
)

// NEO is a contactless reader of ID TECH's, with four lights, on a pseudo-terminal
// of its own. It belongs to no Shop: who holds cards to it says so.
type NEO struct {
	link   *link
	reader *neoReader
}

// NewNEO plugs a reader in, and points path to its line.
func NewNEO(path string) (*NEO, error) {
	l := newLink(path)
	r := &neoReader{out: l.send}
	l.dev = r
	if err := l.plug(); err != nil {
		return nil, err
	}
	return &NEO{l, r}, nil
}

// Hold holds a card to the antenna, beside what is there.
func (n *NEO) Hold(t *Tapped, kind TapType) { n.reader.hold(t, kind) }

// Lift takes away all that is in the field.
func (n *NEO) Lift() { n.reader.lift() }

// Unplug pulls the cable, and with it the reader's power.
func (n *NEO) Unplug() error { return n.link.unplug() }

// Replug puts it back.
func (n *NEO) Replug() error { return n.link.plug() }

// Reset takes the reader's power for a moment, on a line that stays.
func (n *NEO) Reset() { n.reader.powerDown() }

// Spoil sets what goes wrong with the answers to come.
func (n *NEO) Spoil(f Fault) error { return n.link.spoil(f) }

// Close unplugs the reader for good.
func (n *NEO) Close() error {
	if err := n.link.remove(); err != nil && !errors.Is(err, ErrUnplugged) {
		return err
	}
	return nil
}

// neoReader is the reader: it does one command after the other, and those for
// cards in pass-through mode only. It answers after the time that it and the card
// take for it.
type neoReader struct {
	out func([]byte, kind)

	mu       sync.Mutex
	frames   neoDecoder
	queue    []neoCommand // while it is busy
	thinking *musing
	through  bool // in pass-through mode
	demand   bool // it polls when it is asked to
	on       bool // the field
	field    []*held
	lights   [neoLights]bool
	beeps    []byte // of each tone, what was asked for
}

// receive takes the host's bytes.
func (r *neoReader) receive(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.frames.add(b) {
		if len(r.queue) < neoQueueMax {
			r.queue = append(r.queue, c)
		}
	}
	r.work()
}

// work does what is queued, until something takes its time.
func (r *neoReader) work() {
	for r.thinking == nil && len(r.queue) > 0 {
		c := r.queue[0]
		r.queue = r.queue[1:]
		r.run(c)
	}
}

// quiet ends half a frame.
func (r *neoReader) quiet() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frames = neoDecoder{}
}

// powerDown is the end of all that the reader knows; the cards stay where they
// are.
func (r *neoReader) powerDown() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.interrupt()
	r.fieldOff()
	r.frames, r.queue, r.lights = neoDecoder{}, nil, [neoLights]bool{}
	r.through, r.demand = false, false
}

// later does something after a while, and then what was asked meanwhile.
func (r *neoReader) later(wait time.Duration, m *musing, do func()) {
	r.thinking = m
	m.clock = time.AfterFunc(wait, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.thinking == m {
			r.thinking = nil
			do()
			r.work()
		}
	})
}

// interrupt ends what the reader is doing.
func (r *neoReader) interrupt() {
	if r.thinking != nil {
		r.thinking.clock.Stop()
		r.thinking = nil
	}
}

// hold brings a card into the field.
func (r *neoReader) hold(t *Tapped, kind TapType) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.field = append(r.field, &held{card: t, kind: kind, wallet: !t.Enter()})
	if m := r.thinking; m != nil && m.came != nil {
		r.interrupt()
		m.came()
	}
}

// lift takes all cards away, whatever they are doing.
func (r *neoReader) lift() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.field = nil
	if m := r.thinking; m != nil && m.left != nil {
		r.interrupt()
		m.left()
		r.work()
	}
}
