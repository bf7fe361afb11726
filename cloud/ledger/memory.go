package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/cloudpos/cloudpos/cloud/ingest"
)

// Memory is a ledger that lasts as long as the process. The zero value is
// empty and ready.
type Memory struct {
	mu        sync.Mutex
	dossiers  map[ingest.ID]ingest.Dossier
	terminals map[string]ingest.Position
}

// Update implements ingest.Ledger.
func (m *Memory) Update(ctx context.Context, id ingest.ID, change func(*ingest.Dossier) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	stored := m.dossiers[id]
	d := stored.Clone()
	d.Sale.ID = id
	if err := change(&d); err != nil {
		return err
	}
	if m.dossiers == nil {
		m.dossiers = map[ingest.ID]ingest.Dossier{}
	}
	if d.Known() {
		m.dossiers[id] = d
	}
	return nil
}

// Unsettled implements ingest.Ledger.
func (m *Memory) Unsettled(context.Context) ([]ingest.ID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []ingest.ID
	for id, d := range m.dossiers {
		if d.Unsettled() {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, compareID)
	return ids, nil
}

// Greet implements ingest.Ledger.
func (m *Memory) Greet(_ context.Context, g ingest.Greeting) (ingest.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.terminals == nil {
		m.terminals = map[string]ingest.Position{}
	}
	highest := m.terminals[g.Terminal]
	if highest.Before(g.Position) {
		highest = g.Position
	}
	for id := range m.dossiers {
		if p := (ingest.Position{Epoch: id.Epoch, Seq: id.Seq}); id.Terminal == g.Terminal && highest.Before(p) {
			highest = p
		}
	}
	m.terminals[g.Terminal] = highest
	return highest, nil
}

// List returns the newest sales first.
func (m *Memory) List(_ context.Context, q Query) ([]Line, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []Line
	for id, d := range m.dossiers {
		if q.Terminal == "" || q.Terminal == id.Terminal {
			lines = append(lines, lineOf(d.Sale))
		}
	}
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(b.First.Compare(a.First), -compareID(a.ID, b.ID))
	})
	return lines[:min(len(lines), q.max())], nil
}

// Get returns one sale, or ErrUnknown.
func (m *Memory) Get(_ context.Context, id ingest.ID) (Line, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.dossiers[id]
	if !ok {
		return Line{}, fmt.Errorf("%w: %v", ErrUnknown, id)
	}
	return lineOf(d.Sale), nil
}

func compareID(a, b ingest.ID) int {
	return cmp.Or(cmp.Compare(a.Terminal, b.Terminal), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Seq, b.Seq))
}
