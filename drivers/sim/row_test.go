package sim

import (
	"encoding/json"
	"strings"
	"testing"
)

// rows shows the looks of a slip's lines.
func rows(t *testing.T, s Slip) string {
	t.Helper()
	if len(s.Rows) != len(s.Lines) {
		t.Fatalf("%d rows of %d lines", len(s.Rows), len(s.Lines))
	}
	all, err := json.Marshal(s.Rows)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func TestRowsShowHowLinesLook(t *testing.T) {
	for _, tc := range []struct{ name, send, want string }{
		{"plain", "abc\n", `[{"spans":[{"text":"abc"}]}]`},
		{"bold within a line", "a\x1bE\x01b\x1bE\x00c\n",
			`[{"spans":[{"text":"a"},{"text":"b","bold":true},{"text":"c"}]}]`},
		{"large", "\x1d!\x11XY\x1d!\x00z\n", `[{"spans":[{"text":"XY","wide":2,"tall":2},{"text":"z"}]}]`},
		{"large, the old way", "\x1b!\x38X\n", `[{"spans":[{"text":"X","bold":true,"wide":2,"tall":2}]}]`},
		{"to the right", "\x1ba\x02\x1d!\x20abc\n",
			`[{"spans":[{"text":"` + strings.Repeat(" ", 39) + `"},{"text":"abc","wide":3,"tall":1}]}]`},
		{"picture", "\x1dv0\x00\x01\x00\x02\x00\xf0\x0f", `[{"image":{"width":8,"height":2,"data":"8A8="}}]`},
		{"QR code", "\x1d(k\x05\x001P0HI\x1d(k\x03\x001Q0", `[{"qr":"HI"}]`},
		{"empty lines", "\x1bd\x01x\n\n", `[{},{"spans":[{"text":"x"}]}]`},
	} {
		pt := newPrinterTest(t)
		pt.send("\x1b@" + tc.send + "\x1dVB\x00")
		paper := pt.p.paper()
		if len(paper) != 1 {
			t.Fatalf("%s: %d slips", tc.name, len(paper))
		}
		if got := rows(t, paper[0]); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// A slip keeps so many bytes of pictures, and of the rest their sizes.
func TestPicturesOfASlipAreBounded(t *testing.T) {
	pt := newPrinterTest(t)
	picture := "\x1dv0\x00\x40\x00\x00\x04" + strings.Repeat("\xAA", 64*1024) // 512 x 1024 dots
	for _, s := range []string{"\x1b@", picture, picture, picture, "\x1dVB\x00", picture} {
		pt.send(s)
	}
	var kept []int
	for _, s := range pt.p.paper() {
		for _, r := range s.Rows {
			if r.Image.Width != 512 || r.Image.Height != 1024 {
				t.Errorf("a picture of %d x %d", r.Image.Width, r.Image.Height)
			}
			kept = append(kept, len(r.Image.Data))
		}
	}
	if len(kept) != 4 || kept[0] != 64<<10 || kept[1] != 64<<10 || kept[2] != 0 || kept[3] != 64<<10 {
		t.Errorf("kept %v bytes", kept)
	}
}
