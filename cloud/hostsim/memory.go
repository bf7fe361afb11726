package hostsim

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// Memory is a store that lasts as long as the process. The zero value is empty
// and ready.
type Memory struct {
	mu       sync.Mutex
	postings map[wire.Key]Posting
	accounts map[string]Balance
	used     map[string]bool
	buried   map[ingest.ID]bool
	undo     []func() // of the running Update
}

// Update implements Store.
func (m *Memory) Update(ctx context.Context, change func(Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.postings == nil {
		m.postings, m.accounts = map[wire.Key]Posting{}, map[string]Balance{}
		m.used, m.buried = map[string]bool{}, map[ingest.ID]bool{}
	}
	m.undo = nil
	err := change(memoryTx{m})
	if err != nil {
		for _, undo := range slices.Backward(m.undo) {
			undo()
		}
	}
	m.undo = nil
	return err
}

// Postings implements Store.
func (m *Memory) Postings(_ context.Context, limit int) ([]Posting, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Posting
	for _, p := range m.postings {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Posting) int { return -cmp.Compare(a.HostRef, b.HostRef) })
	return all[:min(limit, len(all))], nil
}

type memoryTx struct{ m *Memory }

// set writes into a map such that a failed Update takes it back.
func set[K comparable, V any](m *Memory, in map[K]V, k K, v V) {
	old, was := in[k]
	m.undo = append(m.undo, func() {
		if delete(in, k); was {
			in[k] = old
		}
	})
	in[k] = v
}

func (t memoryTx) Posting(k wire.Key) (Posting, bool, error) {
	p, ok := t.m.postings[k]
	return p, ok, nil
}

func (t memoryTx) PostingsOf(id ingest.ID) (all []Posting, err error) {
	for k, p := range t.m.postings {
		if ingest.SaleOf(k) == id {
			all = append(all, p)
		}
	}
	return all, nil
}

func (t memoryTx) Put(p Posting) error {
	set(t.m, t.m.postings, p.Key, p)
	return nil
}

func (t memoryTx) Account(name string) (Balance, bool, error) {
	b, ok := t.m.accounts[name]
	return b, ok, nil
}

func (t memoryTx) PutAccount(name string, b Balance) error {
	set(t.m, t.m.accounts, name, b)
	return nil
}

func (t memoryTx) Use(thing string) (bool, error) {
	first := !t.m.used[thing]
	set(t.m, t.m.used, thing, true)
	return first, nil
}

func (t memoryTx) Used(thing string) (bool, error) { return t.m.used[thing], nil }

func (t memoryTx) Buried(id ingest.ID) (bool, error) { return t.m.buried[id], nil }

func (t memoryTx) Bury(id ingest.ID) error {
	set(t.m, t.m.buried, id, true)
	return nil
}

func (t memoryTx) Count() (int64, error) { return int64(len(t.m.postings)), nil }
