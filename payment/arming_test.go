package payment

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/money"
)

// fakeAntenna does at each wait what its script says: "tap", "several", "mute",
// "missing", "late" for a card that comes after a second, "" for nobody.
type fakeAntenna struct {
	mu     sync.Mutex
	script []string
	power  int // cards that have it
	cards  int
	clears int
}

var _ drivers.Antenna = (*fakeAntenna)(nil)

func (a *fakeAntenna) Media() drivers.Media { return drivers.Contactless }
func (a *fakeAntenna) Close() error         { return nil }

func (a *fakeAntenna) Clear(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clears++
	return drivers.Ended(ctx)
}

func (a *fakeAntenna) Await(ctx context.Context) (drivers.Card, error) {
	a.mu.Lock()
	word := ""
	if len(a.script) > 0 {
		word, a.script = a.script[0], a.script[1:]
	}
	a.mu.Unlock()
	if word == "late" {
		time.Sleep(time.Second)
		word = "tap"
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch word {
	case "tap":
		a.power++
		a.cards++
		return &fakeTap{a: a}, nil
	case "several":
		return nil, fmt.Errorf("antenna: %w", drivers.ErrCollision)
	case "mute":
		return nil, fmt.Errorf("antenna: %w", drivers.ErrCardMute)
	case "missing":
		return nil, fmt.Errorf("antenna: %w", drivers.ErrNoDevice)
	}
	a.mu.Unlock()
	<-ctx.Done()
	a.mu.Lock()
	return nil, drivers.ErrCancelled
}

type fakeTap struct {
	a    *fakeAntenna
	gone bool
}

func (c *fakeTap) ATR() []byte { return []byte{0x3B, 0x80} }
func (c *fakeTap) Exchange(context.Context, []byte) (drivers.Response, error) {
	return drivers.Response{Data: []byte{0x90, 0}}, nil
}
func (c *fakeTap) Gone(context.Context) error { return nil }
func (c *fakeTap) Release(context.Context) error {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	if !c.gone {
		c.gone = true
		c.a.power--
	}
	return nil
}

// Slot and antenna are armed together: the slot wins ties, what goes wrong at
// one of them leaves the other, and no card keeps its power.
func TestReadersAndAntenna(t *testing.T) {
	again := []string{"present", "await", "transmit", "see-phone", "field-off", "reenter", "see-phone-ready", "await", "transmit", "online", "approved"}
	for name, story := range map[string]struct {
		slot    *fakeReader
		antenna []string
		tap     []string
		entry   string // of the one request
		cards   [2]int // that were read
		clears  int
	}{
		"tapped":         {&fakeReader{empty: true}, []string{"tap"}, nil, EntryTap, [2]int{0, 1}, 0},
		"inserted":       {&fakeReader{}, nil, nil, EntryChip, [2]int{1, 0}, 0},
		"both at once":   {&fakeReader{}, []string{"tap"}, nil, EntryChip, [2]int{1, 1}, 0},
		"no slot":        {&fakeReader{err: drivers.ErrNoDevice}, []string{"late"}, nil, EntryTap, [2]int{0, 1}, 0},
		"no antenna":     {&fakeReader{delay: time.Second}, []string{"missing"}, nil, EntryChip, [2]int{1, 0}, 0},
		"mute, then not": {&fakeReader{empty: true}, []string{"mute", "tap"}, []string{"present", "await", "again", "await", "transmit", "online", "approved"}, EntryTap, [2]int{0, 1}, 0},
		"two, then one":  {&fakeReader{empty: true}, []string{"several", "tap"}, []string{"present", "await", "one-card", "clear", "present", "await", "transmit", "online", "approved"}, EntryTap, [2]int{0, 1}, 1},
		"two taps":       {&fakeReader{empty: true}, []string{"tap", "late"}, again, EntryTap, [2]int{0, 2}, 0},
		"another card":   {&fakeReader{empty: true}, []string{"tap"}, []string{"present", "await", "transmit", "insert", "other"}, "", [2]int{0, 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCounter("transmit", "online", "approved")
				slot, antenna := story.slot, &fakeAntenna{script: story.antenna}
				c.parts.Readers = []drivers.Reader{slot, antenna}
				words := story.tap
				if words == nil {
					words = []string{"present", "await", "transmit", "online", "approved"}
				}
				configure := c.parts.Configure
				c.parts.Configure = func(n Numbers) (Config, error) {
					cfg, err := configure(n)
					cfg.Tap = func(emv.Transaction, money.Currency) (emv.Machine, error) {
						return &scriptedTap{slices.Clone(words)}, nil
					}
					return cfg, err
				}
				res := c.sell(t, t.Context())
				entry := ""
				if a := res.Record.Attempt(); a != nil {
					entry = a.Entry
				}
				if entry != story.entry || entry != "" && res.Record.State != Approved {
					t.Errorf("record %q read as %q, want %q", res.Record.State, entry, story.entry)
				}
				if got := [2]int{slot.cards, antenna.cards}; got != story.cards || antenna.clears != story.clears {
					t.Errorf("%v cards read, %d waits for an empty field, want %v and %d", got, antenna.clears, story.cards, story.clears)
				}
				if slot.cards != slot.releases || antenna.power != 0 {
					t.Errorf("%d of %d cards given back, %d taps with power", slot.releases, slot.cards, antenna.power)
				}
			})
		})
	}
}
