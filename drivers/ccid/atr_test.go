package ccid

import (
	"bytes"
	"testing"
)

func TestParseATR(t *testing.T) {
	for _, c := range []struct {
		name, in string
		ok       bool
		protocol byte
		params   string
	}{
		{"EMV basic T=0", "3B 60 00 00", true, 0, "11 00 00 0A 00"},
		{"nothing but TS and T0", "3B 00", true, 0, "11 00 00 0A 00"},
		{"inverse", "3F 60 00 05", true, 0, "11 02 05 0A 00"},
		{"historical bytes", "3B 65 00 00 20 63 CB 68 00", true, 0, "11 00 00 0A 00"},
		{"TA1 counts only in specific mode", "3B 10 96", true, 0, "11 00 00 0A 00"},
		{"specific mode", "3B 90 96 10 00", true, 0, "96 00 00 0A 00"},
		{"TC2", "3B 80 40 14", true, 0, "11 00 00 14 00"},
		{"TC2 of 0", "3B 80 40 00", false, 0, ""},
		{"EMV basic T=1", "3B E0 00 00 81 31 FE 45 EB", true, 1, "11 10 00 45 00 FE 00"},
		{"T=1, guard time FF", "3B E0 00 FF 81 31 FE 45 14", true, 1, "11 10 FF 45 00 FE 00"},
		{"T=1, TB3 of 55", "3B E0 00 00 81 31 FE 55 FB", false, 0, ""},
		{"T=1, CWI 6", "3B E0 00 00 81 31 FE 46 E8", false, 0, ""},
		{"T=1, CWT shorter than the guard time", "3B E0 00 05 81 31 FE 41 EA", false, 0, ""},
		{"T=1, block of 15", "3B E0 00 00 81 31 0F 45 1A", false, 0, ""},
		{"T=1 with CRC", "3B E0 00 00 81 71 FE 45 01 AA", false, 0, ""},
		{"wrong TCK", "3B E0 00 00 81 31 FE 45 EC", false, 0, ""},
		{"no TCK", "3B E0 00 00 81 31 FE 45", false, 0, ""},
		{"wrong TS", "03 60 00 00", false, 0, ""},
		{"only T=14", "3B 80 0E 8E", false, 0, ""},
		{"ends early", "3B F0 11", false, 0, ""},
		{"too few historical bytes", "3B 05 01", false, 0, ""},
		{"too many", "3B 00 01", false, 0, ""},
		{"empty", "", false, 0, ""},
	} {
		a, err := parseATR(unhex(c.in))
		if (err == nil) != c.ok {
			t.Errorf("%s: parseATR(%s) = %v, want ok %v", c.name, c.in, err, c.ok)
			continue
		}
		if err != nil {
			continue
		}
		if protocol, params := a.parameters(); protocol != c.protocol || !bytes.Equal(params, unhex(c.params)) {
			t.Errorf("%s: parameters of %s = %d, % X, want %d, %s", c.name, c.in, protocol, params, c.protocol, c.params)
		}
	}
}

func FuzzATR(f *testing.F) {
	f.Add(unhex("3B E0 00 00 81 31 FE 45 EB"))
	f.Add(unhex("3B 65 00 00 20 63 CB 68 00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		a, err := parseATR(in)
		if err != nil {
			return
		}
		protocol, params := a.parameters()
		if want := map[byte]int{0: 5, 1: 7}[protocol]; len(params) != want {
			t.Fatalf("%d parameters of % X for T=%d", len(params), in, protocol)
		}
		if a.t1 && a.ifsc < 0x10 {
			t.Fatalf("% X is accepted with blocks of %d bytes", in, a.ifsc)
		}
	})
}

// FuzzJudgeTap: what is taken for a card in a field has the ATR of one.
func FuzzJudgeTap(f *testing.F) {
	f.Add(unhex("3B80800101"))
	f.Add(unhex("3B8F8001804F0CA000000306030001000000006A"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if judgeTap(raw) == nil && (!bytes.HasPrefix(raw[2:], []byte{0x80, 0x01}) || xor(raw[1:]) != 0 || len(raw) != 5+int(raw[1]&0x0F)) {
			t.Fatalf("% X is taken for an ATR of PC/SC part 3", raw)
		}
	})
}
