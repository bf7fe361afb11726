package cloudsync

import (
	"math/rand/v2"
	"time"
)

// Packet is a message on its way through a Memory.
type Packet struct {
	Client  string
	Topic   string
	Payload []byte
	Up      bool // from the client

	last bool // the connection is cut behind it
}

// Fate is what becomes of a packet.
type Fate struct {
	Copies    []time.Duration // it arrives after each of these delays; none loses it
	CutBefore bool            // the connection is cut, and the packet lost
	CutAfter  bool            // the connection is cut once the packet has left for the other side
}

// Arrives is the fate of a packet without mishap.
func Arrives() Fate { return Fate{Copies: []time.Duration{0}} }

// Chaos decides fates at random, the same ones for the same seed and order of
// packets. Each probability is in [0, 1].
func Chaos(seed uint64, loss, double, cut float64, delayMax time.Duration) func(Packet) Fate {
	random := rand.New(rand.NewPCG(seed, 0))
	delay := func() time.Duration { return time.Duration(random.Int64N(int64(delayMax) + 1)) }
	return func(Packet) Fate {
		fate := Fate{Copies: []time.Duration{delay()}}
		switch p := random.Float64(); {
		case p < loss:
			fate.Copies = nil
		case p < loss+double:
			fate.Copies = append(fate.Copies, delay())
		case p < loss+double+cut/2:
			fate.CutBefore = true
		case p < loss+double+cut:
			fate.CutAfter = true
		}
		return fate
	}
}
