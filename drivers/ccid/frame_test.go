package ccid

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// unhex reads hex with spaces.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// The frames of libccid's serial readers.
func TestFrame(t *testing.T) {
	for _, c := range []struct {
		name string
		m    message
		want string
	}{
		{"power on, 5 V", message{typ: typePowerOn, b: [3]byte{1}}, "03 06 62 00 00 00 00 00 00 01 00 00 66"},
		{"power on, 3 V", message{typ: typePowerOn, b: [3]byte{2}}, "03 06 62 00 00 00 00 00 00 02 00 00 65"},
		{"slot status", message{typ: typeSlotStatus, seq: 1}, "03 06 65 00 00 00 00 00 01 00 00 00 61"},
		{"firmware", message{typ: typeEscape, data: []byte{2}}, "03 06 6B 01 00 00 00 00 00 00 00 00 02 6D"},
		{"notification", message{typ: typeEscape, seq: 1, data: []byte{1, 1, 1}}, "03 06 6B 03 00 00 00 00 01 00 00 00 01 01 01 6D"},
	} {
		if got := frame(c.m); !bytes.Equal(got, unhex(c.want)) {
			t.Errorf("%s: frame = % X, want %s", c.name, got, c.want)
		}
	}
	if want := unhex("03 15 16"); !bytes.Equal(nak, want) {
		t.Errorf("nak = % X, want % X", nak, want)
	}
}

func TestDecoder(t *testing.T) {
	const status = "03 06 81 00 00 00 00 00 01 02 00 00 87"
	for _, c := range []struct {
		name, in string
		want     []kind
	}{
		{"frame", status, []kind{kindFrame}},
		{"two frames", status + status, []kind{kindFrame, kindFrame}},
		{"wrong LRC, then a good one", status[:len(status)-2] + "88" + status, []kind{kindBad, kindFrame}},
		{"doubled start", "03" + status, []kind{kindNoise, kindFrame}},
		{"NAK", "03 15 16", []kind{kindNAK}},
		{"broken NAK", "03 15 17", []kind{kindNoise}},
		{"moves", "50 02 50 03 50 07", []kind{kindRemoved, kindInserted, kindNoise}},
		{"wait, then a frame", "80 FF" + status, []kind{kindWait, kindWait, kindFrame}},
		{"garbage", "00 41 03 41" + status, []kind{kindNoise, kindNoise, kindNoise, kindFrame}},
		{"more than a reader may send", "03 06 80 06 01 00 00" + status, []kind{kindBad, kindFrame}},
		{"absurd length", "03 06 80 FF FF FF FF" + status, []kind{kindBad, kindFrame}},
		{"half a frame", "03 06 81 00 00", nil},
	} {
		var d decoder
		var got []kind
		for _, b := range unhex(c.in) {
			if k := d.feed(b); k != none {
				got = append(got, k)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: % X is %v, want %v", c.name, unhex(c.in), got, c.want)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add(unhex("03 06 81 00 00 00 00 00 01 02 00 00 87"))
	f.Add(unhex("50 02 03 15 16 80 03 06 80 FF FF FF FF"))
	f.Add(unhex("50 03 03 06 80 00 00 00 00 00 03 41 C0 00 07 50 02"))
	f.Add(unhex("03 06 80 03 00 00 00 00 04 00 00 01 70 05 01 F7"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var d decoder
		for _, b := range in {
			k := d.feed(b)
			if len(d.buf) > 2+messageMax+1 {
				t.Fatalf("% X: the buffer holds %d bytes", in, len(d.buf))
			}
			if k == kindFrame {
				if got := frame(unframe(d.buf)); !bytes.Equal(got, d.buf) {
					t.Fatalf("% X read and written is % X", d.buf, got)
				}
			}
		}
		// Whatever came before, a pause and a good frame bring both into step.
		d.reset()
		var last kind
		for _, b := range frame(message{typ: typeSlotStatusBack, data: []byte{1, 2, 3}}) {
			last = d.feed(b)
		}
		if last != kindFrame {
			t.Fatalf("a good frame after % X is %v", in, last)
		}
	})
}
