package escpos

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
)

func TestLayOut(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"TOTAL\t12.50", []string{"TOTAL      12.50"}},
		{"\t12.50", []string{"           12.50"}},
		{"0123456789\t12345", []string{"0123456789 12345"}},
		{"0123456789A\t12345", []string{"0123456789A", "           12345"}},
		{"0123456789ABCDEFG", []string{"0123456789ABCDEF", "G"}},
		{"0123456789ABCDEFG\t1", []string{"0123456789ABCDEF", "G              1"}},
		{"a\tb\tc", []string{"a            b c"}},
		{"\t0123456789ABCDEF", []string{"0123456789ABCDEF"}},
		{"金额\t￥1.00", []string{"金额      ￥1.00"}},
		{"一二三四五六七八九", []string{"一二三四五六七八", "九"}},
		{"A一二三四五六七八", []string{"A一二三四五六七", "八"}},
		{"¥5\t€", []string{"￥5           €"}},
		{"a\x1B\x10\x04\x01b\r\nc", []string{"a????b??c"}},
		{"\U0001F600 ok", []string{"? ok"}},
		{"ü Köln, Ørsted", []string{"ü Koln, ?rsted"}}, // ü is in GB18030 as two bytes, Ø has no accent
		{"bad \xFF byte", []string{"bad ? byte"}},
	} {
		got := layOut(c.text, 16)
		if !slices.Equal(got, c.want) {
			t.Errorf("layOut(%q) = %q, want %q", c.text, got, c.want)
		}
		for _, line := range got {
			if n := columnsOf(line); n > 16 {
				t.Errorf("layOut(%q): %q is %d columns wide", c.text, line, n)
			}
		}
	}
}

func TestRender(t *testing.T) {
	cut := "\x1DVB\x00"
	for _, c := range []struct {
		name string
		p    drivers.Print
		want string
	}{
		{"empty", drivers.Print{}, "\n"},
		{"plain", drivers.Print{Text: "x"}, "x\n"},
		{"centred and bold", drivers.Print{Text: "x", Align: drivers.Centre, Bold: true}, "\x1Ba\x01\x1BE\x01x\n\x1Ba\x00\x1BE\x00"},
		{"right", drivers.Print{Text: "x", Align: drivers.Right}, "\x1Ba\x02x\n\x1Ba\x00"},
		{"double, half as many columns", drivers.Print{Text: "0123456789A", Double: true},
			"\x1D!\x11\x1C!\x0C0123456789\nA\n\x1D!\x00\x1C!\x00"},
		{"rule", drivers.Print{Rule: true, Text: "x"}, strings.Repeat("-", 20) + "\n"},
		// 中 is D6D0 in GB2312, 国 B9FA.
		{"Chinese between ASCII", drivers.Print{Text: "a中国b"}, "a\x1C&\xD6\xD0\xB9\xFA\x1C.b\n"},
		{"QR", drivers.Print{QR: "abc", Align: drivers.Centre}, "\x1Ba\x01" +
			"\x1D(k\x04\x00\x31\x41\x32\x00" + "\x1D(k\x03\x00\x31\x43\x06" + "\x1D(k\x03\x00\x31\x45\x31" +
			"\x1D(k\x06\x00\x31\x50\x30abc" + "\x1D(k\x03\x00\x31\x51\x30" + "\x1Ba\x00"},
	} {
		got, err := render(drivers.Document{c.p}, 20)
		if err != nil || string(got) != c.want+cut {
			t.Errorf("%s: render = %q, %v, want %q", c.name, got, err, c.want+cut)
		}
	}
	long, err := render(drivers.Document{{QR: strings.Repeat("x", 300)}}, 20)
	if want := []byte("\x1D(k\x2F\x01\x31\x50\x30xxx"); err != nil || !bytes.Contains(long, want) {
		t.Errorf("a long QR code has no %q, %v", want, err)
	}
}

func TestRenderRefuses(t *testing.T) {
	for name, doc := range map[string]drivers.Document{
		"a real-time command in a QR code": {{QR: "\x10\x04\x01"}},
		"a QR code without end":            {{QR: strings.Repeat("x", qrMax+1)}},
		"a document without end":           make(drivers.Document, linesMax+1),
		"a line without end":               {{Text: strings.Repeat("x", 20*linesMax+1)}},
	} {
		if _, err := render(doc, 20); !errors.Is(err, drivers.ErrRefused) {
			t.Errorf("%s: render = %v, want ErrRefused", name, err)
		}
	}
}

// No text, however odd, becomes a command or a line too long.
func FuzzLayOut(f *testing.F) {
	f.Add("TOTAL\t¥12.50", 32)
	f.Add("中\x10\x04\x01国", 17)
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = columnsMin/2 + (n&0xFF)%columnsMax
		for _, line := range layOut(text, n) {
			if w := columnsOf(line); w > n {
				t.Fatalf("layOut(%q, %d): %q is %d columns wide", text, n, line, w)
			}
			b := encode(line)
			b = bytes.ReplaceAll(bytes.ReplaceAll(b, cmdWideOn, nil), cmdWideOff, nil)
			for _, c := range b {
				if c < ' ' {
					t.Fatalf("layOut(%q, %d): % X holds a control character", text, n, b)
				}
			}
		}
	})
}
