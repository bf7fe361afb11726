package cloudsync_test

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// scripted is an MQTT broker that does as it is told.
type scripted struct {
	Connack  byte
	NoAnswer map[byte]bool // packet types that it swallows
	Suback   func(topics []string) []byte
	Publish  func(s *scriptedConn, p *packets.PublishPacket)
	After    []byte // sent behind each PUBLISH, as it is

	address string
}

type scriptedConn struct {
	net.Conn
	mu sync.Mutex
}

func (c *scriptedConn) send(p interface{ Write(io.Writer) error }) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = p.Write(c) // the peer may be gone
}

func (s *scripted) start(t *testing.T, config *tls.Config) *scripted {
	t.Helper()
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	s.address = listener.Addr().String()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			conn := raw
			if config != nil {
				conn = tls.Server(raw, config)
			}
			mu.Lock()
			open = append(open, raw)
			mu.Unlock()
			wg.Go(func() { s.serve(&scriptedConn{Conn: conn}) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return s
}

func (s *scripted) serve(c *scriptedConn) {
	defer func() { _ = c.Close() }()
	for {
		p, err := packets.ReadPacket(c)
		if err != nil {
			return
		}
		switch p := p.(type) {
		case *packets.ConnectPacket:
			if s.NoAnswer[packets.Connect] {
				continue
			}
			ack := packets.NewControlPacket(packets.Connack).(*packets.ConnackPacket)
			ack.ReturnCode = s.Connack
			c.send(ack)
		case *packets.SubscribePacket:
			if s.NoAnswer[packets.Subscribe] {
				continue
			}
			ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			ack.MessageID, ack.ReturnCodes = p.MessageID, make([]byte, len(p.Topics))
			if s.Suback != nil {
				ack.ReturnCodes = s.Suback(p.Topics)
			}
			c.send(ack)
		case *packets.PingreqPacket:
			if !s.NoAnswer[packets.Pingreq] {
				c.send(packets.NewControlPacket(packets.Pingresp))
			}
		case *packets.PublishPacket:
			if s.Publish != nil {
				s.Publish(c, p)
			}
			c.mu.Lock()
			_, _ = c.Write(s.After) // the peer may be gone
			c.mu.Unlock()
		}
	}
}
