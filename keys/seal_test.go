package keys

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func pair(t *testing.T) (Private, Public) {
	t.Helper()
	priv, err := NewPrivate()
	if err != nil {
		t.Fatal(err)
	}
	return priv, priv.Public()
}

func TestSealOpen(t *testing.T) {
	priv, pub := pair(t)
	info := Info("dev:t1", 1, 2, PartTrack)
	for _, plain := range [][]byte{{}, []byte("track"), bytes.Repeat([]byte{7}, SealMax)} {
		sealed, err := Seal(pub, info, plain)
		if err != nil || len(sealed) != len(plain)+SealOverhead {
			t.Fatalf("Seal(%d bytes) = %d bytes, %v", len(plain), len(sealed), err)
		}
		got, err := Open(priv, info, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("Open(%d bytes) = %d bytes, %v", len(sealed), len(got), err)
		}
	}
	if _, err := Seal(pub, info, make([]byte, SealMax+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("one byte too long: %v, want ErrTooLong", err)
	}
}

func TestSealedPartOpensNowhereElse(t *testing.T) {
	priv, pub := pair(t)
	other, _ := pair(t)
	info := Info("dev:t1", 1, 2, PartTrack)
	sealed, err := Seal(pub, info, []byte("track"))
	if err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string][]byte{
		"part":     Info("dev:t1", 1, 2, PartChip),
		"sequence": Info("dev:t1", 1, 3, PartTrack),
		"epoch":    Info("dev:t1", 2, 2, PartTrack),
		"terminal": Info("dev:t2", 1, 2, PartTrack),
		"none":     nil,
	} {
		if got, err := Open(priv, wrong, sealed); got != nil || !errors.Is(err, ErrOpen) {
			t.Errorf("wrong %s: %v, want ErrOpen", name, err)
		}
	}
	if got, err := Open(other, info, sealed); got != nil || !errors.Is(err, ErrOpen) {
		t.Errorf("wrong key: %v, want ErrOpen", err)
	}
	for bit := range len(sealed) * 8 {
		bad := bytes.Clone(sealed)
		bad[bit/8] ^= 1 << (bit % 8)
		if got, err := Open(priv, info, bad); got != nil || !errors.Is(err, ErrOpen) {
			t.Fatalf("bit %d flipped: %v, want ErrOpen", bit, err)
		}
	}
	for _, n := range []int{0, 31, SealOverhead - 1, len(sealed) - 1} {
		if _, err := Open(priv, info, sealed[:n]); !errors.Is(err, ErrOpen) {
			t.Errorf("%d bytes: %v, want ErrOpen", n, err)
		}
	}
}

// TestInfoIsUnambiguous tries names that run into what follows them.
func TestInfoIsUnambiguous(t *testing.T) {
	seen := map[string]string{}
	for _, terminal := range []string{"", "a", "a\x00", "a\x00\x00\x00\x01", "dev:t1"} {
		for _, epoch := range []uint32{0, 1, 1 << 31} {
			for _, seq := range []uint64{0, 1, 1 << 40} {
				for _, part := range []Part{PartAccount, PartTrack, PartChip, PartPIN} {
					what := fmt.Sprintf("%q %d %d %s", terminal, epoch, seq, part)
					info := string(Info(terminal, epoch, seq, part))
					if other, ok := seen[info]; ok {
						t.Fatalf("%s and %s have the same info", what, other)
					}
					seen[info] = what
				}
			}
		}
	}
}

func TestKeyText(t *testing.T) {
	priv, pub := pair(t)
	text, err := priv.Hex()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParsePrivate(text)
	if err != nil || again.Public().String() != pub.String() {
		t.Errorf("a private key does not survive its file: %v", err)
	}
	pub2, err := ParsePublic(pub.String())
	if err != nil || pub2.String() != pub.String() {
		t.Errorf("ParsePublic(%s) = %s, %v", pub, pub2, err)
	}
	for _, bad := range []string{"", "00", text + "00", text[:63], text[:62] + "zz", strings.Repeat("0", 64)[:63] + "\n"} {
		if _, err := ParsePublic(bad); !errors.Is(err, ErrKey) {
			t.Errorf("ParsePublic of %d characters: %v, want ErrKey", len(bad), err)
		}
		if _, err := ParsePrivate(bad); !errors.Is(err, ErrKey) {
			t.Errorf("ParsePrivate of %d characters: %v, want ErrKey", len(bad), err)
		}
	}
	for _, low := range []string{strings.Repeat("0", 64), "01" + strings.Repeat("0", 62)} {
		if _, err := ParsePublic(low); !errors.Is(err, ErrKey) {
			t.Errorf("point of low order: %v, want ErrKey", err)
		}
	}
}

func TestNoKeyRefuses(t *testing.T) {
	if _, err := Seal(Public{}, nil, nil); !errors.Is(err, ErrKey) {
		t.Errorf("Seal without a key: %v", err)
	}
	if _, err := Open(Private{}, nil, make([]byte, 64)); !errors.Is(err, ErrKey) {
		t.Errorf("Open without a key: %v", err)
	}
	if _, err := (Private{}).Hex(); !errors.Is(err, ErrKey) {
		t.Errorf("Hex without a key: %v", err)
	}
	if got := (Private{}).Public().String(); got != "" {
		t.Errorf("public half of no key = %q", got)
	}
}

// TestOpensVersion1 opens what the first version sealed. The key is derived
// from a public sentence; the text may never change.
func TestOpensVersion1(t *testing.T) {
	seed := sha256.Sum256([]byte("cloudpos test vector: not a secret"))
	key, err := kem().DeriveKeyPair(seed[:])
	if err != nil {
		t.Fatal(err)
	}
	priv := Private{key}
	info := Info("dev:t1", 3, 41, PartAccount)
	got, err := Open(priv, info, unhex(t, sealedV1))
	if err != nil || string(got) != "first version" {
		t.Errorf("Open = %q, %v", []byte(got), err)
	}
}

const sealedV1 = "A284B488DA846CD8B47C91970C167A3C8FBCCDFF1C61E9E429C82EC1DA748816" +
	"C94E3A445E3CB6DAC2881943FBB6FE7794AC3075577ADB108499DB6DC5"

func FuzzOpen(f *testing.F) {
	priv, err := NewPrivate()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(unhex(f, sealedV1))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := Open(priv, nil, b); err == nil {
			t.Errorf("opened to %d bytes", len(got))
		}
	})
}
