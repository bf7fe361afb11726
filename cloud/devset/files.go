package devset

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/cloud/pki"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// acquirerID names the key that opens sealed card data.
const acquirerID = "dev-1"

// floorMinor is the floor limit of the one application that has one.
const floorMinor = 200_00

// years is how long certificates and parameters are good.
const years = 2

// certificates makes the PKI.
func certificates(now time.Time) ([]file, error) {
	ca, err := pki.NewCA("development", now)
	if err != nil {
		return nil, err
	}
	expires := now.AddDate(years, 0, 0)
	server, err := ca.Server([]string{"localhost", "127.0.0.1", "::1"}, now, expires)
	if err != nil {
		return nil, err
	}
	client, err := ca.Terminal(Terminal, now, expires)
	if err != nil {
		return nil, err
	}
	return []file{
		{path: "cloud/tls/ca.crt", data: ca.Pair().Cert, public: true},
		{path: "cloud/ca.key", data: ca.Pair().Key},
		{path: "cloud/tls/cloud.crt", data: server.Cert, public: true},
		{path: "cloud/tls/cloud.key", data: server.Key},
		{path: "t1/tls/ca.crt", data: ca.Pair().Cert, public: true},
		{path: "t1/tls/client.crt", data: client.Cert, public: true},
		{path: "t1/tls/client.key", data: client.Key},
	}, nil
}

// parameters makes the acquirer's key, the parameter document that names its
// public half, and the signature on that.
func parameters(now time.Time, c *cardKeys) ([]file, error) {
	acquirer, err := keys.NewPrivate()
	if err != nil {
		return nil, err
	}
	acquirerHex, err := acquirer.Hex()
	if err != nil {
		return nil, err
	}
	doc, err := document(acquirer.Public().String(), c.ca)
	if err != nil {
		return nil, err
	}
	if doc.Exceptions, err = c.exceptions(); err != nil {
		return nil, err
	}
	text, err := doc.Encode()
	if err != nil {
		return nil, err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("key that signs parameters: %w", err)
	}
	signed, err := wire.Sign(private, wire.SignedParams, doc.Version, now, now.AddDate(years, 0, 0), text)
	if err != nil {
		return nil, err
	}
	return []file{
		{path: "cloud/acquirer.key", data: []byte(acquirerHex + "\n")},
		{path: "cloud/params.key", data: []byte(hex.EncodeToString(private.Seed()) + "\n")},
		{path: paramsFile, data: signed, public: true},
		{path: "t1/params.pub", data: []byte(hex.EncodeToString(public) + "\n"), public: true},
	}, nil
}

// document is a small shop in Shanghai that takes the test cards.
func document(sealKey string, authority []issuer.CAKey) (*params.Document, error) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return nil, err
	}
	return &params.Document{
		Schema: params.Schema, Version: 1, Environment: params.Development,
		Merchant: params.Merchant{
			ID: "898310055330001", Name: "云端便利店 Cloud Store", Address: "1 Example Road, Shanghai", Category: 5411,
		},
		Terminal: params.Terminal{
			AcquirerTerminalID: "00000001", Serial: "CP000001", Country: 156, Type: 0x22, Timezone: params.Timezone{Location: zone},
		},
		Acquirer:   params.Acquirer{ID: "999901", SealKeyID: acquirerID, SealKey: sealKey},
		Currencies: currencies("CNY", "EUR", "JPY", "USD"),
		Limits:     params.Limits{SaleMaxMinor: map[string]int64{"CNY": 5_000_000, "EUR": 500_000, "JPY": 1_000_000, "USD": 500_000}},
		Contact: params.Contact{
			Applications: []params.Application{{
				// All that is sold under the first name is asked of the issuer.
				AID: issuer.AID, Partial: true, Version: params.Hex2{0x00, 0x01}, // as the cards of the set have it
				// EMV 4.4 Book 3, Annex C5. Denial: service not allowed. Online
				// and default: whatever makes the card's word doubtful, and a
				// PIN that only the issuer can verify.
				TACDenial:  params.Hex5{0x00, 0x10, 0x00, 0x00, 0x00},
				TACOnline:  params.Hex5{0xDC, 0x40, 0x04, 0xF8, 0x00},
				TACDefault: params.Hex5{0xDC, 0x40, 0x04, 0xA8, 0x00},
				DDOL:       params.Hex{0x9F, 0x37, 0x04},
			}, {
				// The second shows what a floor limit does: below it a card that can
				// prove itself, by DDA or better, may approve alone.
				AID: issuer.AIDOffline, Partial: true, Version: params.Hex2{0x00, 0x01},
				TACDenial:       params.Hex5{0x00, 0x10, 0x00, 0x00, 0x00},
				TACOnline:       params.Hex5{0xDE, 0x40, 0x04, 0xF8, 0x00},
				TACDefault:      params.Hex5{0xDE, 0x40, 0x04, 0xA8, 0x00},
				FloorLimitMinor: floorMinor,
				DDOL:            params.Hex{0x9F, 0x37, 0x04},
			}},
			CAKeys: caKeys(authority),
			XDA:    true,
		},
		Stripe:      params.Stripe{Allowed: true, Fallback: true},
		Contactless: contactless(),
		CVM:         params.CVM{OnlinePIN: true, Signature: true, NoCVM: true, PlainPIN: true, EncipheredPIN: true},
		PIN:         params.PIN{AttemptsMax: 3, Min: 4, Max: 12},
		Timeouts:    params.Timeouts{Card: time.Minute, Choice: 30 * time.Second, PIN: time.Minute, Host: 30 * time.Second},
	}, nil
}

// caKeys are the authority's keys as a document has them.
func caKeys(authority []issuer.CAKey) []params.CAKey {
	var keys []params.CAKey
	for _, ca := range authority {
		k := params.CAKey{
			RID: ca.RID, Index: params.Hex1(ca.Index), Modulus: ca.Modulus, Exponent: ca.Exponent,
			Suite: params.Hex1(ca.Suite), X: ca.X, Expiry: params.Date{Time: ca.Expiry},
		}
		for _, serial := range ca.Revoked {
			k.Revoked = append(k.Revoked, serial)
		}
		k.Checksum = k.Sum()
		keys = append(keys, k)
	}
	return keys
}

// currencies looks up codes that money is known to have; a wrong one shows in
// Encode, which wants each to be valid.
func currencies(codes ...string) (all params.Currencies) {
	for _, code := range codes {
		c, _ := money.Lookup(code)
		all = append(all, c)
	}
	return all
}

// configurations are the two programs' files. Paths in them are relative to
// the file's folder, so that the set can be moved.
func configurations(o Opts) []file {
	const cloud = `# The reference cloud, for development. Paths are relative to this folder.
data = "data"                  # ledger, host simulator, broker sessions
mqtt = "127.0.0.1:%d"          # terminals, MQTT over TLS
status = "127.0.0.1:%d"        # GET /healthz /ledger /host, loopback only
workers = 16                   # messages handled at once

[tls]
ca = "tls/ca.crt"              # signs the terminals' certificates
cert = "tls/cloud.crt"
key = "tls/cloud.key"

[acquirer]
id = "%s"                   # of the key that terminals seal card data to
key = "acquirer.key"

[issuer]
file = "issuer.json"           # host simulator
`
	const terminal = `# One terminal with simulated devices. Paths are relative to this folder.
terminal = "%s"            # as in the client certificate
data = "data"                  # journal
cloud = "mqtts://127.0.0.1:%d"

[tls]
ca = "tls/ca.crt"
cert = "tls/client.crt"
key = "tls/client.key"

[params]
file = "params.json"           # signed by the cloud
key = "params.pub"

[devices]
reader = "sim:../sim"
antenna = "sim:../sim"
stripe = "sim:../sim"
pinpad = "sim:../sim"
printer = "sim:../sim"
panel = "sim:../sim"
`
	const screen = `
[screen]
web = "%s"         # the touch screen, for browsers on this machine
size = "720x1280"
dpi = 267                      # a panel of 5.5 inches
`
	ownScreen := ""
	if o.Screen != "" {
		ownScreen = fmt.Sprintf(screen, o.Screen)
	}
	return []file{
		{path: "cloud/cloud.toml", data: fmt.Appendf(nil, cloud, o.MQTTPort, o.StatusPort, acquirerID), public: true},
		{path: terminalFile, data: fmt.Appendf(nil, terminal+ownScreen, Terminal, o.MQTTPort), public: true},
	}
}
