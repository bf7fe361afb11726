package broker_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats.go"

	"github.com/cloudpos/cloudpos/cloud/broker"
	"github.com/cloudpos/cloudpos/cloud/pki"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// waitMax bounds waits for what must come; a test does not sleep.
const waitMax = 20 * time.Second

type bench struct {
	t       *testing.T
	ca      *pki.CA
	broker  *broker.Broker
	addr    string
	handled chan string // "terminal kind payload"
}

// newBench runs a broker that answers each message with "kind" and "re payload".
func newBench(t *testing.T, change func(*broker.Config)) *bench {
	t.Helper()
	now := time.Now()
	ca, err := pki.NewCA("test", now)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Server([]string{"127.0.0.1"}, now, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, ca: ca, handled: make(chan string, 1000)}
	cfg := broker.Config{
		Listen: "127.0.0.1:0", Data: t.TempDir(), TLS: cert, ClientCAs: ca.Pool(), Workers: 4,
		Handle: func(_ context.Context, terminal, kind string, payload []byte) (string, []byte, error) {
			b.handled <- fmt.Sprintf("%s %s %s", terminal, kind, payload)
			return wire.KindAnswer, append([]byte("re "), payload...), nil
		},
	}
	if change != nil {
		change(&cfg)
	}
	if b.broker, err = broker.Start(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.broker.Close(context.Background()) })
	if b.addr, err = b.broker.Addr(); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) cert(cn string, expires time.Time) *tls.Certificate {
	b.t.Helper()
	pair, err := b.ca.Terminal(cn, time.Now(), expires)
	if err != nil {
		b.t.Fatal(err)
	}
	cert, err := pair.TLS()
	if err != nil {
		b.t.Fatal(err)
	}
	return &cert
}

// client is a paho client that connects once and does not try again.
func (b *bench) client(id string, cert *tls.Certificate, change func(*mqtt.ClientOptions)) mqtt.Client {
	cfg := &tls.Config{RootCAs: b.ca.Pool(), MinVersion: tls.VersionTLS13}
	if cert != nil {
		cfg.Certificates = []tls.Certificate{*cert}
	}
	o := mqtt.NewClientOptions().AddBroker("mqtts://" + b.addr).SetClientID(id).SetTLSConfig(cfg).
		SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(waitMax)
	if change != nil {
		change(o)
	}
	return mqtt.NewClient(o)
}

func done(t mqtt.Token) error {
	if !t.WaitTimeout(waitMax) {
		return errors.New("no end of it")
	}
	return t.Error()
}

func (b *bench) connect(cn string, change func(*mqtt.ClientOptions)) mqtt.Client {
	b.t.Helper()
	c := b.client(cn, b.cert(cn, time.Now().Add(time.Hour)), change)
	if err := done(c.Connect()); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Disconnect(0) })
	return c
}

// subscribe returns the SUBACK's code.
func (b *bench) subscribe(c mqtt.Client, topic string, heard mqtt.MessageHandler) byte {
	b.t.Helper()
	token := c.Subscribe(topic, 0, heard)
	err := done(token)                                           // paho makes an error of a refusal
	for _, code := range token.(*mqtt.SubscribeToken).Result() { // paho cuts $share off the topic
		return code
	}
	b.t.Fatalf("subscribe to %s: %v, no code", topic, err)
	return 0
}

func (b *bench) receive(from chan string, want string) {
	b.t.Helper()
	select {
	case got := <-from:
		if got != want {
			b.t.Errorf("got %q, want %q", got, want)
		}
	case <-time.After(waitMax):
		b.t.Errorf("nothing came, want %q", want)
	}
}

func listen(to chan string) mqtt.MessageHandler {
	return func(_ mqtt.Client, m mqtt.Message) { to <- m.Topic() + " " + string(m.Payload()) }
}

func TestRequestAndAnswer(t *testing.T) {
	b := newBench(t, nil)
	c := b.connect("dev:t1", nil)
	heard := make(chan string, 10)
	if code := b.subscribe(c, "cloudpos/v1/dev/t1/down/#", listen(heard)); code != 0 {
		t.Fatalf("SUBACK %#x", code)
	}
	if err := done(c.Publish("cloudpos/v1/dev/t1/up/request", 0, false, "one")); err != nil {
		t.Fatal(err)
	}
	b.receive(b.handled, "dev:t1 request one")
	b.receive(heard, "cloudpos/v1/dev/t1/down/answer re one")
	large := bytes.Repeat([]byte("x"), wire.MessageMax)
	if err := done(c.Publish("cloudpos/v1/dev/t1/up/hello", 0, false, large)); err != nil {
		t.Fatal(err)
	}
	b.receive(b.handled, "dev:t1 hello "+string(large))
}

func TestTooLargeAMessage(t *testing.T) {
	b := newBench(t, nil)
	lost := make(chan string, 1)
	c := b.connect("dev:t1", func(o *mqtt.ClientOptions) {
		o.SetConnectionLostHandler(func(mqtt.Client, error) { lost <- "lost" })
	})
	c.Publish("cloudpos/v1/dev/t1/up/request", 0, false, make([]byte, wire.MessageMax+4096))
	b.receive(lost, "lost")
	if len(b.handled) > 0 {
		t.Errorf("handled: %s", <-b.handled)
	}
}

// TestPermissions tries what a terminal may not, then that its own connection
// still works. The order of one connection is kept, so what was forbidden would
// have been handled before.
func TestPermissions(t *testing.T) {
	b := newBench(t, nil)
	victim, stolen := b.connect("dev:t2", nil), make(chan string, 10)
	if code := b.subscribe(victim, "cloudpos/v1/dev/t2/down/#", listen(stolen)); code != 0 {
		t.Fatalf("SUBACK %#x", code)
	}
	c, heard := b.connect("dev:t1", nil), make(chan string, 10)
	for _, topic := range []string{
		"cloudpos/v1/dev/t2/down/#", "cloudpos/v1/dev/+/down/answer", "cloudpos/v1/+/t1/down/#", "#", "+/#", "cloudpos/#",
		"cloudpos/v1/dev/t1/#", "cloudpos/v1/dev/t1/up/#", "cloudpos/v1/dev/t1/up/request", "$MQTT/#", "$MQTT/sub/#",
		"$JS/#", "$SYS/#", "_INBOX/#", "$share/ingest/cloudpos/v1/+/+/up/+",
	} {
		if code := b.subscribe(c, topic, listen(heard)); code != 0x80 {
			t.Errorf("subscription to %s got %#x, want a refusal", topic, code)
		}
	}
	for _, topic := range []string{
		"cloudpos/v1/dev/t2/up/request", "cloudpos/v1/dev/t2/down/answer", "cloudpos/v1/dev/t1/down/answer",
		"cloudpos/v1/dev/t1/up/else", "cloudpos/v1/dev/t1/up/request/x", "$MQTT/sub/x", "$JS/API/INFO", "x",
	} {
		for _, qos := range []byte{0, 1} {
			if err := done(c.Publish(topic, qos, qos == 1, "evil")); err != nil {
				t.Fatalf("publish to %s: %v", topic, err)
			}
		}
	}
	if code := b.subscribe(c, "cloudpos/v1/dev/t1/down/#", listen(heard)); code != 0 {
		t.Fatalf("SUBACK %#x for the own topics", code)
	}
	if err := done(c.Publish("cloudpos/v1/dev/t1/up/request", 0, false, "good")); err != nil {
		t.Fatal(err)
	}
	b.receive(b.handled, "dev:t1 request good")
	b.receive(heard, "cloudpos/v1/dev/t1/down/answer re good")
	if err := done(victim.Publish("cloudpos/v1/dev/t2/up/request", 0, false, "mine")); err != nil {
		t.Fatal(err)
	}
	b.receive(b.handled, "dev:t2 request mine")
	b.receive(stolen, "cloudpos/v1/dev/t2/down/answer re mine")
}

// TestClientIDIsTheCertificates pins what gate reads off the server's
// connection: were its text another, the first one here would be refused.
func TestClientIDIsTheCertificates(t *testing.T) {
	b := newBench(t, nil)
	cert := b.cert("dev:t1", time.Now().Add(time.Hour))
	victim := b.connect("dev:t2", nil)
	good := b.client("dev:t1", cert, nil)
	if err := done(good.Connect()); err != nil {
		t.Fatalf("own client id: %v", err)
	}
	defer good.Disconnect(0)
	for _, id := range []string{
		"dev:t2", "dev:t11", "t1", "", `x" - "dev:t1`, `" - "dev:t1`, `dev:t1"`, "dev:t1 ", "DEV:T1", "random",
	} {
		c := b.client(id, cert, nil)
		if err := done(c.Connect()); err == nil {
			t.Errorf("client id %q was let in with the certificate of dev:t1", id)
			c.Disconnect(0)
		}
	}
	if !victim.IsConnectionOpen() || !good.IsConnectionOpen() {
		t.Error("those who are in were disturbed")
	}
}

func TestCertificates(t *testing.T) {
	b := newBench(t, nil)
	other := &bench{t: t}
	var err error
	if other.ca, err = pki.NewCA("other", time.Now()); err != nil {
		t.Fatal(err)
	}
	server, err := b.ca.Server([]string{"dev:t1"}, time.Now(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	serverCert, err := server.TLS()
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		id   string
		cert *tls.Certificate
	}{
		"none":               {"dev:t1", nil},
		"of another CA":      {"dev:t1", other.cert("dev:t1", hour)},
		"expired":            {"dev:t1", b.cert("dev:t1", time.Now().Add(-time.Minute))},
		"a server's":         {"dev:t1", &serverCert},
		"name with wildcard": {"dev:*", b.cert("dev:*", hour)},
		"name with dot":      {"dev:a.b", b.cert("dev:a.b", hour)},
		"name with >":        {"dev:>", b.cert("dev:>", hour)},
		"name of one part":   {"dev", b.cert("dev", hour)},
		"no name":            {"", b.cert("", hour)},
	} {
		client := b.client(c.id, c.cert, nil)
		if err := done(client.Connect()); err == nil {
			t.Errorf("%s: let in", name)
			client.Disconnect(0)
		}
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	b := newBench(t, nil)
	conn, err := tls.Dial("tcp", b.addr, &tls.Config{
		RootCAs: b.ca.Pool(), Certificates: []tls.Certificate{*b.cert("dev:t1", time.Now().Add(time.Hour))}, MaxVersion: tls.VersionTLS12,
	})
	if err == nil {
		_ = conn.Close()
		t.Error("TLS 1.2 was let in")
	}
}

func TestRevoke(t *testing.T) {
	b := newBench(t, nil)
	lost := make(chan string, 1)
	cache := tls.NewLRUClientSessionCache(4)
	cert := b.cert("dev:t1", time.Now().Add(time.Hour))
	change := func(o *mqtt.ClientOptions) {
		o.TLSConfig.ClientSessionCache = cache
		o.SetConnectionLostHandler(func(mqtt.Client, error) { lost <- "lost" })
	}
	c := b.client("dev:t1", cert, change)
	if err := done(c.Connect()); err != nil {
		t.Fatal(err)
	}
	bystander := b.connect("dev:t2", nil)
	if err := b.broker.Revoke("dev:t1"); err != nil {
		t.Fatal(err)
	}
	b.receive(lost, "lost")
	if err := done(b.client("dev:t1", cert, change).Connect()); err == nil {
		t.Error("let in again")
	}
	if err := done(b.client("dev:t1", b.cert("dev:t1", time.Now().Add(2*time.Hour)), nil).Connect()); err == nil {
		t.Error("let in with a new certificate")
	}
	if !bystander.IsConnectionOpen() {
		t.Error("another terminal was cut")
	}
}

func TestConnectionEndsWithItsCertificate(t *testing.T) {
	b := newBench(t, nil)
	lost := make(chan string, 1)
	c := b.client("dev:t1", b.cert("dev:t1", time.Now().Add(3*time.Second)), func(o *mqtt.ClientOptions) {
		o.SetConnectionLostHandler(func(mqtt.Client, error) { lost <- "lost" })
	})
	if err := done(c.Connect()); err != nil {
		t.Fatal(err)
	}
	b.receive(lost, "lost")
}

func TestAddressInUse(t *testing.T) {
	b := newBench(t, nil)
	_, err := broker.Start(broker.Config{Listen: b.addr, Data: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), b.addr) || !strings.Contains(err.Error(), "address already in use") || strings.Contains(err.Error(), "\n") {
		t.Errorf("Start = %v, want one line with %s", err, b.addr)
	}
	for _, bad := range []string{"", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000"} {
		if _, err := broker.Start(broker.Config{Listen: bad, Data: t.TempDir()}); err == nil {
			t.Errorf("Start on %q: no error", bad)
		}
	}
}

// TestWorkersShareTheLoad holds all workers at once, and lets a failing handler
// stay without an answer.
func TestWorkersShareTheLoad(t *testing.T) {
	var started sync.WaitGroup
	var calls atomic.Int32
	const workers = 2
	started.Add(workers)
	release := make(chan struct{})
	b := newBench(t, func(c *broker.Config) {
		c.Workers = workers
		c.Handle = func(_ context.Context, _, _ string, payload []byte) (string, []byte, error) {
			if calls.Add(1) <= workers {
				started.Done()
				<-release
			}
			if string(payload) == "bad" {
				return "", nil, errors.New("refused")
			}
			return wire.KindAnswer, payload, nil
		}
	})
	c, heard := b.connect("dev:t1", nil), make(chan string, 1000)
	if code := b.subscribe(c, "cloudpos/v1/dev/t1/down/#", listen(heard)); code != 0 {
		t.Fatalf("SUBACK %#x", code)
	}
	// NATS picks the members of a group at random: enough that each gets one.
	const sent = 200
	for i := range sent {
		payload := "good"
		if i%2 == 1 {
			payload = "bad"
		}
		if err := done(c.Publish("cloudpos/v1/dev/t1/up/request", 0, false, payload)); err != nil {
			t.Fatal(err)
		}
	}
	started.Wait()
	close(release)
	for range sent / 2 {
		b.receive(heard, "cloudpos/v1/dev/t1/down/answer good")
	}
}

// TestCloseWaitsForHandlers closes while one runs; its answer still goes out.
func TestCloseWaitsForHandlers(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	b := newBench(t, func(c *broker.Config) {
		c.Handle = func(ctx context.Context, _, _ string, payload []byte) (string, []byte, error) {
			close(entered)
			select {
			case <-release:
			case <-ctx.Done():
			}
			return wire.KindAnswer, payload, ctx.Err()
		}
	})
	c, heard := b.connect("dev:t1", nil), make(chan string, 1)
	if code := b.subscribe(c, "cloudpos/v1/dev/t1/down/#", listen(heard)); code != 0 {
		t.Fatalf("SUBACK %#x", code)
	}
	if err := done(c.Publish("cloudpos/v1/dev/t1/up/request", 0, false, "last")); err != nil {
		t.Fatal(err)
	}
	<-entered
	closed := make(chan error)
	go func() { closed <- b.broker.Close(context.Background()) }()
	close(release)
	if err := <-closed; err != nil {
		t.Errorf("Close = %v", err)
	}
	b.receive(heard, "cloudpos/v1/dev/t1/down/answer last")
	if _, err := net.DialTimeout("tcp", b.addr, time.Second); err == nil {
		t.Error("it still listens")
	}
}

// TestNoNATSClients: there is no NATS listener, and the MQTT port speaks none.
func TestNoNATSClients(t *testing.T) {
	b := newBench(t, nil)
	cert := b.cert("dev:t1", time.Now().Add(time.Hour))
	nc, err := nats.Connect("tls://"+b.addr, nats.Timeout(300*time.Millisecond), nats.TLSHandshakeFirst(),
		nats.Secure(&tls.Config{RootCAs: b.ca.Pool(), Certificates: []tls.Certificate{*cert}, ServerName: "127.0.0.1"}))
	if err == nil {
		nc.Close()
		t.Error("a NATS client got in")
	}
}
