package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/cloudpos/cloudpos/sync/wire"
)

// Bounds.
const (
	payloadMax    = wire.MessageMax + 1<<10 // the NATS headers of an MQTT message count
	pendingMax    = 8 << 20                 // bytes that a slow reader may leave unread
	subsMax       = 64                      // of one connection
	storeMax      = 256 << 20               // bytes of MQTT sessions on disk
	memoryMax     = 64 << 20
	workersMax    = 256
	queuedMax     = 1024 // messages that wait for one worker
	readyMax      = 15 * time.Second
	writeDeadline = 5 * time.Second
	handleMax     = 60 * time.Second // for one message
)

// Handler takes one message of a terminal, "dev:t1", and gives the answer. With
// an error there is none.
type Handler func(ctx context.Context, terminal, kind string, payload []byte) (replyKind string, reply []byte, err error)

// Config says how to run a broker.
type Config struct {
	Listen    string // "127.0.0.1:8883"; port 0 takes a free one, see Addr
	Data      string // folder for the sessions of the MQTT listener
	TLS       tls.Certificate
	ClientCAs *x509.CertPool
	Workers   int      // messages handled at once; 0: 16
	Kinds     []string // of messages that terminals may send; nil: hello and request
	Handle    Handler
	Log       *slog.Logger // nil: nothing is logged
}

// Broker runs until it is closed.
type Broker struct {
	cfg    Config
	gate   *gate
	server *server.Server
	worker *nats.Conn
	ctx    context.Context // of the handlers
	cancel context.CancelFunc

	mu      sync.Mutex
	closing bool
	running sync.WaitGroup // handlers
}

// Start begins to listen. It fails in one line that names the address when
// that is in use.
func Start(cfg Config) (*Broker, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Workers <= 0 || cfg.Workers > workersMax {
		cfg.Workers = 16
	}
	if cfg.Kinds == nil {
		cfg.Kinds = []string{wire.KindHello, wire.KindRequest}
	}
	b := &Broker{cfg: cfg, gate: newGate(cfg.Kinds, cfg.Log)}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	if err := b.start(); err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

func (b *Broker) start() error {
	opts, err := b.options()
	if err != nil {
		return err
	}
	fatal := make(chan string, 1)
	b.server, err = server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	b.server.SetLoggerV2(logger{b.cfg.Log, fatal}, false, false, false)
	go b.server.Start()
	if err := b.awaitReady(fatal); err != nil {
		return err
	}
	return b.startWorkers()
}

// awaitReady does not wait out the time when the server has given up: it says
// so in its log only.
func (b *Broker) awaitReady(fatal <-chan string) error {
	ready := make(chan bool, 1)
	go func() { ready <- b.server.ReadyForConnections(readyMax) }()
	select {
	case why := <-fatal:
		return fmt.Errorf("broker: %s", why)
	case ok := <-ready:
		if !ok {
			return fmt.Errorf("broker: not ready on %s within %v", b.cfg.Listen, readyMax)
		}
		return nil
	}
}

func (b *Broker) options() (*server.Options, error) {
	host, portText, err := net.SplitHostPort(b.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("broker: listen address: %w", err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("broker: listen address %s: the port is not a number below 65536", b.cfg.Listen)
	}
	// The server itself would exit or only log; a try tells in one line.
	trial, err := net.Listen("tcp", b.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err) // "listen tcp 127.0.0.1:8883: bind: address already in use"
	}
	if err := trial.Close(); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	mqttPort := int(port)
	if mqttPort == 0 {
		mqttPort = server.RANDOM_PORT
	}
	return &server.Options{
		ServerName: "cloud",
		// See the trap in the package's comment before adding Cluster.
		DontListen: true,
		NoSigs:     true, NoSystemAccount: true, DisableJetStreamBanner: true,
		JetStream: true, StoreDir: b.cfg.Data, JetStreamMaxStore: storeMax, JetStreamMaxMemory: memoryMax,
		CustomClientAuthentication: b.gate,
		MaxPayload:                 payloadMax, MaxPending: pendingMax, MaxSubs: subsMax, WriteDeadline: writeDeadline,
		MQTT: server.MQTTOpts{
			Host: host, Port: mqttPort, TLSTimeout: 10, AuthTimeout: 10,
			TLSConfig: &tls.Config{
				MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{b.cfg.TLS},
				ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: b.cfg.ClientCAs,
			},
		},
	}, nil
}

// startWorkers subscribes each worker for itself: NATS gives each subscription
// a goroutine, and spreads a queue group's messages over its subscriptions.
func (b *Broker) startWorkers() error {
	var err error
	b.worker, err = nats.Connect("", nats.InProcessServer(b.server), nats.Token(b.gate.token), nats.Name("worker"),
		nats.MaxReconnects(-1), nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			b.cfg.Log.Warn("worker", "why", err.Error()) // a full queue drops; terminals send again
		}))
	if err != nil {
		return fmt.Errorf("broker: worker: %w", err)
	}
	for range b.cfg.Workers {
		sub, err := b.worker.QueueSubscribe(upSubjects, "ingest", b.take)
		if err != nil {
			return fmt.Errorf("broker: worker: %w", err)
		}
		if err := sub.SetPendingLimits(queuedMax, queuedMax*payloadMax); err != nil {
			return fmt.Errorf("broker: worker: %w", err)
		}
	}
	if err := b.worker.FlushTimeout(readyMax); err != nil {
		return fmt.Errorf("broker: worker: %w", err)
	}
	return nil
}

// take handles one message. The terminal is the one in the topic, which the
// gate has bound to its certificate.
func (b *Broker) take(m *nats.Msg) {
	b.mu.Lock()
	if b.closing {
		b.mu.Unlock()
		return
	}
	b.running.Add(1)
	b.mu.Unlock()
	defer b.running.Done()

	terminal, direction, kind, err := wire.ParseTopic(strings.ReplaceAll(m.Subject, ".", "/"))
	if err != nil || direction != wire.Up {
		b.cfg.Log.Warn("message refused", "subject", m.Subject)
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, handleMax)
	defer cancel()
	replyKind, reply, err := b.cfg.Handle(ctx, terminal, kind, m.Data)
	if err == nil {
		err = b.answer(terminal, replyKind, reply)
	}
	if err != nil {
		b.cfg.Log.Warn("message not answered", "terminal", terminal, "kind", kind, "why", err.Error())
	}
}

func (b *Broker) answer(terminal, kind string, reply []byte) error {
	topic, err := wire.Topic(terminal, wire.Down, kind)
	if err != nil {
		return err
	}
	return b.worker.Publish(strings.ReplaceAll(topic, "/", "."), reply)
}

// Addr is where terminals connect to, with the true port.
func (b *Broker) Addr() (string, error) {
	v, err := b.server.Varz(nil)
	if err != nil {
		return "", fmt.Errorf("broker: %w", err)
	}
	return net.JoinHostPort(v.MQTT.Host, strconv.Itoa(v.MQTT.Port)), nil
}

// Revoke refuses a terminal from now on and cuts its connection. It holds until
// the broker is closed; who keeps the list of revoked terminals calls it again
// after the next start.
func (b *Broker) Revoke(cn string) error {
	b.gate.revoke(cn)
	conns, err := b.server.Connz(&server.ConnzOptions{MQTTClient: cn})
	if err != nil {
		return fmt.Errorf("broker: revoke %s: %w", cn, err)
	}
	for _, c := range conns.Conns {
		// One that has gone meanwhile needs no cutting.
		if err := b.server.DisconnectClientByID(c.Cid); err == nil {
			b.cfg.Log.Info("connection cut", "terminal", cn)
		}
	}
	return nil
}

// Close takes no more messages, lets those being handled end until ctx does,
// and stops the server.
func (b *Broker) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closing = true
	b.mu.Unlock()
	done := make(chan struct{})
	go func() { b.running.Wait(); close(done) }()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = errors.New("broker: messages were being handled when the time to stop was over")
		b.cancel()
		<-done // handlers honour their context
	}
	if flush := b.worker.FlushTimeout(time.Second); flush != nil && err == nil {
		err = fmt.Errorf("broker: last answers: %w", flush)
	}
	b.stop()
	return err
}

func (b *Broker) stop() {
	b.cancel()
	if b.worker != nil {
		b.worker.Close()
	}
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
}

// logger passes the server's log on. Its notices are of no use to the one who
// runs the cloud.
type logger struct {
	log   *slog.Logger
	fatal chan<- string
}

func (l logger) Noticef(format string, v ...any) {
	l.log.Debug("broker", "says", fmt.Sprintf(format, v...))
}
func (l logger) Debugf(string, ...any) {}
func (l logger) Tracef(string, ...any) {}
func (l logger) Warnf(format string, v ...any) {
	l.log.Warn("broker", "says", fmt.Sprintf(format, v...))
}
func (l logger) Errorf(format string, v ...any) {
	l.log.Warn("broker", "says", fmt.Sprintf(format, v...))
}

// Fatalf keeps the first: what follows is its consequence.
func (l logger) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
	}
}
