package hostsim

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrConfig is a configuration that no issuer can work with.
var ErrConfig = errors.New("hostsim: configuration")

const (
	accountsMax = 10_000
	panMin      = 8
	panMax      = 19
	stripeSize  = 7 // YYMM and service code
)

// Key is a two-key TDES key. It prints masked; its JSON is hex in the clear,
// for a file of mode 0600.
type Key [16]byte

// Format masks the key for every fmt verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[key]")) }

// MarshalText writes hex.
func (k Key) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, k[:]), nil }

// UnmarshalText reads hex.
func (k *Key) UnmarshalText(text []byte) error {
	if len(text) != 2*len(k) {
		return fmt.Errorf("%w: a key has %d characters, want %d hex digits", ErrConfig, len(text), 2*len(k))
	}
	if _, err := hex.Decode(k[:], text); err != nil {
		return fmt.Errorf("%w: a key is not %d hex digits", ErrConfig, 2*len(k))
	}
	return nil
}

// Config is the issuer as a file.
type Config struct {
	IMK      Key       `json:"imk_ac"`           // master key for application cryptograms
	MAC      Key       `json:"imk_smi,omitzero"` // master key for the integrity of scripts
	Encipher Key       `json:"imk_smc,omitzero"` // and for what is confidential in them
	BDK      Key       `json:"bdk"`              // base derivation key of the PIN pads
	Accounts []Account `json:"accounts"`
}

// Format masks the configuration for every fmt verb.
func (c Config) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "[issuer of %d accounts]", len(c.Accounts))
}

// Account is a customer's account and card.
type Account struct {
	Name         string `json:"name"` // how the store knows it
	PAN          string `json:"pan"`
	PSN          string `json:"psn"`
	PIN          string `json:"pin,omitempty"`         // "": no PIN is right
	BalanceMinor int64  `json:"balance_minor"`         // at the beginning
	Decline      string `json:"decline,omitempty"`     // the code that it always gets
	Script       string `json:"script,omitempty"`      // sent to the card until that has taken it: "pin-unblock"
	LowerLimit   uint8  `json:"lower_limit,omitempty"` // 9F14 and 9F23 for the script "limits"
	UpperLimit   uint8  `json:"upper_limit,omitempty"`
	TapMinor     int64  `json:"tap_minor,omitempty"` // the most that is tapped for without verifying anybody; 0: any amount
	// Stripe is what the card's magnetic stripe says after the number: expiry
	// YYMM and service code. "": none is right.
	Stripe string `json:"stripe,omitempty"`
}

// Format masks the account for every fmt verb.
func (a Account) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[account " + a.Name + "]")) }

// ParseConfig reads a configuration, strictly. Errors never quote a value.
func ParseConfig(data []byte) (Config, error) {
	var c Config
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return Config{}, fmt.Errorf("%w: %s has the wrong type", ErrConfig, wrong.Field)
		}
		if errors.Is(err, ErrConfig) || strings.HasPrefix(err.Error(), "json: unknown field") {
			return Config{}, fmt.Errorf("%w: %w", ErrConfig, err)
		}
		return Config{}, fmt.Errorf("%w: not JSON", ErrConfig)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("%w: something follows the object", ErrConfig)
	}
	return c, c.check()
}

func (c *Config) check() error {
	if c.IMK == (Key{}) || c.BDK == (Key{}) {
		return fmt.Errorf("%w: imk_ac or bdk is missing", ErrConfig)
	}
	if len(c.Accounts) > accountsMax {
		return fmt.Errorf("%w: %d accounts, at most %d", ErrConfig, len(c.Accounts), accountsMax)
	}
	names, pans := map[string]bool{}, map[string]bool{}
	for i, a := range c.Accounts {
		switch {
		case a.Name == "" || names[a.Name]:
			return fmt.Errorf("%w: accounts[%d].name is missing or not the only one", ErrConfig, i)
		case len(a.PAN) < panMin || len(a.PAN) > panMax || !decimal(a.PAN) || pans[a.PAN]:
			return fmt.Errorf("%w: accounts[%d].pan is not %d to %d digits, or not the only one", ErrConfig, i, panMin, panMax)
		case len(a.PSN) != 2 || !decimal(a.PSN):
			return fmt.Errorf("%w: accounts[%d].psn is not two digits", ErrConfig, i)
		case !decimal(a.PIN):
			return fmt.Errorf("%w: accounts[%d].pin is not digits", ErrConfig, i)
		case a.Stripe != "" && (len(a.Stripe) != stripeSize || !decimal(a.Stripe)):
			return fmt.Errorf("%w: accounts[%d].stripe is not %d digits", ErrConfig, i, stripeSize)
		case a.TapMinor < 0:
			return fmt.Errorf("%w: accounts[%d].tap_minor is negative", ErrConfig, i)
		case a.Decline != "" && len(a.Decline) != 2 || a.Decline == codeApproved:
			return fmt.Errorf("%w: accounts[%d].decline is not a declining code of two characters", ErrConfig, i)
		}
		if err := c.checkScript(i); err != nil {
			return err
		}
		names[a.Name], pans[a.PAN] = true, true
	}
	return nil
}

func decimal(s string) bool { return strings.Trim(s, "0123456789") == "" }
