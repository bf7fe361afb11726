package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestHSUDecoder(t *testing.T) {
	const version = "00 00 FF 02 FE D4 02 2A 00"
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"command", version, []string{"02"}},
		{"without preamble", "00 FF 02 FE D4 02 2A", []string{"02"}},
		{"extended, though short", "00 00 FF FF FF 00 02 FE D4 02 2A 00", []string{"02"}},
		{"two, after a long preamble", "00 00 00 00" + version + version, []string{"02", "02"}},
		{"parameters", "00 00 FF 06 FA D4 32 05 FF 01 02 F3 00", []string{"3205FF0102"}},
		{"abort, and again", "00 00 FF 00 FF 00 00 00 FF FF 00 00", []string{"abort", "again"}},
		{"noise before", "55 FF 00 41 00 FF" + version, []string{"02"}},
		{"wrong sum, then a good one", "00 00 FF 02 FE D4 02 2B 00" + version, []string{"02"}},
		{"wrong length, then a good one", "00 00 FF 02 FF" + version, []string{"02"}},
		{"wrong extended length", "00 00 FF FF FF 00 02 FF" + version, []string{"02"}},
		{"too long", "00 00 FF FF FF 01 0A F5" + version, []string{"02"}},
		{"a chip's", "00 00 FF 02 FE D5 02 29 00" + version, []string{"02"}},
		{"half of one", "00 00 FF 02 FE D4", nil},
	} {
		stream := unhex(t, c.in)
		for _, step := range []int{1, len(stream)} {
			var d hsuDecoder
			var got []string
			for piece := range slices.Chunk(stream, step) {
				for _, e := range d.add(piece) {
					got = append(got, hsuWord(e))
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s, by %d: %v, want %v", c.name, step, got, c.want)
			}
		}
	}
}

func hsuWord(e hsuEvent) string {
	switch {
	case e.abort:
		return "abort"
	case e.repeat:
		return "again"
	}
	return fmt.Sprintf("%X", e.command)
}

func TestHSUAnswer(t *testing.T) {
	for _, c := range []struct {
		code       byte
		data, want string
	}{
		{0x02, "32 01 06 07", "00 00 FF 06 FA D5 03 32 01 06 07 E8 00"},
		{0x14, "", "00 00 FF 02 FE D5 15 16 00"},
		{0x40, strings.Repeat("5A", 253), "00 00 FF FF 01 D5 41" + strings.Repeat("5A", 253) + "F8 00"},
		{0x40, strings.Repeat("5A", 263), "00 00 FF FF FF 01 09 F6 D5 41" + strings.Repeat("5A", 263) + "74 00"},
	} {
		equal(t, "answer", hsuAnswer(c.code, unhex(t, c.data)), unhex(t, c.want))
	}
}

// FuzzHSU: whatever the host sends, the chip's answers have their sums, and
// little is kept.
func FuzzHSU(f *testing.F) {
	f.Add(unhex(f, "55 55 00 00 00 00 FF 03 FD D4 14 01 17 00 00 00 FF 04 FC D4 4A 02 00 E0 00"))
	f.Add(unhex(f, "55 55 00 00 FF 03 FD D4 14 01 17 00 00 FF 04 FC D4 40 41 00 AB 00 00 FF FF 00"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		var w wire
		c := &nfcChip{out: w.out}
		c.powerDown()
		c.receive(stream)
		c.powerDown()
		if len(c.frames.buf) > 0 || len(c.begun) > 0 || c.thinking != nil {
			t.Error("something is kept")
		}
		for _, o := range w.sent {
			at := bytes.Index(o.bytes, hsuStart)
			body := o.bytes[at+2:]
			if o.kind == answer && total(body[2:]) != 0 && total(body[5:]) != 0 {
				t.Errorf("answer % X has a wrong sum", o.bytes)
			}
		}
	})
}
