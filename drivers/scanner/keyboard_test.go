package scanner

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
)

// event is what the kernel says.
func event(kind, code uint16, value uint32) []byte {
	b := make([]byte, 2*strconv.IntSize/8)
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, code)
	return binary.NativeEndian.AppendUint32(b, value)
}

// keys are events of keys: "2" goes down and up, "+42" down, "-42" up, "~30"
// repeats, "?" says that events were lost.
func keys(presses string) []byte {
	var b []byte
	say := func(code string, values ...uint32) {
		n, err := strconv.ParseUint(code, 10, 16)
		if err != nil {
			panic(err)
		}
		for _, v := range values {
			b = append(b, event(evKey, uint16(n), v)...)
			b = append(b, event(evSyn, 0, 0)...)
		}
	}
	for _, p := range strings.Fields(presses) {
		switch p[0] {
		case '+':
			say(p[1:], 1)
		case '-':
			say(p[1:], 0)
		case '~':
			say(p[1:], 2)
		case '?':
			b = append(b, event(evSyn, synDropped, 0)...)
		default:
			say(p, 1, 0)
		}
	}
	return b
}

// keyStories are what keys do, and what they type.
var keyStories = []struct{ name, presses, typed string }{
	{"digits", "2 3 4 5 6 7 8 9 10 11 28", "1234567890\r"},
	{"number pad", "79 80 81 75 76 77 71 72 73 82 83 78 74 55 98 96", "1234567890.+-*/\r"},
	{"letters", "16 25 30 38 44 50 57 15", "qpalzm \t"},
	{"shift", "+42 16 -42 16 +54 2 -54 2", "Qq!1"},
	{"both shifts", "+42 +54 16 -42 16 -54 16", "QQq"},
	{"signs", "12 13 26 27 39 40 41 43 51 52 53", "-=[];'`\\,./"},
	{"signs with shift", "+42 12 13 26 27 39 40 41 43 51 52 53 -42", "_+{}:\"~|<>?"},
	{"a key that is held", "+30 ~30 ~30 -30", "a"},
	{"keys that type nothing", "58 1 29 14 97 125 240", "\x00\x00\x00\x00\x00\x00\x00"},
	{"events lost", "2 ? 3", "1\x002"},
}

// typed is what comes of bytes.
func typed(k *keyboard, b []byte) (string, error) {
	var out []byte
	for _, c := range b {
		char, ok, err := k.add(c)
		if err != nil {
			return string(out), err
		}
		if ok {
			out = append(out, char)
		}
	}
	return string(out), nil
}

func TestKeyboard(t *testing.T) {
	for _, s := range keyStories {
		if got, err := typed(newKeyboard(), keys(s.presses)); got != s.typed || err != nil {
			t.Errorf("%s: %q, %v, want %q", s.name, got, err, s.typed)
		}
	}
	k := newKeyboard()
	if got, err := typed(k, append(keys("+42"), event(evKey, 30, 1)[:7]...)); got != "" || err != nil {
		t.Errorf("half an event types %q, %v", got, err)
	}
	k.rest()
	if got, err := typed(k, keys("30")); got != "a" || err != nil {
		t.Errorf("after a rest: %q, %v, want an a", got, err)
	}
	if _, err := typed(k, []byte(strings.Repeat("137777777777777777\r", 3))); !errors.Is(err, drivers.ErrProtocol) {
		t.Errorf("text = %v, want ErrProtocol", err)
	}
}

// A code is what was typed up to its end; one of which a key is missing is none.
func TestKeyboardLines(t *testing.T) {
	wire := func(presses string) string { return fmt.Sprintf("~ 2s\n< % X\n", keys(presses)) }
	const digits = "2 4 8 8 8 8 8 8 8 8 8 8 8 8 11 11 11 2" // of a payment code
	for name, c := range map[string]struct {
		wires []string
		want  string
		err   error
	}{
		"enter":                 {wires: []string{wire(digits + " 28")}, want: "137777777777770001"},
		"tab":                   {wires: []string{wire("2 15")}, want: "1"},
		"typed before, and now": {wires: []string{fmt.Sprintf("< % X\n", keys("3 +42")) + wire(digits+" 28")}, want: "137777777777770001"},
		"unplugged, replugged":  {wires: []string{wire("2") + "! hang up", wire("3 28")}, want: "2"},
		"no enter":              {wires: []string{wire(digits)}, err: drivers.ErrProtocol},
		"events lost":           {wires: []string{wire(digits + " ? 28")}, err: drivers.ErrProtocol},
		"a key unknown":         {wires: []string{wire("2 240 28")}, err: drivers.ErrProtocol},
		"no events":             {wires: []string{"~ 2s\n< \"" + strings.Repeat("137777777777770001", 3) + "\" 0D"}, err: drivers.ErrProtocol},
		"nobody":                {wires: []string{""}, err: drivers.ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := NewKeyboard(drivertest.NewPlayback(t, c.wires...), Opts{})
				ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
				defer cancel()
				code, err := d.Await(ctx)
				if !errors.Is(err, c.err) || string(code.Text) != c.want {
					t.Errorf("Await = %q, %v, want %q, %v", string(code.Text), err, c.want, c.err)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Whatever a device file says, it types what the layout has, or nothing; and
// after a rest the keyboard is as new.
func FuzzKeyboard(f *testing.F) {
	for _, s := range keyStories {
		f.Add(keys(s.presses))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		k := newKeyboard()
		got, err := typed(k, b)
		if len(got) > len(b)/eventSize || err != nil && !errors.Is(err, drivers.ErrProtocol) {
			t.Fatalf("% X types %q, %v", b, got, err)
		}
		for _, c := range []byte(got) {
			if c != noCharacter && c != '\t' && c != '\r' && control(c) || c > '~' {
				t.Fatalf("% X types %q", b, got)
			}
		}
		k.rest()
		if got, err := typed(k, keys("30 28")); got != "a\r" || err != nil {
			t.Fatalf("after % X and a rest: %q, %v", b, got, err)
		}
	})
}
