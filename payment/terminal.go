package payment

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel2"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/secret"
)

// Fitted tells which devices the terminal has, by their addresses; "" is none.
// What is not fitted is not claimed to the card.
type Fitted struct {
	Reader, Antenna, Stripe, PINPad, Printer string
	// PINs that the reader takes at its own keys and has the card verify.
	PlainPIN, EncipheredPIN bool
}

// Terminal makes the Config of each transaction from the parameters in force. It
// is for one transaction after the other, and remembers the taps of each that broke
// off.
type Terminal struct {
	Software string
	Params   *params.Document
	Fitted   Fitted
	Sealer   Sealer
	Random   func([]byte) // fills; crypto/rand outside tests
	// Screen: there is one, which shows names and lets the customer choose
	// among applications.
	Screen bool
	// Latest gives the newest transactions of the journal, or is nil.
	Latest func(limit int) ([]Record, error)

	torn *kernel2.TornLog // made with the first tap
}

// Config is Parts.Configure.
func (t *Terminal) Config(n Numbers) (Config, error) {
	caps := t.capabilities()
	p := t.Params
	snapshot := Snapshot{
		Software: t.Software, Params: p.Version, Merchant: p.Merchant.ID,
		Terminal: p.Terminal.AcquirerTerminalID, Capabilities: strings.ToUpper(hex.EncodeToString(caps[:])),
		Reader: t.Fitted.Reader, Antenna: t.Fitted.Antenna, Stripe: t.Fitted.Stripe, PINPad: t.Fitted.PINPad, Printer: t.Fitted.Printer,
	}
	if t.Fitted.PINPad != "" {
		snapshot.KeyScheme = drivers.SchemeTDESDUKPT
	}
	latest, err := t.latest()
	if err != nil {
		return Config{}, err
	}
	return Config{
		Numbers: n, Snapshot: snapshot, Sealer: t.Sealer, Media: t.media(),
		Waits:  Waits{Card: p.Timeouts.Card, Choice: p.Timeouts.Choice, PIN: p.Timeouts.PIN, Host: p.Timeouts.Host},
		PIN:    PINRules{Min: int(p.PIN.Min), Max: int(p.PIN.Max), AttemptsMax: p.PIN.AttemptsMax},
		Stripe: stripeRules(p.Stripe, caps),
		Kernel: func(tx emv.Transaction, c money.Currency) (emv.Machine, error) {
			tx.At = tx.At.In(p.Terminal.Timezone.Location)
			cfg := t.kernelConfig(caps, c)
			cfg.Earlier = t.earlier(latest, c, tx.At)
			return emv.New(cfg, tx)
		},
		Tap: t.tap(caps, latest), Forget: t.forgetTorn,
	}, nil
}

// media are those that may be asked for where nothing is tapped.
func (t *Terminal) media() (m drivers.Media) {
	if t.Fitted.Reader != "" {
		m |= drivers.Contact
	}
	if t.TakesStripes() {
		m |= drivers.Stripe
	}
	return m
}

// TakesStripes tells whether a reader of magnetic stripes is fitted and may be
// used.
func (t *Terminal) TakesStripes() bool { return t.Fitted.Stripe != "" && t.Params.Stripe.Allowed }

// Allows checks a request against the parameters before anything is begun.
func (t *Terminal) Allows(r Request) error {
	if !slices.Contains(t.Params.Currencies, r.Amount.Currency) {
		return fmt.Errorf("%w: %s is not sold in here", money.ErrCurrency, r.Amount.Currency.Code)
	}
	most := money.Amount{Minor: t.Params.Limits.SaleMaxMinor[r.Amount.Currency.Code], Currency: r.Amount.Currency}
	if r.Amount.Minor <= 0 || r.Amount.Minor > most.Minor {
		return fmt.Errorf("%w: %v, a sale is at least %v and at most %v", money.ErrAmount,
			r.Amount, money.Amount{Minor: 1, Currency: r.Amount.Currency}, most)
	}
	return nil
}

// The bits of 9F33 that are used here. EMV 4.4 Book 4, Annex A2.
const (
	capStripe        = 0x40 // byte 1
	capChip          = 0x20
	capPlainPIN      = 0x80 // byte 2
	capOnlinePIN     = 0x40
	capSignature     = 0x20
	capEncipheredPIN = 0x10
	capNoCVM         = 0x08
	capSDA           = 0x80 // byte 3
	capDDA           = 0x40
	capCDA           = 0x08
	capXDA           = 0x04
)

// capabilities is 9F33: what the fitted devices can do and the parameters
// allow. A signature needs a slip to write it on, and somebody who compares it.
func (t *Terminal) capabilities() [3]byte {
	caps := [3]byte{capChip, 0, capSDA | capDDA | capCDA}
	if t.TakesStripes() {
		caps[0] |= capStripe
	}
	if t.Fitted.PINPad != "" && t.Params.CVM.OnlinePIN {
		caps[1] |= capOnlinePIN
	}
	if t.Fitted.PlainPIN && t.Params.CVM.PlainPIN {
		caps[1] |= capPlainPIN
	}
	if t.Fitted.EncipheredPIN && t.Params.CVM.EncipheredPIN {
		caps[1] |= capEncipheredPIN
	}
	if t.Fitted.Printer != "" && t.Params.CVM.Signature && t.attended() {
		caps[1] |= capSignature
	}
	if t.Params.CVM.NoCVM {
		caps[1] |= capNoCVM
	}
	if t.Params.Contact.XDA {
		caps[2] |= capXDA
	}
	return caps
}

// attended tells whether a merchant's people are there, Book 4 A1: the second
// digit of the type is 1 to 3.
func (t *Terminal) attended() bool { return t.Params.Terminal.Type&0x0F <= 3 }

// stripeRules says for a swiped card what 9F33 says to a chip.
func stripeRules(p params.Stripe, caps [3]byte) StripeRules {
	taken := caps[0]&capStripe != 0
	return StripeRules{
		Allowed: taken, Fallback: taken && p.Fallback,
		OnlinePIN: caps[1]&capOnlinePIN != 0, Signature: caps[1]&capSignature != 0, NoCVM: caps[1]&capNoCVM != 0,
	}
}

// additional is 9F40, Book 4 A3: goods and services, and what people can press,
// read and take away. Names are shown on the screen alone, which has the
// letters of code table 1 (ISO 8859-1); of the others the kernel reads none.
func (t *Terminal) additional() [5]byte {
	const (
		goods, services          = 0x40, 0x20 // byte 1
		numericKeys, commandKeys = 0x80, 0x20 // byte 3
		print4Both               = 0xC0       // byte 4: for attendant and cardholder
		showAttendant            = 0x20
		showCardholder           = 0x10
		latin1                   = 0x01 // byte 5
	)
	a := [5]byte{goods | services}
	if t.Screen {
		a[2] |= numericKeys | commandKeys
		a[3] |= showAttendant
		a[4] |= latin1
	}
	if t.Fitted.PINPad != "" || t.Fitted.PlainPIN || t.Fitted.EncipheredPIN {
		a[2] |= numericKeys | commandKeys
		a[3] |= showCardholder
	}
	if t.Fitted.Printer != "" {
		a[3] |= print4Both
	}
	return a
}

// unproved are the bits of the TVR for a card that has not proved itself by a
// signature of its own: data authentication not performed, any of its methods
// failed, SDA selected, for static data can be copied. Such a card is never
// approved without its issuer, whatever the parameters say. The bits of XDA, in
// bytes 4 and 5, come after the first cryptogram, when the kernel asks the
// issuer in any case.
var unproved = [5]byte{0: 0x80 | 0x40 | 0x08 | 0x04 | 0x02, 3: 0x01, 4: 0x04 | 0x02}

// unlessProved adds unproved to an action code.
func unlessProved(code [5]byte) [5]byte {
	for i, bits := range unproved {
		code[i] |= bits
	}
	return code
}

func (t *Terminal) kernelConfig(caps [3]byte, c money.Currency) emv.Config {
	p := t.Params
	cfg := emv.Config{
		TerminalType: byte(p.Terminal.Type), Capabilities: caps, Additional: t.additional(),
		Country: p.Terminal.Country, Currency: c.Numeric, CurrencyExponent: c.Exponent,
		TerminalID: p.Terminal.AcquirerTerminalID, Serial: p.Terminal.Serial,
		MerchantID: p.Merchant.ID, MerchantName: p.Merchant.Name, MerchantCategory: uint16(p.Merchant.Category),
		AcquirerID: p.Acquirer.ID,
		CDAMode:    emv.CDAMode1,
		Random:     t.Random,
		CanChoose:  t.Screen,
	}
	for _, a := range p.Contact.Applications {
		cfg.Applications = append(cfg.Applications, emv.Application{
			AID: a.AID, Partial: a.Partial, Version: a.Version,
			TACDenial: a.TACDenial, TACOnline: unlessProved(a.TACOnline), TACDefault: unlessProved(a.TACDefault),
			FloorLimitMinor: a.FloorLimitMinor, RandomThresholdMinor: a.RandomThresholdMinor,
			RandomTargetPercent: a.RandomTargetPercent, RandomMaximum: a.RandomMaximumPercent,
			DefaultDDOL: a.DDOL,
		})
	}
	if p.Exceptions != nil {
		cfg.Listed = func(pan secret.PAN, _ string) bool { return p.Exceptions.Lists(pan) }
	}
	for _, k := range p.Contact.CAKeys {
		key := oda.CAKey{
			RID: k.RID, Index: byte(k.Index), Modulus: k.Modulus, Exponent: k.Exponent,
			Suite: oda.Suite(k.Suite), X: k.X, Point: k.Point, Expiry: k.Expiry.Time,
		}
		if key.Point != nil {
			key.SM2 = keys.SM2{}
		}
		for _, serial := range k.Revoked {
			key.Revoked = append(key.Revoked, serial)
		}
		cfg.CAKeys = append(cfg.CAKeys, key)
	}
	return cfg
}

// AcquirerSealer seals to the acquirer's public key of the parameters.
type AcquirerSealer struct {
	KeyID  string
	Public keys.Public
	Tokens *keys.Tokens
}

// Key is the id of the acquirer's key.
func (s AcquirerSealer) Key() string { return s.KeyID }

// Seal binds the part to its transaction and its name.
func (s AcquirerSealer) Seal(id ID, part keys.Part, plain []byte) ([]byte, error) {
	return keys.Seal(s.Public, keys.Info(id.Terminal, id.Epoch, id.Seq, part), plain)
}

// Token is keyed with this terminal's own key.
func (s AcquirerSealer) Token(pan secret.PAN) string { return s.Tokens.Token(pan) }
