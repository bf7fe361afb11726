package keys

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"

	"github.com/cloudpos/cloudpos/secret"
)

// Errors of sealing.
var (
	// ErrKey is a text that is not a key.
	ErrKey = errors.New("keys: not an X25519 key of 64 hex digits")
	// ErrOpen is a sealed part that this key and this info do not open.
	ErrOpen = errors.New("keys: cannot be opened: wrong key, wrong transaction, or altered")
	// ErrTooLong is more than a part of a card's data can be.
	ErrTooLong = errors.New("keys: too much to seal")
)

const (
	// SealMax bounds the plain text of one part.
	SealMax = 16 << 10
	// SealOverhead is what sealing adds: encapsulated key and tag.
	SealOverhead = 32 + 16
)

// Part names one of the parts of a card's data. Each is sealed by itself, so
// that one can be dropped, or go with a later message, without the others.
type Part string

// The parts of a card's data.
const (
	PartAccount Part = "account" // PAN, expiry, PAN sequence number
	PartTrack   Part = "track"   // track 2 equivalent; dropped once the host answered
	PartChip    Part = "chip"    // cryptogram data; kept until the batch is settled
	PartPIN     Part = "pin"     // PIN block; dropped once the host answered
)

// Info binds a sealed part to its transaction: it opens nowhere else. terminal
// is "tenant:terminal".
func Info(terminal string, epoch uint32, seq uint64, part Part) []byte {
	b := append(make([]byte, 0, 64), "cloudpos/card-data/v1\x00"...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(terminal)))
	b = append(b, terminal...)
	b = binary.BigEndian.AppendUint32(b, epoch)
	b = binary.BigEndian.AppendUint64(b, seq)
	return append(b, part...)
}

// Public is the key that seals. The zero value is no key.
type Public struct{ key hpke.PublicKey }

// Private is the key that opens. It prints masked; Hex is the way out.
type Private struct{ key hpke.PrivateKey }

func kem() hpke.KEM { return hpke.DHKEM(ecdh.X25519()) }

// NewPrivate makes a key pair.
func NewPrivate() (Private, error) {
	key, err := kem().GenerateKey()
	if err != nil {
		return Private{}, fmt.Errorf("keys: new key pair: %w", err)
	}
	return Private{key}, nil
}

// ParsePrivate reads what Hex wrote.
func ParsePrivate(s string) (Private, error) {
	raw, err := key32(s)
	if err != nil {
		return Private{}, err
	}
	defer clear(raw)
	key, err := kem().NewPrivateKey(raw)
	if err != nil {
		return Private{}, ErrKey
	}
	return Private{key}, nil
}

// ParsePublic reads what Public.String wrote. A point of low order, under
// which all would share one secret, is ErrKey.
func ParsePublic(s string) (Public, error) {
	raw, err := key32(s)
	if err != nil {
		return Public{}, err
	}
	point, err := ecdh.X25519().NewPublicKey(raw)
	if err != nil {
		return Public{}, ErrKey
	}
	trial, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return Public{}, fmt.Errorf("keys: trial agreement: %w", err)
	}
	if _, err := trial.ECDH(point); err != nil {
		return Public{}, fmt.Errorf("%w: low order", ErrKey)
	}
	key, err := kem().NewPublicKey(raw)
	if err != nil {
		return Public{}, ErrKey
	}
	return Public{key}, nil
}

// key32 decodes exactly 32 bytes and never repeats the text in an error.
func key32(s string) ([]byte, error) {
	if len(s) != 64 {
		return nil, ErrKey
	}
	raw, err := hex.DecodeString(s)
	if err != nil {
		return nil, ErrKey
	}
	return raw, nil
}

// Public is the other half.
func (p Private) Public() Public {
	if p.key == nil {
		return Public{}
	}
	return Public{p.key.PublicKey()}
}

// Hex is the key in the clear, for a file of mode 0600 and nothing else.
func (p Private) Hex() (string, error) {
	if p.key == nil {
		return "", ErrKey
	}
	raw, err := p.key.Bytes()
	if err != nil {
		return "", fmt.Errorf("keys: private key: %w", err)
	}
	defer clear(raw)
	return hex.EncodeToString(raw), nil
}

// String tells nothing of the key.
func (p Private) String() string { return "[private key]" }

// Format masks the key for every fmt verb.
func (p Private) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// LogValue masks the key for slog.
func (p Private) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText refuses.
func (p Private) MarshalText() ([]byte, error) { return nil, secret.ErrSealed }

// String is the key as ParsePublic reads it; "" for no key.
func (p Public) String() string {
	if p.key == nil {
		return ""
	}
	return hex.EncodeToString(p.key.Bytes())
}

// Seal enciphers plain so that only the owner of the private key, who also
// knows info, can open it. HPKE base mode, RFC 9180: DHKEM(X25519,
// HKDF-SHA256), HKDF-SHA256, AES-256-GCM. The result is SealOverhead longer.
func Seal(pub Public, info, plain []byte) ([]byte, error) {
	if pub.key == nil {
		return nil, ErrKey
	}
	if len(plain) > SealMax {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, len(plain), SealMax)
	}
	sealed, err := hpke.Seal(pub.key, hpke.HKDFSHA256(), hpke.AES256GCM(), info, plain)
	if err != nil {
		return nil, fmt.Errorf("keys: seal: %w", err)
	}
	return sealed, nil
}

// Open is the way back. Every failure is ErrOpen. The caller clears the result.
func Open(priv Private, info, sealed []byte) (secret.Bytes, error) {
	if priv.key == nil {
		return nil, ErrKey
	}
	if len(sealed) < SealOverhead || len(sealed) > SealMax+SealOverhead {
		return nil, ErrOpen
	}
	plain, err := hpke.Open(priv.key, hpke.HKDFSHA256(), hpke.AES256GCM(), info, sealed)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}
