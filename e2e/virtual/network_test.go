package virtual

import (
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"time"

	cloudsync "github.com/cloudpos/cloudpos/sync"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// latency is how long a message travels.
const latency = 20 * time.Millisecond

// nameOf names a message by what it is: "request 1/authorise/1".
func nameOf(topic string, payload []byte) string {
	_, _, kind, err := wire.ParseTopic(topic)
	if err != nil {
		return "?"
	}
	key := func(k wire.Key) string { return fmt.Sprintf("%s %d/%s/%d", kind, k.Seq, k.Leg, k.Attempt) }
	switch kind {
	case wire.KindRequest:
		if r, err := wire.DecodeRequest(payload); err == nil {
			return key(r.Key)
		}
	case wire.KindAnswer:
		if a, err := wire.DecodeAnswer(payload); err == nil {
			return key(a.Key)
		}
	}
	return kind
}

// ownInstant is a time of less than a millisecond, another one for each name.
// Messages that are ready together leave after it, so that they have an order.
func ownInstant(name string) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return time.Duration(h.Sum32() % uint32(time.Millisecond))
}

// message is one packet of a trace.
type message struct {
	client string
	up     bool
	name   string
	n      int // the n-th of this name
}

func (m message) String() string {
	way := "down"
	if m.up {
		way = "up"
	}
	return fmt.Sprintf("%s %s %s #%d", m.client, way, m.name, m.n)
}

// weather is what becomes of a message.
type weather struct {
	cloudsync.Fate
	swap bool // it arrives behind the next one that goes the same way
}

func fair() weather {
	return weather{Fate: cloudsync.Fate{Copies: []time.Duration{latency}}}
}

// network decides over messages by name, and remembers them all.
type network struct {
	w *world

	mu       sync.Mutex
	forecast func(message) weather // nil: fair
	count    map[message]int
	held     map[string]cloudsync.Packet // by client and way
	again    map[string]bool             // payloads that come a second time
	trace    []message
	times    []time.Duration
	payloads [][]byte
}

func newNetwork(w *world) *network {
	return &network{w: w, count: map[message]int{}, held: map[string]cloudsync.Packet{}, again: map[string]bool{}}
}

// set changes the weather; nil is fair.
func (n *network) set(forecast func(message) weather) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forecast = forecast
}

func (n *network) fate(p cloudsync.Packet) cloudsync.Fate {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !p.Up && n.again[string(p.Payload)] {
		delete(n.again, string(p.Payload))
		return fair().Fate
	}
	m := message{client: p.Client, up: p.Up, name: nameOf(p.Topic, p.Payload)}
	n.count[m]++
	m.n = n.count[message{m.client, m.up, m.name, 0}]
	n.trace = append(n.trace, m)
	n.times = append(n.times, n.w.now().Sub(opened))
	n.payloads = append(n.payloads, p.Payload)
	if n.forecast == nil {
		return fair().Fate
	}
	is := n.forecast(m)
	way := fmt.Sprint(m.client, m.up)
	if is.swap {
		n.held[way] = p
		return cloudsync.Fate{}
	}
	if p, ok := n.held[way]; ok {
		delete(n.held, way)
		time.AfterFunc(time.Millisecond, func() { n.release(p) })
	}
	return is.Fate
}

// release sends a message that was held back on its way.
func (n *network) release(p cloudsync.Packet) {
	if p.Up {
		time.AfterFunc(latency, func() { n.w.cloud.serve(p) })
		return
	}
	n.mu.Lock()
	n.again[string(p.Payload)] = true
	n.mu.Unlock()
	n.w.broker.Publish(p.Topic, p.Payload)
}

// messages is the trace so far.
func (n *network) messages() []message {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]message{}, n.trace...)
}

// story is the trace for people, with times.
func (n *network) story() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var s string
	for i, m := range n.trace {
		s += fmt.Sprintf("%12v %v\n", n.times[i], m)
	}
	return s
}

// answers are those that left the cloud, whatever became of them.
func (n *network) answers() (all []wire.Answer, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, m := range n.trace {
		if m.up || !strings.HasPrefix(m.name, wire.KindAnswer) {
			continue
		}
		a, err := wire.DecodeAnswer(n.payloads[i])
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}
