package cloudsync

import (
	"container/heap"
	"sync"
	"time"
)

// queueMax bounds the messages on their way on one connection.
const queueMax = 1024

// pipe carries packets one way, each after its delay, in the order in which
// they are due, and those due at once in the order in which they came.
type pipe struct {
	arrive func(Packet)
	wake   chan struct{}
	ended  chan struct{}

	mu    sync.Mutex
	queue dueQueue
	seq   uint64
}

func newPipe(done <-chan struct{}, arrive func(Packet)) *pipe {
	p := &pipe{arrive: arrive, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go p.run(done)
	return p
}

func (p *pipe) put(packet Packet, delays []time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, delay := range delays {
		if len(p.queue) < queueMax {
			p.seq++
			heap.Push(&p.queue, due{time.Now().Add(delay), p.seq, packet})
		}
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pipe) run(done <-chan struct{}) {
	defer close(p.ended)
	for {
		packet, wait, ok := p.take()
		if ok && wait <= 0 {
			select {
			case <-done:
				return
			default:
				p.arrive(packet)
			}
			continue
		}
		if !ok {
			wait = time.Hour
		}
		timer := time.NewTimer(wait)
		select {
		case <-done:
			timer.Stop()
			return
		case <-p.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take returns the packet that is due, or how long it is until one is.
func (p *pipe) take() (Packet, time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return Packet{}, 0, false
	}
	if wait := time.Until(p.queue[0].at); wait > 0 {
		return Packet{}, wait, true
	}
	return heap.Pop(&p.queue).(due).packet, 0, true
}

type due struct {
	at     time.Time
	seq    uint64
	packet Packet
}

type dueQueue []due

func (q dueQueue) Len() int { return len(q) }
func (q dueQueue) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].seq < q[j].seq
}
func (q dueQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *dueQueue) Push(x any)   { *q = append(*q, x.(due)) }
func (q *dueQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
