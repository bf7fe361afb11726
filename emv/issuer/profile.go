package issuer

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/cloudpos/cloudpos/secret"
)

// ErrProfile is a profile that no chip could be made from.
var ErrProfile = errors.New("issuer: not a card profile")

// Hex is bytes that JSON writes as hexadecimal digits. It prints its length
// only, for most of what it holds is a key.
type Hex []byte

// Format masks the bytes for every fmt verb.
func (h Hex) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(secret.Bytes(h).String())) }

// LogValue masks the bytes for slog.
func (h Hex) LogValue() slog.Value { return secret.Bytes(h).LogValue() }

// MarshalText writes hexadecimal digits.
func (h Hex) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

// UnmarshalText reads hexadecimal digits.
func (h *Hex) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("%w: %d characters are not hexadecimal bytes", ErrProfile, len(text))
	}
	*h = b
	return nil
}

// Behaviour is what a card does out of the ordinary.
type Behaviour string

// The behaviours.
const (
	Plain    Behaviour = ""          // follows the books
	NoPSE    Behaviour = "no-pse"    // has no payment system environment: 6A82
	Mute     Behaviour = "mute"      // gives no answer to reset
	Blocked  Behaviour = "blocked"   // refuses each SELECT: 6A81
	SaysNo   Behaviour = "says-no"   // declines in the second GENERATE AC
	AskPause Behaviour = "ask-pause" // asks for waiting time in each GENERATE AC
	Forged   Behaviour = "forged"    // signs its cryptograms wrongly
	NoTries  Behaviour = "no-tries"  // comes with its PIN blocked
	NoChip   Behaviour = "no-chip"   // has a magnetic stripe alone
	// SwipedFirst is one that its owner swipes before he inserts it.
	SwipedFirst Behaviour = "swiped-first"
)

// Record is one record of a card's files.
type Record struct {
	SFI    byte `json:"sfi"`
	Number byte `json:"number"`
	Data   Hex  `json:"data"` // with its template 70
}

// Profile is a personalised card as data: what a perso bureau would write on a
// chip, and what its owner knows. Most of it is secret; see Format.
type Profile struct {
	Name      string    `json:"name"`  // how a tester calls it: "pin"
	Title     string    `json:"title"` // what it is for, one sentence
	PAN       string    `json:"pan"`
	PSN       string    `json:"psn"`    // 5F34, two digits
	Expiry    string    `json:"expiry"` // 5F24, YYMMDD
	PIN       string    `json:"pin"`
	OldPIN    string    `json:"old_pin,omitempty"` // what the chip has until the issuer changes it
	Keys      []string  `json:"keys,omitempty"`    // what the customer types, PIN request by PIN request
	Behaviour Behaviour `json:"behaviour,omitempty"`
	Offline   bool      `json:"offline,omitempty"` // approves by itself what the terminal would; others always want the issuer's word
	Protocol  int       `json:"protocol"`          // 0 or 1: T=0 or T=1
	Service   string    `json:"service,omitempty"` // service code on the magnetic stripe; "" has none

	AID       Hex     `json:"aid"`
	Label     string  `json:"label"`
	Preferred Hex     `json:"preferred,omitempty"`          // 9F12, in code table 1
	Version   Version `json:"cryptogram_version,omitempty"` // Common when it is 0
	MasterKey Hex     `json:"master_key"`                   // for application cryptograms
	// For script commands; a card that was made without them takes none.
	MACKey      Hex      `json:"mac_key,omitempty"`
	EncipherKey Hex      `json:"encipher_key,omitempty"`
	ICCKey      Hex      `json:"icc_key"`           // PKCS #8: RSA for DDA and CDA, P-256 for XDA; else none
	PINKey      Hex      `json:"pin_key,omitempty"` // RSA, PKCS #8, for enciphered PINs alone; none: ICCKey is
	AIP         Hex      `json:"aip"`
	AFL         Hex      `json:"afl"`
	PDOL        Hex      `json:"pdol"`
	CDOL1       Hex      `json:"cdol1"`
	CDOL2       Hex      `json:"cdol2"`
	DDOL        Hex      `json:"ddol"`
	Format1     bool     `json:"format1,omitempty"` // answers in format 1 where there is a choice
	Records     []Record `json:"records"`

	// Others are further applications of the same chip, in the order of their
	// priority. Behaviour, protocol and keys are the chip's own.
	Others []Profile `json:"others,omitempty"`

	Tap *Tap `json:"tap,omitempty"` // of a card that is tapped; nil for one with contacts
}

// Format masks the profile for every fmt verb: name and masked PAN remain.
func (p Profile) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// String is the name and the masked account number.
func (p Profile) String() string {
	return "card " + strconv.Quote(p.Name) + " " + secret.PAN(p.PAN).Masked()
}

// LogValue masks the profile for slog.
func (p Profile) LogValue() slog.Value { return slog.StringValue(p.String()) }

// The bits of the AIP for offline data authentication. EMV 4.4 Book 3, Annex C1.
const (
	aipXDA = 0x80
	aipSDA = 0x40
	aipDDA = 0x20
	aipCDA = 0x01
)

// DDA tells whether the card answers INTERNAL AUTHENTICATE.
func (p Profile) DDA() bool { return p.AIP[0]&aipDDA != 0 }

// CDA tells whether the card signs its cryptograms.
func (p Profile) CDA() bool { return p.AIP[0]&aipCDA != 0 }

// Scripts tells whether the card takes commands from its issuer.
func (p Profile) Scripts() bool { return len(p.MACKey) > 0 }

// XDA tells whether the card signs its cryptograms on an elliptic curve.
func (p Profile) XDA() bool { return p.AIP[0]&aipXDA != 0 }

// Signs tells whether the card has a key of RSA for that.
func (p Profile) Signs() bool { return p.DDA() || p.CDA() }

// Key parses the card's private key.
func (p Profile) Key() (*rsa.PrivateKey, error) { return p.parseKey(p.ICCKey) }

// KeyForPIN parses the card's private key for PINs.
func (p Profile) KeyForPIN() (*rsa.PrivateKey, error) { return p.parseKey(p.PINKey) }

func (p Profile) parseKey(der []byte) (*rsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: private key cannot be read", ErrProfile, p.Name)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: %s: private key is a %T, want RSA", ErrProfile, p.Name, parsed)
	}
	return key, nil
}

// Computes is how the card makes its cryptograms.
func (p Profile) Computes() Version {
	if p.Version == 0 {
		return Common
	}
	return p.Version
}

// Stripe is what the magnetic stripe says after the number: expiry YYMM and
// service code, or "" if there is none. ISO/IEC 7813.
func (p Profile) Stripe() string {
	if p.Service == "" {
		return ""
	}
	return p.Expiry[:len("YYMM")] + p.Service
}

// Lengths of expiry (YYMMDD) and service code.
const (
	expirySize  = 6
	serviceSize = 3
)

// othersMax bounds a chip's further applications: their entries fit into one
// record of the directory.
const othersMax = 4

// Check tells whether a card can be made from the profile.
func (p Profile) Check() error {
	switch {
	case p.Name == "":
		return fmt.Errorf("%w: no name", ErrProfile)
	case len(p.PAN) < 8 || len(p.PAN) > 19 || !decimal(p.PAN):
		return fmt.Errorf("%w: %s: account number of %d characters", ErrProfile, p.Name, len(p.PAN))
	case p.PIN != "" && (len(p.PIN) < 4 || len(p.PIN) > 12 || !decimal(p.PIN)):
		return fmt.Errorf("%w: %s: PIN of %d characters", ErrProfile, p.Name, len(p.PIN))
	case p.OldPIN != "" && (len(p.OldPIN) < 4 || len(p.OldPIN) > 12 || !decimal(p.OldPIN)):
		return fmt.Errorf("%w: %s: old PIN of %d characters", ErrProfile, p.Name, len(p.OldPIN))
	case len(p.MasterKey) != 16:
		return fmt.Errorf("%w: %s: master key of %d bytes, want 16", ErrProfile, p.Name, len(p.MasterKey))
	case len(p.MACKey) != len(p.EncipherKey) || len(p.MACKey) != 0 && len(p.MACKey) != 16:
		return fmt.Errorf("%w: %s: keys for scripts of %d and %d bytes, want 16 or none", ErrProfile, p.Name, len(p.MACKey), len(p.EncipherKey))
	case len(p.AID) < 5 || len(p.AID) > 16:
		return fmt.Errorf("%w: %s: AID of %d bytes, want 5 to 16", ErrProfile, p.Name, len(p.AID))
	case len(p.AIP) != 2 || len(p.AFL) == 0 || len(p.AFL)%4 != 0:
		return fmt.Errorf("%w: %s: AIP or AFL has the wrong length", ErrProfile, p.Name)
	case p.Service != "" && (len(p.Service) != serviceSize || !decimal(p.Service)) || len(p.Expiry) != expirySize:
		return fmt.Errorf("%w: %s: service code or expiry has the wrong length", ErrProfile, p.Name)
	case !p.Computes().known():
		return fmt.Errorf("%w: %s: cryptogram version %02X", ErrProfile, p.Name, byte(p.Version))
	case p.Protocol != 0 && p.Protocol != 1:
		return fmt.Errorf("%w: %s: protocol T=%d", ErrProfile, p.Name, p.Protocol)
	}
	switch p.Behaviour {
	case Plain, NoPSE, Mute, Blocked, SaysNo, AskPause, Forged, NoTries, NoChip, SwipedFirst:
	default:
		return fmt.Errorf("%w: %s: unknown behaviour %q", ErrProfile, p.Name, p.Behaviour)
	}
	if p.Tap != nil {
		if err := p.Tap.check(&p); err != nil {
			return err
		}
	}
	if p.Signs() {
		if _, err := p.Key(); err != nil {
			return err
		}
	}
	if p.XDA() {
		if _, err := p.CurveKey(); err != nil {
			return err
		}
	}
	if len(p.PINKey) > 0 {
		if _, err := p.KeyForPIN(); err != nil {
			return err
		}
	}
	for _, other := range p.Others {
		if len(other.Others) > 0 || len(p.Others) > othersMax {
			return fmt.Errorf("%w: %s: too many applications", ErrProfile, p.Name)
		}
		if err := other.Check(); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return nil
}
