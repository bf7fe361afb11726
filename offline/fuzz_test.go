package offline

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cloudpos/cloudpos/payment"
)

func FuzzDecodeLine(f *testing.F) {
	good := key(1, 1)
	f.Add(good, makeLine(good, 1, payment.Schema, [32]byte{}, []byte(`{"id":{"terminal":"dev:t1","epoch":1,"seq":1},"mark":"printed"}`)))
	f.Add(good, makeLine(good, 1, payment.Schema+1, [32]byte{}, nil))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, line []byte) {
		_, err := decodeLine(key, line)
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
			t.Errorf("decodeLine(% x, % x) = %v, want ErrDamaged or ErrNewer", key, line, err)
		}
		if err != nil || len(line) == 0 {
			return
		}
		line = bytes.Clone(line)
		line[len(line)-1] ^= 1
		if _, err := decodeLine(key, line); !errors.Is(err, ErrDamaged) {
			t.Errorf("a flipped bit in % x is not found: %v", line, err)
		}
	})
}

func FuzzDecodeAnchor(f *testing.F) {
	f.Add(anchor{count: 4, epoch: 1, seq: 1, stan: 1, receipt: 1, last: noon.UnixMilli()}.encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := decodeAnchor(data)
		if err == nil && !bytes.Equal(a.encode(), data) {
			t.Errorf("decodeAnchor(% x) encodes to % x", data, a.encode())
		}
	})
}

func FuzzParseEpoch(f *testing.F) {
	f.Add([]byte(side(3)))
	f.Add([]byte(`{"epoch":-1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if e, err := parseEpoch(data); err == nil && (e.Epoch == 0 || e.Terminal == "") {
			t.Errorf("parseEpoch(%q) = %+v", data, e)
		}
	})
}
