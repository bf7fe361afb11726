package emv

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
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
		files, err := parseAFL(afl)
		if err != nil {
			if r := (refusal{}); !errors.As(err, &r) || r.reason != ReasonCardData || len(files) > 0 {
				t.Fatalf("parseAFL(%X) = %v, %v, want no files and a refusal", afl, files, err)
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
			t.Fatalf("parseAFL(%X) accepts %d records, want 1 to %d", afl, len(want)/2, recordsMax)
		}
		var got []byte
		r := records{files: files}
		for more := true; more && len(got) <= len(want); more = r.advance() {
			command := r.read().(Transmit).Command
			got = append(got, command[3], command[2])
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("AFL %X reads % X, want % X", afl, got, want)
		}
	})
}
