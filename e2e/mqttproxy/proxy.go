package mqttproxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// handshakeTimeout bounds each of the two TLS handshakes.
const handshakeTimeout = 5 * time.Second

// lastWords is how long the side that still gets a message before a cut has to
// read it.
const lastWords = time.Second

// Opts configure a Proxy.
type Opts struct {
	Listen   string      // "127.0.0.1:0" when empty
	Broker   string      // host:port
	Terminal *tls.Config // towards the terminal: certificate and key, and whom it trusts
	Upstream *tls.Config // towards the broker: the terminal's client certificate
}

// Proxy is a running proxy. It is safe for concurrent use.
type Proxy struct {
	opts     Opts
	listener net.Listener
	ctx      context.Context
	cancel   context.CancelFunc
	work     sync.WaitGroup

	mu      sync.Mutex
	script  script
	refuse  bool
	current *session
	open    map[*session]bool
	held    []*parcel
	conns   int
}

// Start listens, without a script.
func Start(opts Opts) (*Proxy, error) {
	if opts.Listen == "" {
		opts.Listen = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", opts.Listen)
	if err != nil {
		return nil, fmt.Errorf("mqttproxy: %w", err)
	}
	p := &Proxy{opts: opts, listener: listener, script: newScript(nil), open: make(map[*session]bool)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.work.Go(p.accept)
	return p, nil
}

// Addr is where terminals connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Script replaces the rules, forgets the trace and counts from 1 again. The
// first rule that fits a message decides. What is held or delayed stays so.
func (p *Proxy) Script(rules ...Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script = newScript(slices.Clone(rules))
}

// Trace returns the messages that came by since the last Script, in order.
func (p *Proxy) Trace() []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.script.trace)
}

// Connections returns how many connections have reached the broker so far.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns
}

// Cut ends the connections, without goodbye.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := range p.open {
		s.cut()
	}
}

// Refuse cuts and accepts no connection until it is called with false.
func (p *Proxy) Refuse(refuse bool) {
	p.mu.Lock()
	p.refuse = refuse
	p.mu.Unlock()
	if refuse {
		p.Cut()
	}
}

// Close ends everything and waits for it. What is held is lost.
func (p *Proxy) Close() error {
	p.cancel()
	err := p.listener.Close()
	p.Refuse(true)
	p.mu.Lock()
	for _, held := range p.held {
		held.timer.Stop()
	}
	p.held = nil
	p.mu.Unlock()
	p.work.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (p *Proxy) accept() {
	for {
		raw, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.serve(raw) })
	}
}

// serve is the life of one connection. It is watched from the first byte, so
// that Cut and Close reach a handshake too.
func (p *Proxy) serve(raw net.Conn) {
	s := &session{proxy: p, terminal: side{raw: raw}}
	defer s.cut()
	if !p.enter(s) {
		return
	}
	defer p.leave(s)
	ctx, cancel := context.WithTimeout(p.ctx, handshakeTimeout)
	defer cancel()
	if s.terminal.secure(ctx, tls.Server(raw, p.opts.Terminal)) != nil {
		return
	}
	up, err := new(net.Dialer).DialContext(ctx, "tcp", p.opts.Broker)
	if err != nil {
		return
	}
	if !s.reached(up) {
		return
	}
	if s.broker.secure(ctx, tls.Client(up, p.opts.Upstream)) != nil {
		return
	}
	p.mu.Lock()
	p.current = s
	p.conns++
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { s.pump(&s.terminal, &s.broker) })
	both.Go(func() { s.pump(&s.broker, &s.terminal) })
	both.Wait()
}

func (p *Proxy) enter(s *session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse || p.ctx.Err() != nil {
		return false
	}
	p.open[s] = true
	return true
}

func (p *Proxy) leave(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, s)
	if p.current == s {
		p.current = nil
	}
}
