package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/e2e/mqttproxy"
	"github.com/cloudpos/cloudpos/e2e/rig"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// lines is how many terminals suffer side by side. They wait most of the time.
const lines = 4

// never is a delay that only a Flush ends.
const never = time.Hour

// fault is what may befall a message.
type fault struct {
	name string
	do   mqttproxy.Action
	on   bool // its re-sends as well
	wait time.Duration
}

var faults = []fault{
	{"lost", mqttproxy.Drop, false, 0},
	{"lost with each re-send", mqttproxy.Drop, true, 0},
	{"behind its re-send", mqttproxy.Hold, false, never},
	{"behind the deadline", mqttproxy.Delay, true, never},
	{"behind the next message", mqttproxy.Hold, true, never},
	{"doubled", mqttproxy.Double, false, 0},
	{"cut before it", mqttproxy.CutBefore, false, 0},
	{"cut after it", mqttproxy.CutAfter, false, 0},
}

// strike makes the rule that lets a message suffer.
func (f fault) strike(m mqttproxy.Message) mqttproxy.Rule {
	rule := m.Rule(f.do)
	rule.On, rule.For = f.on, f.wait
	return rule
}

// line is an installation whose terminal reaches its broker through a proxy.
type line struct {
	*rig.Rig
	proxy *mqttproxy.Proxy
}

func newLine(t *testing.T) *line {
	t.Helper()
	l := &line{Rig: newRig(t, rig.Opts{HostSeconds: 3})}
	ca, err := os.ReadFile(l.Path("cloud", "tls", "ca.crt"))
	must(t, err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate in ca.crt")
	}
	server, err := tls.LoadX509KeyPair(l.Path("cloud", "tls", "cloud.crt"), l.Path("cloud", "tls", "cloud.key"))
	must(t, err)
	client, err := tls.LoadX509KeyPair(l.Path("t1", "tls", "client.crt"), l.Path("t1", "tls", "client.key"))
	must(t, err)
	l.proxy, err = mqttproxy.Start(mqttproxy.Opts{
		Broker: l.MQTT,
		Terminal: &tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{server},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots,
		},
		Upstream: &tls.Config{MinVersion: tls.VersionTLS13, ServerName: "127.0.0.1", RootCAs: roots, Certificates: []tls.Certificate{client}},
	})
	must(t, err)
	t.Cleanup(func() {
		if err := l.proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	must(t, l.Via(l.proxy.Addr()))
	return l
}

// sell sells once, in a process that begins with a connection of its own.
func (l *line) sell(t *testing.T, card string) rig.Report {
	t.Helper()
	report, err := l.Sale(t.Context(), "--amount", "12.50", "--card", card)
	must(t, err)
	return report
}

// settle lets a running terminal bring to an end what is open, and then lets
// arrive what is still held back, with the same answer for all copies of one
// message.
func (l *line) settle(t *testing.T) {
	t.Helper()
	defer func() { must(t, l.Agent.Stop()) }()
	must(t, l.StartAgent(t.Context()))
	must(t, l.UntilSettled(t.Context()))
	l.proxy.Script() // a new trace
	asked := map[wire.Key]bool{}
	for _, m := range l.proxy.Flush() {
		if m.Dir == wire.Up {
			asked[m.Key] = true
		}
	}
	must(t, l.Until(t.Context(), "what came late is answered", func() (bool, error) {
		for _, m := range l.proxy.Trace() {
			delete(asked, m.Key)
		}
		return len(asked) == 0, nil
	}))
}

// suffer sells once with a fault, and then once more without.
func (l *line) suffer(t *testing.T, c mishap) {
	l.proxy.Script(c.fault.strike(c.message))
	told := l.sell(t, c.card)
	struck := slices.ContainsFunc(l.proxy.Trace(), func(m mqttproxy.Message) bool {
		return m.String() == c.message.String() && m.Did == c.fault.do
	})
	if !struck {
		t.Errorf("%v did not come by: the fault struck nothing", c.message)
	}
	l.proxy.Script()
	l.settle(t)
	if err := l.Keeps(t.Context(), told); err != nil {
		t.Error(err)
	}
	if again := l.sell(t, c.card); again.Exit != c.exit {
		t.Errorf("the next sale, without a fault: exit %d, want %d (%s)", again.Exit, c.exit, again.Error)
	}
	if err := l.Agree(t.Context()); err != nil {
		t.Error(err)
	}
}

// mishap is a fault to a message of a sale with a card.
type mishap struct {
	card    string
	exit    int // of the sale without a fault
	message mqttproxy.Message
	fault   fault
}

// mishaps sells with each card, undisturbed, and has every fault befall every
// message that came by. What two sales have in common suffers in the first.
func (l *line) mishaps(t *testing.T) (all []mishap, messages int) {
	t.Helper()
	known := map[string]bool{}
	for _, sale := range []struct {
		card string
		exit int
	}{{"approve", 0}, {"cardsaysno", 5}, {"wrongpin", 0}} {
		l.proxy.Script()
		if report := l.sell(t, sale.card); report.Exit != sale.exit {
			t.Fatalf("%s: exit %d, want %d (%s)", sale.card, report.Exit, sale.exit, report.Error)
		}
		trace := l.proxy.Trace()
		for _, m := range trace {
			if known[m.String()] {
				continue
			}
			known[m.String()] = true
			messages++
			for _, f := range faults {
				all = append(all, mishap{sale.card, sale.exit, m, f})
			}
		}
		t.Logf("%s: %v", sale.card, trace)
	}
	return all, messages
}

// TestMessages lets every message of a sale be lost, late, doubled, reordered
// and cut off. The messages are those of the sales' own traces. After each,
// journal, ledger, host and paper must agree, and the cashier must not have
// been told otherwise.
func TestMessages(t *testing.T) {
	t.Parallel()
	var ready []*line
	for range lines {
		ready = append(ready, newLine(t))
	}
	all, messages := ready[0].mishaps(t)
	const messagesMin = 10 // hello, authorise twice, complete, reverse; and the answers
	if messages < messagesMin {
		t.Fatalf("%d messages in the traces, want at least %d", messages, messagesMin)
	}
	next := make(chan mishap)
	var work sync.WaitGroup
	for _, l := range ready {
		work.Go(func() {
			for c := range next {
				t.Run(fmt.Sprintf("%s/%v/%s", c.card, c.message, c.fault.name), func(t *testing.T) { l.suffer(t, c) })
			}
		})
	}
	for _, c := range all {
		next <- c
	}
	close(next)
	work.Wait()
	if !t.Failed() {
		t.Logf("%d messages × %d faults = %d sales, all agree", messages, len(faults), len(all))
	}
}
