package wire

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// SignedMax bounds an envelope, in bytes. A parameter document with the CA
// keys of all schemes is far larger than a message.
const SignedMax = 256 << 10

// signedDomain keeps a signature on an envelope from being one on anything
// else.
const signedDomain = "cloudpos signed envelope v1\x00"

// Why an envelope is refused.
var (
	ErrSignature = errors.New("the signature does not fit")
	ErrExpired   = errors.New("it has expired")
	ErrReplayed  = errors.New("it is older than what was accepted before")
)

// Envelope is a signed payload. Its signature covers every field.
type Envelope struct {
	V       int       `json:"v"`
	Kind    string    `json:"kind"` // what the payload is for: "params"
	Seq     uint64    `json:"seq"`  // only grows
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`
	Payload []byte    `json:"payload"`
	KeyID   string    `json:"key_id"`
	Sig     []byte    `json:"sig"`
}

// KeyID names a public key: the first eight bytes of its SHA-256, in hex.
func KeyID(pub ed25519.PublicKey) string {
	sum := sha256.Sum256(pub)
	return hex.EncodeToString(sum[:8])
}

// Sign puts a payload into an envelope and signs it. Times are cut to seconds.
func Sign(priv ed25519.PrivateKey, kind string, seq uint64, issued, expires time.Time, payload []byte) ([]byte, error) {
	if len(priv) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("wire: sign: the private key has %d bytes, want %d", len(priv), ed25519.PrivateKeySize)
	}
	e := Envelope{
		V: Version, Kind: kind, Seq: seq, Payload: payload, KeyID: KeyID(ed25519.PublicKey(priv[ed25519.SeedSize:])),
		Issued: issued.UTC().Truncate(time.Second), Expires: expires.UTC().Truncate(time.Second),
	}
	if err := check(e.check); err != nil {
		return nil, fmt.Errorf("wire: sign: %w", err)
	}
	e.Sig = ed25519.Sign(priv, e.signed())
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("wire: sign: %w", explain(err))
	}
	if len(data) > SignedMax {
		return nil, fmt.Errorf("wire: sign: %w: %d bytes, at most %d", ErrTooLarge, len(data), SignedMax)
	}
	return data, nil
}

// Verify opens an envelope of a kind. It is refused with ErrSignature unless
// pub has signed it for that kind, with ErrExpired when now is not before its
// expiry (a zero now is no judge), and with ErrReplayed when its sequence is
// below minSeq. The envelope is returned with the last two, for the log.
func Verify(pub ed25519.PublicKey, kind string, data []byte, now time.Time, minSeq uint64) (Envelope, error) {
	var e Envelope
	if err := unmarshal(data, SignedMax, &e); err != nil {
		return Envelope{}, fmt.Errorf("wire: envelope: %w", err)
	}
	if err := check(e.check); err != nil {
		return Envelope{}, fmt.Errorf("wire: envelope: %w", err)
	}
	if len(pub) != ed25519.PublicKeySize || !ed25519.Verify(pub, e.signed(), e.Sig) {
		return Envelope{}, fmt.Errorf("wire: envelope: %w", ErrSignature)
	}
	if e.Kind != kind {
		return Envelope{}, fmt.Errorf("wire: envelope: %w: it is for %q, not for %q", ErrSignature, e.Kind, kind)
	}
	if !now.IsZero() && !now.Before(e.Expires) {
		return e, fmt.Errorf("wire: envelope %s %d: %w on %s", e.Kind, e.Seq, ErrExpired, e.Expires.Format(time.RFC3339))
	}
	if e.Seq < minSeq {
		return e, fmt.Errorf("wire: envelope %s %d: %w, want %d at least", e.Kind, e.Seq, ErrReplayed, minSeq)
	}
	return e, nil
}

func (e *Envelope) check(c *checker) {
	c.that(isName(e.Kind), "kind", "is not a name")
	c.that(e.KeyID != "", "key_id", "is missing")
	c.text("key_id", e.KeyID, TextMax)
	c.that(!e.Issued.IsZero(), "issued", "is missing")
	c.that(e.Expires.After(e.Issued), "expires", "is not after issued")
	c.that(e.Issued.Nanosecond() == 0 && e.Expires.Nanosecond() == 0, "issued, expires", "have fractions of a second")
	c.bytes("sig", e.Sig, ed25519.SignatureSize)
}

// signed is what the signature covers: the domain, then each field with its
// length in front, so that no two envelopes give the same bytes.
func (e *Envelope) signed() []byte {
	out := []byte(signedDomain)
	field := func(b []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(b)))
		out = append(out, b...)
	}
	number := func(n uint64) { out = binary.BigEndian.AppendUint64(out, n) }
	number(uint64(e.V))
	field([]byte(e.Kind))
	number(e.Seq)
	number(uint64(e.Issued.Unix()))
	number(uint64(e.Expires.Unix()))
	field([]byte(e.KeyID))
	field(e.Payload)
	return out
}
