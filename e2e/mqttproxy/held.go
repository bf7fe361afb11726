package mqttproxy

import (
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/sync/wire"
)

// parcel is a packet whose time has not come.
type parcel struct {
	message    Message
	packet     []byte
	behindNext bool // it goes behind the next message, if that comes first
	timer      *time.Timer
}

// keep sends a packet on later.
func (p *Proxy) keep(m Message, packet []byte, wait time.Duration, behindNext bool) {
	held := &parcel{message: m, packet: packet, behindNext: behindNext}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	held.timer = time.AfterFunc(wait, func() { p.send(held) })
	p.held = append(p.held, held)
}

// release sends what waits for the next message of a direction.
func (p *Proxy) release(dir wire.Direction) {
	p.mu.Lock()
	var due []*parcel
	for _, held := range p.held {
		if held.behindNext && held.message.Dir == dir {
			due = append(due, held)
		}
	}
	p.mu.Unlock()
	for _, held := range due {
		held.timer.Stop()
		p.send(held)
	}
}

// Held tells how many messages are delayed or held back now.
func (p *Proxy) Held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.held)
}

// Flush sends all that is delayed or held back, at once and in order, and
// returns what has reached a connection.
func (p *Proxy) Flush() []Message {
	p.mu.Lock()
	due := slices.Clone(p.held)
	p.mu.Unlock()
	var sent []Message
	for _, held := range due {
		held.timer.Stop()
		if p.send(held) {
			sent = append(sent, held.message)
		}
	}
	return sent
}

// send delivers a parcel once, on the connection that there is, and tells
// whether it did.
func (p *Proxy) send(held *parcel) bool {
	p.mu.Lock()
	s, at := p.current, slices.Index(p.held, held)
	if at >= 0 {
		p.held = slices.Delete(p.held, at, at+1)
	}
	p.mu.Unlock()
	if s == nil || at < 0 {
		return false
	}
	to := &s.broker
	if held.message.Dir == wire.Down {
		to = &s.terminal
	}
	return to.write(held.packet) == nil // an ending connection loses it
}
