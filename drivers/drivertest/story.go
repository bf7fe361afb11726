package drivertest

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
)

// TestAntennaStories plays each story of a folder, in virtual time. A story is
// the wire between a driver and its device, with what is asked of the driver in
// between; its first line is a remark that says why it exists:
//
//	@ call [bytes] [within 300ms] = bytes, ok or error [after 200ms] [took 10ms]
//	+ part
//
// The calls are those of the antenna and of its last card, by their names in
// small letters. Within is the caller's time, after is when the call returned,
// took is what the driver measured. A part is a wire of the folder parts that
// stands there. A line of --- begins the wire of the next dial.
func TestAntennaStories(t *testing.T, folder string, open func(drivers.Dial) drivers.Antenna) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d stories, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			wires, asks := readStory(t, file)
			synctest.Test(t, func(t *testing.T) {
				s := antennaStory{t: t, antenna: open(NewPlayback(t, wires...))}
				for _, ask := range asks {
					s.play(ask)
				}
			})
		})
	}
}

// readStory takes a story apart.
func readStory(t *testing.T, file string) (wires, asks []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "# ") {
		t.Fatal("a story without a reason")
	}
	wires = []string{""}
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "@ "):
			asks = append(asks, strings.TrimSpace(line[2:]))
		case strings.HasPrefix(line, "+ "):
			name := strings.TrimSpace(line[2:]) + ".txt"
			part, err := os.ReadFile(filepath.Join(filepath.Dir(file), "parts", name))
			if err != nil {
				t.Fatal(err)
			}
			wires[len(wires)-1] += string(part)
		case strings.HasPrefix(line, "---"):
			wires = append(wires, "")
		default:
			wires[len(wires)-1] += line
		}
	}
	return wires, asks
}

// antennaStory is a story that is being played.
type antennaStory struct {
	t       *testing.T
	antenna drivers.Antenna
	card    drivers.Card
}

// outcomes are the ends of calls, by their names in stories.
var outcomes = map[string]error{
	"ErrCancelled": drivers.ErrCancelled, "ErrCardGone": drivers.ErrCardGone, "ErrCardMute": drivers.ErrCardMute,
	"ErrCollision": drivers.ErrCollision, "ErrHardware": drivers.ErrHardware, "ErrNoDevice": drivers.ErrNoDevice,
	"ErrProtocol": drivers.ErrProtocol, "ErrRefused": drivers.ErrRefused, "ErrTimeout": drivers.ErrTimeout,
}

// take cuts a word and the duration behind it out of a line.
func (s *antennaStory) take(line, word string) (rest string, d time.Duration, found bool) {
	s.t.Helper()
	words := strings.Fields(line)
	i := slices.Index(words, word)
	if i < 0 {
		return line, 0, false
	}
	if i+1 == len(words) {
		s.t.Fatalf("%q ends with %s", line, word)
	}
	d, err := time.ParseDuration(words[i+1])
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Join(slices.Delete(words, i, i+2), " "), d, true
}

func (s *antennaStory) play(ask string) {
	s.t.Helper()
	call, want, _ := strings.Cut(ask, " = ")
	ctx := s.t.Context()
	call, limit, limited := s.take(call, "within")
	if limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	want, after, timed := s.take(want, "after")
	want, took, measured := s.take(want, "took")
	began := time.Now()
	got, elapsed, err := s.call(ctx, call)
	lasted := time.Since(began)
	if wanted := outcomes[want]; wanted != nil {
		if !errors.Is(err, wanted) {
			s.t.Fatalf("%s: % X, %v, want %v", ask, got, err, wanted)
		}
	} else if err != nil || want != "ok" && fmt.Sprintf("% X", got) != strings.TrimSpace(want) {
		s.t.Fatalf("%s: % X, %v", ask, got, err)
	}
	if timed && lasted != after {
		s.t.Errorf("%s: after %v", ask, lasted)
	}
	if measured && elapsed != took {
		s.t.Errorf("%s: took %v", ask, elapsed)
	}
}

// call makes one call of the driver.
func (s *antennaStory) call(ctx context.Context, call string) (got []byte, took time.Duration, err error) {
	s.t.Helper()
	name, arguments, _ := strings.Cut(call, " ")
	switch name {
	case "await":
		var c drivers.Card
		if c, err = s.antenna.Await(ctx); err == nil {
			s.card, got = c, c.ATR()
		}
	case "exchange":
		var command []byte
		if command, err = parseBytes(arguments); err != nil {
			s.t.Fatal(err)
		}
		var r drivers.Response
		r, err = s.card.Exchange(ctx, command)
		got, took = r.Data, r.Elapsed
	case "gone":
		err = s.card.Gone(ctx)
	case "release":
		err = s.card.Release(ctx)
	case "clear":
		err = s.antenna.Clear(ctx)
	case "close":
		err = s.antenna.Close()
	default:
		s.t.Fatalf("%q is no call", name)
	}
	return got, took, err
}
