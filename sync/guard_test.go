package cloudsync

import (
	"errors"
	"testing"
)

// FuzzGuard: however the bytes are cut into reads, the verdict is the same,
// and no accepted packet is longer than allowed.
func FuzzGuard(f *testing.F) {
	f.Add([]byte{0x20, 0x02, 0, 0, 0x90, 0x03, 0, 1, 0, 0xD0, 0x00}, uint8(1))
	f.Add([]byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F}, uint8(2))
	f.Add([]byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x01}, uint8(1))
	f.Add([]byte{0x30, 0x81, 0x00, 0xFF, 0x30, 0x00}, uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		whole, pieces := guard{subackMax: 4}, guard{subackMax: 4}
		want := whole.inspect(b)
		var got error
		for rest := b; len(rest) > 0 && got == nil; {
			n := min(int(step)+1, len(rest))
			got = pieces.inspect(rest[:n])
			rest = rest[n:]
		}
		if errors.Is(want, errPacket) != errors.Is(got, errPacket) {
			t.Errorf("inspect(% x) = %v at once and %v in pieces of %d", b, want, got, step)
		}
		if whole.body > packetMax {
			t.Errorf("a packet of %d bytes is awaited", whole.body)
		}
	})
}

func TestGuard(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		ok   bool
	}{
		{"ping answer", []byte{0xD0, 0x00}, true},
		{"two packets", []byte{0x20, 0x02, 0, 0, 0x90, 0x04, 0, 1, 0, 0}, true},
		{"length in two bytes", append([]byte{0x30, 0x80, 0x01}, make([]byte, 128)...), true},
		{"SUBACK with too many codes", []byte{0x90, 0x05}, false},
		{"longest", []byte{0x30, 0x80, 0x88, 0x02}, true}, // 33792
		{"one more", []byte{0x30, 0x81, 0x88, 0x02}, false},
		{"five bytes of length", []byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x00}, false},
	} {
		g := guard{subackMax: 4}
		if err := g.inspect(c.in); (err == nil) != c.ok {
			t.Errorf("%s: inspect(% x) = %v, want ok %v", c.name, c.in[:min(8, len(c.in))], err, c.ok)
		}
	}
}
