package records

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// FuzzAFL reads file locators, and goes through the records of those that are
// accepted: each is read once, in order, and there is an end.
func FuzzAFL(f *testing.F) {
	for _, seed := range []string{
		"", "08010100", "0801010010010200", "08010100100102", "080101001001020018010101",
		"09010100", "00010100", "F8010100", "F0010101", "08000100", "08020100", "08010203", "50FFFF01", "08010100080101FF",
	} {
		afl, err := hex.DecodeString(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(afl)
	}
	f.Add(bytes.Repeat([]byte{0x08, 1, 4, 0}, 63))
	f.Add(bytes.Repeat([]byte{0x08, 1, 5, 0}, 63))
	f.Add(bytes.Repeat([]byte{0x08, 1, 1, 0}, 64))
	f.Fuzz(func(t *testing.T, afl []byte) {
		list, err := Locate(afl)
		if err != nil {
			if !list.Done() {
				t.Fatalf("Locate(%X) = %v, %v, want no records", afl, list, err)
			}
			return
		}
		var want []byte // SFI byte and record of each READ RECORD, worked out from the bytes
		for i := 0; i < len(afl); i += 4 {
			for record := int(afl[i+1]); record <= int(afl[i+2]); record++ {
				want = append(want, afl[i]|0x04, byte(record))
			}
		}
		if len(want)/2 > recordsMax || len(want) == 0 {
			t.Fatalf("Locate(%X) accepts %d records, want 1 to %d", afl, len(want)/2, recordsMax)
		}
		var got []byte
		for !list.Done() && len(got) <= len(want) {
			command := list.Command()
			got = append(got, command[3], command[2])
			if _, err := list.Take([]byte{0x70, 0}); err != nil {
				t.Fatalf("AFL %X, record %v: %v", afl, &list, err)
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("AFL %X reads % X, want % X", afl, got, want)
		}
	})
}

// TestStatic: of EMV's own files the content is signed, of others the whole
// record, and what is no template cannot be.
func TestStatic(t *testing.T) {
	for _, c := range []struct {
		afl, record, want string
		err               error
	}{
		{"08010100", "7003820100", "", nil},
		{"08010101", "7003820100", "820100", nil},
		{"58010101", "7003820100", "7003820100", nil},
		{"58010101", "8003820100", "", ErrUnsigned},
		{"58010101", "700182", "700182", nil}, // what is in the template is not looked at
		{"58010100", "FF", "", nil},
	} {
		list, err := Locate(unhex(t, c.afl))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := list.Take(unhex(t, c.record)); err != nil {
			t.Errorf("AFL %s, record %s: %v", c.afl, c.record, err)
		}
		got, err := list.Static()
		if !errors.Is(err, c.err) || hex.EncodeToString(got) != strings.ToLower(c.want) {
			t.Errorf("AFL %s, record %s: static data %X, %v, want %s, %v", c.afl, c.record, got, err, c.want, c.err)
		}
		list.Clear()
		if got, err := list.Static(); len(got) > 0 || err != nil || list.String() != "no record" {
			t.Errorf("a cleared list holds %X, %v", got, err)
		}
	}
}

func TestTakeMalformed(t *testing.T) {
	for _, record := range []string{"", "8000", "70018F", "7000 7000"} {
		list, err := Locate([]byte{0x50, 2, 3, 0})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := list.Take(unhex(t, strings.ReplaceAll(record, " ", ""))); !errors.Is(err, tlv.ErrMalformed) || list.String() != "2 of SFI 10" {
			t.Errorf("record %q: %v, then %v", record, err, &list)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
