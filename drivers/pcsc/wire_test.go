package pcsc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/pcsc"
)

// The wires are built here apart from the driver: a misreading shall not cancel
// out. le is numbers of four bytes.
func le(all ...uint32) string {
	var b []byte
	for _, w := range all {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return fmt.Sprintf("% X ", b)
}

func lines(s ...string) string { return strings.Join(s, "\n") }

// say is one request and its answer.
func say(command uint32, body, answer string) string {
	n := uint32(len(strings.Fields(body)))
	return lines("> "+le(n, command)+body, "< "+answer)
}

const (
	absent  = 0x02
	present = 0x04
	powered = 0x04 | 0x10
	client  = 0x00C0FFEE
	handle  = 0x00001D1E

	t0Active, t1Active = 1, 2
)

// entry is one reader, of 184 bytes.
func entry(name string, counter, state uint32) string {
	b := make([]byte, 128)
	copy(b, name)
	atr := make([]byte, 36) // with three bytes that nobody uses
	copy(atr, "\x3B\x60\x00\x00")
	return fmt.Sprintf("% X ", b) + le(counter, state, 0) + fmt.Sprintf("% X ", atr) + le(4, 0)
}

// all is what the service has: another reader, ours, free places.
func all(counter, state uint32) string {
	return entry("OTHER 00 00", 0, absent) + entry("ACME One 00 01", counter, state) +
		strings.Repeat(strings.Repeat("00 ", 176)+le(34, 0), 14)
}

// Conversations that many stories share.
func greeting() string {
	return lines(
		say(0x11, le(4, 4, 0), le(4, 4, 0)),
		say(0x01, le(2, 0, 0), le(2, client, 0)))
}
func look(counter, state uint32) string { return say(0x12, "", all(counter, state)) }
func wait(counter, state uint32) string { return say(0x13, "", all(counter, state)) }
func stop() string                      { return say(0x14, "", le(0, 0)) }
func connectAsk() string {
	name := make([]byte, 128)
	copy(name, "ACME One 00 01")
	return le(client) + fmt.Sprintf("% X ", name) + le(1, 3, 0, 0, 0)
}
func connect(protocol, rv uint32) string {
	name := make([]byte, 128)
	return say(0x04, connectAsk(), le(client)+fmt.Sprintf("% X ", name)+le(1, 3, handle, protocol, rv))
}
func taken(protocol uint32) string {
	return lines(greeting(), look(1, present), connect(protocol, 0), look(1, powered))
}
func letGo() string { return say(0x06, le(handle, 2, 0), le(handle, 2, 0)) }

// transmit gives the card a command; without an answer the service says rv.
func transmit(protocol uint32, command, answer string, rv uint32) string {
	out, in := uint32(len(strings.Fields(command))), uint32(len(strings.Fields(answer)))
	return lines(
		"> "+le(32, 0x09, handle, protocol, 16, out, protocol, 16, 65548, 0)+command,
		"< "+le(handle, protocol, 16, out, protocol, 16, in, rv)+answer)
}

// told is a story: what is asked of the driver, and what comes of it.
type told struct {
	t *testing.T
	d *pcsc.Dev
	c drivers.Card
}

func (s *told) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), d)
	s.t.Cleanup(cancel)
	return ctx
}

func (s *told) await(within time.Duration, want error) {
	s.t.Helper()
	c, err := s.d.Await(s.within(within))
	if !errors.Is(err, want) {
		s.t.Fatalf("Await = %v, want %v", err, want)
	}
	if s.c = c; err == nil && !bytes.Equal(c.ATR(), []byte{0x3B, 0x60, 0x00, 0x00}) {
		s.t.Errorf("ATR = % X", c.ATR())
	}
}

func (s *told) exchange(command, response string, want error) {
	s.t.Helper()
	r, err := s.c.Exchange(s.within(time.Hour), unhex(command))
	if !errors.Is(err, want) || !bytes.Equal(r.Data, unhex(response)) {
		s.t.Fatalf("Exchange = % X, %v, want %s, %v", r.Data, err, response, want)
	}
}

func (s *told) release() {
	s.t.Helper()
	if err := s.c.Release(s.t.Context()); err != nil {
		s.t.Errorf("Release = %v", err)
	}
}

func unhex(s string) []byte {
	var b []byte
	for _, pair := range strings.Fields(s) {
		var x byte
		_, _ = fmt.Sscanf(pair, "%02X", &x)
		b = append(b, x)
	}
	return b
}

const (
	selectPSE = "00 A4 04 00 02 31 50"
	fci       = "6F 00"
)

var stories = []struct {
	name  string
	wires []string
	tell  func(s *told)
}{
	{"a card over T=0", []string{lines(taken(t0Active),
		transmit(t0Active, selectPSE, "61 02", 0),
		transmit(t0Active, "00 C0 00 00 02", fci+" 90 00", 0),
		transmit(t0Active, "00 B2 01 0C 00", "6C 02", 0),
		transmit(t0Active, "00 B2 01 0C 02", "70 00 90 00", 0),
		letGo())},
		func(s *told) {
			s.await(time.Second, nil)
			s.exchange(selectPSE+" 00", fci+" 90 00", nil)
			s.exchange("00 B2 01 0C 00", "70 00 90 00", nil)
			s.release()
		}},
	{"a card over T=1 is sent Le", []string{lines(taken(t1Active),
		transmit(t1Active, selectPSE+" 00", fci+" 90 00", 0), letGo())},
		func(s *told) {
			s.await(time.Second, nil)
			s.exchange(selectPSE+" 00", fci+" 90 00", nil)
			s.release()
		}},
	{"a card that had power is reset", []string{lines(greeting(), look(1, powered), connect(t0Active, 0),
		say(0x05, le(handle, 1, 3, 2, 0, 0), le(handle, 1, 3, 2, t1Active, 0)), look(1, powered),
		transmit(t1Active, selectPSE+" 00", fci+" 90 00", 0), letGo())},
		func(s *told) {
			s.await(time.Second, nil)
			s.exchange(selectPSE+" 00", fci+" 90 00", nil)
			s.release()
		}},
	{"a card that does not survive the reset", []string{lines(greeting(), look(1, powered), connect(t0Active, 0),
		say(0x05, le(handle, 1, 3, 2, 0, 0), le(handle, 1, 3, 2, 0, 0x80100066)), letGo())},
		func(s *told) { s.await(time.Second, drivers.ErrCardMute) }},
	{"version 4.5 is offered where it is wanted", []string{
		say(0x11, le(4, 4, 0), le(4, 5, 0x8010001E)),
		lines(say(0x11, le(4, 5, 0), le(4, 5, 0)), say(0x01, le(2, 0, 0), le(2, client, 0)), look(0, absent), wait(0, absent), "~ 1s", stop())},
		func(s *told) { s.await(500*time.Millisecond, drivers.ErrTimeout) }},
	{"a version that is not known", []string{say(0x11, le(4, 4, 0), le(4, 6, 0x8010001E))},
		func(s *told) { s.await(time.Second, drivers.ErrRefused) }},
	{"a service that agrees to nothing", []string{
		say(0x11, le(4, 4, 0), le(4, 5, 0x8010001E)), say(0x11, le(4, 5, 0), le(4, 4, 0x8010001E))},
		func(s *told) { s.await(time.Second, drivers.ErrRefused) }},
	{"no such reader", []string{lines(greeting(), say(0x12, "", strings.Repeat("00 ", 2944)))},
		func(s *told) { s.await(time.Second, drivers.ErrNoDevice) }},
	{"a reader that is lost", []string{lines(greeting(), look(1, 0x01))},
		func(s *told) { s.await(time.Second, drivers.ErrNoDevice) }},
	{"a card comes while it is waited for", []string{lines(greeting(), look(0, absent), wait(0, absent), "~ 300ms", "< "+le(0, 0),
		look(1, present), connect(t1Active, 0), look(1, powered))},
		func(s *told) { s.await(time.Second, nil) }},
	{"a card comes before it is waited for", []string{lines(greeting(), look(0, absent), wait(1, present), stop(),
		look(1, present), connect(t1Active, 0), look(1, powered))},
		func(s *told) { s.await(time.Second, nil) }},
	{"the event crosses the end of the wait", []string{lines(greeting(), look(0, absent), wait(0, absent), "~ 999ms", "< 00 00 00",
		"> "+le(0, 0x14), "< 00 00 00 00 00", look(1, present), connect(t1Active, 0), look(1, powered))},
		func(s *told) { s.await(2*time.Second, nil) }},
	{"the card is gone again", []string{lines(greeting(), look(1, present), connect(0, 0x8010000C), wait(2, absent), stop(),
		look(2, absent), wait(2, absent), stop())},
		func(s *told) { s.await(time.Second-time.Millisecond, drivers.ErrTimeout) }},
	{"a mute card is left alone for a while", []string{lines(greeting(), look(1, present), connect(0, 0x80100066),
		look(1, present|0x08), wait(1, present|0x08), "~ 900ms", "< "+le(0, 0),
		look(2, present|0x08), wait(2, present|0x08), stop(), look(2, present), wait(2, present), stop(),
		look(2, present), wait(2, present), stop(), look(2, present), connect(t1Active, 0), look(2, powered))},
		func(s *told) {
			s.await(time.Minute, drivers.ErrCardMute)
			began := time.Now()
			s.await(time.Minute, nil)
			if took := time.Since(began); took != 3*time.Second {
				s.t.Errorf("tried again after %v, want 3s", took)
			}
		}},
	{"another program lets go", []string{lines(greeting(), look(1, present), connect(0, 0x8010000B), connect(0, 0x8010000B),
		connect(t1Active, 0), look(1, powered))},
		func(s *told) { s.await(time.Minute, nil) }},
	{"another program does not let go", []string{lines(greeting(), look(1, present), strings.Repeat(connect(0, 0x8010000B)+"\n", 21))},
		func(s *told) { s.await(time.Minute, drivers.ErrBusy) }},
	{"another program's transaction blocks the service", []string{lines(greeting(), look(1, present), "> "+le(152, 4)+connectAsk())},
		func(s *told) { s.await(time.Minute, drivers.ErrBusy) }},
	{"the card is pulled from under a command", []string{lines(taken(t1Active), transmit(t1Active, selectPSE, "", 0x80100016),
		look(1, powered), say(0x0B, le(handle, 0), le(handle, 0)), wait(1, powered), "~ 400ms", "< "+le(0, 0), look(2, absent), letGo())},
		func(s *told) {
			s.await(time.Second, nil)
			s.exchange(selectPSE, "", drivers.ErrCardGone)
			if err := s.c.Gone(s.within(time.Second)); err != nil {
				s.t.Errorf("Gone = %v", err)
			}
		}},
	{"the card was away for a moment", []string{lines(taken(t1Active), look(3, present), say(0x0B, le(handle, 0), le(handle, 0x80100069)), letGo())},
		func(s *told) {
			s.await(time.Second, nil)
			if err := s.c.Gone(s.within(time.Second)); err != nil {
				s.t.Errorf("Gone = %v", err)
			}
			s.exchange(selectPSE, "", drivers.ErrCardGone)
		}},
	{"the card is silent", []string{lines(taken(t1Active), transmit(t1Active, selectPSE, "", 0x80100016),
		look(1, powered), say(0x0B, le(handle, 0), le(handle, 0)), wait(1, powered), "~ 1s", stop(), letGo())},
		func(s *told) {
			s.await(time.Second, nil)
			s.exchange(selectPSE, "", drivers.ErrTimeout)
			s.release()
		}},
	{"another program resets the card", []string{lines(taken(t1Active), transmit(t1Active, selectPSE, "", 0x80100068), letGo())},
		func(s *told) {
			s.await(time.Second, nil)
			s.exchange(selectPSE, "", drivers.ErrCardGone)
		}},
	{"a response without end", []string{lines(taken(t1Active),
		"> "+le(32, 0x09, handle, t1Active, 16, 7, t1Active, 16, 65548, 0)+selectPSE,
		"< "+le(handle, t1Active, 16, 7, t1Active, 16, 65549, 0))},
		func(s *told) {
			s.await(time.Second, nil)
			s.exchange(selectPSE, "", drivers.ErrProtocol)
		}},
	{"half a response", []string{lines(taken(t1Active),
		"> "+le(32, 0x09, handle, t1Active, 16, 7, t1Active, 16, 65548, 0)+selectPSE,
		"< "+le(handle, t1Active, 16, 7, t1Active, 16, 4, 0)+"6F 00")},
		func(s *told) {
			s.await(time.Second, nil)
			s.exchange(selectPSE, "", drivers.ErrTimeout)
		}},
	{"the service ends and comes back", []string{lines(taken(t1Active), "! hang up"), taken(t1Active)},
		func(s *told) {
			s.await(time.Second, nil)
			s.exchange(selectPSE, "", drivers.ErrCardGone)
			s.release()
			s.await(time.Second, nil)
		}},
	{"the service ends while a card is waited for", []string{lines(greeting(), look(0, absent), wait(0, absent), "! hang up"), taken(t1Active)},
		func(s *told) { s.await(time.Second, nil) }},
	{"a service that is silent", []string{"> " + le(12, 0x11, 4, 4, 0), lines(greeting(), look(1, present), connect(t1Active, 0), look(1, powered))},
		func(s *told) {
			s.await(time.Minute, drivers.ErrSilent)
			s.await(time.Minute, nil)
		}},
}

func TestOnTheWire(t *testing.T) {
	for _, c := range stories {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := pcsc.New(drivertest.NewPlayback(t, c.wires...), pcsc.Opts{Reader: "ACME"})
				c.tell(&told{t: t, d: d})
				synctest.Wait()
			})
		})
	}
}

// A caller who gives up in the middle of a command costs the line: nothing else
// stops the service, and its answer would be taken for the next.
func TestCancelledInACommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := pcsc.New(drivertest.NewPlayback(t,
			lines(taken(t1Active), "> "+le(32, 0x09, handle, t1Active, 16, 7, t1Active, 16, 65548, 0)+selectPSE),
			taken(t1Active)), pcsc.Opts{Reader: "ACME"})
		s := &told{t: t, d: d}
		s.await(time.Second, nil)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := s.c.Exchange(ctx, unhex(selectPSE)); !errors.Is(err, drivers.ErrCancelled) {
			t.Errorf("Exchange = %v, want ErrCancelled", err)
		}
		s.exchange(selectPSE, "", drivers.ErrCardGone)
		s.await(time.Second, nil)
	})
}

// Elapsed is from the command's last byte out to the answer's first byte in.
func TestElapsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := pcsc.New(drivertest.NewPlayback(t, lines(taken(t1Active),
			"> "+le(32, 0x09, handle, t1Active, 16, 7, t1Active, 16, 65548, 0)+selectPSE, "~ 70ms",
			"< "+le(handle, t1Active, 16, 7, t1Active, 16, 2, 0), "~ 5ms", "< 90 00")), pcsc.Opts{Reader: "ACME"})
		s := &told{t: t, d: d}
		s.await(time.Second, nil)
		if r, err := s.c.Exchange(t.Context(), unhex(selectPSE)); err != nil || r.Elapsed != 70*time.Millisecond {
			t.Errorf("Exchange took %v, %v, want 70ms", r.Elapsed, err)
		}
	})
}

// A reader may be called by its whole name although another one's begins so.
func TestNames(t *testing.T) {
	for name, c := range map[string]struct {
		reader string
		want   error
	}{
		"the first":         {"", drivers.ErrTimeout},
		"its whole name":    {"OTHER 00 00", drivers.ErrTimeout},
		"no beginning":      {"One", drivers.ErrNoDevice},
		"longer than it is": {"OTHER 00 00 00", drivers.ErrNoDevice},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				readers := entry("OTHER 00 00 B", 0, 0x01) + entry("OTHER 00 00", 0, absent) + strings.Repeat("00 ", 14*184)
				if c.reader == "" {
					readers = entry("OTHER 00 00", 0, absent) + entry("OTHER 00 00 B", 0, 0x01) + strings.Repeat("00 ", 14*184)
				}
				wire := lines(greeting(), say(0x12, "", readers))
				if c.want == drivers.ErrTimeout { //nolint:errorlint // what is wanted, not what came
					wire = lines(wire, say(0x13, "", readers), "~ 1s", stop())
				}
				s := &told{t: t, d: pcsc.New(drivertest.NewPlayback(t, wire), pcsc.Opts{Reader: c.reader})}
				s.await(time.Second/2, c.want)
			})
		})
	}
}
