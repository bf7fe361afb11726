package visapad

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/secret"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// The packets that the VISA manuals print.
func TestPacket(t *testing.T) {
	for _, c := range []struct {
		start byte
		body  string
		want  string
	}{
		{si, "11", "0F 31 31 0E 0E"},
		{si, "080", "0F 30 38 30 0E 36"},
		{stx, "72", "02 37 32 03 06"},
		{stx, "Z2\x1AHELLO", "02 5A 32 1A 48 45 4C 4C 4F 03 33"},
	} {
		if got := packet(c.start, []byte(c.body)); !bytes.Equal(got, unhex(c.want)) {
			t.Errorf("packet(%q) = % X, want %s", c.body, got, c.want)
		}
	}
	z60 := packet(stx, []byte("Z60.4761739001010010\x1C00112233445566778899AABBCCDDEEFF"))
	if end := z60[len(z60)-2:]; !bytes.Equal(end, unhex("03 65")) {
		t.Errorf("a Z60 ends in % X, want 03 65", end)
	}
}

func TestDecoder(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []kind
		body     string
	}{
		{"packet", "02 37 32 03 06", []kind{kindGood}, "72"},
		{"management packet", "0F 31 31 0E 0E", []kind{kindGood}, "11"},
		{"control bytes", "06 15 04 41", []kind{kindACK, kindNAK, kindEOT, kindNoise}, ""},
		{"an LRC that looks like ETX", "02 41 41 03 03", []kind{kindGood}, "AA"},
		{"wrong LRC", "02 37 32 03 07", []kind{kindBad}, "72"},
		{"lost end", "02 37 02 37 32 03 06", []kind{kindGood}, "72"},
		{"a wrong packet, then a good one", "02 37 32 03 07 02 37 32 03 06", []kind{kindBad, kindGood}, "72"},
		{"other end", "02 37 0E 03 3A", []kind{kindGood}, "7\x0E"},
	} {
		var d decoder
		var got []kind
		for _, b := range unhex(c.in) {
			if k := d.feed(b); k != none {
				got = append(got, k)
			}
		}
		if !slices.Equal(got, c.want) || string(d.body) != c.body {
			t.Errorf("%s: %s is %v %q, want %v %q", c.name, c.in, got, d.body, c.want, c.body)
		}
	}
}

func TestParseAnswer(t *testing.T) {
	const block = "1B9C1845EB993A7A"
	for _, c := range []struct {
		name, in string
		ksn      string
		err      error
	}{
		{"KSN without its leading Fs", "7109876543210E00001" + block, "FFFF9876543210E00001", nil},
		{"whole KSN", "710FFFF9876543210E00001" + block, "FFFF9876543210E00001", nil},
		{"shortest KSN", "7103210E00001" + block, "FFFFFFFFFF3210E00001", nil},
		{"bypass", "7109876543210E00001", "", nil},
		{"no account", "710", "", drivers.ErrRefused},
		{"account too short", "712", "", drivers.ErrRefused},
		{"account too long", "713", "", drivers.ErrRefused},
		{"account not numeric", "714", "", drivers.ErrRefused},
		{"flag", "715", "", drivers.ErrRefused},
		{"time-out", "716", "", drivers.ErrTimeout},
		{"amount", "718", "", drivers.ErrRefused},
		{"no key", "71A", "", drivers.ErrNoKey},
		{"key used up", "71F", "", drivers.ErrNoKey},
		{"flash", "71B", "", drivers.ErrHardware},
		{"memory", "71C", "", drivers.ErrHardware},
		{"unknown error", "71Z", "", drivers.ErrRefused},
		{"error with data", "71A9876543210E00001" + block, "", drivers.ErrProtocol},
		{"KSN too short", "710210E00001" + block, "", drivers.ErrProtocol},
		{"KSN too long", "710FFFFF9876543210E00001" + block, "", drivers.ErrProtocol},
		{"not hex", "710987654321GE00001" + block, "", drivers.ErrProtocol},
		{"block not hex", "7109876543210E000011B9C1845EB993A7G", "", drivers.ErrProtocol},
		{"other packet", "81.0", "", errNotAnswer},
		{"empty", "", "", errNotAnswer},
	} {
		got, err := parseAnswer([]byte(c.in))
		if !errors.Is(err, c.err) {
			t.Errorf("%s: parseAnswer(%q) = %v, want %v", c.name, c.in, err, c.err)
			continue
		}
		if err != nil {
			if len(got.Block) != 0 {
				t.Errorf("%s: an error and a block", c.name)
			}
			continue
		}
		if c.ksn == "" {
			if !got.Bypassed || len(got.Block) != 0 || len(got.KSN) != 0 {
				t.Errorf("%s: = %+v, want a bypass", c.name, got)
			}
			continue
		}
		if !bytes.Equal(got.KSN, unhex(c.ksn)) || !bytes.Equal(got.Block, unhex(block)) || got.Bypassed ||
			got.Scheme != drivers.SchemeTDESDUKPT || got.Format != 0 {
			t.Errorf("%s: KSN % X, %d bytes of block, want %s and the block", c.name, got.KSN, len(got.Block), c.ksn)
		}
	}
}

func TestRequest(t *testing.T) {
	for _, c := range []struct {
		pan, amount, want string
	}{
		{"4761739001010010", "CNY 12.50", "704761739001010010\x1CD12.50"},
		{"4761739001010010", "", "704761739001010010\x1CD0.00"},
		{"12345678", "1,234,567.00", "7012345678\x1CD1234567.00"},
		{"1234567890123456789", "JPY 500", "701234567890123456789\x1CD500"},
		{"1234567", "1.00", ""},
		{"12345678901234567890", "1.00", ""},
		{"476173900101001X", "1.00", ""},
		{"4761739001010010", "CNY", ""},
		{"4761739001010010", "1.2.3", ""},
		{"4761739001010010", ".50", ""},
		{"4761739001010010", "1\x03", ""},
	} {
		got, err := request(drivers.PINRequest{PAN: secret.PAN(c.pan), Amount: c.amount})
		if string(got) != c.want || (err != nil) != (c.want == "") || err != nil && !errors.Is(err, drivers.ErrRefused) {
			t.Errorf("request(%s, %q) = %q, %v, want %q", secret.PAN(c.pan), c.amount, got, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), c.pan) {
			t.Errorf("the error shows an account number: %v", err)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add(unhex("06 02 37 31 30 39 38 37 36 03 06 04"))
	f.Add(unhex("02 02 0F 0E 03 15"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var d decoder
		for _, b := range in {
			k := d.feed(b)
			if len(d.body) > bodyMax {
				t.Fatalf("a body of %d bytes", len(d.body))
			}
			if k != kindGood {
				continue
			}
			e, err := parseAnswer(d.body)
			if err == nil && !e.Bypassed && (len(e.Block) != 8 || len(e.KSN) != 10) {
				t.Fatalf("%q is a block of %d and a KSN of %d bytes", d.body, len(e.Block), len(e.KSN))
			}
		}
		d.reset()
		var last kind
		for _, b := range packet(stx, []byte("71A")) {
			last = d.feed(b)
		}
		if last != kindGood {
			t.Fatalf("a good packet after % X is %v", in, last)
		}
	})
}

// A PIN block, even enciphered, does not lie around.
func TestNothingIsLeftInBuffers(t *testing.T) {
	d := New(drivertest.NewPlayback(t, `
		> 02 37 32 03 06
		< 06
		> 02 "709999990012345674" 1C "D1.00" 03 47
		< 06 02 "7109876543210E000011B9C1845EB993A7A" 03 42
		> 06`), Opts{})
	e, err := d.EnterPIN(t.Context(), drivers.PINRequest{PAN: secret.PAN("9999990012345674"), Amount: "1.00"})
	if err != nil || len(e.Block) != 8 {
		t.Fatalf("EnterPIN: %v", err)
	}
	for _, b := range d.in.body[:cap(d.in.body)] {
		if b != 0 {
			t.Fatal("the PIN block is still in the decoder")
		}
	}
}
