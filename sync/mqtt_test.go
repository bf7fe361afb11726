package cloudsync_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	cloudsync "github.com/cloudpos/cloudpos/sync"

	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/sync/wire"
)

var downTopics = []string{"cloudpos/v1/dev/t1/down/hello", "cloudpos/v1/dev/t1/down/answer"}

func dropped(string, []byte) {}

func connect(t *testing.T, opts cloudsync.MQTTOpts, deliver func(string, []byte)) (cloudsync.Conn, error) {
	t.Helper()
	transport, err := cloudsync.NewMQTT(opts)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := transport.Connect(t.Context(), terminal, downTopics, deliver)
	if err == nil {
		t.Cleanup(conn.Close)
	}
	return conn, err
}

func TestCertificates(t *testing.T) {
	ours, theirs := newPKI(t), newPKI(t)
	good := ours.identity()
	expired := good
	expired.Certificate = ours.issue(terminal, -time.Hour)
	foreign := good
	foreign.Certificate = theirs.issue(terminal, time.Hour)
	distrusting := good
	distrusting.Roots = theirs.roots()
	epoch := func() time.Time { return time.Unix(0, 0) }
	for _, c := range []struct {
		name     string
		server   *tls.Config
		identity cloudsync.Identity
		change   func(*cloudsync.MQTTOpts)
		want     error
		says     string
	}{
		{"good", ours.server(time.Hour), good, nil, nil, ""},
		{"wrong CA", ours.server(time.Hour), distrusting, nil, cloudsync.ErrCertificate, "the broker's certificate refused"},
		{"cloud's expired", ours.server(-time.Hour), good, nil, cloudsync.ErrCertificate, "has expired"},
		{"cloud of another name", ours.server(time.Hour), good, func(o *cloudsync.MQTTOpts) { o.ServerName = "elsewhere" }, cloudsync.ErrCertificate, "elsewhere"},
		{"ours expired", ours.server(time.Hour), expired, nil, cloudsync.ErrCertificate, "client certificate refused: it expired on 20"},
		{"ours from a foreign CA", ours.server(time.Hour), foreign, nil, cloudsync.ErrCertificate, "by the broker"},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{ours.issue("cloud", time.Hour)}}, good, nil, nil, "protocol version"},
		{"clock battery dead, program newer", ours.server(time.Hour), good, func(o *cloudsync.MQTTOpts) { o.Now, o.Built = epoch, time.Now() }, nil, ""},
		{"clock battery dead, journal newer", ours.server(time.Hour), good, func(o *cloudsync.MQTTOpts) { o.Now, o.Journalled = epoch, time.Now }, nil, ""},
		{"clock battery dead, nothing newer", ours.server(time.Hour), good, func(o *cloudsync.MQTTOpts) { o.Now = epoch }, cloudsync.ErrCertificate, "not yet valid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			broker := (&scripted{}).start(t, c.server)
			opts := cloudsync.MQTTOpts{Address: broker.address, Identity: c.identity}
			if c.change != nil {
				c.change(&opts)
			}
			_, err := connect(t, opts, dropped)
			if (err == nil) != (c.says == "") || !errors.Is(err, c.want) && c.want != nil || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("Connect = %v, want %v that says %q", err, c.want, c.says)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%q has more than one line", err)
			}
		})
	}
}

func TestLoadIdentity(t *testing.T) {
	p := newPKI(t)
	ca, cert, key := p.files(terminal)
	if id, err := cloudsync.LoadIdentity(terminal, ca, cert, key); err != nil || id.Terminal != terminal {
		t.Errorf("LoadIdentity = %v, %v", id.Terminal, err)
	}
	_, _, otherKey := p.files(terminal)
	_, otherCert, itsKey := p.files("dev:t2")
	missing := filepath.Join(t.TempDir(), "missing")
	for _, c := range []struct {
		name, ca, cert, key string
		want                error
		says                string
	}{
		{"no CA", missing, cert, key, os.ErrNotExist, missing},
		{"no certificate", ca, missing, key, os.ErrNotExist, missing},
		{"no key", ca, cert, missing, os.ErrNotExist, missing},
		{"CA is a key", key, cert, key, cloudsync.ErrCertificate, key},
		{"key of another", ca, cert, otherKey, cloudsync.ErrCertificate, otherKey},
		{"another terminal's", ca, otherCert, itsKey, cloudsync.ErrCertificate, `"dev:t2"`},
	} {
		_, err := cloudsync.LoadIdentity(terminal, c.ca, c.cert, c.key)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v that says %s", c.name, err, c.want, c.says)
		}
	}
}

func TestNewMQTTRefuses(t *testing.T) {
	p := newPKI(t)
	for _, address := range []string{"", "localhost", ":8883", "tls://localhost:8883"} {
		if _, err := cloudsync.NewMQTT(cloudsync.MQTTOpts{Address: address, Identity: p.identity()}); err == nil {
			t.Errorf("NewMQTT(%q) is taken", address)
		}
	}
	if _, err := cloudsync.NewMQTT(cloudsync.MQTTOpts{Address: "localhost:1"}); !errors.Is(err, cloudsync.ErrCertificate) {
		t.Errorf("NewMQTT without an identity = %v, want ErrCertificate", err)
	}
	transport, err := cloudsync.NewMQTT(cloudsync.MQTTOpts{Address: "localhost:1", Identity: p.identity()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transport.Connect(t.Context(), "dev:t2", nil, dropped); !errors.Is(err, cloudsync.ErrCertificate) {
		t.Errorf("Connect as another = %v, want ErrCertificate", err)
	}
}

// A broker can refuse or be silent at each step; the terminal says which.
func TestBrokerRefusesOrIsSilent(t *testing.T) {
	p := newPKI(t)
	for _, c := range []struct {
		name   string
		broker scripted
		plain  bool
		says   string
	}{
		{"no TLS", scripted{NoAnswer: map[byte]bool{}}, true, "does not answer"},
		{"no CONNACK", scripted{NoAnswer: map[byte]bool{packets.Connect: true}}, false, "mqtt connect: the broker does not answer"},
		{"not authorised", scripted{Connack: packets.ErrRefusedNotAuthorised}, false, "not Authorized"},
		{"no SUBACK", scripted{NoAnswer: map[byte]bool{packets.Subscribe: true}}, false, "mqtt subscribe: the broker does not answer"},
		{"one subscription refused", scripted{Suback: func([]string) []byte { return []byte{0, 0x80} }}, false, "refused a subscription, code 0x80"},
		{"higher QoS granted", scripted{Suback: func([]string) []byte { return []byte{0, 1} }}, false, "refused a subscription, code 0x01"},
		{"too few codes", scripted{Suback: func([]string) []byte { return []byte{0} }}, false, "refused a subscription"},
		{"too many codes", scripted{Suback: func([]string) []byte { return make([]byte, 9) }}, false, "malformed or oversized packet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := p.server(time.Hour)
			if c.plain {
				config = nil
			}
			broker := c.broker.start(t, config)
			opts := cloudsync.MQTTOpts{Address: broker.address, Identity: p.identity()}
			if strings.Contains(c.says, "does not answer") {
				opts.ConnectTimeout = 300 * time.Millisecond
			}
			if c.plain {
				opts.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := new(net.Dialer).DialContext(ctx, network, address)
					if err != nil {
						return nil, err
					}
					return &deaf{Conn: conn}, nil
				}
			}
			_, err := connect(t, opts, dropped)
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), broker.address) {
				t.Errorf("Connect = %v, want an error that says %q and where", err, c.says)
			}
		})
	}
}

// deaf is a connection whose bytes go nowhere.
type deaf struct{ net.Conn }

func (*deaf) Write(b []byte) (int, error) { return len(b), nil }

func TestConnectionEnds(t *testing.T) {
	p := newPKI(t)
	for _, c := range []struct {
		name   string
		broker scripted
		says   string
	}{
		{"packet of 256 MB", scripted{After: []byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F}}, "oversized"},
		{"length without end", scripted{After: []byte{0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}}, "oversized"},
		{"SUBACK for nobody", scripted{After: []byte{0x90, 0x05, 0x00, 0x01, 0, 0, 0}}, "oversized"},
		{"no answer to a ping", scripted{NoAnswer: map[byte]bool{packets.Pingreq: true}}, "pingresp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			broker := c.broker.start(t, p.server(time.Hour))
			conn, err := connect(t, cloudsync.MQTTOpts{
				Address: broker.address, Identity: p.identity(), KeepAlive: time.Second, PingTimeout: 100 * time.Millisecond,
			}, dropped)
			if err != nil {
				t.Fatal(err)
			}
			if c.broker.After != nil { // may fail: the answer can be faster than its return
				_ = conn.Publish(t.Context(), "cloudpos/v1/dev/t1/up/hello", []byte("x"))
			}
			<-conn.Done()
			if err := conn.Err(); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Err = %v, want %q", err, c.says)
			}
			if err := conn.Publish(t.Context(), "cloudpos/v1/dev/t1/up/hello", []byte("x")); !errors.Is(err, cloudsync.ErrClosed) {
				t.Errorf("Publish = %v, want ErrClosed", err)
			}
		})
	}
}

func TestPublishAndDeliver(t *testing.T) {
	p := newPKI(t)
	got := make(chan string, 1)
	broker := &scripted{Publish: func(c *scriptedConn, m *packets.PublishPacket) {
		got <- string(m.Payload)
		m.TopicName = downTopics[1]
		c.send(m)
	}}
	broker.start(t, p.server(time.Hour))
	delivered := make(chan string, 1)
	conn, err := connect(t, cloudsync.MQTTOpts{Address: broker.address, Identity: p.identity()}, func(topic string, payload []byte) {
		delivered <- topic + " " + string(payload)
	})
	if err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("x", wire.MessageMax)
	if err := conn.Publish(t.Context(), "cloudpos/v1/dev/t1/up/request", []byte(large)); err != nil {
		t.Fatal(err)
	}
	if m := <-got; m != large {
		t.Errorf("the broker got %d bytes", len(m))
	}
	if m := <-delivered; m != downTopics[1]+" "+large {
		t.Errorf("delivered %d bytes", len(m))
	}
	conn.Close()
	if err := conn.Publish(t.Context(), "cloudpos/v1/dev/t1/up/request", nil); !errors.Is(err, cloudsync.ErrClosed) {
		t.Errorf("Publish after Close = %v, want ErrClosed", err)
	}
}

// A network that takes no bytes any more: Publish keeps to its ctx, a ping
// does not block for ever, and neither does Close.
func TestStuckNetwork(t *testing.T) {
	p := newPKI(t)
	broker := (&scripted{}).start(t, p.server(time.Hour))
	for _, publish := range []bool{true, false} {
		gate := &gate{open: make(chan struct{})}
		conn, err := connect(t, cloudsync.MQTTOpts{
			Address: broker.address, Identity: p.identity(), WriteTimeout: 200 * time.Millisecond,
			KeepAlive: time.Second, PingTimeout: 100 * time.Millisecond,
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				gate.Conn = conn
				return gate, err
			},
		}, dropped)
		if err != nil {
			t.Fatal(err)
		}
		gate.shut()
		if publish {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			if err := conn.Publish(ctx, "cloudpos/v1/dev/t1/up/request", []byte("x")); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Publish = %v, want DeadlineExceeded", err)
			}
			cancel()
		}
		<-conn.Done()
		conn.Close()
	}
}

// gate is a connection that can stop taking bytes.
type gate struct {
	net.Conn
	mu     sync.Mutex
	isShut bool
	until  time.Time
	open   chan struct{}
	once   sync.Once
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isShut = true
}

func (g *gate) SetWriteDeadline(t time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = t
	return nil
}

func (g *gate) Write(b []byte) (int, error) {
	g.mu.Lock()
	isShut, until := g.isShut, g.until
	g.mu.Unlock()
	if !isShut {
		return g.Conn.Write(b)
	}
	wait := time.Until(until)
	if until.IsZero() || wait > time.Second {
		wait = time.Hour // only Close helps
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-g.open:
		return 0, net.ErrClosed
	case <-timer.C:
		return 0, os.ErrDeadlineExceeded
	}
}

func (g *gate) Close() error {
	g.once.Do(func() { close(g.open) })
	return g.Conn.Close()
}

// The tokens of the MQTT client complete for messages that nobody reads. The
// link does not believe them.
func TestBrokerThatSwallowsRequests(t *testing.T) {
	p := newPKI(t)
	swallowed := make(chan []byte, 100)
	broker := &scripted{Publish: func(c *scriptedConn, m *packets.PublishPacket) {
		if _, _, kind, _ := wire.ParseTopic(m.TopicName); kind != wire.KindHello {
			swallowed <- m.Payload
			return
		}
		m.TopicName, m.Payload = downTopics[0], must(wire.EncodeWelcome(wire.Welcome{Now: time.Now()}))
		c.send(m)
	}}
	broker.start(t, p.server(time.Hour))
	link, _ := startLink(t, broker.address, p)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := link.Exchange(ctx, message(1, payment.Authorise))
	if !errors.Is(err, payment.ErrUnknown) || errors.Is(err, payment.ErrNotSent) {
		t.Errorf("Exchange = %v, want ErrUnknown", err)
	}
	if a, b := <-swallowed, <-swallowed; !bytes.Equal(a, b) {
		t.Errorf("sent %s, then %s", a, b)
	}
}

// startLink runs a link over MQTT until the end of the test, and waits until
// it is connected.
func startLink(t *testing.T, address string, p *pki) (*cloudsync.Link, *cloudsync.MQTT) {
	t.Helper()
	transport, err := cloudsync.NewMQTT(cloudsync.MQTTOpts{Address: address, Identity: p.identity()})
	if err != nil {
		t.Fatal(err)
	}
	link, err := cloudsync.New(transport, cloudsync.Opts{
		Terminal: terminal, Resend: 50 * time.Millisecond, BackoffMin: 10 * time.Millisecond, BackoffMax: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	changed := link.Changed()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- link.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	<-changed
	return link, transport
}
