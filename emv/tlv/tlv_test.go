package tlv_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParse(t *testing.T) {
	long := strings.Repeat("AB", 0x80)
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"one", "82 02 3900", "82=3900"},
		{"two bytes of tag", "9F02 06 000000001250", "9F02=000000001250"},
		{"three bytes of tag", "DF8129 01 FF", "DF8129=FF"},
		{"empty value", "9F38 00", "9F38="},
		{"padding before, between, after", "00 00 82 02 3900 00 9A 01 11 00 00", "82=3900 9A=11"},
		{"length in two bytes", "70 81 80" + long, "70=" + long},
		{"length in three bytes", "70 82 0080" + long, "70=" + long},
		{"long form of a short length", "50 81 01 41", "50=41"},
		{"constructed is one object", "6F 04 84 02 A000", "6F=8402A000"},
	}
	for _, tt := range tests {
		objects, err := tlv.Parse(unhex(t, tt.in))
		var got []string
		for _, o := range objects {
			got = append(got, fmt.Sprintf("%v=%X", o.Tag, o.Value))
		}
		if joined := strings.Join(got, " "); err != nil || joined != tt.want {
			t.Errorf("%s: Parse(%s) = %s, %v, want %s", tt.name, tt.in, joined, err, tt.want)
		}
	}
}

func TestParseMalformed(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"tag cut off", "82 01 00 9F", "at byte 3: tag cut off"},
		{"tag too long", "DF 81 82 83 01 00", "tag of more than 3 bytes"},
		{"no length", "9F02", "at byte 0, tag 9F02: no length"},
		{"length cut off", "70 82 01", "tag 70: length cut off"},
		{"value cut off", "5A 08 4276", "tag 5A: length 8, but 2 bytes are left"},
		{"indefinite length", "70 80 82 00 00 00", "tag 70: length byte 80"},
		{"length of three bytes", "70 83 000001 00", "tag 70: length byte 83"},
		{"too many objects", strings.Repeat("5000", 513), "more than 512 objects"},
		{"too much", strings.Repeat("00", 0x10000), "65536 bytes"},
	}
	for _, tt := range tests {
		objects, err := tlv.Parse(unhex(t, tt.in))
		if !errors.Is(err, tlv.ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Parse(%.20s) = %v, %v, want error with %q", tt.name, tt.in, objects, err, tt.want)
		}
	}
}

func TestOne(t *testing.T) {
	if v, err := tlv.One(unhex(t, "70 03 5A01AA 00"), tlv.RecordTemplate); err != nil || hex.EncodeToString(v) != "5a01aa" {
		t.Errorf("One = %x, %v", v, err)
	}
	for _, in := range []string{"", "77 00", "70 00 70 00", "70 01"} {
		if v, err := tlv.One(unhex(t, in), tlv.RecordTemplate); !errors.Is(err, tlv.ErrMalformed) {
			t.Errorf("One(%s) = %x, %v, want ErrMalformed", in, v, err)
		}
	}
}

func TestAppendRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFF0} {
		for _, tag := range []tlv.Tag{tlv.AIP, tlv.AmountAuthorised, 0xDF8129} {
			value := bytes.Repeat([]byte{0x5A}, n)
			objects, err := tlv.Parse(tlv.Append(nil, tag, value))
			if err != nil || len(objects) != 1 || objects[0].Tag != tag || !bytes.Equal(objects[0].Value, value) {
				t.Errorf("Parse(Append(%v, %d bytes)) = %d objects, %v", tag, n, len(objects), err)
			}
		}
	}
}

func TestTag(t *testing.T) {
	tests := []struct {
		tag         tlv.Tag
		text        string
		constructed bool
	}{
		{tlv.AIP, "82", false}, {tlv.RecordTemplate, "70", true}, {tlv.AmountAuthorised, "9F02", false},
		{tlv.FCIDiscretionary, "BF0C", true}, {0xDF8129, "DF8129", false}, {0xFF8105, "FF8105", true},
	}
	for _, tt := range tests {
		if tt.tag.String() != tt.text || tt.tag.Constructed() != tt.constructed {
			t.Errorf("%v: constructed %v, want %s, %v", tt.tag, tt.tag.Constructed(), tt.text, tt.constructed)
		}
	}
}

func TestFind(t *testing.T) {
	fci := unhex(t, "6F 12 84 05 F043504F53 A5 09 50 01 41 9F38 03 9F3704")
	if v, ok := tlv.Find(fci, tlv.FCI, tlv.FCIProprietary, tlv.PDOL); !ok || hex.EncodeToString(v) != "9f3704" {
		t.Errorf("Find(PDOL) = %x, %v", v, ok)
	}
	for _, path := range [][]tlv.Tag{{}, {tlv.PDOL}, {tlv.FCI, tlv.PDOL}, {tlv.FCI, tlv.DFName, tlv.PDOL}} {
		if v, ok := tlv.Find(fci, path...); ok {
			t.Errorf("Find(%v) = %x, want none", path, v)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{0x6F, 0x05, 0x84, 0x03, 1, 2, 3})
	f.Add([]byte{0, 0x9F, 0x02, 0x81, 0x01, 0xFF, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		objects, err := tlv.Parse(data)
		if err != nil {
			if !errors.Is(err, tlv.ErrMalformed) {
				t.Fatalf("Parse(%x): %v is not ErrMalformed", data, err)
			}
			return
		}
		var written []byte
		for _, o := range objects {
			written = tlv.Append(written, o.Tag, o.Value)
		}
		again, err := tlv.Parse(written)
		if err != nil || len(again) != len(objects) {
			t.Fatalf("Parse(%x) wrote %x: %d objects, %v, want %d", data, written, len(again), err, len(objects))
		}
		for i := range again {
			if again[i].Tag != objects[i].Tag || !bytes.Equal(again[i].Value, objects[i].Value) {
				t.Fatalf("object %d of %x changed: %v", i, data, again[i].Tag)
			}
		}
	})
}

func ExampleParse() {
	objects, err := tlv.Parse([]byte{0x82, 0x02, 0x39, 0x00, 0x9F, 0x36, 0x02, 0x00, 0x1A})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range objects {
		definition, _ := tlv.Lookup(o.Tag)
		fmt.Printf("%v %s: %X\n", o.Tag, definition.Name, o.Value)
	}
	// Output:
	// 82 application interchange profile: 3900
	// 9F36 application transaction counter: 001A
}
