package script_test

import (
	"bytes"
	"testing"

	"github.com/cloudpos/cloudpos/emv/script"
	"github.com/cloudpos/cloudpos/emv/tlv/tlvtest"
)

func TestList(t *testing.T) {
	for _, c := range []struct {
		name, templates string
		statuses        []uint16 // 0: no answer
		sent            int
		results         string
		failed          bool
	}{
		{"none", "", nil, 0, "", false},
		{"one", "71[9F18[00000001] 86[8424000000] 86[841E000000]]", []uint16{0x9000, 0x6283}, 2, "2000000001", false},
		{"without identifier", "71[86[8424000000]]", []uint16{0x9000}, 1, "2000000000", false},
		{"without commands", "71[9F18[00000001]]", nil, 0, "0000000001", false},
		{"first fails", "71[9F18[00000001] 86[8424000000] 86[841E000000]] 71[9F18[00000002] 86[8424000000]]", []uint16{0x6985, 0x9000}, 2, "1100000001 2000000002", true},
		{"second breaks", "71[9F18[00000001] 86[8424000000] 86[841E000000]]", []uint16{0x9000, 0}, 2, "1200000001", true},
		{"command too short", "71[9F18[00000001] 86[842400]] 71[86[8424000000]]", []uint16{0x9000}, 1, "0000000001 2000000000", true},
		{"identifier too short", "71[9F18[01] 86[8424000000]]", nil, 0, "0000000000", true},
		{"malformed", "71 03 86 05 84", nil, 0, "0000000000", true},
		{"template malformed", "71[8605 84]", nil, 0, "0000000000", true},
		{"other template", "77[86[8424000000]]", nil, 0, "", false},
	} {
		templates, err := tlvtest.Parse(c.templates)
		if err != nil {
			t.Fatal(err)
		}
		list, _ := script.Parse(templates)
		sent := 0
		for _, more := list.Next(); more; _, more = list.Next() {
			if status := c.statuses[sent]; status == 0 {
				list.Break()
			} else {
				list.Answer(status)
			}
			sent++
		}
		results, err := tlvtest.Parse(c.results)
		if err != nil {
			t.Fatal(err)
		}
		if sent != c.sent || !bytes.Equal(list.Results(), results) || list.Failed() != c.failed || list.Any() != (c.results != "") {
			t.Errorf("%s: %d sent, results %X, failed %v, any %v, want %d, %s, %v", c.name,
				sent, list.Results(), list.Failed(), list.Any(), c.sent, c.results, c.failed)
		}
	}
}

func TestKinds(t *testing.T) {
	templates, err := tlvtest.Parse("72[86[8424000002]] 71[86[8424000001]] 72[86[8424000003]]")
	if err != nil {
		t.Fatal(err)
	}
	before, after := script.Parse(templates)
	var got []byte
	for _, list := range []*script.List{&before, &after} {
		for command, more := list.Next(); more; command, more = list.Next() {
			got = append(got, command[4])
			list.Answer(0x9000)
		}
	}
	if want := []byte{1, 2, 3}; !bytes.Equal(got, want) {
		t.Errorf("sent % X, want % X", got, want)
	}
}

// FuzzParse: whatever a host sends, each command is one that a card can be
// sent, and there is an end.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"71[9F18[00000001] 86[8424000000]]", "72[86[84240000] 86[84]]", "71 05 86", "71[] 72[9F18[01]]"} {
		data, err := tlvtest.Parse(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, byte(0x90))
	}
	f.Fuzz(func(t *testing.T, templates []byte, sw1 byte) {
		before, after := script.Parse(templates)
		for i, list := range []*script.List{&before, &after} {
			sent := 0
			for command, more := list.Next(); more; command, more = list.Next() {
				if len(command) < 4 || len(command) > 261 {
					t.Fatalf("command of %d bytes", len(command))
				}
				list.Answer(uint16(sw1) << 8)
				if sent++; sent > len(templates) {
					t.Fatal("no end")
				}
			}
			if n := len(list.Results()); n%5 != 0 || (n > 0) != list.Any() {
				t.Fatalf("list %d: results of %d bytes, any %v", i, n, list.Any())
			}
		}
	})
}
