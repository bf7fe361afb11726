package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/secret"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// waitMax bounds waits for what must come; a test does not sleep.
const waitMax = 30 * time.Second

// terminal plays dev:t1 of a development set: a paho client, a card and a PIN
// pad, made from the set's files.
type terminal struct {
	t       *testing.T
	client  mqtt.Client
	answers chan mqtt.Message
	seal    keys.Public
	deck    map[string]issuer.Profile
	pad     *keys.DUKPT
	atc     uint16
}

func newTerminal(t *testing.T, dir, addr string) *terminal {
	t.Helper()
	x := &terminal{t: t, answers: make(chan mqtt.Message, 100), deck: map[string]issuer.Profile{}}
	key, err := keys.ParsePrivate(strings.TrimSpace(string(readFile(t, dir, "cloud/acquirer.key"))))
	if err != nil {
		t.Fatal(err)
	}
	x.seal = key.Public()
	var deck []issuer.Profile
	var pad struct{ IPEK, KSN issuer.Hex }
	for file, into := range map[string]any{"sim/cards.json": &deck, "sim/pinpad.json": &pad} {
		if err := json.Unmarshal(readFile(t, dir, file), into); err != nil {
			t.Fatal(err)
		}
	}
	for _, card := range deck {
		x.deck[card.Name] = card
	}
	if x.pad, err = keys.NewDUKPT([16]byte(pad.IPEK), [10]byte(pad.KSN)); err != nil {
		t.Fatal(err)
	}
	x.connect(dir, addr)
	return x
}

func readFile(t *testing.T, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (x *terminal) connect(dir, addr string) {
	x.t.Helper()
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "t1/tls/client.crt"), filepath.Join(dir, "t1/tls/client.key"))
	if err != nil {
		x.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(readFile(x.t, dir, "t1/tls/ca.crt"))
	x.client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker("mqtts://" + addr).SetClientID("dev:t1").
		SetTLSConfig(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}).
		SetProtocolVersion(4).SetAutoReconnect(false).SetConnectTimeout(waitMax))
	x.await(x.client.Connect())
	x.await(x.client.Subscribe("cloudpos/v1/dev/t1/down/#", 0, func(_ mqtt.Client, m mqtt.Message) { x.answers <- m }))
}

func (x *terminal) await(token mqtt.Token) {
	x.t.Helper()
	if !token.WaitTimeout(waitMax) || token.Error() != nil {
		x.t.Fatalf("MQTT: %v", token.Error())
	}
}

// exchange sends and returns what comes back, byte for byte.
func (x *terminal) exchange(kind string, payload []byte) []byte {
	x.t.Helper()
	x.await(x.client.Publish("cloudpos/v1/dev/t1/up/"+kind, 0, false, payload))
	select {
	case m := <-x.answers:
		return m.Payload()
	case <-time.After(waitMax):
		x.t.Fatal("no answer")
		return nil
	}
}

// ask sends a request and checks its answer's verdict and code.
func (x *terminal) ask(req wire.Request, verdict, code string) []byte {
	x.t.Helper()
	data, err := wire.EncodeRequest(req)
	if err != nil {
		x.t.Fatal(err)
	}
	reply := x.exchange(wire.KindRequest, data)
	a, err := wire.DecodeAnswer(reply)
	if err != nil || a.Key != req.Key || a.Verdict != verdict || a.Code != code {
		x.t.Fatalf("%v is answered %s (%v), want %s %q", req.Key, reply, err, verdict, code)
	}
	return reply
}

// sale makes the authorisation of a sale with a card of the deck, and a PIN
// unless it is empty.
func (x *terminal) sale(seq uint64, attempt uint8, card string, minor int64, pin string) wire.Request {
	x.t.Helper()
	p := x.deck[card]
	req := wire.Request{
		Key: wire.Key{Terminal: "dev:t1", Epoch: 1, Seq: seq, Leg: wire.LegAuthorise, Attempt: attempt}, Version: int(attempt),
		At: time.Now(), Kind: "sale", AmountMinor: minor, Currency: "CNY", Exponent: 2, Receipt: uint32(seq), Entry: "05", CVM: "none",
		Card: wire.Card{Masked: secret.PAN(p.PAN).Masked(), SealKey: "dev-1"},
	}
	account, err := json.Marshal(wire.Account{PAN: p.PAN, PSN: p.PSN, Expiry: p.Expiry})
	if err != nil {
		x.t.Fatal(err)
	}
	req.Card.Account = x.sealed(&req, keys.PartAccount, account)
	req.Card.Chip = x.sealed(&req, keys.PartChip, x.chip(p, minor))
	if pin == "" {
		return req
	}
	key, ksn, err := x.pad.Next()
	if err != nil {
		x.t.Fatal(err)
	}
	if key, err = keys.Variant(key, keys.UsePIN); err != nil {
		x.t.Fatal(err)
	}
	block, err := keys.EncryptPIN(0, key, secret.Bytes(pin), secret.PAN(p.PAN))
	if err != nil {
		x.t.Fatal(err)
	}
	req.CVM, req.PIN = "online-pin", &wire.PIN{Scheme: "dukpt-tdes", KSN: ksn[:]}
	req.Card.PIN = x.sealed(&req, keys.PartPIN, block)
	return req
}

func (x *terminal) sealed(req *wire.Request, part keys.Part, plain []byte) []byte {
	x.t.Helper()
	out, err := keys.Seal(x.seal, keys.Info(req.Key.Terminal, req.Key.Epoch, req.Key.Seq, part), plain)
	if err != nil {
		x.t.Fatal(err)
	}
	return out
}

// chip makes the first cryptogram of a card.
func (x *terminal) chip(p issuer.Profile, minor int64) []byte {
	x.t.Helper()
	x.atc++
	amount, err := hex.DecodeString(fmt.Sprintf("%012d", minor))
	if err != nil {
		x.t.Fatal(err)
	}
	values := map[tlv.Tag][]byte{
		tlv.AmountAuthorised: amount, tlv.AmountOther: make([]byte, 6), tlv.TerminalCountry: {0x01, 0x56}, tlv.TVR: make([]byte, 5),
		tlv.TransactionCurrency: {0x01, 0x56}, tlv.TransactionDate: {0x26, 0x03, 0x01}, tlv.TransactionType: {0},
		tlv.UnpredictableNumber: {9, 9, 9, 9}, tlv.AIP: p.AIP, tlv.CryptogramInformation: {0x80},
		tlv.ATC: {byte(x.atc >> 8), byte(x.atc)}, tlv.IssuerApplicationData: issuer.ApplicationData(issuer.Common, [4]byte{3, 0xA0, 0, 0}),
	}
	ac := issuer.Cryptogram(issuer.SessionKey([16]byte(p.MasterKey), x.atc),
		issuer.CryptogramData(func(t tlv.Tag) []byte { return values[t] }))
	values[tlv.ApplicationCryptogram] = ac[:]
	var out []byte
	for t, v := range values {
		out = tlv.Append(out, t, v)
	}
	return out
}

// follow is a later leg of a sale.
func follow(req wire.Request, leg string, version int) wire.Request {
	req.Key.Leg, req.Version = leg, version
	req.Card = wire.Card{Masked: req.Card.Masked}
	req.PIN, req.Ending = nil, &wire.Ending{Reason: "test"}
	return req
}
