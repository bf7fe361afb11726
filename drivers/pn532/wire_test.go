package pn532_test

import (
	"context"
	"encoding/hex"
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
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/pn532"
)

// Each story of testdata is a wire between driver and chip, with what is asked
// of the driver in between:
//
//	@ call [bytes] [within 300ms] = bytes, ok or error [after 200ms] [took 10ms]
//	+ part
//
// Within is the caller's time, after is when the call returned, took is what the
// driver measured. A part is a wire of testdata/parts that stands there. A line
// of --- begins the wire of the next dial.
func TestOnTheWire(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d stories, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			wires, asks := story(t, file)
			synctest.Test(t, func(t *testing.T) {
				p := play{t: t, antenna: pn532.New(drivertest.NewPlayback(t, wires...), pn532.Opts{})}
				for _, ask := range asks {
					p.play(ask)
				}
			})
		})
	}
}

// story takes a story apart. It must say why it exists.
func story(t *testing.T, file string) (wires, asks []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "# ") {
		t.Fatal("a story without a reason")
	}
	wires = []string{""}
	last := &wires[0]
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "@ "):
			asks = append(asks, strings.TrimSpace(line[2:]))
		case strings.HasPrefix(line, "+ "):
			part, err := os.ReadFile(filepath.Join("testdata", "parts", strings.TrimSpace(line[2:])+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			*last += string(part)
		case strings.HasPrefix(line, "---"):
			wires = append(wires, "")
			last = &wires[len(wires)-1]
		default:
			*last += line
		}
	}
	return wires, asks
}

// play is a story that is being played.
type play struct {
	t       *testing.T
	antenna *pn532.Dev
	card    drivers.Card
}

// outcomes are the ends of calls, by their names in stories.
var outcomes = map[string]error{
	"ErrCancelled": drivers.ErrCancelled, "ErrCardGone": drivers.ErrCardGone, "ErrCardMute": drivers.ErrCardMute,
	"ErrCollision": drivers.ErrCollision, "ErrHardware": drivers.ErrHardware, "ErrNoDevice": drivers.ErrNoDevice,
	"ErrProtocol": drivers.ErrProtocol, "ErrRefused": drivers.ErrRefused, "ErrTimeout": drivers.ErrTimeout,
}

// take cuts a word and the duration behind it out of a line.
func (p *play) take(line, word string) (rest string, d time.Duration, found bool) {
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

func (p *play) play(ask string) {
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
			p.t.Fatalf("%s: % X, %v, want %v", ask, got, err, wanted)
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
func (p *play) call(ctx context.Context, call string) (got []byte, took time.Duration, err error) {
	p.t.Helper()
	name, arguments, _ := strings.Cut(call, " ")
	switch name {
	case "await":
		var c drivers.Card
		if c, err = p.antenna.Await(ctx); err == nil {
			p.card, got = c, c.ATR()
		}
	case "exchange":
		var command []byte
		if command, err = hex.DecodeString(strings.ReplaceAll(arguments, " ", "")); err != nil {
			p.t.Fatal(err)
		}
		var r drivers.Response
		r, err = p.card.Exchange(ctx, command)
		got, took = r.Data, r.Elapsed
	case "gone":
		err = p.card.Gone(ctx)
	case "release":
		err = p.card.Release(ctx)
	case "clear":
		err = p.antenna.Clear(ctx)
	case "close":
		err = p.antenna.Close()
	default:
		p.t.Fatalf("%q is no call", name)
	}
	return got, took, err
}

// A response in pieces ends some time.
func TestPiecesWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wires, _ := story(t, "testdata/tap.txt")
		tapped, _, found := strings.Cut(wires[0], "> 00 00 FF 17")
		if !found {
			t.Fatal("the story of a tap has changed")
		}
		const piece = "< 00 00 FF 00 FF 00 00 00 FF 04 FC D5 41 40 A5 05 00\n"
		wire := tapped + "> 00 00 FF 08 F8 D4 40 01 00 B2 01 0C 00 2C 00\n" + piece +
			strings.Repeat("> 00 00 FF 03 FD D4 40 01 EB 00\n"+piece, 299)
		p := play{t: t, antenna: pn532.New(drivertest.NewPlayback(t, wire), pn532.Opts{})}
		p.play("await = 3B 81 80 01 80 80")
		p.play("exchange 00 B2 01 0C 00 = ErrProtocol")
		p.play("exchange 00 B2 01 0C 00 = ErrCardGone")
	})
}
