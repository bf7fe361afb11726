package pcsc

import (
	"bytes"
	"testing"
)

// FuzzParseReaders: whatever the service sends, a reader has a name and an ATR
// that fits, and nothing is made of free places.
func FuzzParseReaders(f *testing.F) {
	one := make([]byte, readersLen)
	copy(one[3*readerLen:], "ACME 00 00")
	copy(one[3*readerLen+140:], []byte{0x3B, 0x60, 0x00, 0x00})
	order.PutUint32(one[3*readerLen+176:], 4)
	f.Add(one)
	f.Add(bytes.Repeat([]byte{0xFF}, readersLen))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all := parseReaders(b)
		if len(all) > len(b)/readerLen {
			t.Fatalf("%d readers in %d bytes", len(all), len(b))
		}
		for _, r := range all {
			if r.name == "" || len(r.name) > nameLen || len(r.atr) > atrMax {
				t.Fatalf("a reader %q with an ATR of %d bytes", r.name, len(r.atr))
			}
		}
	})
}

// A reader that is starting claims an ATR of 34 bytes, and there is room for 33.
func TestParseReaders(t *testing.T) {
	b := make([]byte, readersLen)
	order.PutUint32(b[176:], 34)
	copy(b[readerLen:], "ACME 00 00")
	order.PutUint32(b[readerLen+128:], 7)
	order.PutUint32(b[readerLen+132:], statePresent)
	order.PutUint32(b[readerLen+176:], 34)
	all := parseReaders(b)
	if len(all) != 1 || all[0].name != "ACME 00 00" || all[0].counter != 7 || !all[0].present() || len(all[0].atr) != 33 {
		t.Errorf("parseReaders = %+v, want one reader with an ATR of 33 bytes", all)
	}
}
