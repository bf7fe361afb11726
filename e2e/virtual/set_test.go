package virtual

import (
	"crypto/sha1" // EMV Book 2, 6.2
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/params"
)

// What the customers type. Long, so that they are found nowhere by chance.
const (
	rightPIN = "739164280551"
	wrongPIN = "280519736104"
)

// opened is when every story begins.
var opened = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

const sealKeyID = "test-1"

// poorMinor is what the account of the card called decline has.
const (
	richMinor = 100_000_000
	poorMinor = 1_00
)

// tapFloorMinor is up to where a card that is tapped may approve by itself.
const tapFloorMinor = 20_00

// initialKSN is that of the PIN pad of the first terminal.
var initialKSN = [10]byte{0xFF, 0xFF, 0x99, 0x99, 0x01, 0x00, 0x00, 0x20, 0x00, 0x00}

// set is what all stories share: keys, cards, parameters. It is made once,
// since RSA keys take their time, and never changed.
type set struct {
	deck     map[string]issuer.Profile
	bdk      hostsim.Key
	host     hostsim.Config
	acquirer keys.Private
	params   *params.Document
	tokens   *keys.Tokens
	cny      money.Currency
}

// shared is set by TestMain.
var shared *set

func newSet(dir string) (*set, error) {
	s := &set{deck: map[string]issuer.Profile{}}
	random := rand.NewChaCha8([32]byte{'s', 'e', 't'})
	var imk hostsim.Key
	for _, key := range []*hostsim.Key{&imk, &s.bdk} {
		if _, err := random.Read(key[:]); err != nil {
			return nil, err
		}
	}
	deck, ca, err := issuer.Deck(random, issuer.MasterKeys{AC: imk}, opened)
	if err != nil {
		return nil, err
	}
	taps, tapCA, err := issuer.TapDeck(random, issuer.MasterKeys{AC: imk}, opened)
	if err != nil {
		return nil, err
	}
	deck = append(deck, taps...)
	s.host = hostsim.Config{IMK: imk, BDK: s.bdk}
	for _, p := range deck {
		account := hostsim.Account{Name: p.Name, PAN: p.PAN, PSN: p.PSN, BalanceMinor: richMinor, Stripe: p.Stripe()}
		if p.PIN != "" {
			for i, k := range p.Keys {
				if p.Keys[i] = wrongPIN; k == p.PIN {
					p.Keys[i] = rightPIN
				}
			}
			p.PIN, account.PIN = rightPIN, rightPIN
		}
		switch p.Name {
		case "tap-2-pin":
			p.Keys = []string{wrongPIN, rightPIN}
		case "decline":
			account.BalanceMinor = poorMinor
		case "referral":
			account.Decline = "01"
		}
		s.deck[p.Name] = p
		s.host.Accounts = append(s.host.Accounts, account)
	}
	if s.acquirer, err = keys.NewPrivate(); err != nil {
		return nil, err
	}
	if s.tokens, err = keys.OpenTokens(filepath.Join(dir, "token.key")); err != nil {
		return nil, err
	}
	if s.cny, err = money.Lookup("CNY"); err != nil {
		return nil, err
	}
	s.params, err = document(s.acquirer.Public(), []issuer.CAKey{ca[0], tapCA[0]}, s.cny)
	return s, err
}

// document is a parameter document, through its own encoder and parser.
func document(seal keys.Public, authorities []issuer.CAKey, cny money.Currency) (*params.Document, error) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return nil, err
	}
	d := &params.Document{
		Schema: params.Schema, Version: 1, Environment: params.Development,
		Merchant:   params.Merchant{ID: "898310055330001", Name: "Cloud Store", Address: "1 Example Road", Category: 5411},
		Terminal:   params.Terminal{AcquirerTerminalID: "00000001", Serial: "CP000001", Country: 156, Type: 0x22, Timezone: params.Timezone{Location: zone}},
		Acquirer:   params.Acquirer{ID: "999901", SealKeyID: sealKeyID, SealKey: seal.String()},
		Currencies: params.Currencies{cny},
		Limits:     params.Limits{SaleMaxMinor: map[string]int64{cny.Code: 5_000_000}},
		Contact: params.Contact{
			Applications: []params.Application{{
				AID: issuer.AID, Partial: true, Version: params.Hex2{0x00, 0x96},
				TACDenial: params.Hex5{0x00, 0x10}, TACOnline: params.Hex5{0xD8, 0x40, 0x04, 0xF8, 0x00},
				TACDefault: params.Hex5{0xD8, 0x40, 0x00, 0xA8, 0x00}, DDOL: []byte{0x9F, 0x37, 0x04},
			}},
		},
		Contactless: contactless(cny),
		Stripe:      params.Stripe{Allowed: true, Fallback: true},
		CVM:         params.CVM{OnlinePIN: true, Signature: true, NoCVM: true, PlainPIN: true},
		PIN:         params.PIN{AttemptsMax: 3, Min: 4, Max: 12},
		Timeouts:    params.Timeouts{Card: time.Minute, Choice: 30 * time.Second, PIN: time.Minute, Host: 30 * time.Second},
	}
	for _, ca := range authorities {
		sum := sha1.Sum(slices.Concat(ca.RID[:], []byte{ca.Index}, ca.Modulus, ca.Exponent))
		d.Contact.CAKeys = append(d.Contact.CAKeys, params.CAKey{
			RID: ca.RID, Index: params.Hex1(ca.Index), Modulus: ca.Modulus, Exponent: ca.Exponent,
			Expiry: params.Date{Time: ca.Expiry}, Checksum: sum[:],
		})
	}
	data, err := d.Encode()
	if err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	return params.Parse(data)
}

// contactless is what may be tapped: small sums may be approved by the card.
func contactless(cny money.Currency) params.Contactless {
	limits := func(l params.TapLimits) map[string]params.TapLimits { return map[string]params.TapLimits{cny.Code: l} }
	atOnce := params.TapLimits{TransactionMinor: 1_000_00, FloorMinor: tapFloorMinor, CVMMinor: 100_00}
	generating := atOnce
	generating.DeviceMinor = 5_000_00
	return params.Contactless{Applications: []params.TapApplication{
		{AID: issuer.AIDTap2, Kernel: issuer.Kernel2, Limits: limits(generating), Generating: &params.Generating{
			Version: params.Hex2{0x00, 0x02}, DeviceCVM: true,
			TACDenial: params.Hex5{0x84, 0x10, 0x00, 0x00, 0x0C},
			TACOnline: params.Hex5{0xF4, 0x50, 0x84, 0x80, 0x0C}, TACDefault: params.Hex5{0xF4, 0x50, 0x84, 0x80, 0x0C},
		}},
		{AID: issuer.AIDTap3, Kernel: issuer.Kernel3, Limits: limits(atOnce), AtOnce: &params.AtOnce{TTQ: params.Hex4{0x37, 0x00, 0xC0, 0x00}}},
		{AID: issuer.AIDTap7, Kernel: issuer.Kernel7, Limits: limits(atOnce), AtOnce: &params.AtOnce{TTQ: params.Hex4{0x37, 0x00, 0x40, 0x00}}},
	}}
}
