package cloudsync_test

import (
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// startNATS runs a real broker, with the permissions that a terminal gets.
func startNATS(t *testing.T, port int, config *tls.Config) (*server.Server, int) {
	t.Helper()
	users := []*server.User{
		{Username: "CN=" + terminal, Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{"cloudpos.v1.dev.t1.up.>"}},
			Subscribe: &server.SubjectPermission{Allow: []string{"cloudpos.v1.dev.t1.down.>"}},
		}},
		{Username: "worker", Password: "worker"},
	}
	opts := &server.Options{
		ServerName: "test", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), Users: users,
		MQTT: server.MQTTOpts{Host: "127.0.0.1", Port: port, TLSConfig: config, TLSMap: true, TLSTimeout: 5},
	}
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the broker does not start")
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s, opts.MQTT.Port
}

// work answers hellos and requests as a cloud does.
func work(t *testing.T, s *server.Server) {
	t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.UserInfo("worker", "worker"), nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	_, err = nc.Subscribe("cloudpos.v1.*.*.up.>", func(m *nats.Msg) {
		id, _, kind, err := wire.ParseTopic(strings.ReplaceAll(m.Subject, ".", "/"))
		if err != nil {
			t.Errorf("subject %s: %v", m.Subject, err)
			return
		}
		down, data := wire.KindHello, []byte(nil)
		switch kind {
		case wire.KindHello:
			data = must(wire.EncodeWelcome(wire.Welcome{Epoch: 1, Now: time.Now()}))
		case wire.KindRequest:
			down, data = wire.KindAnswer, must(wire.EncodeAnswer(usual(must(wire.DecodeRequest(m.Data)))))
		}
		topic := must(wire.Topic(id, wire.Down, down))
		if err := nc.Publish(strings.ReplaceAll(topic, "/", "."), data); err != nil {
			t.Logf("publish: %v", err) // the broker is going down
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

// The link over a real broker, which is stopped and started again while an
// exchange is under way.
func TestRealBroker(t *testing.T) {
	p := newPKI(t)
	config := p.server(time.Hour)
	broker, port := startNATS(t, server.RANDOM_PORT, config)
	work(t, broker)
	link, transport := startLink(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), p)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for seq := range uint64(20) {
		m := message(seq+1, payment.Authorise)
		if a, err := link.Exchange(ctx, m); err != nil || a.Key != m.Key || a.Verdict != payment.VerdictApproved {
			t.Fatalf("Exchange(%v) = %+v, %v", m.Key, a, err)
		}
	}
	if _, err := transport.Connect(ctx, terminal, []string{"cloudpos/v1/dev/t2/down/answer"}, dropped); err == nil || !strings.Contains(err.Error(), "refused a subscription, code 0x80") {
		t.Errorf("Connect with another's topic = %v, want it refused", err)
	}

	lost := link.Changed()
	broker.Shutdown()
	broker.WaitForShutdown()
	if link.State().Connected {
		<-lost
	}
	answered := make(chan error)
	go func() {
		patient := message(21, payment.Reverse)
		_, err := link.Exchange(ctx, patient)
		answered <- err
	}()
	again, _ := startNATS(t, port, config)
	work(t, again)
	if err := <-answered; err != nil {
		t.Errorf("Exchange while the broker restarts = %v", err)
	}
	if s := link.State(); !s.Connected || s.Connects < 2 {
		t.Errorf("State = %+v, want connected again", s)
	}
}
