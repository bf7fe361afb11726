package neo

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
)

// unhex reads hex with spaces; "V" is the header.
func unhex(s string) []byte {
	s = strings.ReplaceAll(s, "V", "56 69 56 4F 74 65 63 68 32 00")
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// The frames of ID TECH's guides, also of commands that this driver does not give.
func TestFrame(t *testing.T) {
	for _, c := range []struct {
		name    string
		command command
		data    string
		want    string
	}{
		{"ping", ping, "", "V 18 01 00 00 B3 CD"},
		{"poll on demand", pollMode, "01", "V 01 01 00 01 01 D7 34"},
		{"pass-through", passThrough, "01", "V 2C 01 00 01 01 1D 19"},
		{"activate", command{0x02, 0x40, lowFirst}, "1E 9F 02 06 00 00 00 00 01 00 9C 01 00",
			"V 02 40 00 0D 1E 9F 02 06 00 00 00 00 01 00 9C 01 00 FF F8"},
		{"cancel", command{0x05, 0x01, lowFirst}, "", "V 05 01 00 00 92 EF"},
		{"version", command{0x29, 0x00, lowFirst}, "", "V 29 00 00 00 DE A0"},
		{"configuration", command{0x03, 0x02, lowFirst}, "", "V 03 02 00 00 5B 91"},
		{"system screen", command{0x61, 0x17, lowFirst}, "", "V 61 17 00 00 72 8D"},
	} {
		if got := frame(c.command, unhex(c.data)); !bytes.Equal(got, unhex(c.want)) {
			t.Errorf("%s: frame = % X, want % X", c.name, got, unhex(c.want))
		}
	}
	long := frame(exchange, make([]byte, 0x102))
	if !bytes.Equal(long[10:14], unhex("2C 03 01 02")) || len(long) != 14+0x102+2 {
		t.Errorf("a long frame of %d bytes begins with % X", len(long), long[:14])
	}
}

func TestDecoder(t *testing.T) {
	const pong = "V 18 00 00 00 FA 83"
	for _, c := range []struct {
		name, in string
		want     []kind // but none
		data     string // of the last frame: code, status, data
	}{
		{"frame", pong, []kind{kindStart, kindFrame}, "18 00"},
		{"another", "V 61 00 00 00 4B 81", []kind{kindStart, kindFrame}, "61 00"},
		{"low byte first", "V 18 00 00 00 83 FA", []kind{kindStart, kindFrame}, "18 00"},
		{"with data, low byte first", "V 83 00 00 02 E1 01 0D 25", []kind{kindStart, kindFrame}, "83 00 E1 01"},
		{"wrong CRC, then a frame", "V 18 00 00 00 FA 84" + pong, []kind{kindStart, kindBad, kindStart, kindFrame}, "18 00"},
		{"too long, then a frame", "V 18 00 04 01" + pong, []kind{kindStart, kindBad, kindStart, kindFrame}, "18 00"},
		{"noise, then a frame", "41 00 69" + pong, []kind{kindNoise, kindNoise, kindNoise, kindStart, kindFrame}, "18 00"},
		{"half a header, then a frame", "56 69 56 4F 74" + pong, []kind{kindStart, kindStart, kindFrame}, "18 00"},
		{"Vi, then a frame", "56 69" + pong, []kind{kindStart, kindFrame}, "18 00"},
		{"V, then a frame", "56" + pong, []kind{kindStart, kindStart, kindFrame}, "18 00"},
		{"protocol 1", "56 69 56 4F 74 65 63 68 00", []kind{kindStart, kindNoise}, ""},
		{"half a frame", "V 18 00 00", []kind{kindStart}, ""},
	} {
		var d decoder
		var got []kind
		var last []byte
		for _, b := range unhex(c.in) {
			k := d.feed(b)
			if k == kindFrame {
				last = append([]byte{d.got.code, d.got.status}, d.got.data...)
			}
			if k != none {
				got = append(got, k)
			}
		}
		if !slices.Equal(got, c.want) || !bytes.Equal(last, unhex(c.data)) {
			t.Errorf("%s: %v with % X, want %v with %s", c.name, got, last, c.want, c.data)
		}
	}
}

// FuzzDecoder: whatever a line brings, what is kept is bounded, and a good frame
// behind it is found.
func FuzzDecoder(f *testing.F) {
	for _, s := range []string{"V 18 00 00 00 FA 83", "V 83 00 00 02 E1 01 0D 25", "V 18 00 04 01", "56 69 56 69 56 4F", "56 56 69"} {
		f.Add(unhex(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var d decoder
		for _, b := range in {
			if d.feed(b) == kindFrame && len(d.got.data) > dataMax {
				t.Fatalf("%d bytes of data", len(d.got.data))
			}
			if len(d.buf) > headLen+dataMax+crcLen {
				t.Fatalf("%d bytes are kept", len(d.buf))
			}
		}
		d.reset()
		var k kind
		for _, b := range frame(command{0x2C, 0x00, highFirst}, []byte{0x90, 0x00}) {
			k = d.feed(b)
		}
		if k != kindFrame || d.got.code != 0x2C || !bytes.Equal(d.got.data, []byte{0x90, 0x00}) {
			t.Fatalf("a good frame is %v, %v", k, d.got)
		}
	})
}

func TestPoll(t *testing.T) {
	for _, c := range []struct {
		name   string
		status byte
		data   string
		found  bool
		err    error
	}{
		{"type A", 0x00, "01 08 11 22 33", true, nil},
		{"type B", 0x00, "02 08 11 22 33", true, nil},
		{"a phone that also stores", 0x00, "07 08 11 22 33", true, nil},
		{"none", 0x00, "00", false, nil},
		{"none in time", 0x08, "", false, nil},
		{"MIFARE", 0x00, "03 08 11 22 33", false, drivers.ErrCardMute},
		{"Ultralight", 0x00, "04 08 11 22 33 44 55 66", false, drivers.ErrCardMute},
		{"type A without commands", 0x00, "05", false, drivers.ErrCardMute},
		{"type B without commands", 0x00, "06", false, drivers.ErrCardMute},
		{"collision", 0x0A, "21", false, drivers.ErrCollision},
		{"no activation", 0x0A, "30", false, drivers.ErrCardMute},
		{"no reason", 0x0A, "", false, drivers.ErrCardMute},
		{"no type", 0x00, "", false, drivers.ErrProtocol},
		{"wrong parameter", 0x05, "", false, drivers.ErrRefused},
		{"another mode", 0x0B, "", false, errMode},
		{"tampered", 0x1D, "", false, drivers.ErrHardware},
	} {
		found, err := parsePoll(answer{0x2C, c.status, unhex(c.data)})
		if found != c.found || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: %t, %v, want %t, %v", c.name, found, err, c.found, c.err)
		}
	}
}

// Every status but 00 is an error that a caller can decide on.
func TestStatus(t *testing.T) {
	if err := failure(0x00); err != nil {
		t.Error(err)
	}
	for status := 1; status <= 0xFF; status++ {
		err := failure(byte(status))
		named := 0
		for _, sentinel := range []error{drivers.ErrProtocol, drivers.ErrRefused, drivers.ErrHardware} {
			if errors.Is(err, sentinel) {
				named++
			}
		}
		if named != 1 {
			t.Errorf("status %02X: %v", status, err)
		}
	}
	for status, want := range map[byte]error{
		0x04: drivers.ErrProtocol, 0x06: drivers.ErrRefused, 0x08: errLate, 0x0A: errFailed,
		0x0B: errMode, 0x0C: errMode, 0x12: drivers.ErrHardware, 0x1D: drivers.ErrHardware, 0x61: drivers.ErrRefused,
	} {
		if err := failure(status); !errors.Is(err, want) {
			t.Errorf("status %02X: %v, want %v", status, err, want)
		}
	}
}
