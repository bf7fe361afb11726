package pn532

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
)

// unhex reads hex with spaces.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func TestFrame(t *testing.T) {
	long := strings.Repeat("5A ", 262)
	for _, c := range []struct{ name, data, want string }{
		{"GetFirmwareVersion", "02", "00 00 FF 02 FE D4 02 2A 00"},
		{"SAMConfiguration, with time and pin", "14 01 14 01", "00 00 FF 05 FB D4 14 01 14 01 02 00"},
		{"SAMConfiguration", "14 01", "00 00 FF 03 FD D4 14 01 17 00"},
		{"SAMConfiguration, without pin", "14 01 14 00", "00 00 FF 05 FB D4 14 01 14 00 03 00"},
		{"SetParameters", "12 14", "00 00 FF 03 FD D4 12 14 06 00"},
		{"InListPassiveTarget, A", "4A 01 00", "00 00 FF 04 FC D4 4A 01 00 E1 00"},
		{"InListPassiveTarget, two of A", "4A 02 00", "00 00 FF 04 FC D4 4A 02 00 E0 00"},
		{"InListPassiveTarget, B", "4A 01 03 00", "00 00 FF 05 FB D4 4A 01 03 00 DE 00"},
		{"field off", "32 01 00", "00 00 FF 04 FC D4 32 01 00 F9 00"},
		{"field on", "32 01 01", "00 00 FF 04 FC D4 32 01 01 F8 00"},
		{"timings", "32 02 00 0B 0C", "00 00 FF 06 FA D4 32 02 00 0B 0C E1 00"},
		{"InDeselect", "44 01", "00 00 FF 03 FD D4 44 01 E7 00"},
		{"read on", "40 01", "00 00 FF 03 FD D4 40 01 EB 00"},
		{"MaxRetries", "32 05 FF 01 02", "00 00 FF 06 FA D4 32 05 FF 01 02 F3 00"},
		{"SetSerialBaudRate", "10 07", "00 00 FF 03 FD D4 10 07 15 00"},
		{"InRelease", "52 00", "00 00 FF 03 FD D4 52 00 DA 00"},
		{"SELECT PPSE", "40 01 00 A4 04 00 0E 32 50 41 59 2E 53 59 53 2E 44 44 46 30 31 00",
			"00 00 FF 17 E9 D4 40 01 00 A4 04 00 0E 32 50 41 59 2E 53 59 53 2E 44 44 46 30 31 00 8F 00"},
		{"the longest normal one", long[:254*3], "00 00 FF FF 01 D4" + long[:254*3] + "E0 00"},
		{"the longest", "40 01" + long, "00 00 FF FF FF 01 09 F6 D4 40 01" + long + "CF 00"},
	} {
		if got := frame(unhex(c.data)); !bytes.Equal(got, unhex(c.want)) {
			t.Errorf("%s: frame = % X, want %s", c.name, got, c.want)
		}
	}
	if want := unhex("55 55 00 00 00 00 00 00 00 00 00 00 00 00 00 00"); !bytes.Equal(wakeUp, want) {
		t.Errorf("wakeUp = % X, want % X", wakeUp, want)
	}
}

func TestDecoder(t *testing.T) {
	const (
		version = "00 00 FF 06 FA D5 03 32 01 06 07 E8 00"
		payload = "D5 03 32 01 06 07"
	)
	for _, c := range []struct {
		name, in string
		want     []kind // but none
		payload  string // of the last frame
	}{
		{"frame", version, []kind{kindStart, kindFrame}, payload},
		{"acknowledged", "00 00 FF 00 FF 00" + version, []kind{kindStart, kindACK, kindStart, kindFrame}, payload},
		{"no preamble, no postamble", "00 FF 00 FF 00 FF 06 FA D5 03 32 01 06 07 E8", []kind{kindStart, kindACK, kindStart, kindFrame}, payload},
		{"long preamble", "00 00 00 00 00" + version, []kind{kindStart, kindFrame}, payload},
		{"extended, though short", "00 00 FF FF FF 00 06 FA D5 03 32 01 06 07 E8 00", []kind{kindStart, kindFrame}, payload},
		{"the host's own", "00 00 FF FF 00 00", []kind{kindStart, kindNoise}, ""},
		{"syntax error", "00 00 FF 01 FF 7F 81 00", []kind{kindStart, kindFrame}, "7F"},
		{"noise, then a frame", "55 FF 41" + version, []kind{kindNoise, kindNoise, kindNoise, kindStart, kindFrame}, payload},
		{"wrong sum, then a frame", "00 00 FF 06 FA D5 03 32 01 06 07 E9" + version, []kind{kindStart, kindBad, kindStart, kindFrame}, payload},
		{"wrong length, then a frame", "00 00 FF 06 FB" + version, []kind{kindStart, kindBad, kindStart, kindFrame}, payload},
		{"wrong long length", "00 00 FF FF FF 01 09 F7" + version, []kind{kindStart, kindBad, kindStart, kindFrame}, payload},
		{"longer than a chip's", "00 00 FF FF FF 01 0A F5" + version, []kind{kindStart, kindBad, kindStart, kindFrame}, payload},
		{"of no length", "00 00 FF 00 00", []kind{kindStart, kindBad}, ""},
		{"half a frame", "00 00 FF 06 FA D5", []kind{kindStart}, ""},
	} {
		var d decoder
		var got []kind
		var last []byte
		for _, b := range unhex(c.in) {
			k := d.feed(b)
			if k == kindFrame {
				last = d.payload
			}
			if k != none {
				got = append(got, k)
			}
		}
		if !slices.Equal(got, c.want) || !bytes.Equal(last, unhex(c.payload)) {
			t.Errorf("%s: %v with % X, want %v with %s", c.name, got, last, c.want, c.payload)
		}
	}
}

// FuzzDecoder: whatever a line brings, a frame that is taken has its sum, its
// length is bounded, and a good frame behind it is found.
func FuzzDecoder(f *testing.F) {
	for _, s := range []string{
		"00 00 FF 06 FA D5 03 32 01 06 07 E8 00", "00 00 FF 00 FF 00", "00 00 FF FF 00 00",
		"00 00 FF FF FF 01 09 F6 D4 40 01", "00 00 FF 01 FF 7F 81 00", "55 00 FF FF FF 00 02",
	} {
		f.Add(unhex(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var d decoder
		for _, b := range in {
			if d.feed(b) == kindFrame && (len(d.payload) == 0 || len(d.payload) > payloadMax) {
				t.Fatalf("a payload of %d bytes", len(d.payload))
			}
			if len(d.buf) > payloadMax+6 {
				t.Fatalf("%d bytes are kept", len(d.buf))
			}
		}
		d.reset()
		var k kind
		for _, b := range frame([]byte{0x02})[:8] {
			k = d.feed(b)
		}
		if k != kindFrame || !bytes.Equal(d.payload, []byte{toChip, 0x02}) {
			t.Fatalf("a good frame is %v, % X", k, d.payload)
		}
	})
}

func TestTargets(t *testing.T) {
	const atqb = "50 11 22 33 44 A1 A2 A3 A4 B1 81 B3"
	for _, c := range []struct {
		name   string
		kind   byte
		answer string
		n      int
		atr    string
		err    error
	}{
		{"none", typeA, "00", 0, "", nil},
		{"two", typeA, "02 01 00 04 20 04 08 01 02 03 05 75 77 81 02", 2, "", nil},
		{"historical bytes", typeA, "01 01 00 04 20 04 08 01 02 03 08 78 77 81 02 41 42 43", 1, "3B 83 80 01 41 42 43 42", nil},
		{"long UID", typeA, "01 01 03 44 20 07 04 01 02 03 04 05 06 06 75 77 81 02 80", 1, "3B 81 80 01 80 80", nil},
		{"some interface bytes", typeA, "01 01 00 04 20 04 08 01 02 03 04 28 81 41", 1, "3B 81 80 01 41 41", nil},
		{"no format byte", typeA, "01 01 00 04 20 04 08 01 02 03 01", 1, "3B 80 80 01 01", nil},
		{"fifteen historical bytes", typeA, "01 01 00 04 20 00 11 08 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", 1, "3B 8F 80 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 0E", nil},
		{"sixteen", typeA, "01 01 00 04 20 00 12 08 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", 1, "", drivers.ErrCardMute},
		{"no ATS", typeA, "01 01 00 04 20 04 08 01 02 03", 1, "", drivers.ErrCardMute},
		{"ATS of another length", typeA, "01 01 00 04 20 04 08 01 02 03 05 75 77 81", 1, "", drivers.ErrCardMute},
		{"interface bytes that are not there", typeA, "01 01 00 04 20 04 08 01 02 03 03 75 77", 1, "", drivers.ErrCardMute},
		{"only stores", typeA, "01 01 00 04 08 04 08 01 02 03", 1, "", drivers.ErrCardMute},
		{"type B", typeB, "01 01" + atqb + "01 5C", 1, "3B 88 80 01 A1 A2 A3 A4 B1 81 B3 50 DE", nil},
		{"type B, more in ATTRIB", typeB, "01 01" + atqb + "03 00 41 42", 1, "3B 88 80 01 A1 A2 A3 A4 B1 81 B3 00 8E", nil},
		{"type B, no ATTRIB", typeB, "01 01" + atqb + "00", 1, "", drivers.ErrCardMute},
		{"type B, only stores", typeB, "01 01 50 11 22 33 44 A1 A2 A3 A4 B1 80 B3 01 00", 1, "", drivers.ErrCardMute},
		{"type B, no ATQB", typeB, "01 01 51 11 22 33 44 A1 A2 A3 A4 B1 81 B3 01 00", 1, "", drivers.ErrCardMute},
		{"type B, cut", typeB, "01 01 50 11 22", 1, "", drivers.ErrProtocol},
		{"type B, ATTRIB cut", typeB, "01 01" + atqb + "02 00", 1, "", drivers.ErrProtocol},
		{"cut", typeA, "01 01 00 04", 1, "", drivers.ErrProtocol},
		{"UID cut", typeA, "01 01 00 04 20 07 08", 1, "", drivers.ErrProtocol},
		{"no number", typeA, "01", 0, "", drivers.ErrProtocol},
		{"nothing", typeA, "", 0, "", drivers.ErrProtocol},
		{"three", typeA, "03", 0, "", drivers.ErrProtocol},
	} {
		n, target, err := parseTargets(c.kind, unhex(c.answer))
		if n != c.n || !bytes.Equal(target.atr, unhex(c.atr)) || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: %d cards, ATR % X, %v, want %d, %s, %v", c.name, n, target.atr, err, c.n, c.atr, c.err)
		}
	}
}

// FuzzTargets: whatever a chip says of cards, it is judged, and an ATR has its
// check byte.
func FuzzTargets(f *testing.F) {
	f.Add(byte(typeA), unhex("01 01 00 04 20 04 08 01 02 03 08 78 77 81 02 41 42 43"))
	f.Add(byte(typeB), unhex("01 01 50 11 22 33 44 A1 A2 A3 A4 B1 81 B3 01 5C"))
	f.Fuzz(func(t *testing.T, kind byte, answer []byte) {
		_, target, err := parseTargets(kind, answer)
		if err != nil || target.atr == nil {
			return
		}
		var check byte
		for _, b := range target.atr[1:] {
			check ^= b
		}
		if n := int(target.atr[1] & 0x0F); check != 0 || len(target.atr) != 5+n {
			t.Fatalf("ATR % X", target.atr)
		}
	})
}

func TestDialogue(t *testing.T) {
	for _, c := range []struct {
		name    string
		apdu    string
		answers []string
		sent    []string // behind the first
		want    string   // "" is ErrProtocol
	}{
		{"at once", "00 A4 04 00 00", []string{"6F 00 90 00"}, nil, "6F 00 90 00"},
		{"more data", "00 A4 04 00 01 41 00", []string{"61 02", "6F 61 03", "01 02 03 90 00"},
			[]string{"00 C0 00 00 02", "00 C0 00 00 03"}, "6F 01 02 03 90 00"},
		{"wrong length", "00 B2 01 0C 00", []string{"6C 02", "70 00 90 00"}, []string{"00 B2 01 0C 02"}, "70 00 90 00"},
		{"wrong length twice", "00 B2 01 0C 00", []string{"6C 02", "6C 03"}, []string{"00 B2 01 0C 02"}, "6C 03"},
		{"wrong length, extended", "00 B2 01 0C 00 01 00", []string{"6C 02", "90 00"}, []string{"00 B2 01 0C 00 00 02"}, "90 00"},
		{"nothing was asked for", "00 82 00 00 01 41", []string{"61 02"}, nil, "61 02"},
		{"a status with data is no complaint", "00 B2 01 0C 00", []string{"01 6C 02"}, nil, "01 6C 02"},
		{"no status", "00 B2 01 0C 00", []string{"90"}, nil, ""},
	} {
		d, err := newDialogue(unhex(c.apdu))
		if err != nil {
			t.Fatal(err)
		}
		var sent []string
		var got []byte
		for _, a := range c.answers {
			if got, err = d.next(unhex(a)); got != nil || err != nil {
				break
			}
			sent = append(sent, strings.ToUpper(hex.EncodeToString(d.apdu)))
		}
		for i, s := range c.sent {
			c.sent[i] = strings.ReplaceAll(s, " ", "")
		}
		if !slices.Equal(sent, c.sent) || !bytes.Equal(got, unhex(c.want)) || (c.want == "") != errors.Is(err, drivers.ErrProtocol) {
			t.Errorf("%s: sends %v, returns % X, %v", c.name, sent, got, err)
		}
	}
	d, _ := newDialogue(unhex("00 B2 01 0C 00"))
	var err error
	for n := 0; err == nil; n++ {
		if n > fetchMax+1 {
			t.Fatal("a response without end")
		}
		_, err = d.next(unhex("41 61 00"))
	}
	if !errors.Is(err, drivers.ErrProtocol) {
		t.Errorf("a response without end: %v", err)
	}
}

// What is no APDU never reaches a card.
func TestNoAPDU(t *testing.T) {
	long := strings.Repeat("41", 300)
	for apdu, want := range map[string]bool{
		"00A40400": true, "00A4040000": true, "00A404000141": true, "00A40400014100": true,
		"00A404000000 00": true, "00A40400 00012C" + long: true, "00A40400 00012C" + long + "0000": true,
		"": false, "00": false, "00A404": false, "00A404000941": false, "00A40400014100 00": false, "00A4040000 41": false,
		"00A40400 00012C" + long + "00": false, "00A40400 00012D" + long: false, "00A40400 000000 41": false,
	} {
		if _, err := newDialogue(unhex(apdu)); (err == nil) != want || err != nil && !errors.Is(err, drivers.ErrRefused) {
			t.Errorf("%.20s: %v, want an APDU: %t", apdu, err, want)
		}
	}
}
