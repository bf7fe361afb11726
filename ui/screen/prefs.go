package screen

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"fyne.io/fyne/v2"

	"github.com/cloudpos/cloudpos/durable"
)

// preferences are small values by name, kept in one JSON file. They may be used
// from any goroutine.
type preferences struct {
	s    *Screen
	path string // empty: memory only

	mu        sync.Mutex
	values    map[string]json.RawMessage
	listeners []func()
	unsaved   bool
}

var _ fyne.Preferences = (*preferences)(nil)

// preferencesMax bounds the file; a larger one is not ours.
const preferencesMax = 1 << 20

// saveAfter is how long changes are gathered before they are written.
const saveAfter = time.Second

// newPreferences reads the file of a folder, if there is one.
func newPreferences(s *Screen, dir string) (*preferences, error) {
	p := &preferences{s: s, values: map[string]json.RawMessage{}}
	if dir == "" {
		return p, nil
	}
	p.path = filepath.Join(dir, "preferences.json")
	info, err := os.Stat(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("screen: preferences: %w", err)
	}
	if info.Size() > preferencesMax {
		return nil, fmt.Errorf("screen: preferences: %s has %d bytes", p.path, info.Size())
	}
	file, err := os.ReadFile(p.path)
	if err != nil {
		return nil, fmt.Errorf("screen: preferences: %w", err)
	}
	if err := json.Unmarshal(file, &p.values); err != nil {
		return nil, fmt.Errorf("screen: preferences: %s: %w", p.path, err)
	}
	if p.values == nil { // the file said null
		p.values = map[string]json.RawMessage{}
	}
	return p, nil
}

// lookUp reads a value; one of another type is as good as none.
func lookUp[T any](p *preferences, key string, fallback T) T {
	p.mu.Lock()
	raw, ok := p.values[key]
	p.mu.Unlock()
	var v T
	if !ok || json.Unmarshal(raw, &v) != nil {
		return fallback
	}
	return v
}

// put stores a value, or removes it if raw is nil.
func (p *preferences) put(key string, raw json.RawMessage) {
	p.mu.Lock()
	if old, had := p.values[key]; had == (raw != nil) && string(old) == string(raw) {
		p.mu.Unlock()
		return
	}
	if raw == nil {
		delete(p.values, key)
	} else {
		p.values[key] = raw
	}
	first := !p.unsaved
	p.unsaved = true
	listeners := p.listeners
	p.mu.Unlock()
	if first && p.path != "" {
		p.s.queue.post(func() { p.s.clock.after(saveAfter, p.save) })
	}
	for _, f := range listeners {
		f()
	}
}

func store[T any](p *preferences, key string, v T) {
	raw, err := json.Marshal(v)
	if err != nil { // a float that is no number
		p.s.fail(fmt.Errorf("screen: preference %s: %w", key, err))
		return
	}
	p.put(key, raw)
}

func (p *preferences) save() {
	if err := p.flush(); err != nil {
		p.s.fail(err)
	}
}

// flush writes what has changed. The file is replaced as a whole, so a power
// cut leaves the old one or the new one.
func (p *preferences) flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.unsaved || p.path == "" {
		return nil
	}
	file, err := json.MarshalIndent(p.values, "", "  ")
	if err != nil {
		return fmt.Errorf("screen: preferences: %w", err)
	}
	err = durable.MkdirAll(filepath.Dir(p.path), 0o700)
	if err == nil {
		err = durable.Replace(p.path, file, 0o600)
	}
	if err != nil {
		return fmt.Errorf("screen: preferences: %w", err)
	}
	p.unsaved = false
	return nil
}

func (p *preferences) AddChangeListener(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listeners = append(p.listeners, f)
}

func (p *preferences) ChangeListeners() []func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]func(){}, p.listeners...)
}

func (p *preferences) RemoveValue(key string) { p.put(key, nil) }

func (p *preferences) Bool(k string) bool                     { return lookUp(p, k, false) }
func (p *preferences) BoolWithFallback(k string, v bool) bool { return lookUp(p, k, v) }
func (p *preferences) SetBool(k string, v bool)               { store(p, k, v) }
func (p *preferences) BoolList(k string) []bool               { return lookUp(p, k, []bool{}) }
func (p *preferences) BoolListWithFallback(k string, v []bool) []bool {
	return lookUp(p, k, v)
}
func (p *preferences) SetBoolList(k string, v []bool)                { store(p, k, v) }
func (p *preferences) Float(k string) float64                        { return lookUp(p, k, 0.0) }
func (p *preferences) FloatWithFallback(k string, v float64) float64 { return lookUp(p, k, v) }
func (p *preferences) SetFloat(k string, v float64)                  { store(p, k, v) }
func (p *preferences) FloatList(k string) []float64                  { return lookUp(p, k, []float64{}) }
func (p *preferences) FloatListWithFallback(k string, v []float64) []float64 {
	return lookUp(p, k, v)
}
func (p *preferences) SetFloatList(k string, v []float64)  { store(p, k, v) }
func (p *preferences) Int(k string) int                    { return lookUp(p, k, 0) }
func (p *preferences) IntWithFallback(k string, v int) int { return lookUp(p, k, v) }
func (p *preferences) SetInt(k string, v int)              { store(p, k, v) }
func (p *preferences) IntList(k string) []int              { return lookUp(p, k, []int{}) }
func (p *preferences) IntListWithFallback(k string, v []int) []int {
	return lookUp(p, k, v)
}
func (p *preferences) SetIntList(k string, v []int)          { store(p, k, v) }
func (p *preferences) String(k string) string                { return lookUp(p, k, "") }
func (p *preferences) StringWithFallback(k, v string) string { return lookUp(p, k, v) }
func (p *preferences) SetString(k, v string)                 { store(p, k, v) }
func (p *preferences) StringList(k string) []string          { return lookUp(p, k, []string{}) }
func (p *preferences) StringListWithFallback(k string, v []string) []string {
	return lookUp(p, k, v)
}
func (p *preferences) SetStringList(k string, v []string) { store(p, k, v) }
