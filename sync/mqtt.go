package cloudsync

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// quiesce is how long a connection is given to say goodbye.
const quiesce = 250 * time.Millisecond

// Errors of the MQTT connection.
var (
	errSubscription = errors.New("the broker refused a subscription")
	errUnanswered   = errors.New("the broker does not answer")
)

// MQTTOpts configure an MQTT transport. Zero values stand for the defaults.
type MQTTOpts struct {
	Address    string // host:port of the broker
	ServerName string // in its certificate: the host of Address
	Identity   Identity

	// Dial opens the network connection; failover between networks is its
	// matter. The default is that of package net.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	ConnectTimeout time.Duration // from dial to the last subscription: 10 s
	WriteTimeout   time.Duration // of one packet: 5 s
	KeepAlive      time.Duration // silence before a ping, in seconds: 30 s
	PingTimeout    time.Duration // from a ping to the end: 10 s

	// Certificates are judged by the latest of these, so that a dead clock
	// battery does not lock a terminal out.
	Now        func() time.Time // the wall clock
	Built      time.Time        // when this program was built
	Journalled func() time.Time // the latest time in the journal
}

// MQTT is the Transport over MQTT 3.1.1, TLS 1.3 and a client certificate.
type MQTT struct {
	opts MQTTOpts
}

var _ Transport = (*MQTT)(nil)

// NewMQTT checks the options. Nothing is dialled yet.
func NewMQTT(opts MQTTOpts) (*MQTT, error) {
	host, port, err := net.SplitHostPort(opts.Address)
	if err != nil || host == "" || port == "" {
		return nil, fmt.Errorf("cloudsync: broker address %q: write it host:port", opts.Address)
	}
	if err := opts.Identity.check(); err != nil {
		return nil, err
	}
	if opts.ServerName == "" {
		opts.ServerName = host
	}
	if opts.Dial == nil {
		opts.Dial = new(net.Dialer).DialContext
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Journalled == nil {
		opts.Journalled = func() time.Time { return time.Time{} }
	}
	setDefault(&opts.ConnectTimeout, 10*time.Second)
	setDefault(&opts.WriteTimeout, 5*time.Second)
	setDefault(&opts.KeepAlive, 30*time.Second)
	setDefault(&opts.PingTimeout, 10*time.Second)
	opts.KeepAlive = max(opts.KeepAlive, time.Second) // the protocol counts in seconds, and 0 is never
	return &MQTT{opts: opts}, nil
}

// clock is what certificates are judged by.
func (t *MQTT) clock() time.Time {
	return slices.MaxFunc([]time.Time{t.opts.Now(), t.opts.Built, t.opts.Journalled()}, time.Time.Compare)
}

// Connect implements Transport. The client id must be the certificate's name.
func (t *MQTT) Connect(ctx context.Context, client string, topics []string, deliver func(string, []byte)) (Conn, error) {
	if client != t.opts.Identity.Terminal {
		return nil, fmt.Errorf("cloudsync: client %w: it is not for %q", ErrCertificate, client)
	}
	if err := t.opts.Identity.Valid(t.clock()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, t.opts.ConnectTimeout, errUnanswered)
	defer cancel()
	conn, err := t.dial(ctx, len(topics))
	if err != nil {
		return nil, fmt.Errorf("cloudsync: broker %s: %w", t.opts.Address, explain(ctx, err))
	}
	c := t.wrap(conn, client, deliver)
	if err := c.open(ctx, topics); err != nil {
		c.Close()
		return nil, fmt.Errorf("cloudsync: broker %s: %w", t.opts.Address, explain(ctx, err))
	}
	return c, nil
}

func (t *MQTT) dial(ctx context.Context, topics int) (net.Conn, error) {
	raw, err := t.opts.Dial(ctx, "tcp", t.opts.Address)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(raw, &tls.Config{
		MinVersion:   tls.VersionTLS13,
		ServerName:   t.opts.ServerName,
		RootCAs:      t.opts.Identity.Roots,
		Certificates: []tls.Certificate{t.opts.Identity.Certificate},
		Time:         t.clock,
	})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return &guard{Conn: secure, raw: raw, writeTimeout: t.opts.WriteTimeout, subackMax: 2 + topics}, nil
}

// wrap makes a client for one connection. It never reconnects: the library's
// own way reorders and repeats messages, and keeps a queue which is not ours.
func (t *MQTT) wrap(conn net.Conn, client string, deliver func(string, []byte)) *mqttConn {
	c := &mqttConn{conn: conn, done: make(chan struct{})}
	o := mqtt.NewClientOptions()
	o.Servers = []*url.URL{{Scheme: "tls", Host: t.opts.Address}}
	o.SetClientID(client).SetProtocolVersion(4).SetCleanSession(true)
	o.SetAutoReconnect(false).SetConnectRetry(false).SetResumeSubs(false).SetOrderMatters(true)
	// Our own limit of connecting comes first, and says what it is.
	o.SetConnectTimeout(2 * t.opts.ConnectTimeout).SetWriteTimeout(t.opts.WriteTimeout)
	o.SetKeepAlive(t.opts.KeepAlive).SetPingTimeout(t.opts.PingTimeout)
	o.SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) { return conn, nil })
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { c.end(err) })
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		c.delivering.Lock()
		defer c.delivering.Unlock()
		select {
		case <-c.done:
		default:
			deliver(m.Topic(), m.Payload())
		}
	})
	c.client = mqtt.NewClient(o)
	return c
}

// mqttConn is one connection of one client.
type mqttConn struct {
	conn       net.Conn
	client     mqtt.Client
	delivering sync.Mutex     // held while a message is delivered
	mu         sync.Mutex     // held while a publisher begins
	publishing sync.WaitGroup // publishers under way

	once sync.Once
	done chan struct{}
	err  error
}

func (c *mqttConn) open(ctx context.Context, topics []string) error {
	defer context.AfterFunc(ctx, func() { _ = c.conn.Close() })()
	if err := c.await(ctx, c.client.Connect()); err != nil {
		return fmt.Errorf("mqtt connect: %w", err)
	}
	filters := make(map[string]byte, len(topics))
	for _, topic := range topics {
		filters[topic] = 0
	}
	token := c.client.SubscribeMultiple(filters, nil)
	if err := c.await(ctx, token); err != nil {
		return fmt.Errorf("mqtt subscribe: %w", c.reason(ctx, err))
	}
	subscribed, ok := token.(*mqtt.SubscribeToken)
	if !ok {
		return fmt.Errorf("mqtt subscribe: token is a %T", token)
	}
	for _, topic := range topics {
		if code, ok := subscribed.Result()[topic]; !ok || code != 0 {
			return fmt.Errorf("mqtt subscribe %s: %w, code %#02x", topic, errSubscription, code)
		}
	}
	return nil
}

// await waits for a token, which may never complete when its connection ends.
// The end of ctx closes connections, so what fails together with it fails for
// that.
func (c *mqttConn) await(ctx context.Context, token mqtt.Token) error {
	var err error
	select {
	case <-token.Done():
		err = token.Error()
	case <-c.done:
		err = c.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// reason waits for why the connection was lost, which comes a moment after its
// tokens have failed for that.
func (c *mqttConn) reason(ctx context.Context, err error) error {
	if c.client.IsConnectionOpen() {
		return err
	}
	select {
	case <-c.done:
		if ctx.Err() == nil {
			return c.err
		}
	case <-ctx.Done():
	}
	return err
}

// Publish implements Conn. The client's own Publish may block as long as a
// write, whatever becomes of ctx, so it runs beside.
func (c *mqttConn) Publish(ctx context.Context, topic string, payload []byte) error {
	written := make(chan error, 1)
	if !c.begin(func() {
		token := c.client.Publish(topic, 0, false, slices.Clone(payload))
		written <- c.await(ctx, token)
	}) {
		return ErrClosed
	}
	select {
	case err := <-written:
		return err
	case <-c.done:
		return fmt.Errorf("cloudsync: publish: %w", c.err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// begin runs publish beside, unless the connection is closed.
func (c *mqttConn) begin(publish func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.done:
		return false
	default:
	}
	if !c.client.IsConnectionOpen() {
		return false
	}
	c.publishing.Go(publish)
	return true
}

// Done implements Conn.
func (c *mqttConn) Done() <-chan struct{} { return c.done }

// Err implements Conn.
func (c *mqttConn) Err() error {
	<-c.done
	return c.err
}

func (c *mqttConn) end(err error) {
	c.once.Do(func() {
		c.err = err
		close(c.done)
	})
}

// Close implements Conn. It closes the network connection itself as well: the
// client would wait for a writer that is stuck.
func (c *mqttConn) Close() {
	c.end(ErrClosed)
	c.client.Disconnect(uint(quiesce / time.Millisecond))
	_ = c.conn.Close()
	c.mu.Lock() // none begins behind this
	defer c.mu.Unlock()
	c.publishing.Wait()
	c.delivering.Lock() // none is delivered behind this
	defer c.delivering.Unlock()
}

// explain tells a certificate that is refused, by us or by the broker, from a
// network that does not work. A broker's alert comes with the first read.
func explain(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("the broker's %w: %w", ErrCertificate, err)
	}
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" && strings.Contains(err.Error(), "certificate") {
		return fmt.Errorf("our %w by the broker: %w", ErrCertificate, err)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}
