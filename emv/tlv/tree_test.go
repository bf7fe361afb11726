package tlv_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// outline writes a tree with the places of its objects.
func outline(nodes []tlv.Node) string {
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		if parts[i] = fmt.Sprintf("%d:%v", n.Offset, n.Tag); n.Tag.Constructed() {
			parts[i] += "[" + outline(n.Nodes) + "]"
		} else {
			parts[i] += fmt.Sprintf("=%X", n.Value)
		}
	}
	return strings.Join(parts, " ")
}

func TestParseTree(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"82 02 3900", "0:82=3900"},
		{"6F 0A 84 01 AA A5 05 00 88 01 01 00 00 9A 00", "0:6F[2:84=AA 5:A5[8:88=01]] 13:9A="},
		{"70 81 04 9F36 01 1A", "0:70[3:9F36=1A]"},
		{"FF8105 03 82 01 39", "0:FF8105[4:82=39]"},
	}
	for _, tt := range tests {
		nodes, err := tlv.ParseTree(unhex(t, tt.in))
		if got := outline(nodes); err != nil || got != tt.want {
			t.Errorf("ParseTree(%s) = %s, %v, want %s", tt.in, got, err, tt.want)
		}
	}
}

// TestParseTreeMalformed: the error names the place from the very start, and
// what stands before it is there.
func TestParseTreeMalformed(t *testing.T) {
	deep := "7000"
	for range 16 {
		inner := unhex(t, deep)
		deep = fmt.Sprintf("%X", tlv.Append(nil, tlv.RecordTemplate, inner))
	}
	tests := []struct{ name, in, read, want string }{
		{"on top", "82 02 3900 5A 08 42", "0:82=3900", "at byte 4, tag 5A: length 8, but 1 bytes are left"},
		{"inside", "6F 07 84 01 AA A5 02 9F38", "0:6F[2:84=AA 5:A5[]]", "at byte 7, in 6F, in A5, tag 9F38: no length"},
		{"inside, no tag", "82 00 70 81 04 00 82 00 9F", "0:82= 2:70[6:82=]", "at byte 8, in 70: tag cut off"},
		{"after a template", "70 02 82 00 95 05 00", "0:70[2:82=]", "at byte 4, tag 95: length 5"},
		{"too deep", deep, "", "more than 16 templates inside each other"},
	}
	for _, tt := range tests {
		nodes, err := tlv.ParseTree(unhex(t, tt.in))
		if !errors.Is(err, tlv.ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
		if got := outline(nodes); tt.read != "" && got != tt.read {
			t.Errorf("%s: read %s, want %s", tt.name, got, tt.read)
		}
	}
}

func TestParseTags(t *testing.T) {
	got, err := tlv.ParseTags(unhex(t, "82 9F02 DF8129"))
	if want := []tlv.Tag{tlv.AIP, tlv.AmountAuthorised, 0xDF8129}; err != nil || !slices.Equal(got, want) {
		t.Errorf("ParseTags = %v, %v, want %v", got, err, want)
	}
	for _, in := range []string{"9F", "82 DF81", "DF818283", strings.Repeat("82", 1025)} {
		if list, err := tlv.ParseTags(unhex(t, in)); !errors.Is(err, tlv.ErrMalformed) {
			t.Errorf("ParseTags(%.20s) = %v, %v, want ErrMalformed", in, list, err)
		}
	}
}

// FuzzParseTree: each node stands where it says, in what it is said to be in,
// and the first level is Parse's.
func FuzzParseTree(f *testing.F) {
	f.Add([]byte{0x6F, 0x08, 0x84, 0x01, 0xAA, 0xA5, 0x03, 0x88, 0x01, 0x01})
	f.Add([]byte{0x70, 0x81, 0x03, 0x00, 0x82, 0x00, 0x9F})
	f.Add(bytes.Repeat([]byte{0x70, 0x80}, 40))
	f.Fuzz(func(t *testing.T, data []byte) {
		nodes, err := tlv.ParseTree(data)
		if err != nil && !errors.Is(err, tlv.ErrMalformed) {
			t.Fatalf("ParseTree(%x): %v is not ErrMalformed", data, err)
		}
		checkPlaces(t, data, nodes, 0, len(data))
		objects, flat := tlv.Parse(data)
		if err == nil && (flat != nil || len(objects) != len(nodes)) {
			t.Fatalf("ParseTree(%x) has %d nodes, Parse %d objects, %v", data, len(nodes), len(objects), flat)
		}
	})
}

func checkPlaces(t *testing.T, data []byte, nodes []tlv.Node, from, to int) {
	t.Helper()
	for _, n := range nodes {
		head := n.Tag.Append(nil)
		if n.Offset < from || n.Offset > to || !bytes.HasPrefix(data[n.Offset:to], head) {
			t.Fatalf("%v of %x is said to be at %d, from %d to %d", n.Tag, data, n.Offset, from, to)
		}
		from = n.Start + len(n.Value)
		if n.Start <= n.Offset+len(head) || from > to || !bytes.Equal(data[n.Start:from], n.Value) {
			t.Fatalf("the value of %v of %x is said to be at %d", n.Tag, data, n.Start)
		}
		checkPlaces(t, data, n.Nodes, n.Start, from)
	}
}
