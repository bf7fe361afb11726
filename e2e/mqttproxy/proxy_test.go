package mqttproxy_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"go.uber.org/goleak"

	cloudsync "github.com/cloudpos/cloudpos/sync"

	"github.com/cloudpos/cloudpos/e2e/mqttproxy"
	"github.com/cloudpos/cloudpos/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const terminal = "dev:t1"

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// authority issues certificates for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority() authority {
	a := authority{key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key))))
	return a
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func (a authority) issue(name string) tls.Certificate {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: must(x509.ParseCertificate(der))}
}

func (a authority) server() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{a.issue("server")},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool(),
	}
}

// broker answers each request and says what it got.
type broker struct {
	listener net.Listener
	got      chan string
	work     sync.WaitGroup
	mu       sync.Mutex
	open     []net.Conn
}

func startBroker(t *testing.T, config *tls.Config) *broker {
	b := &broker{listener: must(tls.Listen("tcp", "127.0.0.1:0", config)), got: make(chan string, 100)}
	b.work.Go(func() {
		for {
			conn, err := b.listener.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.open = append(b.open, conn)
			b.mu.Unlock()
			b.work.Go(func() { b.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = b.listener.Close()
		b.mu.Lock()
		for _, c := range b.open {
			_ = c.Close()
		}
		b.mu.Unlock()
		b.work.Wait()
	})
	return b
}

func (b *broker) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	send := func(p interface{ Write(io.Writer) error }) { _ = p.Write(conn) }
	for {
		p, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		switch p := p.(type) {
		case *packets.ConnectPacket:
			send(packets.NewControlPacket(packets.Connack))
		case *packets.SubscribePacket:
			ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			ack.MessageID, ack.ReturnCodes = p.MessageID, make([]byte, len(p.Topics))
			send(ack)
		case *packets.PublishPacket:
			r, err := wire.DecodeRequest(p.Payload)
			if err != nil {
				b.got <- err.Error()
				continue
			}
			b.got <- fmt.Sprint(r.Key.Leg, " ", r.Key.Seq)
			p.TopicName = must(wire.Topic(terminal, wire.Down, wire.KindAnswer))
			p.Payload = must(wire.EncodeAnswer(wire.Answer{Key: r.Key, Verdict: wire.VerdictRecorded}))
			send(p)
		}
	}
}

// rig is a terminal, the proxy and a broker.
type rig struct {
	*testing.T
	proxy     *mqttproxy.Proxy
	broker    *broker
	transport *cloudsync.MQTT
	conn      cloudsync.Conn
	answers   chan string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	ca := newAuthority()
	certificate := ca.issue(terminal)
	r := &rig{T: t, broker: startBroker(t, ca.server()), answers: make(chan string, 100)}
	proxy, err := mqttproxy.Start(mqttproxy.Opts{
		Broker: r.broker.listener.Addr().String(), Terminal: ca.server(),
		Upstream: &tls.Config{MinVersion: tls.VersionTLS13, ServerName: "127.0.0.1", RootCAs: ca.pool(), Certificates: []tls.Certificate{certificate}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.proxy = proxy
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	r.transport = must(cloudsync.NewMQTT(cloudsync.MQTTOpts{
		Address: proxy.Addr(), Identity: cloudsync.Identity{Terminal: terminal, Certificate: certificate, Roots: ca.pool()},
	}))
	r.connect()
	return r
}

func (r *rig) connect() {
	r.Helper()
	conn, err := r.transport.Connect(context.Background(), terminal, []string{must(wire.Topic(terminal, wire.Down, wire.KindAnswer))}, func(_ string, payload []byte) {
		a := must(wire.DecodeAnswer(payload))
		r.answers <- fmt.Sprint(a.Key.Leg, " ", a.Key.Seq)
	})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(conn.Close)
	r.conn = conn
}

// send hands a request to the connection, which may be cut by it.
func (r *rig) send(leg string, seq uint64) {
	r.Helper()
	data := must(wire.EncodeRequest(wire.Request{
		Key: wire.Key{Terminal: terminal, Epoch: 1, Seq: seq, Leg: leg, Attempt: 1}, Version: 1, At: time.Now(), Kind: "sale", Currency: "CNY",
		Merchant: "canary",
	}))
	_ = r.conn.Publish(r.Context(), must(wire.Topic(terminal, wire.Up, wire.KindRequest)), data)
}

func (r *rig) want(from chan string, want ...string) {
	r.Helper()
	for _, w := range want {
		select {
		case got := <-from:
			if got != w {
				r.Errorf("got %q, want %q", got, w)
			}
		case <-time.After(10 * time.Second):
			r.Fatalf("%q does not come", w)
		}
	}
}

// quiet demands that nothing more came. The last message asked for has come
// behind everything that was sent before it, so no time needs to pass.
func (r *rig) quiet() {
	r.Helper()
	if n, m := len(r.broker.got), len(r.answers); n+m > 0 {
		r.Errorf("%d requests and %d answers too many", n, m)
	}
}

func TestForwards(t *testing.T) {
	r := newRig(t)
	for seq := range uint64(50) {
		r.send(wire.LegComplete, seq+1)
	}
	for seq := range 50 {
		r.want(r.broker.got, fmt.Sprint("complete ", seq+1))
		r.want(r.answers, fmt.Sprint("complete ", seq+1))
	}
	r.quiet()
	if n := r.proxy.Connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestTrace(t *testing.T) {
	r := newRig(t)
	r.send(wire.LegAuthorise, 1)
	r.want(r.answers, "authorise 1")
	r.send(wire.LegComplete, 1)
	r.want(r.answers, "complete 1")
	r.send(wire.LegAuthorise, 2)
	r.want(r.answers, "authorise 2")
	trace := r.proxy.Trace()
	var got []string
	for _, m := range trace {
		got = append(got, m.String())
	}
	want := []string{"up request authorise 1", "down answer authorise 1", "up request complete 1", "down answer complete 1", "up request authorise 2", "down answer authorise 2"}
	if !slices.Equal(got, want) {
		t.Errorf("trace = %q, want %q", got, want)
	}
	if m := trace[4]; m.Key.Seq != 2 || m.Topic != "cloudpos/v1/dev/t1/up/request" || m.Did != mqttproxy.Forward || m.Size < 100 {
		t.Errorf("message = %+v", m)
	}
	if rule := trace[4].Rule(mqttproxy.Drop); rule.Nth != 2 || rule.Leg != wire.LegAuthorise || rule.Dir != wire.Up || rule.Kind != wire.KindRequest {
		t.Errorf("rule = %+v", rule)
	}
	if strings.Contains(fmt.Sprintf("%+v", trace), "canary") {
		t.Error("the trace holds a payload")
	}
	r.proxy.Script()
	if n := len(r.proxy.Trace()); n != 0 {
		t.Errorf("%d messages behind Script", n)
	}
}

func TestDrop(t *testing.T) {
	r := newRig(t)
	r.proxy.Script(
		mqttproxy.Rule{Dir: wire.Up, Leg: wire.LegComplete, Nth: 2, Do: mqttproxy.Drop},
		mqttproxy.Rule{Dir: wire.Down, Leg: wire.LegReverse, Do: mqttproxy.Drop},
	)
	for seq := range uint64(3) {
		r.send(wire.LegComplete, seq+1)
	}
	r.send(wire.LegReverse, 4)
	r.send(wire.LegReverse, 5)
	r.send(wire.LegAdvise, 6)
	r.want(r.broker.got, "complete 1", "complete 3", "reverse 4", "reverse 5", "advise 6")
	r.want(r.answers, "complete 1", "complete 3", "advise 6")
	r.quiet()
	if m := r.proxy.Trace()[1]; m.Did != mqttproxy.Drop && r.proxy.Trace()[2].Did != mqttproxy.Drop {
		t.Errorf("trace = %+v", r.proxy.Trace())
	}
}

func TestDouble(t *testing.T) {
	r := newRig(t)
	r.proxy.Script(mqttproxy.Rule{Nth: 1, Do: mqttproxy.Double})
	r.send(wire.LegComplete, 1)
	r.want(r.broker.got, "complete 1", "complete 1")
	r.want(r.answers, "complete 1", "complete 1")
	r.send(wire.LegComplete, 2)
	r.want(r.answers, "complete 2")
	r.want(r.broker.got, "complete 2")
	r.quiet()
}

func TestHoldReorders(t *testing.T) {
	r := newRig(t)
	r.proxy.Script(mqttproxy.Rule{Dir: wire.Up, Nth: 1, Do: mqttproxy.Hold, For: time.Hour})
	for seq := range uint64(3) {
		r.send(wire.LegComplete, seq+1)
	}
	r.want(r.broker.got, "complete 2", "complete 1", "complete 3")
	r.want(r.answers, "complete 2", "complete 1", "complete 3")
	r.quiet()
}

func TestHoldEnds(t *testing.T) {
	r := newRig(t)
	r.proxy.Script(mqttproxy.Rule{Dir: wire.Up, Nth: 1, Do: mqttproxy.Hold, For: 20 * time.Millisecond})
	r.send(wire.LegComplete, 1)
	r.want(r.answers, "complete 1")
}

func TestDelay(t *testing.T) {
	r := newRig(t)
	r.proxy.Script(mqttproxy.Rule{Dir: wire.Down, Nth: 1, Do: mqttproxy.Delay, For: 300 * time.Millisecond})
	r.send(wire.LegComplete, 1)
	r.send(wire.LegComplete, 2)
	r.want(r.broker.got, "complete 1", "complete 2")
	r.want(r.answers, "complete 2", "complete 1")
	r.quiet()
}

// A rule may strike all messages from one on, which come late together.
func TestFlush(t *testing.T) {
	r := newRig(t)
	r.proxy.Script(mqttproxy.Rule{Dir: wire.Up, Leg: wire.LegComplete, Nth: 2, On: true, Do: mqttproxy.Delay, For: time.Hour})
	for seq := range uint64(3) {
		r.send(wire.LegComplete, seq+1)
	}
	r.send(wire.LegAdvise, 4)
	r.want(r.answers, "complete 1", "advise 4")
	r.want(r.broker.got, "complete 1", "advise 4")
	if n := r.proxy.Held(); n != 2 {
		t.Errorf("%d held, want 2", n)
	}
	if sent := r.proxy.Flush(); len(sent) != 2 || sent[0].Key.Seq != 2 || sent[1].Nth != 3 {
		t.Errorf("Flush = %+v", sent)
	}
	r.want(r.broker.got, "complete 2", "complete 3")
	r.want(r.answers, "complete 2", "complete 3")
	r.quiet()
	if n := len(r.proxy.Flush()) + r.proxy.Held(); n != 0 {
		t.Errorf("%d held behind Flush", n)
	}
}

// A delayed message outlives its connection, as one in a broker does.
func TestDelayOverACut(t *testing.T) {
	r := newRig(t)
	r.proxy.Script(mqttproxy.Rule{Dir: wire.Up, Nth: 1, Do: mqttproxy.Delay, For: 500 * time.Millisecond})
	r.send(wire.LegComplete, 1)
	r.send(wire.LegComplete, 2)
	r.want(r.answers, "complete 2")
	r.proxy.Cut()
	<-r.conn.Done()
	r.connect()
	r.want(r.broker.got, "complete 2", "complete 1")
	r.want(r.answers, "complete 1")
}

func TestCutBeforeAndAfter(t *testing.T) {
	for _, c := range []struct {
		do      mqttproxy.Action
		dir     wire.Direction
		got     []string
		answers []string
	}{
		{mqttproxy.CutBefore, wire.Up, nil, nil},
		{mqttproxy.CutAfter, wire.Up, []string{"complete 1"}, nil},
		{mqttproxy.CutBefore, wire.Down, []string{"complete 1"}, nil},
		{mqttproxy.CutAfter, wire.Down, []string{"complete 1"}, []string{"complete 1"}},
	} {
		t.Run(fmt.Sprint(c.do, " ", c.dir), func(t *testing.T) {
			for range 20 {
				r := newRig(t)
				r.proxy.Script(mqttproxy.Rule{Dir: c.dir, Nth: 1, Do: c.do})
				r.send(wire.LegComplete, 1)
				<-r.conn.Done()
				r.want(r.broker.got, c.got...)
				r.want(r.answers, c.answers...)
				r.connect()
				r.send(wire.LegComplete, 2)
				r.want(r.answers, "complete 2")
				r.want(r.broker.got, "complete 2")
				r.quiet()
				if n := r.proxy.Connections(); n != 2 {
					t.Errorf("%d connections, want 2", n)
				}
			}
		})
	}
}

func TestHooks(t *testing.T) {
	r := newRig(t)
	before, after := make(chan int, 1), make(chan int, 1)
	r.proxy.Script(mqttproxy.Rule{
		Dir: wire.Up, Nth: 1, Do: mqttproxy.Forward,
		Before: func() { before <- len(r.broker.got) },
		After:  func() { after <- 1 },
	})
	r.send(wire.LegComplete, 1)
	if n := <-before; n != 0 {
		t.Errorf("%d forwarded before Before", n)
	}
	<-after
	r.want(r.broker.got, "complete 1")
}

func TestRefuse(t *testing.T) {
	r := newRig(t)
	r.proxy.Refuse(true)
	<-r.conn.Done()
	if conn, err := r.transport.Connect(t.Context(), terminal, nil, nil); err == nil {
		conn.Close()
		t.Error("connected while refused")
	}
	r.proxy.Refuse(false)
	r.connect()
	r.send(wire.LegComplete, 1)
	r.want(r.answers, "complete 1")
}

// The proxy ends in the middle of handshakes and with messages held.
func TestClose(t *testing.T) {
	r := newRig(t)
	half := must(net.Dial("tcp", r.proxy.Addr()))
	defer func() { _ = half.Close() }()
	r.proxy.Script(mqttproxy.Rule{Do: mqttproxy.Delay, For: time.Hour})
	r.send(wire.LegComplete, 1)
	if err := r.proxy.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if _, err := net.Dial("tcp", r.proxy.Addr()); err == nil {
		t.Error("it listens behind Close")
	}
}

func TestStartRefusesAPortInUse(t *testing.T) {
	r := newRig(t)
	if p, err := mqttproxy.Start(mqttproxy.Opts{Listen: r.proxy.Addr()}); err == nil {
		_ = p.Close()
		t.Error("two proxies on one port")
	}
}
