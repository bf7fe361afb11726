package wire_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/sync/wire"
)

func keyPair(t testing.TB) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pub, priv
}

func TestSignedIsVerified(t *testing.T) {
	pub, priv := keyPair(t)
	data, err := wire.Sign(priv, "params", 5, at.Add(time.Nanosecond), at.Add(time.Hour), []byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	other, _ := keyPair(t)
	for _, c := range []struct {
		name   string
		pub    ed25519.PublicKey
		kind   string
		now    time.Time
		minSeq uint64
		want   error
	}{
		{"good", pub, "params", at, 5, nil},
		{"last second", pub, "params", at.Add(time.Hour - 1), 0, nil},
		{"no judge of time", pub, "params", time.Time{}, 5, nil},
		{"expired", pub, "params", at.Add(time.Hour), 5, wire.ErrExpired},
		{"replayed", pub, "params", at, 6, wire.ErrReplayed},
		{"other purpose", pub, "command", at, 5, wire.ErrSignature},
		{"other key", other, "params", at, 5, wire.ErrSignature},
		{"no key", nil, "params", at, 5, wire.ErrSignature},
		{"forged and expired", other, "params", at.Add(2 * time.Hour), 9, wire.ErrSignature},
	} {
		e, err := wire.Verify(c.pub, c.kind, data, c.now, c.minSeq)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if c.want == nil && (string(e.Payload) != `{"a":1}` || e.Seq != 5 || !e.Issued.Equal(at) || e.KeyID != wire.KeyID(pub)) {
			t.Errorf("%s: %+v", c.name, e)
		}
		if errors.Is(err, wire.ErrSignature) && e.Kind != "" {
			t.Errorf("%s: an unproven envelope is handed out", c.name)
		}
	}
}

// No field can be changed without the key.
func TestSignatureCoversEachField(t *testing.T) {
	pub, priv := keyPair(t)
	data, err := wire.Sign(priv, "params", 5, at, at.Add(time.Hour), []byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	for path, value := range map[string]string{
		"v":       "2",
		"kind":    `"param"`,
		"seq":     "6",
		"issued":  `"2026-03-04T05:06:08Z"`,
		"expires": `"2036-03-04T05:06:07Z"`,
		"payload": `"cGF5bG9hRA=="`,
		"key_id":  `"0000000000000000"`,
		"sig":     `""`,
	} {
		kind := "params"
		if path == "kind" {
			kind = "param"
		}
		_, err := wire.Verify(pub, kind, edit(t, data, path, value), at, 0)
		if want := wire.ErrSignature; !errors.Is(err, want) && path != "v" || err == nil {
			t.Errorf("%s = %s: %v, want %v", path, value, err, want)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	_, priv := keyPair(t)
	for name, sign := range map[string]func() ([]byte, error){
		"no key":        func() ([]byte, error) { return wire.Sign(nil, "params", 1, at, at.Add(time.Hour), nil) },
		"bad kind":      func() ([]byte, error) { return wire.Sign(priv, "Params!", 1, at, at.Add(time.Hour), nil) },
		"never expires": func() ([]byte, error) { return wire.Sign(priv, "params", 1, at, time.Time{}, nil) },
		"never issued":  func() ([]byte, error) { return wire.Sign(priv, "params", 1, time.Time{}, at, nil) },
		"too large": func() ([]byte, error) {
			return wire.Sign(priv, "params", 1, at, at.Add(time.Hour), make([]byte, 256<<10))
		},
	} {
		if data, err := sign(); err == nil || data != nil {
			t.Errorf("%s: %d bytes, %v, want an error", name, len(data), err)
		}
	}
}

// The sample's private key was thrown away.
func TestReadsReleasedEnvelope(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "v1", "signed.json"))
	if err != nil {
		t.Fatal(err)
	}
	pub := releasedKey(t)
	e, err := wire.Verify(pub, "params", data, at, 1)
	if err != nil || string(e.Payload) != `{"version":1}` || e.Seq != 1 {
		t.Errorf("Verify = %+v, %v", e, err)
	}
}

func releasedKey(t testing.TB) ed25519.PublicKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "v1", "signed.pub"))
	if err != nil {
		t.Fatal(err)
	}
	pub, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

func FuzzVerify(f *testing.F) {
	data, err := os.ReadFile(filepath.Join("testdata", "v1", "signed.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"v":1,"kind":"params"}`))
	pub := releasedKey(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := wire.Verify(pub, "params", data, time.Time{}, 0)
		if err == nil && string(e.Payload) != `{"version":1}` {
			t.Errorf("%s was never signed", data)
		}
	})
}
