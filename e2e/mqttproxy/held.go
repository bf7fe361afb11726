package mqttproxy

import (
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/sync/wire"
)

// parcel is a packet whose time has not come.
type parcel struct {
	dir        wire.Direction
	packet     []byte
	behindNext bool // it goes behind the next message, if that comes first
	timer      *time.Timer
}

// keep sends a packet on later.
func (p *Proxy) keep(dir wire.Direction, packet []byte, wait time.Duration, behindNext bool) {
	held := &parcel{dir: dir, packet: packet, behindNext: behindNext}
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
		if held.behindNext && held.dir == dir {
			due = append(due, held)
		}
	}
	p.mu.Unlock()
	for _, held := range due {
		held.timer.Stop()
		p.send(held)
	}
}

// send delivers a parcel once, on the connection that there is.
func (p *Proxy) send(held *parcel) {
	p.mu.Lock()
	s, at := p.current, slices.Index(p.held, held)
	if at >= 0 {
		p.held = slices.Delete(p.held, at, at+1)
	}
	p.mu.Unlock()
	if s == nil || at < 0 {
		return
	}
	to := &s.broker
	if held.dir == wire.Down {
		to = &s.terminal
	}
	_ = to.write(held.packet) // the connection may be ending: it is lost then
}
