package ui

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPieces(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"Insert the card", []string{"Insert ", "the ", "card"}},
		{"请插卡，谢谢。", []string{"请", "插", "卡，", "谢", "谢。"}},
		{"（银联）卡", []string{"（银", "联）", "卡"}},
		{"PIN密码 OK", []string{"PIN", "密", "码 ", "OK"}},
	} {
		if got := pieces(c.text); !slices.Equal(got, c.want) {
			t.Errorf("pieces(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	within := func(line string) bool { return utf8.RuneCountInString(line) <= 8 }
	for _, c := range []struct {
		text string
		want []string
	}{
		{"one", []string{"one"}},
		{"one two three", []string{"one two", "three"}},
		{"antidisestablish", []string{"antidisestablish"}},
		{"one\ntwo", []string{"one", "two"}},
		{"请将卡片插入读卡器中，谢谢", []string{"请将卡片插入读卡", "器中，谢谢"}},
	} {
		if got := wrap(c.text, within); !slices.Equal(got, c.want) {
			t.Errorf("wrap(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

// Letters get smaller before one is lost; then an ellipsis says so.
func TestFit(t *testing.T) {
	newTestApp(1)
	r := ruler{min: 6}
	whole := r.fit("CNY 128.50", 400, 100, 30, 1)
	if whole.size != 30 || !slices.Equal(whole.lines, []string{"CNY 128.50"}) {
		t.Errorf("with room: %+v", whole)
	}
	smaller := r.fit("CNY 128.50", r.measure("CNY 128.50", 20).Width, 100, 30, 1)
	if smaller.size >= 30 || smaller.size < 15 || smaller.lines[0] != "CNY 128.50" {
		t.Errorf("with less room: %+v", smaller)
	}
	cut := r.fit("CNY 128.50", 40, 100, 30, 1)
	if cut.size < 15 || !strings.HasSuffix(cut.lines[0], "…") {
		t.Errorf("without room: %+v", cut)
	}
	two := r.fit(strings.Repeat("word ", 40), 200, 60, 20, 2)
	if len(two.lines) > 2 || !strings.HasSuffix(two.lines[len(two.lines)-1], "…") {
		t.Errorf("too many words: %+v", two)
	}
}

func TestPrintable(t *testing.T) {
	if got := printable("a\x1b[2Jb\tc\u202ed"); got != "a [2Jb c d" {
		t.Errorf("printable = %q", got)
	}
	if got := printable(strings.Repeat("卡", 3*textMax)); utf8.RuneCountInString(got) != textMax {
		t.Errorf("%d characters, want %d", utf8.RuneCountInString(got), textMax)
	}
}

// FuzzFit: whatever a card calls itself, it stays within its room.
func FuzzFit(f *testing.F) {
	newTestApp(1)
	f.Add("UnionPay Debit", uint16(120), uint16(40))
	f.Add("银联借记卡（测试）", uint16(30), uint16(10))
	f.Add("\n\n…\x00", uint16(1), uint16(1))
	f.Fuzz(func(t *testing.T, text string, w, h uint16) {
		const size, linesMax = 20, 3
		width, height := float32(w%400)+60, float32(h%200)+30
		got := ruler{min: 8}.fit(text, width, height, size, linesMax)
		if got.height() > height+slack || len(got.lines) > linesMax {
			t.Fatalf("%q in %v×%v: %+v", text, width, height, got)
		}
		for _, line := range got.lines {
			if r := (ruler{}); r.measure(line, got.size).Width > width+slack {
				t.Fatalf("%q in %v×%v: line %q is wider", text, width, height, line)
			}
		}
	})
}

func TestGrouped(t *testing.T) {
	for plain, want := range map[string]string{
		"0.05": "0.05", "128.50": "128.50", "1250.00": "1,250.00", "99999999.99": "99,999,999.99",
		"1000": "1,000", "-1234.5": "-1,234.5", "100": "100",
	} {
		if got := grouped(plain); got != want {
			t.Errorf("grouped(%q) = %q, want %q", plain, got, want)
		}
	}
}
