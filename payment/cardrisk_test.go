package payment

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/secret"
)

// nameSealer has the account number for a token.
type nameSealer struct{ Sealer }

func (nameSealer) Token(pan secret.PAN) string                { return "token " + string(pan[:4]) }
func (nameSealer) Key() string                                { return "" }
func (nameSealer) Seal(ID, keys.Part, []byte) ([]byte, error) { return nil, nil }

// TestEarlier: what counts as a part of a split sale.
func TestEarlier(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	jpy := money.Currency{Code: "JPY", Numeric: 392}
	sale := func(state State, minor int64, c money.Currency, age time.Duration, token string) Record {
		return Record{
			State: state, At: now.Add(-age), Opening: Opening{Amount: money.Amount{Minor: minor, Currency: c}},
			Attempts: []Attempt{{Card: CardData{Token: token}}},
		}
	}
	offline := Record{
		State: Approved, At: now.Add(-time.Hour), Opening: Opening{Amount: money.Amount{Minor: 1, Currency: cny}},
		Ending: Ending{Offline: true, Card: &CardData{Token: "token 9999"}},
	}
	records := []Record{
		offline,
		sale(Approved, 20, cny, 2*time.Hour, "token 9999"),
		sale(Approved, 300, cny, 24*time.Hour, "token 9999"),                                               // yesterday
		sale(Approved, 4000, jpy, time.Hour, "token 9999"),                                                 // other money
		sale(Approved, 50000, cny, time.Hour, "token 8888"),                                                // another card
		sale(Reversed, 600000, cny, time.Hour, "token 9999"),                                               // undone
		sale(Declined, 7000000, cny, time.Hour, "token 9999"),                                              // never was
		{State: Approved, At: now, Opening: Opening{Amount: money.Amount{Minor: 80000000, Currency: cny}}}, // without a card
	}
	terminal := &Terminal{Sealer: nameSealer{}}
	for pan, want := range map[string]int64{"9999010000000018": 21, "8888010000000018": 50000, "7777010000000018": 0} {
		if got := terminal.earlier(records, cny, now)(secret.PAN(pan)); got != want {
			t.Errorf("earlier(%.4s...) = %d, want %d", pan, got, want)
		}
	}
}

// TestLatest: the journal is read only where something may be approved
// offline, and a journal that cannot be read sells nothing.
func TestLatest(t *testing.T) {
	data, err := os.ReadFile("../params/testdata/params-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	for _, floor := range []uint32{0, 10000} {
		doc, err := params.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		doc.Contact.Applications[1].FloorLimitMinor = floor
		terminal := &Terminal{Params: doc, Sealer: nameSealer{}, Random: func(b []byte) { b[0] = 1 }}
		terminal.Latest = func(limit int) ([]Record, error) {
			if limit != earlierMax {
				t.Errorf("floor limit %d: asked for %d", floor, limit)
			}
			return nil, broken
		}
		if _, err := terminal.Config(Numbers{}); errors.Is(err, broken) != (floor > 0) {
			t.Errorf("floor limit %d: %v", floor, err)
		}
		terminal.Latest = nil
		cfg, err := terminal.Config(Numbers{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cfg.Kernel(emv.Transaction{At: time.Unix(0, 0)}, cny); err != nil {
			t.Errorf("floor limit %d: %v", floor, err)
		}
	}
}

// TestEarlierReachesTheCard: two sales of one card reach the floor limit of
// 100.00 together, and the TVR that the card is given says so (B4b8).
func TestEarlierReachesTheCard(t *testing.T) {
	data, err := os.ReadFile("../params/testdata/params-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := params.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	for before, want := range map[int64]byte{8749: 0x00, 8750: 0x80} {
		terminal := &Terminal{Params: doc, Sealer: nameSealer{}, Random: func(b []byte) { b[0] = 99 }}
		terminal.Latest = func(int) ([]Record, error) {
			return []Record{{
				State: Approved, At: now, Opening: Opening{Amount: money.Amount{Minor: before, Currency: cny}},
				Attempts: []Attempt{{Card: CardData{Token: "token 9999"}}},
			}}, nil
		}
		cfg, err := terminal.Config(Numbers{})
		if err != nil {
			t.Fatal(err)
		}
		machine, err := cfg.Kernel(emv.Transaction{AmountMinor: 1250, At: now}, cny)
		if err != nil {
			t.Fatal(err)
		}
		tvr := firstTVR(t, machine)
		if tvr[3]&0x80 != want {
			t.Errorf("12.50 after %d: TVR %X, want B4b8 %02X", before, tvr, want)
		}
	}
}

// TestExceptionReachesTheCard: the TVR says that the card is on the list of the
// parameters (B1b5).
func TestExceptionReachesTheCard(t *testing.T) {
	data, err := os.ReadFile("../params/testdata/params-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	for pan, want := range map[string]byte{"9999010000000018": 0x10, "9999010000000026": 0x00} {
		doc, err := params.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		doc.Exceptions = &params.Exceptions{Key: make([]byte, 32)}
		doc.Exceptions.Cards = []params.Hex16{doc.Exceptions.Card(secret.PAN(pan))}
		terminal := &Terminal{Params: doc, Sealer: nameSealer{}, Random: func(b []byte) { b[0] = 99 }}
		cfg, err := terminal.Config(Numbers{})
		if err != nil {
			t.Fatal(err)
		}
		machine, err := cfg.Kernel(emv.Transaction{AmountMinor: 1250, At: time.Unix(1795426200, 0)}, cny)
		if err != nil {
			t.Fatal(err)
		}
		if tvr := firstTVR(t, machine); tvr[0]&0x10 != want {
			t.Errorf("%s listed: TVR %X, want B1b5 %02X", pan, tvr, want)
		}
	}
}

// firstTVR plays a card whose CDOL1 is the TVR alone, up to GENERATE AC.
func firstTVR(t *testing.T, machine emv.Machine) []byte {
	t.Helper()
	object := func(tag tlv.Tag, parts ...[]byte) []byte { return tlv.Append(nil, tag, bytes.Join(parts, nil)) }
	name := []byte{0xF0, 'C', 'P', 'O', 'S', 1, 2}
	answers := map[byte][]byte{ // by instruction
		0xA4: object(tlv.FCI, object(tlv.DFName, name), object(tlv.FCIProprietary)),
		0xA8: object(tlv.ResponseFormat1, []byte{0x00, 0x00, 0x08, 1, 1, 0}),
		0xB2: object(tlv.RecordTemplate,
			object(tlv.PAN, []byte{0x99, 0x99, 0x01, 0, 0, 0, 0, 0x18}), object(tlv.ExpirationDate, []byte{0x28, 0x12, 0x31}),
			object(tlv.CDOL1, []byte{0x95, 5}), object(tlv.CDOL2, []byte{0x95, 5})),
	}
	var event emv.Event = emv.Start{}
	for range 20 {
		action, err := machine.Step(event)
		if err != nil {
			t.Fatal(err)
		}
		transmit, ok := action.(emv.Transmit)
		if !ok {
			t.Fatalf("%+v, want a command", action)
		}
		c := transmit.Command
		if c[1] == 0xAE {
			return c[5:10]
		}
		event = emv.Response{Data: append(bytes.Clone(answers[c[1]]), 0x90, 0x00)}
		if c[1] == 0xA4 && !bytes.Equal(c[5:5+c[4]], name) {
			event = emv.Response{Data: []byte{0x6A, 0x82}}
		}
	}
	t.Fatal("no GENERATE AC")
	return nil
}

// TestForcedOnlineReachesTheHost: a card that could pay without its issuer is
// sent there by the merchant's wish, and the TVR (B4b4) tells why.
func TestForcedOnlineReachesTheHost(t *testing.T) {
	for forced, want := range map[bool]string{false: "0000000000", true: "0000000800"} {
		terminal := generousTerminal(t)
		terminal.Params.Contact.Applications[0].TACOnline = params.Hex5{3: 0x08}
		x := newTable(t, "approve", true)
		cfg, err := terminal.Config(Numbers{ID: ID{"dev:t1", 1, 1}, STAN: 1, Receipt: 1})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Sealer = glassSealer{x}
		x.flow, x.request.Online = NewFlow(cfg), forced
		x.sell()
		tvr, _ := tlv.Find(x.chip, tlv.TVR)
		if got := fmt.Sprintf("%X", tvr); x.ending.To != Approved || got != want {
			t.Errorf("forced %t: %s, the host was told TVR %s, want %s", forced, x.ending.To, got, want)
		}
	}
}
