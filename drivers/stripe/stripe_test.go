package stripe

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
)

const track2 = ";9999010000000011=31121010000000000?"

// await plays wires and awaits a card for a minute and a half of virtual time.
func await(t *testing.T, opts Opts, wires ...string) (drivers.Card, error) {
	t.Helper()
	d := New(drivertest.NewPlayback(t, wires...), opts)
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	return d.Await(ctx)
}

// What comes over a line, in all the pieces and with all the dirt that there
// may be.
func TestLines(t *testing.T) {
	for name, c := range map[string]struct {
		wires []string
		lrc   bool
		want  error
	}{
		"one line":                     {wires: []string{"~ 2s\n< \"" + track2 + "\" 0D"}},
		"after more than a minute":     {wires: []string{"~ 75s\n< \"" + track2 + "\" 0D"}},
		"three tracks, three lines":    {wires: []string{"~ 2s\n< \"%B9999010000000011^TEST^3112101?\" 0D\n~ 30ms\n< \"" + track2 + "\" 0D\n~ 30ms\n< \";01=E?\" 0D"}},
		"in two pieces":                {wires: []string{"~ 2s\n< \"" + track2[:9] + "\"\n~ 90ms\n< \"" + track2[9:] + "\" 0D"}},
		"no line end":                  {wires: []string{"~ 2s\n< \"" + track2 + "\""}},
		"noise long before":            {wires: []string{"~ 2s\n< 00 FF 41 0D\n~ 5s\n< 7F \"" + track2 + "\" 0D"}},
		"LRC":                          {lrc: true, wires: []string{"~ 2s\n< \"" + track2 + "9\" 0D"}},
		"swiped before, and now":       {wires: []string{"< \"" + track2[:9] + "\"\n~ 2s\n< \"" + track2 + "\" 0D"}},
		"hung up between two sales":    {wires: []string{"! hang up", "~ 2s\n< \"" + track2 + "\" 0D"}},
		"hung up while waiting":        {wires: []string{"~ 3s\n! hang up", "~ 2s\n< \"" + track2 + "\" 0D"}},
		"half a line":                  {wires: []string{"~ 2s\n< \"" + track2[:20] + "\""}, want: drivers.ErrUnread},
		"half a line, then hung up":    {wires: []string{"~ 2s\n< \"" + track2[:20] + "\"\n! hang up"}, want: drivers.ErrNoDevice},
		"partial tracks":               {wires: []string{"~ 2s\n< \"%E?;E?+E?\" 0D"}, want: drivers.ErrUnread},
		"wrong LRC":                    {lrc: true, wires: []string{"~ 2s\n< \"" + track2 + "0\" 0D"}, want: drivers.ErrUnread},
		"more than a card holds":       {wires: []string{"~ 2s\n< \"" + strings.Repeat(track2, 20) + "\""}, want: drivers.ErrUnread},
		"nobody":                       {wires: []string{""}, want: drivers.ErrTimeout},
		"a swipe that began too early": {wires: []string{"< \"" + track2 + "\" 0D"}, want: drivers.ErrTimeout},
		"gone for good":                {wires: []string{"~ 2s\n! hang up"}, want: drivers.ErrNoDevice},
		"never quiet":                  {wires: []string{"< \"" + strings.Repeat("x", 70_000) + "\""}, want: drivers.ErrProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				card, err := await(t, Opts{LRC: c.lrc}, c.wires...)
				if c.want != nil {
					if !errors.Is(err, c.want) || strings.Contains(err.Error(), "999901") {
						t.Fatalf("Await = %v, %v, want %v", card, err, c.want)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if s := card.(*drivers.Swipe); string(s.PAN) != "9999010000000011" || s.Service != "101" {
					t.Errorf("Await = %v with service code %s", s.PAN, s.Service)
				}
			})
		})
	}
}

// The driver keeps the promises of its class before a reader in memory.
func TestConformance(t *testing.T) {
	drivertest.TestStripe(t, func(t *testing.T) (drivers.Reader, drivertest.StripeWorld) {
		w := &world{}
		w.Plug = drivertest.NewPlug(t, w.serve)
		return New(w.Dial, Opts{}), w
	})
}

// world is a reader that sends what is swiped to whoever has the line open.
type world struct {
	*drivertest.Plug
	mu   sync.Mutex
	line io.Writer
}

func (w *world) serve(line io.ReadWriter) {
	w.mu.Lock()
	w.line = line
	w.mu.Unlock()
	_, _ = io.Copy(io.Discard, line)
}

func (w *world) send(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.line != nil {
		_, _ = io.WriteString(w.line, text) // a line that is out loses it
	}
}

func (w *world) Swipe(card string) {
	w.send(map[string]string{drivertest.SwipeGood: track2 + "\r", drivertest.SwipeBad: "%E?;E?\r"}[card])
}

func (w *world) Noise() { w.send("\x00\xFE?A\r") }
