package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/sync/wire"
)

var errLine = errors.New("the line to the issuer is down")

// scripted is an issuer that holds money by key. Each call can be slow, and can
// fail before it did anything or after.
type scripted struct {
	tombstones bool // it declines what comes after a reversal; not every real one does

	mu        sync.Mutex
	asked     map[wire.Key]int
	completed map[wire.Key]int
	decisions map[wire.Key]ingest.Decision
	held      map[wire.Key]int64
	reversed  map[ingest.ID]bool
	decline   map[wire.Key]string // code
	delays    []time.Duration     // of the next calls
	faults    []fault             // of the next calls
}

type fault int

const (
	none fault = iota
	lostRequest
	lostAnswer
)

func newScripted() *scripted {
	return &scripted{
		tombstones: true, asked: map[wire.Key]int{}, completed: map[wire.Key]int{}, decisions: map[wire.Key]ingest.Decision{},
		held: map[wire.Key]int64{}, reversed: map[ingest.ID]bool{}, decline: map[wire.Key]string{},
	}
}

// call runs work with the next delay and fault: half of the delay on the way
// there, half on the way back.
func (s *scripted) call(ctx context.Context, work func()) error {
	s.mu.Lock()
	var delay time.Duration
	var f fault
	if len(s.delays) > 0 {
		delay, s.delays = s.delays[0], s.delays[1:]
	}
	if len(s.faults) > 0 {
		f, s.faults = s.faults[0], s.faults[1:]
	}
	s.mu.Unlock()
	if err := sleep(ctx, delay/2); err != nil || f == lostRequest {
		return errLine
	}
	s.mu.Lock()
	work()
	s.mu.Unlock()
	if err := sleep(ctx, delay/2); err != nil || f == lostAnswer {
		return errLine
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *scripted) Authorise(ctx context.Context, req wire.Request) (d ingest.Decision, err error) {
	err = s.call(ctx, func() {
		s.asked[req.Key]++
		known, ok := s.decisions[req.Key]
		if ok {
			d = known
			return
		}
		d = ingest.Decision{Approved: true, Code: "00", AuthCode: "A00001", HostRef: "ref", IssuerAuth: []byte{1, 2}}
		if code := s.decline[req.Key]; code != "" {
			d = ingest.Decision{Code: code}
		}
		if s.tombstones && s.reversed[ingest.SaleOf(req.Key)] {
			d = ingest.Decision{Code: "12"}
		}
		if d.Approved {
			s.held[req.Key] = req.AmountMinor
		}
		s.decisions[req.Key] = d
	})
	return d, err
}

func (s *scripted) Complete(ctx context.Context, req wire.Request) error {
	return s.call(ctx, func() { s.completed[req.Key]++ })
}

func (s *scripted) Advise(ctx context.Context, req wire.Request) error {
	return s.call(ctx, func() {
		s.asked[req.Key]++
		if _, known := s.decisions[req.Key]; known || s.tombstones && s.reversed[ingest.SaleOf(req.Key)] {
			return
		}
		s.decisions[req.Key] = ingest.Decision{}
		s.held[req.Key] = req.AmountMinor
	})
}

func (s *scripted) Reverse(ctx context.Context, id ingest.ID) error {
	return s.call(ctx, func() {
		s.reversed[id] = true
		for k := range s.held {
			if ingest.SaleOf(k) == id {
				delete(s.held, k)
			}
		}
	})
}

func (s *scripted) heldFor(id ingest.ID) (total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, amount := range s.held {
		if ingest.SaleOf(k) == id {
			total += amount
		}
	}
	return total
}

func (s *scripted) heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delays, s.faults = nil, nil
}

// message builds what a terminal sends about sale 1/7 of dev:t1.
func message(leg string, attempt uint8, version int) wire.Request {
	req := wire.Request{
		V: wire.Version, Key: wire.Key{Terminal: "dev:t1", Epoch: 1, Seq: 7, Leg: leg, Attempt: attempt},
		Version: version, At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Kind: "sale", AmountMinor: 1250,
		Currency: "CNY", Exponent: 2, Receipt: 7, STAN: 7, Entry: "05", Merchant: "m", AcquirerTID: "t",
		Card: wire.Card{Masked: "999901******0012", Token: "token", Account: []byte{1, attempt}},
	}
	if leg != wire.LegAuthorise {
		req.Ending = &wire.Ending{Reason: "because"}
	}
	return req
}

func encoded(req wire.Request) []byte {
	data, err := wire.EncodeRequest(req)
	if err != nil {
		panic(fmt.Sprintf("a test's message: %v", err))
	}
	return data
}
