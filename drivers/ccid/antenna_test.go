package ccid_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/ccid"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
)

// Each story of testdata/antenna is a wire between driver and reader, with what
// is asked of the driver in between:
//
//	@ call [bytes] [within 300ms] = bytes, ok or error [after 200ms] [took 10ms]
//
// Within is the caller's time, after is when the call returned, took is what the
// driver measured. A line of --- begins the wire of the next dial.
func TestAntennaOnTheWire(t *testing.T) {
	files, err := filepath.Glob("testdata/antenna/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d stories, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			wires, asks := antennaStory(string(text))
			synctest.Test(t, func(t *testing.T) {
				p := antennaPlay{t: t, antenna: ccid.NewAntenna(drivertest.NewPlayback(t, wires...), ccid.Opts{})}
				for _, ask := range asks {
					p.play(ask)
				}
			})
		})
	}
}

// antennaStory takes a story apart. It must say why it exists.
func antennaStory(text string) (wires, asks []string) {
	if !strings.HasPrefix(text, "# ") {
		panic("a story without a reason")
	}
	wires = []string{""}
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "@ "):
			asks = append(asks, strings.TrimSpace(line[2:]))
		case strings.HasPrefix(line, "---"):
			wires = append(wires, "")
		default:
			wires[len(wires)-1] += line
		}
	}
	return wires, asks
}

// antennaPlay is a story that is being played.
type antennaPlay struct {
	t       *testing.T
	antenna *ccid.Antenna
	card    drivers.Card
}

// outcomes are the ends of calls, by their names in stories.
var outcomes = map[string]error{
	"ErrCardGone": drivers.ErrCardGone, "ErrCardMute": drivers.ErrCardMute, "ErrCollision": drivers.ErrCollision,
	"ErrProtocol": drivers.ErrProtocol, "ErrRefused": drivers.ErrRefused, "ErrTimeout": drivers.ErrTimeout,
}

// take cuts a word and the duration behind it out of a line.
func (p *antennaPlay) take(line, word string) (rest string, d time.Duration, found bool) {
	words := strings.Fields(line)
	i := slices.Index(words, word)
	if i < 0 {
		return line, 0, false
	}
	d, err := time.ParseDuration(words[i+1])
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.Join(slices.Delete(words, i, i+2), " "), d, true
}

func (p *antennaPlay) play(ask string) {
	p.t.Helper()
	call, want, _ := strings.Cut(ask, " = ")
	ctx := p.t.Context()
	call, within, limited := p.take(call, "within")
	if limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	want, after, timed := p.take(want, "after")
	want, took, measured := p.take(want, "took")
	began := time.Now()
	got, elapsed, err := p.call(ctx, call)
	lasted := time.Since(began)
	if wanted := outcomes[want]; wanted != nil {
		if !errors.Is(err, wanted) {
			p.t.Fatalf("%s: %v, want %v", ask, err, wanted)
		}
	} else if err != nil || want != "ok" && fmt.Sprintf("% X", got) != strings.TrimSpace(want) {
		p.t.Fatalf("%s: % X, %v", ask, got, err)
	}
	if timed && lasted != after {
		p.t.Errorf("%s: after %v", ask, lasted)
	}
	if measured && elapsed != took {
		p.t.Errorf("%s: took %v", ask, elapsed)
	}
}

// call makes one call of the driver.
func (p *antennaPlay) call(ctx context.Context, call string) (got []byte, took time.Duration, err error) {
	p.t.Helper()
	name, arguments, _ := strings.Cut(call, " ")
	switch name {
	case "await":
		var c drivers.Card
		if c, err = p.antenna.Await(ctx); err == nil {
			p.card, got = c, c.ATR()
		}
	case "exchange":
		var r drivers.Response
		r, err = p.card.Exchange(ctx, hexBytes(arguments))
		got, took = r.Data, r.Elapsed
	case "gone":
		err = p.card.Gone(ctx)
	case "release":
		err = p.card.Release(ctx)
	case "clear":
		err = p.antenna.Clear(ctx)
	default:
		p.t.Fatalf("%q is no call", name)
	}
	return got, took, err
}
