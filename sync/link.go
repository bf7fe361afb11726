package cloudsync

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// inFlightMax bounds the exchanges under way at once.
const inFlightMax = 16

// steady is how long a connection must have served until the next loss of it
// counts as the first.
const steady = 10 * time.Second

// errSilent ends a connection on which the cloud does not answer our hello.
var errSilent = errors.New("the cloud does not answer")

// Opts configure a Link. Zero values stand for the defaults.
type Opts struct {
	Terminal    string        // "dev:t1", also the MQTT client id
	Resend      time.Duration // between two sendings of one message: 2 s
	ConnectWait time.Duration // how long Exchange waits for a connection: 5 s
	HelloWait   time.Duration // how long a connection may stay without a welcome: 30 s
	BackoffMin  time.Duration // between two attempts to connect: 500 ms ...
	BackoffMax  time.Duration // ... to 30 s

	Now  func() time.Time // wall clock, for State
	Rand func() float64   // in [0, 1), safe for concurrent use
	Log  *slog.Logger

	// Hello says what this terminal is. Its Terminal is filled in.
	Hello func() wire.Hello
	// OnWelcome hears the cloud's answer before the link is used. An error
	// gives the connection up.
	OnWelcome func(wire.Welcome) error
}

func (o Opts) withDefaults() Opts {
	setDefault(&o.Resend, 2*time.Second)
	setDefault(&o.ConnectWait, 5*time.Second)
	setDefault(&o.HelloWait, 30*time.Second)
	setDefault(&o.BackoffMin, 500*time.Millisecond)
	setDefault(&o.BackoffMax, 30*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Hello == nil {
		o.Hello = func() wire.Hello { return wire.Hello{} }
	}
	if o.OnWelcome == nil {
		o.OnWelcome = func(wire.Welcome) error { return nil }
	}
	return o
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// Link keeps a terminal connected to its cloud and is its payment.Host. It is
// safe for concurrent use.
type Link struct {
	transport             Transport
	opts                  Opts
	upHello, upRequest    string // topics
	downHello, downAnswer string
	mu                    sync.Mutex
	conn                  Conn          // nil unless the cloud has welcomed us on it
	changed               chan struct{} // closed when conn changes
	welcome               chan wire.Welcome
	pending               map[wire.Key]chan wire.Answer
	state                 State
}

var _ payment.Host = (*Link)(nil)

// New makes a link over a transport. It connects once Run runs.
func New(transport Transport, opts Opts) (*Link, error) {
	l := &Link{
		transport: transport,
		opts:      opts.withDefaults(),
		changed:   make(chan struct{}),
		pending:   make(map[wire.Key]chan wire.Answer),
	}
	for _, t := range []struct {
		topic *string
		dir   wire.Direction
		kind  string
	}{
		{&l.upHello, wire.Up, wire.KindHello}, {&l.upRequest, wire.Up, wire.KindRequest},
		{&l.downHello, wire.Down, wire.KindHello}, {&l.downAnswer, wire.Down, wire.KindAnswer},
	} {
		topic, err := wire.Topic(opts.Terminal, t.dir, t.kind)
		if err != nil {
			return nil, fmt.Errorf("cloudsync: terminal: %w", err)
		}
		*t.topic = topic
	}
	return l, nil
}

// Run connects, and connects again, until ctx ends. It returns nil then. Why
// it is not connected is logged once, and again when the reason changes.
func (l *Link) Run(ctx context.Context) error {
	told := ""
	pause := backoff{least: l.opts.BackoffMin, most: l.opts.BackoffMax, rand: l.opts.Rand}
	for ctx.Err() == nil {
		served, err := l.session(ctx)
		if ctx.Err() != nil {
			break
		}
		if served > 0 {
			told = ""
		}
		if served >= steady {
			pause.reset()
		}
		wait := pause.next()
		l.failed(err)
		level := slog.LevelWarn
		if why := root(err); why == told {
			level = slog.LevelDebug
		} else {
			told = why
		}
		l.opts.Log.Log(ctx, level, "cloud: not connected", "err", err, "again in", wait.Round(time.Millisecond))
		if !sleep(ctx, wait) {
			break
		}
	}
	return nil
}

// root is what lies at the bottom of an error, to compare it with another. What
// lies above may have a local port in it, which is another one each time.
func root(err error) string {
	for {
		var below error
		switch e := err.(type) { //nolint:errorlint // it takes off one layer at a time
		case x509.CertificateInvalidError: // its text has the time of day
			return fmt.Sprintf("certificate invalid %d", e.Reason)
		case interface{ Unwrap() error }:
			below = e.Unwrap()
		case interface{ Unwrap() []error }:
			if all := e.Unwrap(); len(all) > 0 {
				below = all[len(all)-1]
			}
		}
		if below == nil {
			return err.Error()
		}
		err = below
	}
}

// session is the life of one connection: connect, greet, serve until it is
// lost. It tells how long it served.
func (l *Link) session(ctx context.Context) (served time.Duration, err error) {
	l.mu.Lock()
	l.welcome = make(chan wire.Welcome, 1)
	l.mu.Unlock()
	conn, err := l.transport.Connect(ctx, l.opts.Terminal, []string{l.downHello, l.downAnswer}, l.deliver)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	welcome, err := l.greet(ctx, conn)
	if err != nil {
		return 0, err
	}
	if err := l.opts.OnWelcome(welcome); err != nil {
		return 0, fmt.Errorf("cloudsync: welcome refused: %w", err)
	}
	began := time.Now()
	l.serve(conn)
	defer l.serve(nil)
	l.opts.Log.Info("cloud: connected", "epoch", welcome.Epoch, "seq", welcome.Seq)
	select {
	case <-ctx.Done():
		return time.Since(began), ctx.Err()
	case <-conn.Done():
		return time.Since(began), fmt.Errorf("cloudsync: connection lost: %w", conn.Err())
	}
}

// greet says hello, again and again, until the cloud has answered. Before that
// a connection is worth nothing: a broker without its workers looks the same.
func (l *Link) greet(ctx context.Context, conn Conn) (wire.Welcome, error) {
	hello := l.opts.Hello()
	hello.Terminal = l.opts.Terminal
	data, err := wire.EncodeHello(hello)
	if err != nil {
		return wire.Welcome{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, l.opts.HelloWait, errSilent)
	defer cancel()
	for {
		if err := conn.Publish(ctx, l.upHello, data); err != nil && ctx.Err() == nil {
			return wire.Welcome{}, fmt.Errorf("cloudsync: hello: %w", err)
		}
		resend := time.NewTimer(l.resendAfter())
		select {
		case w := <-l.welcome:
			resend.Stop()
			return w, nil
		case <-resend.C:
		case <-ctx.Done():
			resend.Stop()
			return wire.Welcome{}, fmt.Errorf("cloudsync: hello: %w", context.Cause(ctx))
		case <-conn.Done():
			resend.Stop()
			return wire.Welcome{}, fmt.Errorf("cloudsync: hello: connection lost: %w", conn.Err())
		}
	}
}

// resendAfter spreads the sendings of many terminals by a quarter each way.
func (l *Link) resendAfter() time.Duration {
	return l.opts.Resend*3/4 + time.Duration(l.opts.Rand()*float64(l.opts.Resend/2))
}

// serve makes conn the one that exchanges use, or none with nil.
func (l *Link) serve(conn Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = conn
	l.state.Connected, l.state.Since = conn != nil, l.opts.Now()
	if conn != nil {
		l.state.Connects++
		l.state.LastError = nil
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// current returns the connection to use, nil when there is none, and a channel
// which is closed when that changes.
func (l *Link) current() (Conn, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn, l.changed
}
