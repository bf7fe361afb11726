package keys

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/cloudpos/cloudpos/durable"
	"github.com/cloudpos/cloudpos/secret"
)

// ErrKeyFile is a token key file that is damaged or that others may read. It
// is never replaced by a new one: tokens already stored would match no more.
var ErrKeyFile = errors.New("keys: token key file")

const (
	tokenKeyLen = 32
	tokenLen    = 16
)

// Tokens turns account numbers into tokens: equal for equal numbers, and of no
// use to someone without the key. With the key they can be found by trying all
// numbers, so the key is worth as much as the numbers. PCI DSS 3.5.1.1 asks
// for a keyed hash.
//
// The key is in a file: development grade. It lives and dies with the
// terminal's keys.
type Tokens struct{ key secret.Bytes }

// OpenTokens reads the key of path, or makes it, once, with mode 0600. A file
// that is there but cannot serve is ErrKeyFile. One process uses it at a time.
func OpenTokens(path string) (*Tokens, error) {
	key, err := readTokenKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeTokenKey(path); err != nil {
			return nil, fmt.Errorf("keys: make token key: %w", err)
		}
		key, err = readTokenKey(path)
	}
	if err != nil {
		return nil, err
	}
	return &Tokens{key}, nil
}

func readTokenKey(path string) (secret.Bytes, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("keys: open token key: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("keys: open token key: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w %s: mode is %v, want a file of mode 0600", ErrKeyFile, path, info.Mode())
	}
	var text [2*tokenKeyLen + 2]byte // one more than its length, to see what is too long
	defer clear(text[:])
	n := 0
	for n < len(text) {
		m, err := f.Read(text[n:])
		n += m
		if err != nil || m == 0 {
			break // what is missing shows below
		}
	}
	key := make(secret.Bytes, tokenKeyLen)
	if n != 2*tokenKeyLen+1 || text[n-1] != '\n' {
		return nil, fmt.Errorf("%w %s: want %d hex digits and a line feed", ErrKeyFile, path, 2*tokenKeyLen)
	}
	if _, err := hex.Decode(key, text[:n-1]); err != nil {
		return nil, fmt.Errorf("%w %s: want %d hex digits and a line feed", ErrKeyFile, path, 2*tokenKeyLen)
	}
	return key, nil
}

// makeTokenKey writes a new key; a power cut leaves either none or all of it.
func makeTokenKey(path string) error {
	var key [tokenKeyLen]byte
	var text [2*tokenKeyLen + 1]byte
	defer clear(key[:])
	defer clear(text[:])
	if _, err := rand.Read(key[:]); err != nil {
		return err
	}
	hex.Encode(text[:], key[:])
	text[len(text)-1] = '\n'
	return durable.Replace(path, text[:], 0o600)
}

// Token is the token of an account number, as 32 hex digits: HMAC-SHA-256, its
// first sixteen bytes. After Clear it is "": a token under a known key would
// give the number away.
func (t *Tokens) Token(pan secret.PAN) string {
	if len(t.key) == 0 {
		return ""
	}
	mac := hmac.New(sha256.New, t.key)
	mac.Write([]byte("cloudpos/token/v1\x00"))
	mac.Write(pan)
	return hex.EncodeToString(mac.Sum(nil)[:tokenLen])
}

// Clear forgets the key. It is the last call; it must not run beside Token.
func (t *Tokens) Clear() {
	t.key.Clear()
	t.key = nil
}

// Format tells nothing of the key, for every fmt verb.
func (t *Tokens) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[token key]")) }

// LogValue masks the key for slog.
func (t *Tokens) LogValue() slog.Value { return slog.StringValue("[token key]") }
