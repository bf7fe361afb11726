package ccid_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/ccid"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
)

// A wire's frames are built here apart from the driver: a misreading shall not
// cancel out.

// frame is 03 06, ten bytes of header, data and the XOR of it all, as hex.
func frame(typ, seq, b7, b8 byte, data string) string {
	body := hexBytes(data)
	f := []byte{3, 6, typ, byte(len(body)), byte(len(body) >> 8), 0, 0, 0, seq, b7, b8, 0}
	f = append(f, body...)
	var x byte
	for _, b := range f {
		x ^= b
	}
	return fmt.Sprintf("% X", append(f, x))
}

func hexBytes(s string) []byte {
	var out []byte
	for _, word := range strings.Fields(s) {
		for i := 0; i+1 < len(word); i += 2 {
			var b byte
			if _, err := fmt.Sscanf(word[i:i+2], "%02x", &b); err != nil {
				panic(err)
			}
			out = append(out, b)
		}
	}
	return out
}

func lines(s ...string) string { return strings.Join(s, "\n") }

// Conversations that many stories share. n counts the commands of a line.
func greeting() string {
	return lines(
		"> 03 06 6B 01 00 00 00 00 01 00 00 00 02 6C",
		"< "+frame(0x83, 1, 2, 0, "47 65 6D"),
		"> "+frame(0x6B, 2, 0, 0, "01 01 01"),
		"< "+frame(0x83, 2, 2, 0, ""),
	)
}

func status(n, card byte) string {
	return lines("> "+frame(0x65, n, 0, 0, ""), "< "+frame(0x81, n, card, 0, ""))
}

func powerOff(n, card byte) string {
	return lines("> "+frame(0x63, n, 0, 0, ""), "< "+frame(0x81, n, card, 0, ""))
}

func xfr(n byte, out, in string) string {
	return lines("> "+frame(0x6F, n, 0, 0, out), "< "+frame(0x80, n, 0, 0, in))
}

// cardT0 is all up to a T=0 card in place; the next command is number 7.
func cardT0() string {
	return lines(greeting(), status(3, 1), powerOff(4, 1),
		"> "+frame(0x62, 5, 1, 0, ""),
		"< "+frame(0x80, 5, 0, 0, "3B 60 00 00"),
		"> "+frame(0x61, 6, 0, 0, "11 00 00 0A 00"),
		"< "+frame(0x82, 6, 0, 0, "11 00 00 0A 00"),
	)
}

// await dials a played reader and takes its card.
func await(t *testing.T, wires ...string) (*ccid.Dev, drivers.Card) {
	t.Helper()
	d := ccid.New(drivertest.NewPlayback(t, wires...), ccid.Opts{})
	c, err := d.Await(t.Context())
	if err != nil {
		t.Fatalf("Await: %v", err)
	}
	return d, c
}

const (
	readRecord = "00 B2 01 0C 04"
	record     = "70 02 01 02 90 00"
)

// Each story is what passes between driver and reader from the first READ
// RECORD on, and what comes of it.
var exchangeStories = []struct {
	name string
	wire string
	want error // nil: the record
}{
	{"plain", xfr(7, readRecord, record), nil},
	{"echo before the answer", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord),
		"< "+frame(0x6F, 7, 0, 0, readRecord),
		"< "+frame(0x80, 7, 0, 0, record)), nil},
	{"wrong LRC: the answer again, not the command", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord),
		"< 03 06 80 02 00 00 00 00 07 00 00 00 90 00 FF",
		"> 03 15 16",
		"< "+frame(0x80, 7, 0, 0, record)), nil},
	{"wrong LRC for ever", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord),
		"< 03 06 80 02 00 00 00 00 07 00 00 00 90 00 FF",
		"> 03 15 16",
		"< 03 06 80 02 00 00 00 00 07 00 00 00 90 00 FF",
		"> 03 15 16",
		"< 03 06 80 02 00 00 00 00 07 00 00 00 90 00 FF",
		"> 03 15 16",
		"< 03 06 80 02 00 00 00 00 07 00 00 00 90 00 FF"), drivers.ErrProtocol},
	{"half a frame: the answer again", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord),
		"< 03 06 80 02 00 00",
		"> 03 15 16",
		"< "+frame(0x80, 7, 0, 0, record)), nil},
	{"NAK to the command: the command again", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord),
		"< 03 15 16",
		xfr(7, readRecord, record)), nil},
	{"NAK to our NAK: our NAK again, not the command", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord),
		"< 03 06 80 02 00 00 00 00 07 00 00 00 90 00 FF",
		"> 03 15 16",
		"< 03 15 16",
		"> 03 15 16",
		"< "+frame(0x80, 7, 0, 0, record)), nil},
	{"garbage, a stale answer, another slot's", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord),
		"< 00 41 42",
		"< "+frame(0x80, 6, 0, 0, "90 00"),
		"< "+frame(0x81, 7, 0, 0, ""),
		"< "+frame(0x80, 7, 0, 0, record)), nil},
	{"only garbage: the answer again", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord),
		"< 06 41 42",
		"> 03 15 16",
		"< "+frame(0x80, 7, 0, 0, record)), nil},
	{"the card asks for time", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord),
		"~ 3s", "< 80", "~ 3s", "< FF", "~ 3s",
		"< "+frame(0x80, 7, 0, 0, record)), nil},
	{"the reader asks for time", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord),
		"~ 3s", "< "+frame(0x80, 7, 0x80, 4, ""), "~ 12s",
		"< "+frame(0x80, 7, 0, 0, record)), nil},
	{"silence", "> " + frame(0x6F, 7, 0, 0, readRecord), drivers.ErrTimeout},
	{"hang-up", lines("> "+frame(0x6F, 7, 0, 0, readRecord), "! hang up"), drivers.ErrCardGone},
	{"the card is pulled: answer", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord), "< 50 02",
		"< "+frame(0x80, 7, 0x42, 0xFE, "")), drivers.ErrCardGone},
	{"the card is pulled: no answer", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord), "< 50 02"), drivers.ErrCardGone},
	{"the card has lost its power", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord),
		"< "+frame(0x80, 7, 1, 0, record)), drivers.ErrCardGone},
	{"the card does not answer", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord),
		"< "+frame(0x80, 7, 0x40, 0xFE, "")), drivers.ErrTimeout},
	{"parity errors", lines(
		"> "+frame(0x6F, 7, 0, 0, readRecord),
		"< "+frame(0x80, 7, 0x40, 0xFD, "")), drivers.ErrProtocol},
	{"an answer without status", xfr(7, readRecord, "90"), drivers.ErrProtocol},
	{"more than was asked for", xfr(7, readRecord, "70 03 01 02 03 90 00"), drivers.ErrProtocol},
}

func TestExchangeOnTheWire(t *testing.T) {
	for _, c := range exchangeStories {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, card := await(t, lines(cardT0(), c.wire))
				got, err := card.Exchange(t.Context(), hexBytes(readRecord))
				if !errors.Is(err, c.want) {
					t.Fatalf("Exchange = % X, %v, want %v", got.Data, err, c.want)
				}
				if want := fmt.Sprintf("% X", hexBytes(record)); err == nil && fmt.Sprintf("% X", got.Data) != want {
					t.Fatalf("Exchange = % X, want %s", got.Data, want)
				}
				if err == nil {
					return
				}
				if _, err := card.Exchange(t.Context(), hexBytes(readRecord)); !errors.Is(err, drivers.ErrCardGone) {
					t.Errorf("Exchange after an error = %v, want ErrCardGone", err)
				}
			})
		})
	}
}

func TestElapsedIsFromLastByteOutToFirstByteIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := frame(0x80, 7, 0, 0, record)
		_, card := await(t, lines(cardT0(),
			"> "+frame(0x6F, 7, 0, 0, readRecord),
			"~ 30ms",
			"< "+frame(0x6F, 7, 0, 0, readRecord), // An echo is no answer.
			"~ 70ms",
			"< "+answer[:11],
			"~ 20ms",
			"< "+answer[11:]))
		got, err := card.Exchange(t.Context(), hexBytes(readRecord))
		if err != nil || got.Elapsed != 100*time.Millisecond {
			t.Errorf("Elapsed = %v, %v, want 100ms", got.Elapsed, err)
		}
	})
}

// mute is a card that does not answer to a reset.
func mute(n, volt byte) string {
	return lines("> "+frame(0x62, n, volt, 0, ""), "< "+frame(0x80, n, 0x41, 0xFE, ""))
}

// muteAtAnyVoltage is seven messages.
func muteAtAnyVoltage(n byte) string {
	return lines(powerOff(n, 1), mute(n+1, 1), powerOff(n+2, 1), mute(n+3, 2), powerOff(n+4, 1), mute(n+5, 3), powerOff(n+6, 1))
}

// TestMuteCardRests looks at a mute card for three seconds before it tries it
// again, and tries whatever comes after it at once.
func TestMuteCardRests(t *testing.T) {
	stays := []string{greeting(), status(3, 1), muteAtAnyVoltage(4)}
	for n := byte(11); n < 28; n++ {
		stays = append(stays, status(n, 1))
	}
	stays = append(stays, muteAtAnyVoltage(28))
	pulled := []string{greeting(), status(3, 1), muteAtAnyVoltage(4), status(11, 1), status(12, 2), status(13, 1), muteAtAnyVoltage(14)}
	for _, c := range []struct {
		name string
		wire []string
		rest time.Duration
	}{{"it stays", stays, 3200 * time.Millisecond}, {"it is pulled", pulled, 400 * time.Millisecond}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := ccid.New(drivertest.NewPlayback(t, lines(c.wire...)), ccid.Opts{})
				_, err := d.Await(t.Context())
				began := time.Now()
				_, again := d.Await(t.Context())
				if rest := time.Since(began); !errors.Is(err, drivers.ErrCardMute) || !errors.Is(again, drivers.ErrCardMute) || rest != c.rest {
					t.Errorf("Await = %v, then %v after %v, want a mute card, and again after %v", err, again, rest, c.rest)
				}
			})
		})
	}
}

func TestPowerUp(t *testing.T) {
	atr := func(n, volt byte, atr string) string {
		return lines("> "+frame(0x62, n, volt, 0, ""), "< "+frame(0x80, n, 0, 0, atr))
	}
	parameters := func(n byte) string {
		return lines("> "+frame(0x61, n, 0, 0, "11 00 00 0A 00"), "< "+frame(0x82, n, 0, 0, ""))
	}
	for _, c := range []struct {
		name, wire string
		want       error
	}{
		{"5 V, then 3 V", lines(powerOff(4, 1), mute(5, 1), powerOff(6, 1), atr(7, 2, "3B 60 00 00"), parameters(8)), nil},
		{"5 V, 3 V, 1.8 V", lines(powerOff(4, 1), mute(5, 1), powerOff(6, 1), mute(7, 2), powerOff(8, 1),
			atr(9, 3, "3B 60 00 00"), parameters(10)), nil},
		{"mute at any voltage", muteAtAnyVoltage(4), drivers.ErrCardMute},
		{"wrong ATR, then a good one after a warm reset", lines(powerOff(4, 1), atr(5, 1, "3B 80 40 00"),
			atr(6, 1, "3B 60 00 00"), parameters(7)), nil},
		{"wrong ATR twice", lines(powerOff(4, 1), atr(5, 1, "3B 80 40 00"), atr(6, 1, "3B 80 40 00"),
			powerOff(7, 1)), drivers.ErrCardMute},
		{"parameters that cannot be changed", lines(powerOff(4, 1), atr(5, 1, "3B 60 00 00"),
			"> "+frame(0x61, 6, 0, 0, "11 00 00 0A 00"), "< "+frame(0x82, 6, 0x40, 0x0A, "")), nil},
		{"T=1: parameters, then the block size", lines(powerOff(4, 1), atr(5, 1, "3B E0 00 00 81 31 FE 45 EB"),
			"> "+frame(0x61, 6, 1, 0, "11 10 00 45 00 FE 00"), "< "+frame(0x82, 6, 0, 0, ""),
			xfr(7, "00 C1 01 FE 3E", "00 E1 01 FE 1E")), nil},
		{"short circuit", lines(powerOff(4, 1), "> "+frame(0x62, 5, 1, 0, ""), "< "+frame(0x80, 5, 0x41, 0xA2, ""),
			powerOff(6, 1), "> "+frame(0x62, 7, 2, 0, ""), "< "+frame(0x80, 7, 0x41, 0xA2, ""),
			powerOff(8, 1), "> "+frame(0x62, 9, 3, 0, ""), "< "+frame(0x80, 9, 0x41, 0xA2, ""),
			powerOff(10, 1)), drivers.ErrHardware},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := ccid.New(drivertest.NewPlayback(t, lines(greeting(), status(3, 1), c.wire)), ccid.Opts{})
				if _, err := d.Await(t.Context()); !errors.Is(err, c.want) {
					t.Errorf("Await = %v, want %v", err, c.want)
				}
			})
		})
	}
}

func TestT1WaitingTimeIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, card := await(t, lines(greeting(), status(3, 1), powerOff(4, 1),
			"> "+frame(0x62, 5, 1, 0, ""), "< "+frame(0x80, 5, 0, 0, "3B E0 00 00 81 31 FE 45 EB"),
			"> "+frame(0x61, 6, 1, 0, "11 10 00 45 00 FE 00"), "< "+frame(0x82, 6, 0, 0, ""),
			xfr(7, "00 C1 01 FE 3E", "00 E1 01 FE 1E"),
			xfr(8, "00 00 05 00 B2 01 0C 04 BE", "00 C3 01 02 C0"),
			// The extension goes into b7 of the block that grants it.
			"> "+frame(0x6F, 9, 2, 0, "00 E3 01 02 E0"),
			"~ 5s",
			"< "+frame(0x80, 9, 0, 0, "00 00 02 90 00 92")))
		got, err := card.Exchange(t.Context(), hexBytes(readRecord))
		if err != nil || len(got.Data) != 2 {
			t.Errorf("Exchange = % X, %v, want 90 00", got.Data, err)
		}
	})
}

func TestAwaitPollsAndListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		await(t, lines(greeting(), status(3, 2), status(4, 2),
			"~ 30ms", "< 50 03", // In the pause: it is looked at once.
			status(5, 1), powerOff(6, 1),
			"> "+frame(0x62, 7, 1, 0, ""), "< "+frame(0x80, 7, 0, 0, "3B 60 00 00"),
			"> "+frame(0x61, 8, 0, 0, "11 00 00 0A 00"), "< "+frame(0x82, 8, 0, 0, "")))
		if got, want := time.Since(begin), 250*time.Millisecond; got != want {
			t.Errorf("the card was seen after %v, want %v: 20 ms quiet, 200 ms poll, 30 ms to the move", got, want)
		}
	})
}

func TestAwaitRedials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		await(t, lines(greeting(), status(3, 2), "~ 100ms", "! hang up"),
			// The second line: numbers go on, the reader is greeted anew.
			lines("> "+frame(0x6B, 4, 0, 0, "02"), "< 03 15 16",
				"> "+frame(0x6B, 4, 0, 0, "02"), "< "+frame(0x83, 4, 0x42, 0, ""),
				"> "+frame(0x6B, 5, 0, 0, "01 01 01"), "< "+frame(0x83, 5, 0x42, 0, ""),
				status(6, 1), powerOff(7, 1),
				"> "+frame(0x62, 8, 1, 0, ""), "< "+frame(0x80, 8, 0, 0, "3B 60 00 00"),
				"> "+frame(0x61, 9, 0, 0, "11 00 00 0A 00"), "< "+frame(0x82, 9, 0, 0, "")))
	})
}

func TestAwaitWithoutAReader(t *testing.T) {
	for name, wires := range map[string][]string{
		"nothing to dial": nil,
		"silent":          {"> " + frame(0x6B, 1, 0, 0, "02")},
		"hangs up at once": {
			"> " + frame(0x6B, 1, 0, 0, "02") + "\n! hang up",
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := ccid.New(drivertest.NewPlayback(t, wires...), ccid.Opts{Name: "counter reader"})
			_, err := d.Await(t.Context())
			if !errors.Is(err, drivers.ErrNoDevice) || !strings.Contains(err.Error(), "counter reader") {
				t.Errorf("%s: Await = %v, want ErrNoDevice that names the reader", name, err)
			}
		})
	}
}

func TestAwaitThatEndsLeavesNoPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := ccid.New(drivertest.NewPlayback(t, lines(greeting(), status(3, 1), powerOff(4, 1),
			"> "+frame(0x62, 5, 1, 0, ""),
			"> "+frame(0x63, 6, 0, 0, ""),
			"< "+frame(0x80, 5, 0, 0, "3B 60 00 00"), // Too late: nobody waits.
			"< "+frame(0x81, 6, 1, 0, ""))), ccid.Opts{})
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := d.Await(ctx); !errors.Is(err, drivers.ErrTimeout) {
			t.Errorf("Await = %v, want ErrTimeout", err)
		}
	})
}

func TestReleaseTakesThePowerAlthoughTheContextHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, card := await(t, lines(cardT0(), powerOff(7, 1)))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 2 {
			if err := card.Release(ctx); err != nil {
				t.Errorf("Release: %v", err)
			}
		}
	})
}

func TestGone(t *testing.T) {
	for name, wire := range map[string]string{
		"pulled":                   lines(status(7, 0), status(8, 2)),
		"pulled, said in between":  lines(status(7, 0), "~ 50ms", "< 50 02"),
		"pulled and put back":      lines(status(7, 0), status(8, 1)),
		"pulled before it is seen": "< 50 02\n> " + frame(0x65, 7, 0, 0, ""),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, card := await(t, lines(cardT0(), wire))
				if err := card.Gone(t.Context()); err != nil {
					t.Errorf("Gone: %v", err)
				}
				if _, err := card.Exchange(t.Context(), hexBytes(readRecord)); !errors.Is(err, drivers.ErrCardGone) {
					t.Errorf("Exchange after that = %v, want ErrCardGone", err)
				}
			})
		})
	}
}

// A reader that falls silent is dialled anew, and the card that it still powers
// loses its power before anybody is asked to pull it.
func TestGoneAfterSilenceTakesThePower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, card := await(t, lines(cardT0(), "> "+frame(0x6F, 7, 0, 0, readRecord)),
			lines("> "+frame(0x6B, 8, 0, 0, "02"), "< "+frame(0x83, 8, 0, 0, ""),
				"> "+frame(0x6B, 9, 0, 0, "01 01 01"), "< "+frame(0x83, 9, 0, 0, ""),
				status(10, 0), powerOff(11, 1), status(12, 2)))
		if _, err := card.Exchange(t.Context(), hexBytes(readRecord)); !errors.Is(err, drivers.ErrTimeout) {
			t.Errorf("Exchange = %v, want ErrTimeout", err)
		}
		if err := card.Release(t.Context()); err != nil {
			t.Errorf("Release: %v", err)
		}
		if err := card.Gone(t.Context()); err != nil {
			t.Errorf("Gone: %v", err)
		}
	})
}
