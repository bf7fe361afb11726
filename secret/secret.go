// Package secret holds the types for values that must never be read by a
// person or a log: account numbers, tracks, PIN blocks and keys.
//
// Every way Go has of turning a value into text (fmt verbs, slog, JSON, text)
// gives a masked form or refuses, so a careless log line shows nothing:
//
//	log.Printf("card %v", pan) // card 623456******0123
//
// A secret leaves its type only through an explicit conversion, which is easy
// to find in a review.
package secret

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
)

// ErrSealed is returned when a secret is about to be encoded in the clear.
var ErrSealed = errors.New("secret: refusing to encode a secret in the clear")

// Bytes is a secret of any kind: a PIN block, a key, track data.
type Bytes []byte

// String tells the length only.
func (b Bytes) String() string { return "[secret, " + strconv.Itoa(len(b)) + " bytes]" }

// Format masks the value for every fmt verb, %x among them.
func (b Bytes) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(b.String())) }

// LogValue masks the value for slog.
func (b Bytes) LogValue() slog.Value { return slog.StringValue(b.String()) }

// MarshalText refuses: a secret is sealed before it is written.
func (b Bytes) MarshalText() ([]byte, error) { return nil, ErrSealed }

// MarshalJSON refuses: a secret is sealed before it is written.
func (b Bytes) MarshalJSON() ([]byte, error) { return nil, ErrSealed }

// Clear overwrites the value with zeros.
func (b Bytes) Clear() { clear(b) }

// PAN is a primary account number as ASCII digits, 8 to 19 of them.
type PAN []byte

// Masked shows the first six and the last four digits, which is what PCI DSS
// 3.4.1 allows, and stars between; shorter numbers show the last four only.
func (p PAN) Masked() string {
	const first, last = 6, 4
	masked := make([]byte, len(p))
	for i := range p {
		masked[i] = '*'
		if i >= len(p)-last && len(p) > last || i < first && len(p) >= first+last+3 {
			masked[i] = p[i]
		}
	}
	return string(masked)
}

// String is Masked.
func (p PAN) String() string { return p.Masked() }

// Format masks the number for every fmt verb.
func (p PAN) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.Masked())) }

// LogValue masks the number for slog.
func (p PAN) LogValue() slog.Value { return slog.StringValue(p.Masked()) }

// MarshalText refuses: an account number is sealed before it is written.
func (p PAN) MarshalText() ([]byte, error) { return nil, ErrSealed }

// MarshalJSON refuses: an account number is sealed before it is written.
func (p PAN) MarshalJSON() ([]byte, error) { return nil, ErrSealed }

// Clear overwrites the number with zeros.
func (p PAN) Clear() { clear(p) }
