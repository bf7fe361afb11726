// Package params is the parameter document: which merchant a terminal serves,
// which cards it takes and how, whom it seals card data to. It is JSON, comes
// signed from the cloud, and is checked here as a whole before any of it is
// used:
//
//	doc, err := params.Parse(data)
//	// contact.applications[0].tac_denial: want 10 hex digits, got 8
//
// Parse is strict. Every field must be there, exactly once and in bounds, and
// nothing else may be: a parameter that is misspelt or comes from another
// schema must not be silently without effect. Amounts are minor units.
//
// What the kernel makes of it is not decided here; this package knows no EMV
// beyond what a field may hold.
package params

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/money"
)

// Schema is the version of the document's form which this program reads.
const Schema = 1

// SizeMax bounds a document.
const SizeMax = 256 << 10

// ErrDocument is wrapped by all errors of Parse; the text names the field.
var ErrDocument = errors.New("params")

// Document is a whole set of parameters. It is shared and must not be changed;
// a new one comes from Parse.
type Document struct {
	Schema      int         `json:"schema"`
	Version     uint64      `json:"version"` // only grows
	Environment Environment `json:"environment"`
	Merchant    Merchant    `json:"merchant"`
	Terminal    Terminal    `json:"terminal"`
	Acquirer    Acquirer    `json:"acquirer"`
	Currencies  Currencies  `json:"currencies"` // the first is the default
	Limits      Limits      `json:"limits"`
	Contact     Contact     `json:"contact"`
	Stripe      Stripe      `json:"stripe,omitzero"`
	Contactless Contactless `json:"contactless,omitzero"` // without it nothing is tapped
	Exceptions  *Exceptions `json:"exceptions,omitempty"`
	CVM         CVM         `json:"cvm"`
	PIN         PIN         `json:"pin"`
	Timeouts    Timeouts    `json:"timeouts"`
}

// Environment tells play from earnest.
type Environment string

// The environments. Simulated devices serve in the last two only.
const (
	Production  Environment = "production"
	Training    Environment = "training"
	Development Environment = "development"
)

// Merchant is who sells.
type Merchant struct {
	ID       string   `json:"id"` // 9F16, up to 15 letters and digits
	Name     string   `json:"name"`
	Address  string   `json:"address"`
	Category Category `json:"category"`
}

// Category is an ISO 18245 merchant category code, 9F15: "5411".
type Category uint16

// MarshalText writes four digits.
func (c Category) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%04d", uint16(c)), nil }

// Terminal is this terminal as the acquirer knows it.
type Terminal struct {
	AcquirerTerminalID string   `json:"acquirer_terminal_id"` // 9F1C, 8 characters
	Serial             string   `json:"serial"`               // 9F1E, 8 characters
	Country            uint16   `json:"country"`              // 9F1A, ISO 3166-1 numeric
	Type               Type     `json:"type"`
	Timezone           Timezone `json:"timezone"`
}

// Type is 9F35 as in EMV Book 4, A1, two decimal digits as one BCD byte: 0x22
// is attended, offline with online capability, of a merchant.
type Type byte

// MarshalText writes two digits.
func (t Type) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%02X", byte(t)), nil }

// Timezone is a zone of the IANA database, which is part of the program.
type Timezone struct{ *time.Location }

// MarshalText writes its name.
func (z Timezone) MarshalText() ([]byte, error) { return []byte(z.String()), nil }

// Acquirer is who settles, and whose key seals card data.
type Acquirer struct {
	ID        string `json:"id"` // 9F01, up to 11 digits
	SealKeyID string `json:"seal_key_id"`
	SealKey   string `json:"seal_key"` // X25519 public key, 64 hex digits
}

// Currencies are written by their codes.
type Currencies []money.Currency

// MarshalJSON writes a list of codes.
func (c Currencies) MarshalJSON() ([]byte, error) {
	codes := make([]string, len(c))
	for i, currency := range c {
		codes[i] = currency.Code
	}
	return json.Marshal(codes)
}

// Limits bound what is sold.
type Limits struct {
	// SaleMaxMinor has one amount for each currency's code, since a minor unit
	// of one is not worth that of another.
	SaleMaxMinor map[string]int64 `json:"sale_max_minor"`
}

// Contact is the contact kernel's part.
type Contact struct {
	Applications []Application `json:"applications"`
	CAKeys       []CAKey       `json:"ca_keys"`
	// XDA lets cards sign on elliptic curves. It is an option, for no card of
	// another maker has been seen to do it.
	XDA bool `json:"xda,omitempty"`
}

// Application is one AID and what holds for it.
type Application struct {
	AID                  Hex    `json:"aid"`     // 9F06, 5 to 16 bytes
	Partial              bool   `json:"partial"` // longer names on the card match too
	Version              Hex2   `json:"version"` // 9F09
	TACDenial            Hex5   `json:"tac_denial"`
	TACOnline            Hex5   `json:"tac_online"`
	TACDefault           Hex5   `json:"tac_default"`
	FloorLimitMinor      uint32 `json:"floor_limit_minor"` // 9F1B; 0 sends all online
	RandomThresholdMinor uint32 `json:"random_threshold_minor"`
	RandomTargetPercent  uint8  `json:"random_target_percent"`
	RandomMaximumPercent uint8  `json:"random_maximum_percent"`
	DDOL                 Hex    `json:"ddol"` // used when the card has none
}

// Stripe says whether magnetic stripes are taken. A document without it takes
// none.
type Stripe struct {
	Allowed  bool `json:"allowed"`  // of cards without a chip
	Fallback bool `json:"fallback"` // and of a card whose chip could not be read
}

// CVM says which ways of verifying a cardholder may be used, where the
// devices can.
type CVM struct {
	OnlinePIN bool `json:"online_pin"`
	Signature bool `json:"signature"`
	NoCVM     bool `json:"no_cvm"`
	// PINs that the card verifies: as they are, and enciphered for the card.
	// Left out they are not allowed.
	PlainPIN      bool `json:"plain_pin,omitempty"`
	EncipheredPIN bool `json:"enciphered_pin,omitempty"`
}

// PIN bounds a PIN and how often it may be wrong within one sale.
type PIN struct {
	AttemptsMax uint8 `json:"attempts_max"`
	Min         uint8 `json:"min"`
	Max         uint8 `json:"max"`
}

// Timeouts bound the waits of a transaction. They are whole seconds.
type Timeouts struct {
	Card   time.Duration // for a card
	Choice time.Duration // for the choice of an application
	PIN    time.Duration // for the customer at the PIN pad
	Host   time.Duration // for the host's answer, re-sends included
}

// MarshalJSON writes seconds.
func (t Timeouts) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Card   int64 `json:"card_seconds"`
		Choice int64 `json:"choice_seconds"`
		PIN    int64 `json:"pin_seconds"`
		Host   int64 `json:"host_seconds"`
	}{
		int64(t.Card / time.Second), int64(t.Choice / time.Second),
		int64(t.PIN / time.Second), int64(t.Host / time.Second),
	})
}

type (
	// Hex is bytes that the document writes as hex digits.
	Hex []byte
	// Hex1 is a Hex of one byte.
	Hex1 byte
	// Hex2 is a Hex of two bytes.
	Hex2 [2]byte
	// Hex3 is a Hex of three bytes.
	Hex3 [3]byte
	// Hex4 is a Hex of four bytes.
	Hex4 [4]byte
	// Hex5 is a Hex of five bytes.
	Hex5 [5]byte
	// Hex16 is a Hex of sixteen bytes.
	Hex16 [16]byte
)

// MarshalText writes hex.
func (h Hex) MarshalText() ([]byte, error) { return upperHex(h), nil }

// MarshalText writes hex.
func (h Hex1) MarshalText() ([]byte, error) { return upperHex([]byte{byte(h)}), nil }

// MarshalText writes hex.
func (h Hex2) MarshalText() ([]byte, error) { return upperHex(h[:]), nil }

// MarshalText writes hex.
func (h Hex3) MarshalText() ([]byte, error) { return upperHex(h[:]), nil }

// MarshalText writes hex.
func (h Hex4) MarshalText() ([]byte, error) { return upperHex(h[:]), nil }

// MarshalText writes hex.
func (h Hex5) MarshalText() ([]byte, error) { return upperHex(h[:]), nil }

// MarshalText writes hex.
func (h Hex16) MarshalText() ([]byte, error) { return upperHex(h[:]), nil }

func upperHex(b []byte) []byte { return []byte(strings.ToUpper(hex.EncodeToString(b))) }

// Date is a day, written 2034-12-31.
type Date struct{ time.Time }

// MarshalJSON writes the day alone.
func (d Date) MarshalJSON() ([]byte, error) { return json.Marshal(d.Format(time.DateOnly)) }

// Encode writes the document as Parse reads it, after checking that it does.
func (d *Document) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	data = append(data, '\n')
	if _, err := Parse(data); err != nil {
		return nil, err
	}
	return data, nil
}
