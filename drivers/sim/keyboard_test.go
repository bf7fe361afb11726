package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"testing"
)

// What the kernel says of keys, as type.code=value.
func TestTyping(t *testing.T) {
	for text, want := range map[string]string{
		"":  "",
		"1": "4.4=458754 1.2=1 0.0=0 4.4=458754 1.2=0 0.0=0",
		"Q": "4.4=458794 1.42=1 0.0=0 4.4=458768 1.16=1 0.0=0 4.4=458768 1.16=0 0.0=0 4.4=458794 1.42=0 0.0=0",
		"~": "4.4=458794 1.42=1 0.0=0 4.4=458793 1.41=1 0.0=0 4.4=458793 1.41=0 0.0=0 4.4=458794 1.42=0 0.0=0",
		"/": "4.4=458805 1.53=1 0.0=0 4.4=458805 1.53=0 0.0=0",
	} {
		b, err := typing(text)
		if err != nil {
			t.Fatal(err)
		}
		const size = 2*bits.UintSize/8 + 8
		var got []string
		for ; len(b) >= size; b = b[size:] {
			e := b[size-8:]
			got = append(got, fmt.Sprintf("%d.%d=%d", binary.NativeEndian.Uint16(e),
				binary.NativeEndian.Uint16(e[2:]), binary.NativeEndian.Uint32(e[4:])))
		}
		if len(b) != 0 || strings.Join(got, " ") != want {
			t.Errorf("typing(%q) = %s and %d bytes, want %s", text, strings.Join(got, " "), len(b), want)
		}
	}
	if _, err := typing("é"); !errors.Is(err, ErrKey) {
		t.Errorf("é = %v, want ErrKey", err)
	}
}
