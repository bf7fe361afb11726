package mqttproxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/sync/wire"
)

// session is one connection of a terminal, and its own to the broker.
type session struct {
	proxy            *Proxy
	terminal, broker side

	mu    sync.Mutex
	ended bool
}

// side is one of the two ends.
type side struct {
	raw net.Conn

	mu   sync.Mutex // held while writing
	conn *tls.Conn
}

func (s *side) secure(ctx context.Context, conn *tls.Conn) error {
	s.mu.Lock()
	s.conn = conn
	s.mu.Unlock()
	return conn.HandshakeContext(ctx)
}

func (s *side) write(packets ...[]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, packet := range packets {
		if _, err := s.conn.Write(packet); err != nil {
			return err
		}
	}
	return nil
}

// reached notes the connection to the broker, unless the session has ended.
func (s *session) reached(raw net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		_ = raw.Close()
		return false
	}
	s.broker.raw = raw
	return true
}

// cut closes both ends below TLS: no goodbye. What was written is still read.
func (s *session) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	_ = s.terminal.raw.Close()
	if s.broker.raw != nil {
		_ = s.broker.raw.Close()
	}
}

func (s *session) isEnding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// cutBehind ends the session behind the given packets to one end. The other is
// cut first, so that no answer to them passes. The end that gets them is only
// half closed until it has read them: a reset could overtake them.
func (s *session) cutBehind(from, to *side, packets ...[]byte) {
	s.mu.Lock()
	gone := s.ended
	s.ended = true
	s.mu.Unlock()
	if gone {
		return
	}
	_ = from.raw.Close()
	_ = to.write(packets...) // it may be gone too
	if half, ok := to.raw.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
	_ = to.raw.SetReadDeadline(time.Now().Add(lastWords))
}

// pump carries packets from one end to the other until one of them is gone.
func (s *session) pump(from, to *side) {
	defer s.cutBehind(from, to) // the other pump ends by this too
	reader := bufio.NewReader(from.conn)
	for {
		packet, err := readPacket(reader)
		if err != nil {
			return
		}
		if s.isEnding() {
			continue
		}
		m, ok, err := message(packet)
		if err != nil {
			return
		}
		if !ok {
			if to.write(packet) != nil {
				return
			}
			continue
		}
		m.Dir = s.direction(from)
		if !s.strike(m, packet, from, to) {
			return
		}
	}
}

func (s *session) direction(from *side) wire.Direction {
	if from == &s.terminal {
		return wire.Up
	}
	return wire.Down
}

// strike does to a PUBLISH what the script says, and tells whether the
// connection goes on.
func (s *session) strike(m Message, packet []byte, from, to *side) bool {
	p := s.proxy
	p.mu.Lock()
	rule, m := p.script.decide(m, time.Now())
	p.mu.Unlock()
	if rule.Before != nil {
		rule.Before()
	}
	if rule.After != nil {
		defer rule.After()
	}
	switch rule.Do {
	case Drop:
		return true
	case Delay:
		p.keep(m, packet, rule.wait(), false)
		return true
	case Hold:
		p.keep(m, packet, rule.wait(), true)
		return true
	case CutBefore:
		s.cut()
		return false
	case CutAfter:
		s.cutBehind(from, to, packet)
		return false
	case Double:
		return to.write(packet, packet) == nil
	case Forward:
	}
	if to.write(packet) != nil {
		return false
	}
	p.release(m.Dir)
	return true
}
