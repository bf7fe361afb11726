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

// secure is what follows the header of PC_to_RDR_Secure for a PIN of 4 to 12
// digits within 30 s, as libccid's structures and PC/SC part 10 have it.
func secure(prologue string) string {
	return "00 1E 89 47 04 0C 04 02 01 09 04 00 " + prologue + " 00 20 00 80 08 20 FF FF FF FF FF FF FF"
}

// asksPlain is the whole frame of message 7, written down once byte by byte.
const asksPlain = "> 03 06 69 1C 00 00 00 00 07 00 00 00 00 1E 89 47 04 0C 04 02 01 09 04 00 00 00 00 " +
	"00 20 00 80 08 20 FF FF FF FF FF FF FF D2"

func plain() drivers.PINVerification {
	return drivers.PINVerification{Command: [4]byte{0, 0x20, 0, 0x80}, Min: 4, Max: 12, Timeout: 30 * time.Second}
}

// enciphered is a request with a key of 32 bytes, too short for any card.
func enciphered() drivers.PINVerification {
	v := plain()
	v.Command[3] = 0x88
	v.Cipher = &drivers.PINCipher{
		Modulus: hexBytes(strings.Repeat("B7", 32)), Exponent: []byte{3}, Challenge: hexBytes("01 02 03 04 05 06 07 08"),
	}
	return v
}

// The escapes for it.
var (
	bringsKey = "43 50 4B 01 03 " + strings.Repeat("B7 ", 32)
	asksCPV   = "43 50 56 1E 04 0C 00 00 00 00 20 00 88 01 02 03 04 05 06 07 08"
)

func escape(n byte, out, in string) string {
	return lines("> "+frame(0x6B, n, 0, 0, out), "< "+frame(0x83, n, 0, 0, in))
}

// cardT1 is cardT0 for a T=1 card that takes size bytes in a block; the next
// command is number 8.
func cardT1(size, tck string) string {
	return lines(greeting(), status(3, 1), powerOff(4, 1),
		"> "+frame(0x62, 5, 1, 0, ""), "< "+frame(0x80, 5, 0, 0, "3B E0 00 00 81 31 "+size+" 45 "+tck),
		"> "+frame(0x61, 6, 1, 0, "11 10 00 45 00 "+size+" 00"), "< "+frame(0x82, 6, 0, 0, ""),
		xfr(7, "00 C1 01 FE 3E", "00 E1 01 FE 1E"))
}

// afterAbort is a wire with the number of each message one higher, behind the
// abort with which a reader with keys is greeted.
func afterAbort(wire string) string {
	var out []string
	for line := range strings.SplitSeq(wire, "\n") {
		if len(line) > 2 && strings.HasPrefix(line[2:], "03 06") {
			frame := hexBytes(line[2:])
			sum := len(frame) - 1
			frame[sum] ^= frame[8] ^ (frame[8] + 1)
			frame[8]++
			line = fmt.Sprintf("%s% X", line[:2], frame)
		}
		out = append(out, line)
	}
	return lines("> "+frame(0x72, 1, 0, 0, ""), "< "+frame(0x81, 1, 2, 0, ""), strings.Join(out, "\n"))
}

// awaitPad is await for a reader with keys.
func awaitPad(t *testing.T, pad ccid.Pad, wire string) drivers.PINCard {
	t.Helper()
	if pad != ccid.NoPad {
		wire = afterAbort(wire)
	}
	d := ccid.New(drivertest.NewPlayback(t, wire), ccid.Opts{Pad: pad})
	c, err := d.Await(t.Context())
	if err != nil {
		t.Fatalf("Await: %v", err)
	}
	card, ok := c.(drivers.PINCard)
	if !ok {
		t.Fatalf("the card is a %T", c)
	}
	return card
}

// Each story is what passes between driver and reader for one PIN, and what
// comes of it.
var pinStories = []struct {
	name   string
	card   string // what comes before; "" is cardT0
	wire   string
	ask    func() drivers.PINVerification // nil is plain
	want   string                         // the card's answer, or "bypass"
	err    error                          // instead
	spoilt bool                           // the card is of no further use
}{
	{name: "right", wire: lines(asksPlain, "~ 12s", "< "+frame(0x80, 7, 0, 0, "90 00")), want: "90 00"},
	{name: "wrong", wire: lines(asksPlain, "~ 12s", "< "+frame(0x80, 7, 0, 0, "63 C2")), want: "63 C2"},
	{name: "echo, and time asked for while the customer types", wire: lines(asksPlain,
		"< "+frame(0x69, 7, 0, 0, secure("00 00 00")),
		"< "+frame(0x80, 7, 0x80, 1, ""), "~ 35s", "< "+frame(0x80, 7, 0x80, 1, ""), "~ 4s",
		"< "+frame(0x80, 7, 0, 0, "90 00")), want: "90 00"},
	{name: "NAK to the request: once more", wire: lines(asksPlain, "< 03 15 16", asksPlain,
		"< "+frame(0x80, 7, 0, 0, "90 00")), want: "90 00"},
	{name: "wrong LRC: the answer again, not the question", wire: lines(asksPlain,
		"< 03 06 80 02 00 00 00 00 07 00 00 00 90 00 FF", "> 03 15 16",
		"< "+frame(0x80, 7, 0, 0, "90 00")), want: "90 00"},
	{name: "cancelled", wire: lines(asksPlain, "~ 3s", "< "+frame(0x80, 7, 0x40, 0xEF, "")), err: drivers.ErrCancelled},
	{name: "nobody", wire: lines(asksPlain, "~ 30s", "< "+frame(0x80, 7, 0x40, 0xF0, "")), err: drivers.ErrTimeout},
	{name: "the reader knows no such thing", wire: lines(asksPlain, "< "+frame(0x80, 7, 0x40, 0x00, "")), err: drivers.ErrRefused},
	{name: "the reader does not like a parameter", wire: lines(asksPlain, "< "+frame(0x80, 7, 0x40, 0x0D, "")), err: drivers.ErrRefused},
	{name: "broken keys", wire: lines(asksPlain, "< "+frame(0x80, 7, 0x40, 0xFB, "")), err: drivers.ErrHardware},
	{name: "the card is pulled", wire: lines(asksPlain, "~ 5s", "< 50 02", "< "+frame(0x80, 7, 0x42, 0xEF, "")),
		err: drivers.ErrCardGone, spoilt: true},
	{name: "the card is pulled, and nothing more", wire: lines(asksPlain, "~ 5s", "< 50 02"), err: drivers.ErrCardGone, spoilt: true},
	{name: "the card does not answer", wire: lines(asksPlain, "~ 5s", "< "+frame(0x80, 7, 0x40, 0xFE, "")),
		err: drivers.ErrCardGone, spoilt: true},
	{name: "the reader does not answer", wire: asksPlain, err: drivers.ErrCardGone, spoilt: true},
	{name: "hang-up", wire: lines(asksPlain, "! hang up"), err: drivers.ErrCardGone, spoilt: true},
	{name: "parity errors", wire: lines(asksPlain, "< "+frame(0x80, 7, 0x40, 0xFD, "")), err: drivers.ErrProtocol, spoilt: true},
	{name: "more than a status", wire: lines(asksPlain, "< "+frame(0x80, 7, 0, 0, "01 90 00")), err: drivers.ErrProtocol, spoilt: true},
	{name: "no status", wire: lines(asksPlain, "< "+frame(0x80, 7, 0, 0, "")), err: drivers.ErrProtocol, spoilt: true},

	{name: "T=1", card: cardT1("FE", "EB"), wire: lines("> "+frame(0x69, 8, 0, 0, secure("00 00 0D")),
		"< "+frame(0x80, 8, 0, 0, "00 00 02 90 00 92")), want: "90 00"},
	{name: "T=1: the card asks for time", card: cardT1("FE", "EB"), wire: lines("> "+frame(0x69, 8, 0, 0, secure("00 00 0D")),
		"< "+frame(0x80, 8, 0, 0, "00 C3 01 02 C0"), "> "+frame(0x6F, 9, 2, 0, "00 E3 01 02 E0"),
		"< "+frame(0x80, 9, 0, 0, "00 00 02 63 C1 A0")), want: "63 C1"},
	{name: "T=1: a broken answer is asked for again", card: cardT1("FE", "EB"), wire: lines("> "+frame(0x69, 8, 0, 0, secure("00 00 0D")),
		"< "+frame(0x80, 8, 0, 0, "00 00 02 90 00 93"), "> "+frame(0x6F, 9, 0, 0, "00 81 00 81"),
		"< "+frame(0x80, 9, 0, 0, "00 00 02 90 00 92")), want: "90 00"},
	{name: "T=1: the block that only the reader has", card: cardT1("FE", "EB"), wire: lines("> "+frame(0x69, 8, 0, 0, secure("00 00 0D")),
		"< "+frame(0x80, 8, 0, 0, "00 81 00 81")), err: drivers.ErrProtocol, spoilt: true},
	{name: "T=1: cancelled, and asked again under the same number", card: cardT1("FE", "EB"),
		wire: lines("> "+frame(0x69, 8, 0, 0, secure("00 00 0D")), "< "+frame(0x80, 8, 0x40, 0xEF, "")), err: drivers.ErrCancelled},
	{name: "T=1: blocks too small", card: cardT1("10", "05"), ask: enciphered,
		wire: escape(8, bringsKey, ""), err: drivers.ErrRefused},

	{name: "enciphered", ask: enciphered, wire: lines(escape(7, bringsKey, ""),
		"> "+frame(0x6B, 8, 0, 0, asksCPV), "~ 20s", "< "+frame(0x83, 8, 0, 0, "00 90 00")), want: "90 00"},
	{name: "enciphered, bypassed", ask: enciphered, wire: lines(escape(7, bringsKey, ""), escape(8, asksCPV, "01")), want: "bypass"},
	{name: "enciphered, cancelled", ask: enciphered, wire: lines(escape(7, bringsKey, ""),
		"> "+frame(0x6B, 8, 0, 0, asksCPV), "< "+frame(0x83, 8, 0x40, 0xEF, "")), err: drivers.ErrCancelled},
	{name: "enciphered, T=1", card: cardT1("FE", "EB"), ask: enciphered, wire: lines(escape(8, bringsKey, ""),
		escape(9, strings.Replace(asksCPV, "0C 00 00 00", "0C 00 00 25", 1), "00 00 00 02 90 00 92")), want: "90 00"},
	{name: "a reader without these escapes", ask: enciphered, wire: lines("> "+frame(0x6B, 7, 0, 0, bringsKey),
		"< "+frame(0x83, 7, 0x40, 0, "")), err: drivers.ErrRefused},
	{name: "an answer of another kind", ask: enciphered, wire: lines(escape(7, bringsKey, ""), escape(8, asksCPV, "02")),
		err: drivers.ErrProtocol, spoilt: true},
}

func TestPINOnTheWire(t *testing.T) {
	for _, c := range pinStories {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				before, ask := c.card, c.ask
				next := byte(8 + strings.Count(c.wire, "> 03 06") - strings.Count(c.wire, "< 03 15 16") - 1)
				if before == "" {
					before = cardT0()
				} else {
					next++
				}
				if ask == nil {
					ask = plain
				}
				wire := lines(before, c.wire)
				if !c.spoilt && c.card == "" {
					wire = lines(wire, xfr(next, readRecord, record))
				}
				card := awaitPad(t, ccid.EncipheredPad, wire)
				got, err := card.VerifyPIN(t.Context(), ask())
				text := fmt.Sprintf("% X", got.Response.Data)
				if got.Bypassed {
					text += "bypass"
				}
				if !errors.Is(err, c.err) || text != c.want {
					t.Fatalf("VerifyPIN = %q, %v, want %q, %v", text, err, c.want, c.err)
				}
				for _, other := range []error{drivers.ErrTimeout, drivers.ErrCancelled, drivers.ErrRefused, drivers.ErrHardware} {
					if errors.Is(err, other) && !errors.Is(c.err, other) {
						t.Errorf("VerifyPIN = %v is also %v", err, other)
					}
				}
				if c.spoilt {
					if _, err := card.VerifyPIN(t.Context(), ask()); !errors.Is(err, drivers.ErrCardGone) {
						t.Errorf("VerifyPIN after an error = %v, want ErrCardGone", err)
					}
				} else if c.card == "" {
					if _, err := card.Exchange(t.Context(), hexBytes(readRecord)); err != nil {
						t.Errorf("Exchange after the PIN: %v", err)
					}
				}
			})
		})
	}
}

// The cashier's cancel reaches the reader, and what it has done by then counts.
func TestPINIsTakenBack(t *testing.T) {
	aborts := "> " + frame(0x72, 8, 0, 0, "")
	for _, c := range []struct {
		name, wire string
		want       string
		err        error
		spoilt     bool
	}{
		{name: "in time", wire: lines(aborts, "< "+frame(0x80, 7, 0x40, 0xFF, ""), "< "+frame(0x81, 8, 0, 0, "")), err: drivers.ErrCancelled},
		{name: "without a word on the PIN", wire: lines(aborts, "< "+frame(0x81, 8, 0, 0, "")), err: drivers.ErrCancelled},
		{name: "the PIN was there", wire: lines(aborts, "< "+frame(0x80, 7, 0, 0, "90 00"), "< "+frame(0x81, 8, 0, 0, "")), want: "90 00"},
		{name: "the reader does not listen", wire: aborts, err: drivers.ErrCancelled, spoilt: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wire := lines(cardT0(), asksPlain, c.wire)
				if !c.spoilt {
					wire = lines(wire, xfr(9, readRecord, record))
				}
				card := awaitPad(t, ccid.PlainPad, wire)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(5*time.Second, cancel)
				got, err := card.VerifyPIN(ctx, plain())
				if text := fmt.Sprintf("% X", got.Response.Data); !errors.Is(err, c.err) || text != c.want {
					t.Fatalf("VerifyPIN = %s, %v, want %s, %v", text, err, c.want, c.err)
				}
				_, err = card.Exchange(t.Context(), hexBytes(readRecord))
				if gone := errors.Is(err, drivers.ErrCardGone); gone != c.spoilt || !gone && err != nil {
					t.Errorf("Exchange after that: %v", err)
				}
			})
		})
	}
}

func TestPINIsAskedForInALanguage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asks := "> " + frame(0x69, 7, 0, 0, strings.Replace(secure("00 00 00"), "09 04 00", "04 08 00", 1))
		wire := afterAbort(lines(cardT0(), asks, "< "+frame(0x80, 7, 0, 0, "90 00")))
		d := ccid.New(drivertest.NewPlayback(t, wire), ccid.Opts{Pad: ccid.PlainPad, Language: ccid.Chinese})
		card, err := d.Await(t.Context())
		if err != nil {
			t.Fatalf("Await: %v", err)
		}
		if _, err := card.(drivers.PINCard).VerifyPIN(t.Context(), plain()); err != nil {
			t.Errorf("VerifyPIN: %v", err)
		}
	})
}

// A reader that another terminal has left asking for a PIN is told to stop, and
// what it says of that PIN means nothing any more. One that knows no abort is as
// good.
func TestPINOfBeforeIsTakenBack(t *testing.T) {
	for name, greeted := range map[string]string{
		"asking":         lines("< "+frame(0x80, 0x4D, 0x40, 0xFF, ""), "< "+frame(0x81, 1, 0, 0, "")),
		"knows no abort": "< " + frame(0x81, 1, 0x41, 0, ""),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wire := afterAbort(lines(cardT0(), xfr(7, readRecord, record)))
				wire = strings.Replace(wire, "< "+frame(0x81, 1, 2, 0, ""), greeted, 1)
				d := ccid.New(drivertest.NewPlayback(t, wire), ccid.Opts{Pad: ccid.PlainPad})
				card, err := d.Await(t.Context())
				if err != nil {
					t.Fatalf("Await: %v", err)
				}
				if _, err := card.Exchange(t.Context(), hexBytes(readRecord)); err != nil {
					t.Errorf("Exchange: %v", err)
				}
			})
		})
	}
}

// What cannot be asked is refused before anything is sent.
func TestPINIsNotAskedFor(t *testing.T) {
	change := func(from func() drivers.PINVerification, how func(*drivers.PINVerification)) drivers.PINVerification {
		v := from()
		how(&v)
		return v
	}
	for _, c := range []struct {
		name string
		pad  ccid.Pad
		ask  drivers.PINVerification
	}{
		{"a reader without keys", ccid.NoPad, plain()},
		{"a reader that enciphers nothing", ccid.PlainPad, enciphered()},
		{"three digits", ccid.PlainPad, change(plain, func(v *drivers.PINVerification) { v.Min = 3 })},
		{"thirteen digits", ccid.PlainPad, change(plain, func(v *drivers.PINVerification) { v.Max = 13 })},
		{"no length fits", ccid.PlainPad, change(plain, func(v *drivers.PINVerification) { v.Min, v.Max = 8, 6 })},
		{"no time", ccid.PlainPad, change(plain, func(v *drivers.PINVerification) { v.Timeout = 0 })},
		{"no challenge", ccid.EncipheredPad, change(enciphered, func(v *drivers.PINVerification) { v.Cipher.Challenge = nil })},
		{"no exponent", ccid.EncipheredPad, change(enciphered, func(v *drivers.PINVerification) { v.Cipher.Exponent = nil })},
		{"a key without room", ccid.EncipheredPad, change(enciphered, func(v *drivers.PINVerification) { v.Cipher.Modulus = make([]byte, 16) })},
		{"a key that fits into no message", ccid.EncipheredPad, change(enciphered, func(v *drivers.PINVerification) { v.Cipher.Modulus = make([]byte, 249) })},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				card := awaitPad(t, c.pad, lines(cardT0(), xfr(7, readRecord, record)))
				if _, err := card.VerifyPIN(t.Context(), c.ask); !errors.Is(err, drivers.ErrRefused) {
					t.Errorf("VerifyPIN = %v, want ErrRefused", err)
				}
				if _, err := card.Exchange(t.Context(), hexBytes(readRecord)); err != nil {
					t.Errorf("Exchange after that: %v", err)
				}
			})
		})
	}
}

func TestVerifiesPIN(t *testing.T) {
	for pad, want := range map[ccid.Pad][2]bool{
		ccid.NoPad: {}, ccid.PlainPad: {true, false}, ccid.EncipheredPad: {true, true},
	} {
		if plain, enciphered := ccid.New(nil, ccid.Opts{Pad: pad}).VerifiesPIN(); [2]bool{plain, enciphered} != want {
			t.Errorf("pad %d verifies plain %v, enciphered %v, want %v", pad, plain, enciphered, want)
		}
	}
}
