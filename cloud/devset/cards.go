package devset

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/secret"
)

// listedCard is on the terminals' list of exceptions.
const listedCard = "listed"

// balanceMinor is what an account of a test card begins with.
const balanceMinor = 100_000_000

// tapMinor is the most that is tapped for without verifying anybody.
const tapMinor = 1_000_00

// accounts are what the issuer does otherwise than to approve, by card.
var accounts = map[string]func(*hostsim.Account){
	"decline":     func(a *hostsim.Account) { a.BalanceMinor = 0 },
	"referral":    func(a *hostsim.Account) { a.Decline = "01" },
	"unblock":     func(a *hostsim.Account) { a.Script = "pin-unblock" },
	"newpin":      func(a *hostsim.Account) { a.Script = "pin-change" },
	"blockapp":    func(a *hostsim.Account) { a.Decline, a.Script = "62", "block-application" },
	"blockcard":   func(a *hostsim.Account) { a.Decline, a.Script = "41", "block-card" },
	"newlimits":   func(a *hostsim.Account) { a.Script, a.LowerLimit, a.UpperLimit = "limits", 2, 4 },
	"scriptfails": func(a *hostsim.Account) { a.Script = "wrong-mac" },

	"tap-3-update": func(a *hostsim.Account) { a.Script = "pin-change" },
}

// initialKSN is the key serial number of the simulated PIN pad, counter 0.
var initialKSN = [10]byte{0xFF, 0xFF, 0x99, 0x99, 0x01, 0x00, 0x00, 0x20, 0x00, 0x00}

// cardKeys are the issuer's secrets, the cards made with them, those that are
// tapped among them, and the public keys of the authorities above the cards.
type cardKeys struct {
	masters issuer.MasterKeys
	bdk     hostsim.Key
	deck    []issuer.Profile
	ca      []issuer.CAKey
}

func newCardKeys(random io.Reader, now time.Time) (*cardKeys, error) {
	c := &cardKeys{}
	for _, key := range []*[16]byte{&c.masters.AC, &c.masters.MAC, &c.masters.Encipher, (*[16]byte)(&c.bdk)} {
		if _, err := io.ReadFull(random, key[:]); err != nil {
			return nil, fmt.Errorf("issuer's keys: %w", err)
		}
	}
	for _, deck := range []func(io.Reader, issuer.MasterKeys, time.Time) ([]issuer.Profile, []issuer.CAKey, error){
		issuer.Deck, issuer.TapDeck,
	} {
		cards, ca, err := deck(random, c.masters, now)
		if err != nil {
			return nil, err
		}
		c.deck, c.ca = append(c.deck, cards...), append(c.ca, ca...)
	}
	return c, nil
}

// exceptions are the cards that the terminals are to be wary of.
func (c *cardKeys) exceptions() (*params.Exceptions, error) {
	list, err := params.NewExceptions(rand.Reader)
	if err != nil {
		return nil, err
	}
	for _, card := range c.deck {
		if card.Name == listedCard {
			list.Add(secret.PAN(card.PAN))
		}
	}
	return list, nil
}

// files are the issuer's, the cards and the PIN pad's key.
func (c *cardKeys) files() ([]file, error) {
	cfg := hostsim.Config{
		IMK: c.masters.AC, MAC: c.masters.MAC, Encipher: c.masters.Encipher, BDK: c.bdk, Accounts: accountsOf(c.deck),
	}
	ipek, err := keys.InitialKey(c.bdk, initialKSN)
	if err != nil {
		return nil, err
	}
	pad := struct {
		IPEK string `json:"ipek"`
		KSN  string `json:"ksn"`
	}{hex.EncodeToString(ipek[:]), hex.EncodeToString(initialKSN[:])}
	var files []file
	for path, v := range map[string]any{issuerFile: cfg, cardsFile: c.deck, "sim/pinpad.json": pad} {
		f, err := written(path, v)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// The files that hold cards: those of the issuer, and their chips.
const (
	issuerFile = "cloud/issuer.json"
	cardsFile  = "sim/cards.json"
)

// accountsOf are the accounts behind the cards: one for each application.
func accountsOf(deck []issuer.Profile) (list []hostsim.Account) {
	for _, card := range deck {
		for _, p := range append([]issuer.Profile{card}, card.Others...) {
			a := hostsim.Account{Name: p.Name, PAN: p.PAN, PSN: p.PSN, PIN: p.PIN, BalanceMinor: balanceMinor, Stripe: p.Stripe()}
			if p.Tap != nil {
				a.TapMinor = tapMinor
			}
			if special, ok := accounts[p.Name]; ok {
				special(&a)
			}
			list = append(list, a)
		}
	}
	return list
}

// written is a file of JSON.
func written(path string, v any) (file, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return file{}, fmt.Errorf("%s: %w", path, err)
	}
	return file{path: path, data: append(data, '\n')}, nil
}
