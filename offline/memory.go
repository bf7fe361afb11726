package offline

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/payment"
)

// Memory is a journal without a disk, for tests and for simulation in virtual
// time. It survives whatever is restarted around it, and keeps entries as
// bytes, so that nobody shares what they point to.
type Memory struct {
	terminal string

	mu      sync.Mutex
	end     anchor
	stats   Stats
	entries map[payment.ID][][]byte
	order   []payment.ID // as they were opened
	owing   [3]map[payment.ID]bool
	changed chan struct{}
	fault   error
}

// NewMemory makes an empty journal in epoch 1.
func NewMemory(terminal string) *Memory {
	m := &Memory{
		terminal: terminal,
		end:      anchor{epoch: 1},
		entries:  make(map[payment.ID][][]byte),
		changed:  make(chan struct{}),
	}
	for i := range m.owing {
		m.owing[i] = make(map[payment.ID]bool)
	}
	return m
}

// Fail makes every commit fail with ErrStore and the cause, until it is called
// with nil: a full disk.
func (m *Memory) Fail(cause error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = cause
}

// Next is as in Journal.
func (m *Memory) Next() (payment.Numbers, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.end.next(m.terminal), nil
}

// Commit is as in Journal.
func (m *Memory) Commit(e payment.Entry) error {
	payload, err := encodeEntry(e)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before, err := m.load(e.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	after, err := m.end.admit(m.terminal, before, e)
	if err != nil {
		return fmt.Errorf("offline: %w", err)
	}
	if m.fault != nil {
		return fmt.Errorf("%w: memory: %w", ErrStore, m.fault)
	}
	if before.Version == 0 {
		m.order = append(m.order, e.ID)
	}
	m.entries[e.ID] = append(m.entries[e.ID], payload)
	for i, index := range indexes {
		if index.owed(&after) {
			m.owing[i][e.ID] = true
		} else {
			delete(m.owing[i], e.ID)
		}
	}
	m.end = m.end.note(e)
	m.end.count++
	m.stats.Commits++
	m.stats.Bytes += uint64(len(payload))
	close(m.changed)
	m.changed = make(chan struct{})
	return nil
}

// Load is as in Journal.
func (m *Memory) Load(id payment.ID) (payment.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.load(id)
}

func (m *Memory) load(id payment.ID) (payment.Record, error) {
	var r payment.Record
	for _, payload := range m.entries[id] {
		var e payment.Entry
		if err := json.Unmarshal(payload, &e); err != nil {
			return payment.Record{}, fmt.Errorf("offline: %v: %w", id, err)
		}
		if err := r.Apply(e); err != nil {
			return payment.Record{}, fmt.Errorf("offline: %w", err)
		}
	}
	if r.Version == 0 {
		return r, fmt.Errorf("offline: %w: %v", ErrNotFound, id)
	}
	return r, nil
}

// Unfinished is as in Journal.
func (m *Memory) Unfinished() iter.Seq2[payment.Record, error] { return m.owed(0) }

// Outbox is as in Journal.
func (m *Memory) Outbox() iter.Seq2[payment.Record, error] { return m.owed(1) }

// Spool is as in Journal.
func (m *Memory) Spool() iter.Seq2[payment.Record, error] { return m.owed(2) }

func (m *Memory) owed(index int) iter.Seq2[payment.Record, error] {
	return func(yield func(payment.Record, error) bool) {
		for _, id := range m.owedIDs(index) {
			r, err := m.Load(id)
			if err == nil && !indexes[index].owed(&r) {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func (m *Memory) owedIDs(index int) []payment.ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := make([]payment.ID, 0, len(m.owing[index]))
	for id := range m.owing[index] {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b payment.ID) int {
		return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Seq, b.Seq))
	})
	return ids
}

// List is as in Journal.
func (m *Memory) List(limit int) ([]payment.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []payment.Record
	for i := len(m.order) - 1; i >= 0 && len(list) < min(limit, listMax); i-- {
		r, err := m.load(m.order[i])
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// Changed is as in Journal.
func (m *Memory) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// Last is as in Journal.
func (m *Memory) Last() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.end.lastTime()
}

// Head is as in Journal.
func (m *Memory) Head() (epoch uint32, seq uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.end.epoch, m.end.seq
}

// RaiseEpoch is as in Journal.
func (m *Memory) RaiseEpoch(cloudEpoch uint32) error { return m.CatchUp(cloudEpoch, 0) }

// CatchUp is as in Journal.
func (m *Memory) CatchUp(cloudEpoch uint32, cloudSeq uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.end.behind(cloudEpoch, cloudSeq) {
		return nil
	}
	epoch, err := epochAfter(cloudEpoch, m.end.epoch)
	if err == nil {
		m.end.epoch, m.end.seq = epoch, 0
		m.stats.Commits++
	}
	return err
}

// Verify folds every record.
func (m *Memory) Verify() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range m.order {
		if _, err := m.load(id); err != nil {
			return err
		}
	}
	return nil
}

// Stats is as in Journal.
func (m *Memory) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.stats
	s.Entries = m.end.count
	s.Unfinished, s.Outbox, s.Spool = len(m.owing[0]), len(m.owing[1]), len(m.owing[2])
	return s
}

// Close does nothing: a memory outlives those who use it.
func (m *Memory) Close() error { return nil }
