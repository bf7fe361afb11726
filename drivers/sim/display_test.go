package sim

import (
	"strings"
	"testing"
)

// tubeStories are bytes and what they show.
var tubeStories = []struct {
	name         string
	bytes        string
	upper, lower string
}{
	{"as it is switched on", "", "_", ""},
	{"in its own language", "\x1B_\x00A[~", "AÄß", ""},
	{"in ASCII", "\x1B_\x00\x1BfAA[~", "A[~", ""},
	{"runs on to the next line and back", "\x1B_\x00" + strings.Repeat("a", 20) + strings.Repeat("b", 20) + "c", "c" + strings.Repeat("a", 19), strings.Repeat("b", 20)},
	{"whole lines", "\x1B_\x00\x1BQAupper\r\x1BQBlower\r\x1BQAnew\r", "new", "lower"},
	{"longer than the glass", "\x1B_\x00\x1BQA" + strings.Repeat("x", 30) + "\r", strings.Repeat("x", 20), ""},
	{"a cursor over what was written", "\x1BQAupper\r", "_pper", ""},
	{"no command counts after a whole line", "\x1B_\x00\x1BQAupper\rplain\x1B_\x01\x1B@", "upper", ""},
	{"until the screen is cleared", "\x1B_\x00\x1BQAupper\r\x0Cplain", "plain", ""},
	{"or the line", "\x1B_\x00\x1BQAupper\r\x1BQBlower\r\x18plain", "upper", "plain"},
	{"nothing ends a line but CR", "\x1B_\x00\x1BQA\x0C\x1B@\r", "□□@", ""},
	{"places", "\x1B_\x00\x1Bl\x05\x02x\x1Bl\x15\x02y\x1Bl\x01\x03z", "", "    xyz"},
	{"moves", "\x1B_\x00ab\b\bc\td\re\nf\x0Bg", "gbd", " f"},
	{"initialised", "\x1B_\x00abc\x1B@", "_", ""},
	{"commands that it does not know", "\x1B_\x00\x1BQZa\x1BZb\x1B*\x09", "ab", ""},
}

func TestTube(t *testing.T) {
	for _, s := range tubeStories {
		whole, cut := &tube{}, &tube{}
		whole.powerDown()
		cut.powerDown()
		whole.receive([]byte(s.bytes))
		for _, b := range []byte(s.bytes) {
			cut.receive([]byte{b})
		}
		want := [2]string{s.upper, s.lower}
		if got := whole.read(); got != want {
			t.Errorf("%s: %q, want %q", s.name, got, want)
		}
		if got := cut.read(); got != want {
			t.Errorf("%s, byte by byte: %q, want %q", s.name, got, want)
		}
		whole.powerDown()
		if got := whole.read(); got != [2]string{"_", ""} {
			t.Errorf("%s: %q after it was switched off and on", s.name, got)
		}
	}
}

// Whatever comes, there are two lines of at most twenty characters, and as
// many CR as a command has operands and one more, then a clearing, bring the
// display back.
func FuzzTube(f *testing.F) {
	for _, s := range tubeStories {
		f.Add([]byte(s.bytes))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &tube{}
		d.powerDown()
		d.receive(b)
		d.quiet()
		for _, line := range d.read() {
			if n := len([]rune(line)); n > displayColumns {
				t.Fatalf("a line of %d characters after % X", n, b)
			}
		}
		if len(d.command) > 4 || d.brightness < 1 || d.brightness > brightestDisplay {
			t.Fatalf("command % X, brightness %d after % X", d.command, d.brightness, b)
		}
		d.receive([]byte("\r\r\r\x0C\x1B@\x1B_\x00\x1BfA\x0C\x1BQA[well]\r"))
		if got := d.read(); got != [2]string{"[well]", ""} {
			t.Fatalf("%q after % X and a new beginning", got, b)
		}
	})
}
