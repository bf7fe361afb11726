package mqttproxy

import (
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/sync/wire"
)

// Action is a mishap.
type Action string

// The mishaps. Whatever is delayed or held goes to the connection that there
// is when its time comes, as a message does that waits in a broker; without a
// connection it is lost.
const (
	Forward   Action = "forward"    // none: for a rule that only watches
	Drop      Action = "drop"       // it is lost
	Delay     Action = "delay"      // it comes later by Rule.For, others overtake it
	Double    Action = "double"     // it comes twice
	Hold      Action = "hold"       // it comes behind the next message of its direction, after Rule.For at the latest
	CutBefore Action = "cut-before" // the connection is cut, and it is lost
	CutAfter  Action = "cut-after"  // it comes, and the connection is cut
)

// delayDefault is Rule.For when it is not given.
const delayDefault = 3 * time.Second

// Rule says what becomes of a message. Empty fields match all.
type Rule struct {
	Dir  wire.Direction
	Kind string // wire.KindRequest ...
	Leg  string // wire.LegAuthorise ...
	Nth  int    // 1 for the first that matches, 0 for each
	On   bool   // and those behind the Nth as well

	Do     Action
	For    time.Duration // with Delay and Hold
	Before func()        // called before it is forwarded, or whatever is done
	After  func()        // called behind that
}

func (r Rule) matches(m Message) bool {
	return (r.Dir == "" || r.Dir == m.Dir) && (r.Kind == "" || r.Kind == m.Kind) && (r.Leg == "" || r.Leg == m.Key.Leg)
}

// hits tells whether the rule strikes the n-th message that it matches.
func (r Rule) hits(n int) bool { return r.Nth == 0 || n == r.Nth || r.On && n > r.Nth }

func (r Rule) wait() time.Duration {
	if r.For > 0 {
		return r.For
	}
	return delayDefault
}

// Message is a PUBLISH that came by.
type Message struct {
	At    time.Time
	Dir   wire.Direction
	Kind  string
	Topic string
	Key   wire.Key // zero for messages that have none
	Nth   int      // which one with this direction, kind and leg, from 1, since the last Script
	Size  int      // of the payload, in bytes
	Did   Action
}

// Rule makes the rule that strikes this very message in a sale that goes the
// same way.
func (m Message) Rule(do Action) Rule {
	return Rule{Dir: m.Dir, Kind: m.Kind, Leg: m.Key.Leg, Nth: m.Nth, Do: do}
}

// String names the message: "up request authorise 1".
func (m Message) String() string {
	if m.Key.Leg == "" {
		return fmt.Sprintf("%s %s %d", m.Dir, m.Kind, m.Nth)
	}
	return fmt.Sprintf("%s %s %s %d", m.Dir, m.Kind, m.Key.Leg, m.Nth)
}

// sort is what messages are counted by.
type sort struct {
	dir       wire.Direction
	kind, leg string
}

// script applies rules, and counts.
type script struct {
	rules []Rule
	met   []int // how often each rule has matched
	seen  map[sort]int
	trace []Message
}

// traceMax bounds the trace; what comes later is forwarded and not noted.
const traceMax = 10_000

func newScript(rules []Rule) script {
	return script{rules: rules, met: make([]int, len(rules)), seen: make(map[sort]int)}
}

// decide counts the message, notes it and returns its rule.
func (s *script) decide(m Message, at time.Time) (Rule, Message) {
	same := sort{m.Dir, m.Kind, m.Key.Leg}
	s.seen[same]++
	m.At, m.Nth = at, s.seen[same]
	var rule Rule
	for i, r := range s.rules {
		if !r.matches(m) {
			continue
		}
		s.met[i]++
		if rule.Do == "" && r.hits(s.met[i]) {
			rule = r
		}
	}
	if rule.Do == "" {
		rule.Do = Forward
	}
	m.Did = rule.Do
	if len(s.trace) < traceMax {
		s.trace = append(s.trace, m)
	}
	return rule, m
}
