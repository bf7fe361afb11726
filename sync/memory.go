package cloudsync

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
)

// errCut ends connections of a Memory.
var errCut = errors.New("cut")

// Memory is a broker within the process, for tests and simulation in virtual
// time. Like a real one it delivers at most once, forgets a client that is
// gone, and takes the place of a connection when its client connects again. A
// message that has reached it goes on to the cloud even if its sender is gone.
type Memory struct {
	serve func(Packet)
	fate  func(Packet) Fate
	up    *pipe
	done  chan struct{}

	mu      sync.Mutex
	refused error
	conns   map[string]*memoryConn
}

var _ Transport = (*Memory)(nil)

// NewMemory makes a broker which is used until Close. The cloud is serve,
// called for one packet at a time, which answers through Publish. The fate of
// each packet is asked for one at a time too; nil lets all arrive.
func NewMemory(serve func(Packet), fate func(Packet) Fate) *Memory {
	if fate == nil {
		fate = func(Packet) Fate { return Arrives() }
	}
	m := &Memory{serve: serve, fate: fate, done: make(chan struct{}), conns: make(map[string]*memoryConn)}
	m.up = newPipe(m.done, m.serve)
	return m
}

// Close cuts all connections and waits until serve is called no more.
func (m *Memory) Close() {
	m.Refuse(ErrClosed)
	close(m.done)
	<-m.up.ended
}

// Refuse cuts all connections and makes Connect fail with err, until it is
// called with nil, which cuts nothing.
func (m *Memory) Refuse(err error) {
	m.mu.Lock()
	m.refused = err
	var cut []*memoryConn
	for _, c := range m.conns {
		if err != nil {
			cut = append(cut, c)
		}
	}
	m.mu.Unlock()
	for _, c := range cut {
		c.end(err)
	}
}

// Cut ends the connection of a client, if it has one.
func (m *Memory) Cut(client string) {
	m.mu.Lock()
	c := m.conns[client]
	m.mu.Unlock()
	if c != nil {
		c.end(errCut)
	}
}

// Connect implements Transport.
func (m *Memory) Connect(ctx context.Context, client string, topics []string, deliver func(string, []byte)) (Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	if m.refused != nil {
		defer m.mu.Unlock()
		return nil, m.refused
	}
	c := &memoryConn{broker: m, client: client, topics: topics, done: make(chan struct{})}
	c.down = newPipe(c.done, func(p Packet) {
		deliver(p.Topic, p.Payload)
		if p.last {
			c.end(errCut)
		}
	})
	old := m.conns[client]
	m.conns[client] = c
	m.mu.Unlock()
	if old != nil {
		old.end(errCut)
	}
	return c, nil
}

// Publish sends a message down to whoever has subscribed to the topic.
func (m *Memory) Publish(topic string, payload []byte) {
	m.mu.Lock()
	var to []*memoryConn
	for _, c := range m.conns {
		if slices.Contains(c.topics, topic) {
			to = append(to, c)
		}
	}
	m.mu.Unlock()
	slices.SortFunc(to, func(a, b *memoryConn) int { return strings.Compare(a.client, b.client) })
	for _, c := range to {
		p := Packet{Client: c.client, Topic: topic, Payload: slices.Clone(payload)}
		fate := m.decide(p)
		p.last = fate.CutAfter
		if fate.CutBefore {
			c.end(errCut)
			continue
		}
		c.down.put(p, fate.Copies)
	}
}

func (m *Memory) decide(p Packet) Fate {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fate(p)
}

type memoryConn struct {
	broker *Memory
	client string
	topics []string
	down   *pipe
	done   chan struct{}
	once   sync.Once
	err    error
}

func (c *memoryConn) Publish(ctx context.Context, topic string, payload []byte) error {
	select {
	case <-c.done:
		return ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p := Packet{Client: c.client, Topic: topic, Payload: slices.Clone(payload), Up: true}
	fate := c.broker.decide(p)
	if !fate.CutBefore {
		c.broker.up.put(p, fate.Copies)
	}
	if fate.CutBefore || fate.CutAfter {
		c.end(errCut)
	}
	return nil
}

func (c *memoryConn) Done() <-chan struct{} { return c.done }

func (c *memoryConn) Err() error {
	<-c.done
	return c.err
}

func (c *memoryConn) end(err error) {
	c.once.Do(func() {
		c.err = err
		close(c.done)
	})
	c.broker.mu.Lock()
	defer c.broker.mu.Unlock()
	if c.broker.conns[c.client] == c {
		delete(c.broker.conns, c.client)
	}
}

// Close implements Conn. It is not called by deliver.
func (c *memoryConn) Close() {
	c.end(ErrClosed)
	<-c.down.ended
}
